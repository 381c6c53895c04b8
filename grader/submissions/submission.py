"""One student's submission, as it was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.lms.layout import Owner
from grader.submissions.students.times import Moment, now, of_file


@dataclass(frozen=True)
class Submission:
    """One student's submission.

    `student` is unique in the class and safe as a folder name. `files` are all files that may hold
    Python, the nearest first; `names` gives each file's unique name within the submission
    ("src/utils.py"). If there is a `problem`, nothing is graded, and `files` holds only what the
    problem is about, if anything. `owner` is the student in the system that the class comes from,
    if any; `moments` has the submission times of files that are known from elsewhere than the files
    themselves. `late` is whether the system marks it as late, None if it marks nobody. `earlier`
    are the same student's previous attempts. `called` is the name of the file or folder, which
    identifies a student whom no system knows.
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
        """Return when the last of these files was handed in, and the source of that time.

        A file's own time is used if neither the system nor an archive gives one. Without files it
        is the system's time, else the last time of anything else in the submission, else the
        present.
        """
        if not paths and self.owner and self.owner.handed_in:
            return Moment(self.owner.handed_in, "system", self.owner.is_local)
        moments = [self.moments.get(path) or of_file(path) for path in paths]
        return max(moments or self.moments.values(), default=now())

    @property
    def attempts(self) -> tuple["Submission", ...]:
        """All attempts of the student, the newest last."""
        return *self.earlier, self
