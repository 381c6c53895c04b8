"""Find the submissions below the paths that were named. Only folders and archives are opened.

An archive is a folder in all but name (archives.py unpacks it), and is opened only where it may
hold a submission: beside a file that can be graded it does not count.

A link is never followed, wherever it leads: it could stand for the solution or for another
student's work. What cannot be graded becomes a submission with a `problem`, so that its student
is in the results and the class goes on.
"""

import hashlib
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath

from grader.errors import UserError
from grader.submissions import GRADABLE, HOMEWORK, ZIP, is_homework, scan, shown, suffix
from grader.submissions.archives import Archives, Refused
from grader.submissions.layouts import Layout, Owner, Unclear, is_nbgraders, layout_of

MAX_CANDIDATES = 20
MAX_ARCHIVES = 5
ID_BYTES = 200
ZERO_WIDTH_JOINER = "\u200d"  # part of many emoji
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Files that stand beside the students' folders in results/.
TAKEN = ("grades.csv", "index.html", "similar.html", "gradebook.db", "students.csv")
# What systems and browsers add to the name of another file of that name: homework-1.ipynb.
COPY = re.compile(r"(?:-\d+| ?\(\d+\))(?=\.\w+\Z)")

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
# What a fault is about, and what it is.
Fault = tuple[tuple[Path, ...], str]


class NothingToGrade(UserError):
    """A path does not exist, or nothing below the paths can be graded."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    `student` is unique in the class and safe as the name of a folder. `files` are the candidates,
    of which the best counts; where there is a `problem`, nothing is to be graded, and `files`
    holds what the problem is about, if there is anything. `owner` is who it is in the system that
    the class comes from, if it comes from one, and `moments` says when files were handed in, where
    that system tells.
    """

    student: str
    files: tuple[Path, ...]
    problem: str | None
    owner: Owner | None = None
    moments: Mapping[Path, datetime] = field(default_factory=dict, hash=False)

    def name_of(self, path: Path) -> str:
        """Return what the student called a file, with its folders ("src/utils.py")."""
        return shown(path.name)

    def file_called(self, name: str) -> Path | None:
        """Return the file of this name, None where there is none."""
        return next((path for path in self.files if self.name_of(path) == name), None)


@dataclass
class _Found:
    """The files found in one place, and what is wrong with those that cannot be candidates.

    Where some are `named` as the homework is, by a student whose files a system renamed, they are
    the candidates.
    """

    name: str
    owner: Owner | None = None
    files: set[Path] = field(default_factory=set)
    named: set[Path] = field(default_factory=set)
    moments: dict[Path, datetime] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    opened: int = 0  # archives, which may each be costly

    def submission(self, student: str, archives: Archives) -> Submission:
        candidates = self.named or self.files
        if len(candidates) > MAX_CANDIDATES:
            where = shown(archives.original(min(candidates).parent))
            problem = (
                f"{len(candidates)} .py and .ipynb files in {where}: "
                f"name the one to grade {HOMEWORK}.py or {HOMEWORK}.ipynb"
            )
            return Submission(student, (), problem, self.owner)
        if candidates:
            return Submission(student, tuple(sorted(candidates)), None, self.owner, self.moments)
        files, problem = self.faults[0]
        return Submission(student, files, problem, self.owner)


