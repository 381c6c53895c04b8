"""The lines that tell the user how a class was read, one per decision."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from grader.lms.layout import MOST_REMARKS, shortened
from grader.lms.registry import UNTIMED
from grader.source.paths import HOMEWORK, is_gradable, is_handed_in, shown
from grader.submissions.archives import Archives
from grader.submissions.file_names import counted, listing, stem_of
from grader.submissions.ownership import WHOLE, Works
from grader.submissions.students.times import Zones
from grader.submissions.tree import DEEPEST, FOLDERS, Tree, newest_version
from grader.submissions.upload import MOST_FILES, Upload, Uploads

# A name that a learning platform may have made: several parts, with a number among them.
SYSTEMS = re.compile(r"(?=.*(?<!\d)\d{4,}).+[_ -].+[_ -].+", re.DOTALL)
ARCHIVE = "archive, whose own time counts"
UNCHANGED = "; if a file that is unchanged since the handout is a student's, rename it"
OF_THAT_NAME = (
    f"; one is taken as that of a student called {HOMEWORK}: if it is nobody's, take it out of here"
)
HOW_LATE = (
    "it does not say how late, so days are counted from the times of their files, at least one"
)


class Remarks:
    """Passes each line to `remark`."""

    def __init__(self, archives: Archives, works: Works, remark: Callable[[str], None]) -> None:
        self._archives = archives
        self._works = works
        self._remark = remark

    def say_of_students(self, students: Sequence[Sequence[Upload]], names: Sequence[str]) -> None:
        """Report decisions about single students, under their names here."""
        by_name = list(zip(names, students, strict=True))
        lines = [
            f"{shown(name)}: {line}"
            for name, attempts in by_name
            for item in attempts
            for line in item.remarks
        ]
        for line in shortened(lines):
            self._remark(line)
        late = {name: item.whose for name, attempts in by_name for item in attempts if item.late}
        if late:
            system = next(iter(late.values())).system
            how = "" if all(owner.handed_in for owner in late.values()) else f"; {HOW_LATE}"
            self._remark(f"{system} marks as late: {listing(sorted(late), MOST_REMARKS)}{how}")

    def say(self, folder: Path, line: str) -> None:
        """Report a line about a folder or file, by the path that people know."""
        self._remark(f"{shown(self._archives.original(folder))}: {line}")

    def say_systems(self, folders_of: Mapping[str, Sequence[Path]], uploads: Uploads) -> None:
        """Report once per system that it laid out the class, though each folder was given."""
        for system, folders in folders_of.items():
            of_system = [attempts for place, attempts in uploads.items() if place[0] == system]
            students, number = counted(len(of_system), "student"), sum(map(len, of_system))
            each = f", {number} attempts" if number > len(of_system) else ""
            others = f" (and {counted(len(folders) - 1, 'more folder')})" if folders[1:] else ""
            self.say(folders[0], f"read as a download from {system}{others}: {students}{each}")

    def say_zones(self, zones: Zones) -> None:
        """Report which sources give times without a zone, and the zone used."""
        for source in sorted(zones.zoneless):
            self._remark(f"{source}'s times have no time zone: read as {zones.zone.words}")

    def say_untimed(self, uploads: Uploads) -> None:
        """Say what to do about a system that does not tell when work was handed in."""
        owners = (item.whose for attempts in uploads.values() for item in attempts.values())
        systems = {owner.system for owner in owners if not owner.handed_in}
        for system in sorted(systems & UNTIMED.keys()):
            self._remark(f"{system}: {UNTIMED[system]}")

    def say_alone(self, path: Path, beside: Iterable[Path]) -> None:
        """Report that a given file is graded without the neighbouring files that it imports."""
        if helpers := self._works.imported_by(path, beside):
            self.say(path, f"graded without {listing(helpers)}: to include that, name its folder")

    def say_nobodys(self, folder: Path, names: Sequence[str]) -> None:
        """Report files that the system's names attribute to several students, and so to none."""
        what = listing(names)
        self.say(folder, f"not graded, since each may be of several students: {what}")

    def say_one_students(self, folder: Path, names: Sequence[str]) -> None:
        """Report that a folder with files was taken as one student's, and what cannot be graded."""
        files = [name for name in names if is_gradable(name)]
        others = [name for name in names if not is_gradable(name)]
        rest = f"; not graded: {listing(others)}" if others else ""
        kind = ARCHIVE if self._archives.is_archive(folder) else "folder"
        self.say(folder, f"taken as one student's {kind}: {listing(files)}{rest}")

    def say_one_students_archive(self, folder: Path, names: Sequence[str]) -> None:
        """Report that an archive with one name throughout was taken as one student's."""
        self.say(folder, f"taken as one student's {ARCHIVE}: {listing(names)}")

    def say_class(self, folder: Path, folders: Sequence[str], files: Sequence[str]) -> None:
        """Report that a folder was taken as a class, if it could have been one student's."""
        students = {stem_of(name) for name in files}
        if files:
            each = "one student each" if len(students) == len(files) else "one student per name"
            what = [counted(len(files), "file")] + [counted(len(folders), "folder")] * bool(folders)
            rest = OF_THAT_NAME if HOMEWORK in map(str.lower, students) else ""
            self.say(folder, f"taken as a class: {' and '.join(what)}, {each}{rest}")
        elif newest_version(folder, folders, self._works.is_untouched):
            self.say(
                folder,
                f"taken as a class: {counted(len(folders), 'folder')}, one student each; if they "
                "are one student's versions, name the folder around this one",
            )
        names = [*folders, *filter(is_handed_in, files)]
        if len(names) > 1 and all(map(SYSTEMS.fullmatch, names)):
            self.say(folder, "no learning platform's layout recognised: taken as a plain folder")

    def say_if_class(self, folder: Path, folders: Sequence[Path]) -> None:
        """Report that a student's folder with no files of its own has several works below."""
        names = [path.name for path in folders]
        if len(folders) < 2 or newest_version(folder, names, self._works.is_untouched):
            return
        works = self._works.folders_with(folders, WHOLE)
        if len(works) > 1:
            where = listing(works)
            what = f"taken as one student's, with whole works in {where}"
            self.say(folder, f"{what}: if it is a class, name that folder")

    def say_not_graded(self, folder: Path, names: Sequence[str]) -> None:
        """Report which files of a class are nobody's work, if any."""
        if not names:
            return
        unchanged = any(self._works.is_untouched(folder / name) for name in names)
        self.say(folder, f"not graded: {listing(names)}{UNCHANGED if unchanged else ''}")

    def say_searched(self, folder: Path, tree: Tree) -> None:
        """Report what was left out of a student's folder."""
        for where, count, newest in tree.versions:
            what = f"only {shown(newest)} counts, the newest with work or else with files"
            self.say(where, f"{count} numbered versions: {what}")
        if tree.is_cut:
            self.say(
                folder,
                f"not searched to its end (limits: {MOST_FILES} files, {FOLDERS} folders, "
                f"{DEEPEST} folders deep): the nearest files are graded",
            )
