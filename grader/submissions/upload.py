"""The files and faults found in one place, and their Submission."""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from grader.lms.layout import Owner
from grader.source.paths import shown
from grader.submissions.archives import Archives
from grader.submissions.file_names import COPY, is_archive, listing, why_not
from grader.submissions.students.pseudonyms import Pseudonym
from grader.submissions.students.times import Moment, of_file
from grader.submissions.submission import Submission
from grader.submissions.tree import DEEPEST, FOLDERS

MOST_FILES = 200  # gradable files per student; as many others are named
HAND_IN = "hand in the .py or .ipynb"


class FileFault(NamedTuple):
    """Why a file or folder is not graded: `text` goes after its name, unless a full sentence."""

    path: Path
    text: str
    is_sentence: bool = False


@dataclass
class Upload:
    """The files found in one place, by their student's names for them, and faults.

    `others` are files that cannot be graded. Files in `renamed` had their names changed by a
    system. `archives` are those that were looked into, and `is_cut` says whether bounds ended the
    search. `roots` maps the paths of what the student handed in, as people see them, to the
    student's names for them, or to "" if the student knows only the content. `remarks` are about
    the student, and `pseudonym` hides a student's other names.
    """

    name: str
    owner: Owner | None = None
    files: dict[Path, str] = field(default_factory=dict)
    others: dict[Path, str] = field(default_factory=dict)
    renamed: set[Path] = field(default_factory=set)
    moments: dict[Path, Moment] = field(default_factory=dict)
    late: bool | None = None
    faults: list[FileFault] = field(default_factory=list)
    opened: int = 0  # archives, even if empty, as each may be costly
    archives: list[Path] = field(default_factory=list)
    is_cut: bool = False
    roots: dict[Path, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    pseudonym: Pseudonym | None = None

    @property
    def whose(self) -> Owner:
        """The owner: the system's, or one named after the file or folder."""
        return self.owner or Owner("", self.called, self.called)

    @property
    def called(self) -> str:
        """The name of the file or folder, as text that can be stored."""
        return os.fsencode(self.name).decode(errors="backslashreplace")

    @property
    def paths(self) -> set[Path]:
        """All files, and the paths of all faults."""
        return {*self.files, *self.others, *(fault.path for fault in self.faults)}

    def submission(self, student: str, archives: Archives) -> Submission:
        """Return this upload as the submission of a student with this name."""
        if self.files:
            problem, names = None, self._distinct_names(archives)
        else:
            path, problem = self._problem(archives)
            names = {path: self._called(path, archives)} if path else {}
        files = tuple(sorted(names, key=lambda path: (names[path].count("/"), names[path])))
        moments = {path: self.moments[path] for path in files if path in self.moments}
        if problem:  # and perhaps no file to name
            moments = {path: self.moments.get(path) or of_file(path) for path in self.paths}
        return Submission(
            student, files, problem, self.owner, moments, names, self.late, called=self.called
        )

    def _hidden(self, name: str) -> str:
        return self.pseudonym.hide(name) if self.pseudonym else name

    def _distinct_names(self, archives: Archives) -> dict[Path, str]:
        """Return each file's name; if two would be equal, one gets a longer path."""
        first_names = {p: COPY.sub("", n) for p, n in self.files.items() if p in self.renamed}
        often = Counter((self.files | first_names).values())
        names: dict[str, Path] = {}
        for path in sorted(self.files):
            name = self.files[path]
            first = first_names.get(path, name)
            parts = archives.original(path).parts
            longer = ("/".join(parts[-n:]) for n in range(name.count("/") + 1, len(parts)))
            choice = map(self._hidden, (first if often[first] == 1 else name, *longer))
            if free := next((each for each in choice if each not in names), None):
                names[free] = path  # otherwise it is already there
        return {path: name for name, path in names.items()}

    def _problem(self, archives: Archives) -> tuple[Path | None, str]:
        """Return why there is nothing to grade, and the path concerned, if it is a single one."""
        if self.faults:
            path, text, is_sentence = self.faults[0]
            return path, text if is_sentence else f"{self._called(path, archives)} {text}"
        packed = [path for path, name in self.others.items() if is_archive(name)]
        if packed or (len(self.others) == 1 and not self.is_cut):
            path = packed[0] if packed else next(iter(self.others))
            return None, f"{self._called(path, archives)} {why_not(path.name)}"
        where = f" in the nearest {FOLDERS} folders, {DEEPEST} deep" if self.is_cut else ""
        if self.others:
            what = listing([self._called(path, archives) for path in self.others])
            return None, f"neither .py nor .ipynb{where}: {what}; {HAND_IN}"
        if self.archives:
            within = listing([self._called(path, archives) for path in self.archives])
            where = f" in {within}{where and ','}{where}"
        return None, f"no .py or .ipynb found{where}: {HAND_IN}"

    def _called(self, path: Path, archives: Archives) -> str:
        """Return the student's name for a file or folder: a path within the submission."""
        original = archives.original(path)
        for root, name in self.roots.items():
            if original.is_relative_to(root):
                within = [name, *original.relative_to(root).parts]
                return shown(self._hidden("/".join(filter(None, within)) or _base(root)))
        return shown(self._hidden(_base(original)))


def _base(path: Path) -> str:
    return os.path.basename(os.path.abspath(path))


# A folder and, for a loose file in a class, the file's stem; or a system and its id of a student.
Place = tuple[str, str]
Uploads = dict[Place, dict[int, Upload]]  # by attempt number


def at_time(owner: Owner, moment: Moment) -> Owner:
    """Return an owner with a submission time."""
    return replace(owner, handed_in=moment.at, is_local=moment.is_local)