def discover(
    paths: Sequence[Path],
    archives: Archives,
    results: Path | None = None,
    name_of: Callable[[Owner], str | None] = lambda owner: None,
) -> list[Submission]:
    """Return the submissions at and below `paths`, in the order of their places on disk.

    A file is one submission, and so is a folder that holds homework.py or homework.ipynb. Any
    other folder is a class: each .py and .ipynb in it is a submission, and each folder but
    `results`, where an earlier run wrote, and each zip archive; or what a system laid out as its
    own (layouts.py). `name_of` may say what to call a student: one whom no system knows has no
    system, and the name that is found here for an id. Raise NothingToGrade where a path is missing,
    no file at all was found, or those of several homeworks. The files of an archive are there while
    `archives` is.
    """
    modes = [_mode(path) for path in paths]
    search = _Search(archives, results)
    for path, mode in zip(paths, modes, strict=True):
        search.look_at(path, mode)
    found = search.found
    in_order = [found[place] for place in sorted(found, key=lambda place: os.path.join(*place))]
    names = _unique(_names(in_order, name_of))
    submissions = [item.submission(n, archives) for item, n in zip(in_order, names, strict=True)]
    if not any(submission.files for submission in submissions):
        problem = submissions[0].problem if submissions else "no path was named"
        more = f" (and {len(submissions) - 1} more like it)" if len(submissions) > 1 else ""
        raise NothingToGrade(f"nothing to grade: {problem}{more}")
    return submissions


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        raise NothingToGrade(f"{shown(path)}: no such file or folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise NothingToGrade(f"{shown(path)} cannot be read: {reason}") from None


class _Search:
    """A walk through what was named, and what it `found` by place."""

    def __init__(self, archives: Archives, results: Path | None) -> None:
        self.found: dict[Place, _Found] = {}
        self._archives = archives
        self._results = os.path.abspath(results) if results else None

    def look_at(self, path: Path, mode: int) -> None:
        """Add what was named: a class, a student's folder or a file."""
        if stat.S_ISDIR(mode) and suffix(path.name) not in GRADABLE:
            self._look_into(path)
        elif stat.S_ISREG(mode) and suffix(path.name) == ZIP:
            try:
                self._look_into(self._archives.unpack(path, of_class=True))
            except Refused as refusal:
                self._file_at(path).faults.append(self._fault(path, str(refusal)))
        else:
            self._add_file(path, mode)

    def _look_into(self, folder: Path) -> None:
        """Add a named folder: one student's, or a class's."""
        before = len(self.found)
        try:
            entries = scan(folder)
        except OSError as error:
            self._at(folder).faults.append(self._closed(folder, error))
            return
        refused = self._archives.refused
        files = [entry.name for entry in entries if not _is_folder(entry)]
        is_one = any(is_homework(name) and folder / name not in refused for name in files)
        if is_one and not is_nbgraders(folder, files):
            self._add_folder(folder)
            return
        entries = [e for e in entries if os.path.abspath(folder / e.name) != self._results]
        folders = [entry.name for entry in entries if _is_folder(entry)]
        try:
            layout = layout_of(folder, files, folders)
        except Unclear as error:
            where = shown(self._archives.original(folder))
            raise NothingToGrade(f"{where} {error}") from None
        if layout:
            self._add_class(layout)
            for path in (folder / name for name in files if name not in layout.owners):
                if path in refused:  # of nobody's, or the system's own: it is told of all the same
                    self._add_file(path, stat.S_IFREG)
            return
        zips: list[Path] = []
        for entry in entries:
            path = folder / entry.name
            if _is_folder(entry) and suffix(entry.name) not in GRADABLE:
                self._add_folder(path)
            elif suffix(entry.name) == ZIP and entry.is_file(follow_symlinks=False):
                zips.append(path)
            elif suffix(entry.name) in {*GRADABLE, ZIP} or path in refused:
                self._add_file(path, _entry_mode(entry))
            elif entry.is_symlink() and not os.path.isfile(path):
                self._at(path).faults.append(self._fault(path, KINDS[stat.S_IFLNK]))
        for path in zips:
            item = self._file_at(path)
            if not item.files:
                item.files |= self._in_archive(path, item)
        if len(self.found) == before:
            self._at(folder).faults.append(self._nothing_in(folder))

    def _add_class(self, layout: Layout) -> None:
        """Add the students of a class that a system laid out."""
        # Archives late: they are opened only for those who have nothing else. What nobody grades
        # last: it is told of where there is not even an archive.
        kinds = {ZIP: 1} | dict.fromkeys({*GRADABLE, ""}, 0)
        for name in sorted(layout.owners, key=lambda name: (kinds.get(suffix(name), 2), name)):
            for owner in layout.owners[name]:
                place = (owner.system, owner.id)
                item = self.found.setdefault(place, _Found(owner.name, owner))
                before = set(item.files)
                self._add_entry(layout.of / name, layout.files.get(name, name), item)
                if owner.handed_in:
                    item.moments |= dict.fromkeys(item.files - before, owner.handed_in)

    def _add_entry(self, path: Path, called: str, item: _Found) -> None:
        """Add a file that its student `called` so, a folder or an archive, to a student's."""
        try:
            mode = os.lstat(path).st_mode
        except OSError as error:
            item.faults.append(self._closed(path, error))
            return
        if stat.S_ISDIR(mode) and suffix(path.name) not in GRADABLE:
            item.files |= self._in_folder(path, item)
        elif stat.S_ISREG(mode) and suffix(path.name) == ZIP:
            if not item.files:
                item.files |= self._in_archive(path, item)
        elif self._is_candidate(path, mode, item):
            item.files.add(path)
            if is_homework(COPY.sub("", called)):
                item.named.add(path)

    def _add_file(self, path: Path, mode: int) -> None:
        """Add a file that is a submission, or a candidate of one."""
        item = self._file_at(path)
        if self._is_candidate(path, mode, item):
            item.files.add(path)

    def _add_folder(self, folder: Path) -> None:
        """Add a student's folder."""
        item = self._at(folder)
        item.files |= self._in_folder(folder, item)

    def _in_folder(self, folder: Path, item: _Found) -> set[Path]:
        """Return the files in a student's folder or, if it has none, those one folder deeper.

        Where there are none either, archives are opened.
        """
        files: set[Path] = set()
        zips: list[Path] = []
        try:
            entries = scan(folder)
            self._sort(folder, entries, item, files, zips)
            if not files:
                for entry in entries:
                    if _is_folder(entry) and suffix(entry.name) not in GRADABLE:
                        inner = folder / entry.name
                        self._sort(inner, scan(inner), item, files, zips)
        except OSError as error:
            item.faults.append(self._closed(folder, error))
        if not files:
            for path in zips:
                files |= self._in_archive(path, item)
        item.faults.append(self._nothing_in(folder))
        return {path for path in files if is_homework(path.name)} or files

    def _in_archive(self, path: Path, item: _Found) -> set[Path]:
        """Return the files in a student's archive."""
        try:
            if path in self._archives.refused:
                raise Refused(self._archives.refused[path])
            if item.opened == MAX_ARCHIVES:
                raise Refused(f"is one zip archive too many: {MAX_ARCHIVES} are opened")
            item.opened += 1
            folder = self._archives.unpack(path, of_class=False)
        except Refused as refusal:
            item.faults.append(self._fault(path, str(refusal)))
            return set()
        return self._in_folder(folder, item)

    def _sort(
        self,
        folder: Path,
        entries: Sequence[os.DirEntry[str]],
        item: _Found,
        files: set[Path],
        zips: list[Path],
    ) -> None:
        """Sort the entries of a folder by what may be graded, opened, or is a fault."""
        for entry in entries:
            path, kind = folder / entry.name, suffix(entry.name)
            if kind == ZIP and entry.is_file(follow_symlinks=False):
                zips.append(path)
            elif kind in GRADABLE or path in self._archives.refused:
                if self._is_candidate(path, _entry_mode(entry), item):
                    files.add(path)
            elif kind == ZIP and not _is_folder(entry):
                self._is_candidate(path, _entry_mode(entry), item)

    def _is_candidate(self, path: Path, mode: int, item: _Found) -> bool:
        """Tell whether a file can be graded; what it lacks is a fault of its student's."""
        kind = stat.S_IFMT(mode)
        if kind in KINDS:
            item.faults.append(self._fault(path, KINDS[kind]))
        elif path in self._archives.refused:
            item.faults.append(self._fault(path, self._archives.refused[path]))
        elif suffix(path.name) not in GRADABLE:
            _, problem = self._fault(path, "is neither a .py nor an .ipynb file")
            item.faults.append(((), problem))
        else:
            return True
        return False

    def _file_at(self, path: Path) -> _Found:
        """Return what is found where a loose file lies."""
        folder, name = os.path.split(os.path.abspath(self._archives.original(path)))
        stem = "" if is_homework(name) else PurePath(name).stem
        return self.found.setdefault((folder, stem), _Found(stem or os.path.basename(folder)))

    def _at(self, folder: Path) -> _Found:
        """Return what is found in a student's folder or archive."""
        absolute = os.path.abspath(self._archives.original(folder))
        name = os.path.basename(absolute)
        if self._archives.is_archive(folder):
            name = PurePath(name).stem
        return self.found.setdefault((absolute, ""), _Found(name))

    def _fault(self, path: Path, text: str) -> Fault:
        return (path,), f"{shown(self._archives.original(path))} {text}"

    def _closed(self, folder: Path, error: OSError) -> Fault:
        where = Path(os.fsdecode(error.filename)) if error.filename else folder
        return self._fault(where, f"cannot be opened ({error.strerror}): check its permissions")

    def _nothing_in(self, folder: Path) -> Fault:
        return (), f"no .py or .ipynb found in {shown(self._archives.original(folder))}"


def _entry_mode(entry: os.DirEntry[str]) -> int:
    """Return the type of an entry; most are told by the listing itself, without a stat."""
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    if _is_folder(entry):
        return stat.S_IFDIR
    return entry.stat(follow_symlinks=False).st_mode


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _names(items: Sequence[_Found], name_of: Callable[[Owner], str | None]) -> list[str]:
    """Return what each is called: with the system's id, where that has two of a name."""
    named = [name_of(item.owner or Owner("", item.name, item.name)) for item in items]
    called = [name or item.name for name, item in zip(named, items, strict=True)]
    often = Counter(name.casefold() for name in called)
    return [
        f"{name}-{item.owner.id}"
        if item.owner and not known and often[name.casefold()] > 1
        else name
        for item, known, name in zip(items, named, called, strict=True)
    ]


def _unique(names: Iterable[str]) -> list[str]:
    """Make each name safe and, whatever the case, different from all others.

    The first of a name keeps it; "-2" and so on never displaces a student who is called that.
    """
    all_safe = [safe(name) for name in names]
    taken = {*TAKEN, *(name.casefold() for name in all_safe)}
    count = dict.fromkeys(TAKEN, 1)
    students = []
    for name in all_safe:
        key, student = name.casefold(), name
        count[key] = count.get(key, 0) + 1
        while count[key] > 1 and student.casefold() in taken:
            student = f"{name}-{count[key]}"
            count[key] += student.casefold() in taken
        taken.add(student.casefold())
        students.append(student)
    return students


def safe(name: str) -> str:
    """Return a name fit for a folder: one line, no separators, not too long, never '.' or ''."""
    text = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # no lone surrogates
    visible = "".join(
        char
        for char in unicodedata.normalize("NFC", text)
        if char == ZERO_WIDTH_JOINER or unicodedata.category(char) not in INVISIBLE
    )
    whole = visible.replace("/", "_").replace("\\", "_").strip(" .") or "student"
    encoded = whole.encode()
    room = ID_BYTES - len("-10000")  # what _unique may add
    if len(encoded) > room:
        mark = "-" + hashlib.sha256(encoded).hexdigest()[:8]
        return encoded[: room - len(mark)].decode(errors="ignore").rstrip(" .") + mark
    return whole
