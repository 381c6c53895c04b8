"""What one student handed in, as it was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.lms.layout import Owner
from grader.submissions.students.times import Moment, now, of_file


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    `student` is unique in the class and safe as the name of a folder. `files` are all files that
    may hold Python, the nearest first; `names` says what each is called within what the student
    handed in ("src/utils.py"), no two alike. If there is a `problem`, nothing is to be graded, and
    `files` holds what the problem is about, if there is anything. `owner` is who it is in the
    system that the class comes from, if it comes from one, and `moments` says when files were
    handed in, if anything tells but the files themselves. `late` is whether the system marks it as
    late, None if it marks nobody. `earlier` are the same student's attempts before this one.
    `called` is the name of the file or folder, by which a student whom no system knows is known.
    """

    student: str
    files: tuple[Path, ...]
    problem: str | None
    owner: Owner | None = None
    moments: Mapping[Path, Moment] = field(default_factory=dict, hash=False)
    names: Mapping[Path, str] = field(default_factory=dict, hash=False)
    late: bool | None = None
    earlier: tuple["Submission", ...] = ()
    called: str = field(default="", compare=False)

    def handed_in(self, paths: Sequence[Path]) -> Moment:
        """Return when the last of these files of it was handed in, and who says so.

        The time of a file itself is what is left if neither the system nor an archive tells. Of no
        file it is what the system says, the last of what else there is, or the present moment.
        """
        if not paths and self.owner and self.owner.handed_in:
            return Moment(self.owner.handed_in, "system", self.owner.is_local)
        moments = [self.moments.get(path) or of_file(path) for path in paths]
        return max(moments or self.moments.values(), default=now())

    @property
    def attempts(self) -> tuple["Submission", ...]:
        """All attempts of the student, the newest last."""
        return *self.earlier, self
