"""Find the submissions below the paths that were named, and say what was decided about them.

A file is opened only to decide whose it is (works.py). An archive is a folder in all but name
(archives.py unpacks it), and is opened only if it may hold a submission: beside a file that
defines something asked it does not count.

A link is never followed, wherever it leads: it could stand for the solution or for another
student's work. What cannot be graded becomes a submission with a `problem`, so that its student
is in the results and the class goes on.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grader.errors import UserError
from grader.lms.layout import MOST_REMARKS, Layout, Owner, Unclear, shortened
from grader.lms.registry import OWN_FILES, UNTIMED, layout_of, says_whose
from grader.results.policy import NO_DUE, ToldBy, Zone
from grader.rubric.package import load_package
from grader.source.paths import HOMEWORK, ZIP, is_gradable, scan, shown, suffix
from grader.submissions.archives import Archives, Refused
from grader.submissions.kinds import (
    COPY,
    counted,
    is_archive,
    is_nobodys,
    listing,
    stem_of,
    why_not,
)
from grader.submissions.naming import same_folder, unique
from grader.submissions.pseudonyms import Pseudonym
from grader.submissions.times import NO_TIMES, Moment, Times, in_zone, now, of_file
from grader.submissions.tree import (
    DEEPEST,
    ENVIRONMENT,
    FOLDERS,
    Tree,
    is_folder,
    mode_of,
    newest_version,
)
from grader.submissions.works import WHOLE, Look, Works, is_notebook, look_at

MOST_FILES = 200  # of a student, and of those that cannot be graded as many are named
MAX_ARCHIVES = 5
MOST_ATTEMPTS = 50  # of a student that are graded, the newest; each may take minutes
WRAPPERS = 3  # folders in each other around a class
# The parts of a name that a learning platform may have made: a number among others.
SYSTEMS = re.compile(r"(?=.*(?<!\d)\d{4,}).+[_ -].+[_ -].+", re.DOTALL)
HAND_IN = "hand in the .py or .ipynb"
OF_THAT_NAME = (
    f"; one is taken as that of a student called {HOMEWORK}: if it is nobody's, take it out of here"
)
HOW_LATE = "how late is not told, so days are counted from the times of their files, at least one"

KINDS = {
    stat.S_IFLNK: "is a symbolic link, which is never followed: submit the file itself",
    stat.S_IFDIR: "is a folder, not a file: take the homework out of it, or rename it",
    stat.S_IFIFO: "is a named pipe, not a file: submit a regular file",
    stat.S_IFSOCK: "is a socket, not a file: submit a regular file",
    stat.S_IFCHR: "is a device, not a file: submit a regular file",
    stat.S_IFBLK: "is a device, not a file: submit a regular file",
}

# The folder a submission lies in and, for a loose file in a folder of many, its stem.
Place = tuple[str, str]


class FileFault(NamedTuple):
    """Why a file or folder is not graded: `text` goes after its name, if it is no sentence."""

    path: Path
    text: str
    is_sentence: bool = False


class NothingToGrade(UserError):
    """A path does not exist, or nothing below the paths can be graded."""


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


@dataclass
class _Upload:
    """What is found in one place: files by what their student calls them, and faults.

    `others` are files that cannot be graded. Of those that are `renamed`, a system changed the
    names. `archives` are those that were looked into, and `is_cut` says if a search was ended by
    bounds. `roots` are what the student handed in, by where people see it, and what the student
    calls that: nothing, where the student knows only what is in it. `remarks` are about the
    student, and `pseudonym` hides the name of one who is called otherwise here.
    """

    name: str
    owner: Owner | None = None
    files: dict[Path, str] = field(default_factory=dict)
    others: dict[Path, str] = field(default_factory=dict)
    renamed: set[Path] = field(default_factory=set)
    moments: dict[Path, Moment] = field(default_factory=dict)
    late: bool | None = None
    faults: list[FileFault] = field(default_factory=list)
    opened: int = 0  # archives, which may each be costly, and may be none
    archives: list[Path] = field(default_factory=list)
    is_cut: bool = False
    roots: dict[Path, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    pseudonym: Pseudonym | None = None

    @property
    def whose(self) -> Owner:
        """Who it is in the system, or whose it is by the name of the file or folder."""
        return self.owner or Owner("", self.called, self.called)

    @property
    def called(self) -> str:
        """What the file or folder is called, as text that can be kept."""
        return os.fsencode(self.name).decode(errors="backslashreplace")

    @property
    def paths(self) -> set[Path]:
        """All files, and whatever else there is a fault of."""
        return {*self.files, *self.others, *(fault.path for fault in self.faults)}

    def submission(self, student: str, archives: Archives) -> Submission:
        if self.files:
            problem, names = None, self._distinct_names(archives)
        else:
            path, problem = self._problem(archives)
            names = {path: self._called(path, archives)} if path else {}
        files = tuple(sorted(names, key=lambda path: (names[path].count("/"), names[path])))
        moments = {path: self.moments[path] for path in files if path in self.moments}
        if problem:  # and perhaps no file that can be named
            moments = {path: self.moments.get(path) or of_file(path) for path in self.paths}
        return Submission(
            student, files, problem, self.owner, moments, names, self.late, called=self.called
        )

    def _hidden(self, name: str) -> str:
        return self.pseudonym.hide(name) if self.pseudonym else name

    def _distinct_names(self, archives: Archives) -> dict[Path, str]:
        """Return what each file is called; of two that are called alike one has a longer path."""
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
                names[free] = path  # otherwise it is there already
        return {path: name for name, path in names.items()}

    def _problem(self, archives: Archives) -> tuple[Path | None, str]:
        """Return why there is nothing to grade, and what that is about, if it is one thing."""
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
        """Return what the student calls a file or folder: a path within what was handed in."""
        original = archives.original(path)
        for root, name in self.roots.items():
            if original.is_relative_to(root):
                within = [name, *original.relative_to(root).parts]
                return shown(self._hidden("/".join(filter(None, within)) or _base(root)))
        return shown(self._hidden(_base(original)))


def _base(path: Path) -> str:
    return os.path.basename(os.path.abspath(path))


# At the text of a file, up to so many bytes, for the names of the grader's own homework.
LOOK = partial(look_at, tasks=load_package("").TASKS)


def discover(
    paths: Sequence[Path],
    archives: Archives,
    results: Path | None = None,
    name_of: Callable[[Owner], str | None] = lambda owner: None,
    others: Collection[str] = (),
    is_untouched: Callable[[Path], bool] = lambda path: False,
    remark: Callable[[str], None] = lambda line: None,
    zone: Zone = NO_DUE,
    times: Times = NO_TIMES,
    look: Callable[[Path, int], Look] = LOOK,
) -> list[Submission]:
    """Return the submissions at and below `paths`, in the order of their places on disk.

    A file is one submission. A folder is one student's, or a class: works.py decides if there are
    files in it. In a class each folder is a submission but `results`, where an earlier run wrote,
    and so is each zip archive and what loose files there are of one name; or what a system laid
    out as its own (lms/systems). `name_of` may say what to call a student: one whom no system knows
    has no system, and the name that is found here for an id. `others` are names that students have
    who may not be here, and no new one gets. `is_untouched` tells files that are as
    they were handed out, and `remark` is called with each line that says what was decided. Times
    that a system or an archive tells without a zone are of `zone`, and `times` say when students
    handed in, whatever else does. `look` looks at the text of a file, up to so many bytes. Raise
    NothingToGrade if a path is missing, no file at all was found, or those of several homeworks;
    UserError if `times` are of nobody here.
    The files of an archive are there while `archives` is.
    """
    modes = [_mode(path) for path in paths]
    works = Works(lambda path: look(path, archives.source_bytes), is_untouched, _absolute(results))
    search = _Search(archives, results, works, remark, zone, times)
    for path, mode in zip(paths, modes, strict=True):
        search.look_at(path, mode)
    students = search.students()
    labels, fixed_names = _names([attempts[-1] for attempts in students], name_of)
    names = unique(labels, fixed_names, others)
    for attempts, name, student in zip(students, labels, names, strict=True):
        if attempts[-1].name.casefold() not in name.casefold():
            search.hide_names(attempts, student)
    search.say_of_students(students, names)
    submissions = [
        _joined([attempt.submission(name, archives) for attempt in attempts])
        for attempts, name in zip(students, names, strict=True)
    ]
    if not any(submission.files for submission in submissions):
        problem = submissions[0].problem if submissions else "no path was named"
        more = f" (and {len(submissions) - 1} more like it)" if len(submissions) > 1 else ""
        where = f" in {listing([str(path) for path in paths])}" if paths else ""
        raise NothingToGrade(f"nothing to grade{where}: {problem}{more}")
    return submissions


def _absolute(folder: Path | None) -> str | None:
    return os.path.abspath(folder) if folder else None


def _joined(attempts: Sequence[Submission]) -> Submission:
    return replace(attempts[-1], earlier=tuple(attempts[:-1]))


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        raise NothingToGrade(f"{shown(path)}: no such file or folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise NothingToGrade(f"{shown(path)} cannot be read: {reason}") from None


class _Search:
    """A walk through what was named: what it found by place, and there by attempt."""

    def __init__(
        self,
        archives: Archives,
        results: Path | None,
        works: Works,
        remark: Callable[[str], None],
        zone: Zone,
        times: Times,
    ) -> None:
        self._uploads: dict[Place, dict[int, _Upload]] = {}
        self._archives = archives
        self._results = _absolute(results)
        self._works = works
        self._remark = remark
        self._zone = zone
        self._times = times
        self._systems: dict[str, list[Path]] = {}
        self._zoneless: set[str] = set()

    def students(self) -> list[list[_Upload]]:
        """Return the attempts of each student that are graded, in the order of their places."""
        places = sorted(self._uploads, key=lambda place: os.path.join(*place))
        students = [
            [self._uploads[place][number] for number in sorted(self._uploads[place])]
            for place in places
        ]
        self._use_table(students)
        for item in (item for attempts in students for item in attempts):
            self._use_archives(item)
        self._say_systems()
        self._say_untimed()
        return [self._graded(attempts) for attempts in students]

    def hide_names(self, attempts: Iterable[_Upload], student: str) -> None:
        """Take what a student is called elsewhere out of the names of files."""
        for item in attempts:
            own = {item.name, item.whose.name, item.whose.id}
            item.pseudonym = Pseudonym(student, own, self._works.imported(item.files))

    def say_of_students(self, students: Sequence[Sequence[_Upload]], names: Sequence[str]) -> None:
        """Say what was decided of single students, under the names that they have here."""
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

    def _use_table(self, students: Iterable[list[_Upload]]) -> None:
        """Set when work was handed in by the table; say which of its ids are nobody's here."""
        for line in self._times.remarks:
            self._remark(line)
        ids = {
            attempts[-1].whose.id.casefold() for attempts in students if self._is_in_table(attempts)
        }
        others = sorted(self._times.of.keys() - ids)
        if others and not ids:
            raise UserError(f"{self._times.source}: nobody graded here has one of its ids")
        if others:
            what = listing(others, MOST_REMARKS)
            self._remark(f"{self._times.source}: nobody graded here has the id {what}")

    def _use_archives(self, item: _Upload) -> None:
        """Set when files were handed in by the archives they lie in, if nothing else tells."""
        for path in item.paths - item.moments.keys():
            if moment := self._archives.handed_in(path):
                item.moments[path] = self._in_zone(moment.at, moment.told_by, "the archive")

    def _is_in_table(self, attempts: Sequence[_Upload]) -> bool:
        """Give attempts the time that the table has of their student, if it has one.

        It is that of the newest; those before it for which nothing else tells came no later.
        """
        whose = attempts[-1].whose
        moment = self._times.find(whose.system, whose.id)
        if moment is None:
            return False
        for item in attempts:
            if item is attempts[-1] or not item.whose.handed_in:
                item.owner = _told(item.owner, moment) if item.owner else None
                item.moments = dict.fromkeys(item.paths, moment)
        return True

    def _graded(self, attempts: list[_Upload]) -> list[_Upload]:
        """Return those attempts in which there is work, else the newest with a file, or at all."""
        if len(attempts) == 1:
            return attempts
        with_files = [attempt for attempt in attempts if attempt.files]
        with_work = [a for a in with_files if not all(map(self._works.is_untouched, a.files))]
        chosen = with_work[-MOST_ATTEMPTS:] or with_files[-1:] or attempts[-1:]
        if len(chosen) < len(attempts):
            what = (
                f"{len(attempts)} attempts, {len(chosen)} graded: of those that hold a .py or "
                f".ipynb that is not as it was handed out, the newest {MOST_ATTEMPTS}"
                if with_work
                else f"{len(attempts)} attempts, all without work: the newest is graded"
            )
            chosen[-1].remarks.append(what)
        return chosen

    def look_at(self, path: Path, mode: int) -> None:
        """Add what was named: a class, a student's folder or a file."""
        if stat.S_ISDIR(mode) and not is_gradable(path.name):
            self._look_into(path)
        elif stat.S_ISREG(mode) and suffix(path.name) == ZIP:
            try:
                self._look_into(self._archives.unpack(path, of_class=True))
            except Refused as refusal:
                self._file_at(path).faults.append(FileFault(path, str(refusal)))
        else:
            self._add_file(path, path.name, mode, self._file_at(path))
            self._say_alone(path)

    def _look_into(self, folder: Path) -> None:
        """Add a named folder: one student's, or a class's."""
        try:
            entries = self._scan(folder)
        except OSError as error:
            self._at(folder).faults.append(_closed(folder, error))
            return
        layout = self._layout_of(folder, entries)
        files, folders = self._parts(folder, entries)
        if layout:
            self._add_class(layout)
            self._add_strays(folder, entries, layout)
        elif self._is_wrapper(folder, entries):
            self._say(folder, f"taken as a class that lies in {shown(folders[0].name)}")
            self._look_into(folders[0])
        elif self._works.is_one_students(files, folders):
            self._say_one_students(folder, entries)
            self._archives.set_students(folder)
            self._add_folder(folder)
        else:
            self._add_plain_class(folder, entries)

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        """List a folder without the results, and without what is there for no student."""
        rest = [e for e in scan(folder) if os.path.abspath(folder / e.name) != self._results]
        return [
            e for e in rest if not (is_folder(e) and os.path.isfile(folder / e.name / ENVIRONMENT))
        ]

    def _layout_of(self, folder: Path, entries: Sequence[os.DirEntry[str]]) -> Layout | None:
        files = [entry.name for entry in entries if not is_folder(entry)]
        folders = [entry.name for entry in entries if is_folder(entry)]
        try:
            return layout_of(folder, files, folders)
        except Unclear as error:
            where = shown(self._archives.original(folder))
            raise NothingToGrade(f"{where} {error}") from None

    def _add_class(self, layout: Layout) -> None:
        """Add the students of a class that a system laid out."""
        self._systems.setdefault(layout.system, []).append(layout.of)
        if layout.nobodys:
            what = listing(sorted(layout.nobodys))
            self._say(layout.of, f"graded for nobody, as each may be of several students: {what}")
        # Archives late: they are opened only for those who have no work beside them.
        for name in sorted(layout.owners, key=lambda name: (suffix(name) == ZIP, name)):
            for owner_without_zone in layout.owners[name]:
                owner, moment = self._zoned(owner_without_zone)
                attempts = self._uploads.setdefault((owner.system, owner.id), {})
                number = layout.attempts.get(name, 0)
                item = attempts.setdefault(number, _Upload(owner.name, owner))
                before = item.paths
                if problem := layout.problems.get(name):
                    item.faults.append(FileFault(layout.of / name, problem, is_sentence=True))
                else:
                    self._add_entry(layout.of / name, layout.files.get(name, name), item)
                if moment:
                    item.moments |= dict.fromkeys(item.paths - before, moment)
                if remark := layout.remarks.get(name):
                    item.remarks.append(remark)
                if name in layout.late:
                    item.late = bool(item.late) or layout.late[name]

    def _zoned(self, owner: Owner) -> tuple[Owner, Moment | None]:
        """Return an owner with a zone to the time that their system tells, and that time."""
        if owner.handed_in is None:
            return owner, None
        moment = self._in_zone(owner.handed_in, "system", owner.system)
        return _told(owner, moment), moment

    def _in_zone(self, at: datetime, told_by: ToldBy, source: str) -> Moment:
        """Return a time with its zone; one that its source tells without is of the class's."""
        moment = in_zone(at, told_by, self._zone)
        if moment.is_local:
            self._zoneless.add(source)
        return moment

    def _add_entry(self, path: Path, label: str, item: _Upload) -> None:
        """Add a file that its student called `label`, a folder or an archive, to a student's."""
        try:
            mode = os.lstat(path).st_mode
        except OSError as error:
            item.faults.append(_closed(path, error))
            return
        is_students_folder = stat.S_ISDIR(mode) and not is_gradable(path.name)
        item.roots[self._archives.original(path)] = "" if is_students_folder else label
        if is_students_folder:
            self._gather(path, item)
        elif stat.S_ISREG(mode) and suffix(path.name) == ZIP:
            self._open([path], item)
        else:
            self._add_file(path, label, mode, item)
            item.renamed.add(path)

    def _add_strays(
        self, folder: Path, entries: Sequence[os.DirEntry[str]], layout: Layout
    ) -> None:
        """Add or tell of what the system named no student for: works, and what was refused."""
        owned = {name.partition("/")[0] for name in layout.owners}
        strays = [entry for entry in entries if entry.name not in owned]
        works = {e.name for e in strays if folder / e.name in self._archives.refused}
        if layout.of == folder:
            strays = [e for e in strays if not (is_nobodys(e.name) or says_whose(e.name))]
            files, _ = self._parts(folder, strays)
            works |= {path.name for path in files if self._works.defines(path)}
            silent = {*OWN_FILES, *works}
            self._say_not_graded(folder, [e.name for e in strays if e.name not in silent])
        for name in sorted(works):
            item = self._file_at(folder / name, in_class=True)
            self._add_file(folder / name, name, stat.S_IFREG, item)

    def _add_plain_class(self, folder: Path, entries: Sequence[os.DirEntry[str]]) -> None:
        """Add the students of a class of no system: each folder, archive and name of files."""
        folders = [e.name for e in entries if _is_students_folder(e)]
        files = [e for e in entries if not _is_students_folder(e)]
        work = [e for e in files if not self._is_nobodys(folder, e)]
        zips = [e.name for e in work if _is_archive(e)]
        if len(work) == len(zips) == 1 and not folders:
            self._add_only_archive(folder / zips[0])
            return
        for name in folders:
            self._add_folder(folder / name)
        for entry in (e for e in work if not _is_archive(e)):
            item = self._file_at(folder / entry.name, in_class=True)
            self._add_file(folder / entry.name, entry.name, mode_of(entry), item)
        for name in zips:
            self._open([folder / name], self._file_at(folder / name, in_class=True))
        if not folders and not work:
            self._at(folder)
        names = [entry.name for entry in work]
        is_one = len({*folders, *map(stem_of, names)}) == 1
        if is_one and self._archives.is_archive(folder):
            self._archives.set_students(folder)  # not known to be a class's
            self._say(folder, f"{self._as_one_students(folder)}: {listing([*folders, *names])}")
        else:
            self._say_class(folder, folders, names)
        self._say_not_graded(folder, [e.name for e in files if self._is_nobodys(folder, e)])

    def _add_only_archive(self, path: Path) -> None:
        """Add the one archive that a folder holds: a whole class's, or a student's."""
        try:
            if path in self._archives.refused:
                raise Refused(self._archives.refused[path])
            folder = self._archives.unpack(path, of_class=True)
        except Refused as refusal:
            self._file_at(path, in_class=True).faults.append(FileFault(path, str(refusal)))
            return
        if self._is_class(folder):
            self._look_into(folder)
        else:
            for archive in (path, folder):
                self._archives.set_students(archive)
            self._gather(folder, self._file_at(path, in_class=True))

    def _is_nobodys(self, folder: Path, entry: os.DirEntry[str]) -> bool:
        """Tell whether a loose file in a class is the handout or the instructor's own."""
        path = folder / entry.name
        if path in self._archives.refused:
            return False
        if is_gradable(entry.name):
            is_original = stem_of(entry.name).lower() == HOMEWORK and mode_of(entry) == stat.S_IFREG
            return is_original and self._works.is_untouched(path)
        return is_nobodys(entry.name) and not (suffix(entry.name) == ".json" and is_notebook(path))

    def _is_wrapper(
        self, folder: Path, entries: Sequence[os.DirEntry[str]], deeper: int = WRAPPERS
    ) -> bool:
        """Tell whether a folder holds nothing of students but another folder, of a class."""
        folders = [entry.name for entry in entries if is_folder(entry)]
        work = [e for e in entries if not is_folder(e) and not self._is_nobodys(folder, e)]
        return len(folders) == 1 and not work and self._is_class(folder / folders[0], deeper - 1)

    def _is_class(self, folder: Path, deeper: int = WRAPPERS) -> bool:
        """Tell whether a folder holds a whole class, or is what one was wrapped in."""
        try:
            entries = self._scan(folder)
        except OSError:
            return False
        is_class = self._works.is_class(*self._parts(folder, entries))
        if is_class or self._layout_of(folder, entries):
            return True
        return deeper > 0 and self._is_wrapper(folder, entries, deeper)

    def _parts(
        self, folder: Path, entries: Sequence[os.DirEntry[str]]
    ) -> tuple[list[Path], list[Path]]:
        """Return the files of a folder that may hold Python and can be opened, and its folders."""
        regular = [e.name for e in entries if e.is_file(follow_symlinks=False)]
        files = [folder / name for name in regular if is_gradable(name)]
        folders = [folder / entry.name for entry in entries if is_folder(entry)]
        return [path for path in files if path not in self._archives.refused], folders

    # One student's

    def _add_folder(self, folder: Path) -> None:
        """Add a student's folder."""
        item = self._at(folder)
        self._gather(folder, item)

    def _gather(self, folder: Path, item: _Upload) -> None:
        """Add all files of a student's folder, the nearest first, and of archives if need be."""
        if self._archives.is_archive(folder):
            item.archives.append(folder)
        tree = self._works.tree(folder)
        zips: list[Path] = []
        for leaf in tree:
            if suffix(leaf.name) == ZIP and stat.S_ISREG(leaf.mode):
                zips.append(leaf.path)
            elif len(item.files) == MOST_FILES and is_gradable(leaf.name):
                tree.is_cut = True
                break
            else:
                self._add_file(leaf.path, leaf.name, leaf.mode, item)
        item.faults += [_closed(where, error) for where, error in tree.closed]
        self._open(zips, item)
        item.is_cut |= tree.is_cut
        self._say_searched(folder, tree)
        if not any("/" not in name for name in item.files.values()):
            self._say_if_class(folder)

    def _open(self, zips: Sequence[Path], item: _Upload) -> None:
        """Add the files of a student's archives, if there is no work beside them."""
        if not zips or any(map(self._works.defines, item.files)):
            return
        for path in zips:
            try:
                if path in self._archives.refused:
                    raise Refused(self._archives.refused[path])
                if item.opened == MAX_ARCHIVES:
                    raise Refused(
                        f"is one zip archive too many: {MAX_ARCHIVES} are opened; hand in one"
                    )
                item.opened += 1
                folder = self._archives.unpack(path, of_class=False)
            except Refused as refusal:
                item.faults.append(FileFault(path, str(refusal)))
            else:
                self._gather(folder, item)

    def _add_file(self, path: Path, name: str, mode: int, item: _Upload) -> None:
        """Add a file that its student calls so, or what is wrong with it."""
        kind = stat.S_IFMT(mode)
        if kind in KINDS:
            item.faults.append(FileFault(path, KINDS[kind]))
        elif path in self._archives.refused:
            item.faults.append(FileFault(path, self._archives.refused[path]))
        elif is_gradable(path.name):
            item.files[path] = name
        elif len(item.others) < MOST_FILES:
            item.others[path] = name

    def _file_at(self, path: Path, *, in_class: bool = False) -> _Upload:
        """Return what is found where a loose file lies."""
        original = self._archives.original(path)
        folder, name = os.path.split(os.path.abspath(original))
        stem = stem_of(name)
        alone = not in_class and stem.lower() == HOMEWORK
        place = (folder, "" if stem.lower() == HOMEWORK and is_gradable(name) else stem)
        name = os.path.basename(folder) if alone else stem
        item = self._uploads.setdefault(place, {0: _Upload(name)})[0]
        item.roots[original] = original.name
        return item

    def _at(self, folder: Path) -> _Upload:
        """Return what is found in a student's folder or archive."""
        absolute = os.path.abspath(self._archives.original(folder))
        name = os.path.basename(absolute)
        if self._archives.is_archive(folder):
            name = stem_of(name)
        item = self._uploads.setdefault((absolute, ""), {0: _Upload(name)})[0]
        item.roots[self._archives.original(folder)] = ""
        return item

    # What is said

    def _say(self, folder: Path, line: str) -> None:
        self._remark(f"{shown(self._archives.original(folder))}: {line}")

    def _say_systems(self) -> None:
        """Say once of each system that it laid a class out, though each folder of it was named."""
        for system, folders in self._systems.items():
            uploads = [attempts for place, attempts in self._uploads.items() if place[0] == system]
            students, number = counted(len(uploads), "student"), sum(map(len, uploads))
            each = f", {number} attempts" if number > len(uploads) else ""
            others = f" (and {counted(len(folders) - 1, 'more folder')})" if folders[1:] else ""
            self._say(folders[0], f"read as a download from {system}{others}: {students}{each}")
        for system in sorted(self._zoneless):
            self._remark(f"{system}'s times have no time zone: read as {self._zone.words}")

    def _say_untimed(self) -> None:
        """Say what to do about a system that does not tell when work was handed in."""
        if self._zone == NO_DUE:
            return
        owners = (item.whose for attempts in self._uploads.values() for item in attempts.values())
        systems = {owner.system for owner in owners if not owner.handed_in}
        for system in sorted(systems & UNTIMED.keys()):
            self._remark(f"{system}: {UNTIMED[system]}")

    def _say_alone(self, path: Path) -> None:
        """Say that a named file is graded without what it imports of the files beside it."""
        try:
            beside = [path.parent / entry.name for entry in self._scan(path.parent)]
        except OSError:
            return
        if helpers := self._works.imported_by(path, beside):
            self._say(path, f"graded alone, without {listing(helpers)}: name its folder instead")

    def _say_one_students(self, folder: Path, entries: Sequence[os.DirEntry[str]]) -> None:
        """Say that a folder with files was taken as one student's, and what cannot be graded."""
        names = [e.name for e in entries if not (is_folder(e) or is_nobodys(e.name))]
        files = [name for name in names if is_gradable(name)]
        others = [name for name in names if not is_gradable(name)]
        rest = f"; not graded: {listing(others)}" if others else ""
        self._say(folder, f"{self._as_one_students(folder)}: {listing(files)}{rest}")

    def _as_one_students(self, folder: Path) -> str:
        is_archive = self._archives.is_archive(folder)
        kind = "archive, whose own time counts" if is_archive else "folder"
        return f"taken as one student's {kind}"

    def _say_class(self, folder: Path, folders: Sequence[str], files: Sequence[str]) -> None:
        """Say that a folder was taken as a class, if it could have been one student's."""
        students = {stem_of(name) for name in files}
        if files:
            each = "one student each" if len(students) == len(files) else "one student per name"
            what = [counted(len(files), "file")] + [counted(len(folders), "folder")] * bool(folders)
            rest = OF_THAT_NAME if HOMEWORK in map(str.lower, students) else ""
            self._say(folder, f"taken as a class: {' and '.join(what)}, {each}{rest}")
        elif newest_version(folder, folders, self._works.is_untouched):
            self._say(
                folder,
                f"taken as a class: {counted(len(folders), 'folder')}, one student each; if they "
                "are one student's versions, name the folder around this one",
            )
        names = [*folders, *(name for name in files if is_gradable(name) or suffix(name) == ZIP)]
        if len(names) > 1 and all(map(SYSTEMS.fullmatch, names)):
            self._say(folder, "no learning platform's layout recognised: taken as a plain folder")

    def _say_if_class(self, folder: Path) -> None:
        """Say that a student's folder without files of its own holds several works."""
        try:
            folders = [folder / entry.name for entry in self._scan(folder) if is_folder(entry)]
        except OSError:
            return
        names = [path.name for path in folders]
        if len(folders) < 2 or newest_version(folder, names, self._works.is_untouched):
            return
        works = self._works.folders_with(folders, WHOLE)
        if len(works) > 1:
            where = listing(works)
            what = f"taken as one student's, with whole works in {where}"
            self._say(folder, f"{what}: if it is a class, name that folder")

    def _say_not_graded(self, folder: Path, names: Sequence[str]) -> None:
        if names:
            self._say(folder, f"not graded: {listing(names)}")

    def _say_searched(self, folder: Path, tree: Tree) -> None:
        """Say what was left out of a student's folder."""
        for where, count, newest in tree.versions:
            what = f"only {shown(newest)} counts, the newest with work or else with files"
            self._say(where, f"{count} numbered versions: {what}")
        if tree.is_cut:
            self._say(
                folder,
                f"not searched to its end (limits: {MOST_FILES} files, {FOLDERS} folders, "
                f"{DEEPEST} folders deep): the nearest files are graded",
            )


def _told(owner: Owner, moment: Moment) -> Owner:
    """Return an owner of whom it is told when they handed in."""
    return replace(owner, handed_in=moment.at, is_local=moment.is_local)


def _closed(folder: Path, error: OSError) -> FileFault:
    where = Path(os.fsdecode(error.filename)) if error.filename else folder
    return FileFault(where, f"cannot be opened ({error.strerror}): check its permissions")


def _is_students_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder, and not one called as a file of Python is."""
    return is_folder(entry) and not is_gradable(entry.name)


def _is_archive(entry: os.DirEntry[str]) -> bool:
    return suffix(entry.name) == ZIP and mode_of(entry) == stat.S_IFREG


def _names(
    items: Sequence[_Upload], name_of: Callable[[Owner], str | None]
) -> tuple[list[str], set[str]]:
    """Return what each is called, with the system's id if that has two of a name; and who is so.

    The names of the latter, as `name_of` tells, are nobody else's.
    """
    given_names = [name_of(item.whose) for item in items]
    labels = [name or item.name for name, item in zip(given_names, items, strict=True)]
    often = Counter(map(same_folder, labels))
    names = [
        f"{name}-{item.owner.id}"
        if item.owner and not given_name and often[same_folder(name)] > 1
        else name
        for item, given_name, name in zip(items, given_names, labels, strict=True)
    ]
    return names, set(filter(None, given_names))
