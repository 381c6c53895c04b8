"""Find the submissions below the paths that were named. Only folders are opened, no file is.

A link is never followed, wherever it leads: it could stand for the solution or for another
student's work. What cannot be graded becomes a submission with a `problem`, so that its student
is in the results and the class goes on.
"""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.submissions import shown

GRADABLE = frozenset({".py", ".ipynb"})
HOMEWORK = "homework"
# Beside these, whatever is hidden: .ipynb_checkpoints, .DS_Store, AppleDouble's ._homework.py.
NO_SUBMISSION = frozenset({"__macosx", "__pycache__", "selfcheck"})
MAX_CANDIDATES = 20
ID_BYTES = 200
ZERO_WIDTH_JOINER = "\u200d"  # part of many emoji
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Files that stand beside the students' folders in results/.
TAKEN = ("grades.csv", "index.html", "gradebook.db")

KINDS = {
    stat.S_IFLNK: "is a symbolic link, which is never followed: submit the file itself",
    stat.S_IFDIR: "is a folder, not a file: take the homework out of it, or rename it",
    stat.S_IFIFO: "is a named pipe, not a file: submit a regular file",
    stat.S_IFSOCK: "is a socket, not a file: submit a regular file",
    stat.S_IFCHR: "is a device, not a file: submit a regular file",
    stat.S_IFBLK: "is a device, not a file: submit a regular file",
}
ZIP = "is a zip archive, which is not read yet: unpack it"

# The folder a submission lies in and, for a loose file in a folder of many, its stem.
Place = tuple[str, str]


class NothingToGrade(ValueError):
    """A path does not exist, or nothing below the paths can be graded."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    `student` is unique in the class and safe as the name of a folder. `files` are the candidates,
    of which the best counts; where there is a `problem`, nothing is to be graded, and `files`
    holds what the problem is about, if there is anything.
    """

    student: str
    files: tuple[Path, ...]
    problem: str | None


@dataclass
class _Found:
    """The files found in one place, and what is wrong with those that cannot be candidates."""

    name: str
    files: set[Path] = field(default_factory=set)
    faults: list[tuple[tuple[Path, ...], str]] = field(default_factory=list)

    def submission(self, student: str) -> Submission:
        if len(self.files) > MAX_CANDIDATES:
            problem = (
                f"{len(self.files)} .py and .ipynb files in {shown(min(self.files).parent)}: "
                f"name the one to grade {HOMEWORK}.py or {HOMEWORK}.ipynb"
            )
            return Submission(student, (), problem)
        if self.files:
            return Submission(student, tuple(sorted(self.files)), None)
        files, problem = self.faults[0]
        return Submission(student, files, problem)


def discover(paths: Sequence[Path], results: Path | None = None) -> list[Submission]:
    """Return the submissions at and below `paths`, in the order of their places on disk.

    A file is one submission, and so is a folder that holds homework.py or homework.ipynb. Any
    other folder is a class: each .py and .ipynb in it is a submission, and each folder but
    `results`, where an earlier run wrote. Raise NothingToGrade where a path is missing or no file
    at all was found.
    """
    modes = [_mode(path) for path in paths]
    found: dict[Place, _Found] = {}
    for path, mode in zip(paths, modes, strict=True):
        if stat.S_ISDIR(mode) and path.suffix.lower() not in GRADABLE:
            _look_into(path, found, results)
        else:
            _add_file(path, mode, found)
    in_order = [found[place] for place in sorted(found, key=lambda place: os.path.join(*place))]
    students = _unique(item.name for item in in_order)
    submissions = [item.submission(s) for item, s in zip(in_order, students, strict=True)]
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


def _look_into(folder: Path, found: dict[Place, _Found], results: Path | None) -> None:
    """Add a named folder: one student's, or a class's."""
    own = os.path.abspath(results) if results else None
    before = len(found)
    try:
        entries = _scan(folder)
    except OSError as error:
        _at(folder, found).faults.append(_closed(folder, error))
        return
    if any(_is_homework(entry.name) and not _is_folder(entry) for entry in entries):
        _add_folder(folder, found)
        return
    for entry in entries:
        path = folder / entry.name
        if os.path.abspath(path) == own:
            continue
        if _is_folder(entry) and path.suffix.lower() not in GRADABLE:
            _add_folder(path, found)
        elif path.suffix.lower() in {*GRADABLE, ".zip"}:
            _add_file(path, _entry_mode(entry), found)
        elif entry.is_symlink() and not os.path.isfile(path):
            _at(path, found).faults.append(((path,), _fault(path, KINDS[stat.S_IFLNK])))
    if len(found) == before:
        _at(folder, found).faults.append(_nothing_in(folder))


def _add_file(path: Path, mode: int, found: dict[Place, _Found]) -> None:
    """Add a file that is a submission, or a candidate of one."""
    folder = Path(os.path.abspath(path)).parent
    if _is_homework(path.name):
        item = found.setdefault((str(folder), ""), _Found(folder.name))
    else:
        item = found.setdefault((str(folder), path.stem), _Found(path.stem))
    kind = stat.S_IFMT(mode)
    suffix = path.suffix.lower()
    if kind in KINDS:
        item.faults.append(((path,), _fault(path, KINDS[kind])))
    elif suffix in GRADABLE:
        item.files.add(path)
    elif suffix == ".zip":
        item.faults.append(((path,), _fault(path, ZIP)))
    else:
        item.faults.append(((), _fault(path, "is neither a .py nor an .ipynb file")))


def _add_folder(folder: Path, found: dict[Place, _Found]) -> None:
    """Add a student's folder: its files or, if it has none, those one folder deeper."""
    item = _at(folder, found)
    try:
        entries = _scan(folder)
        _take(folder, entries, item)
        if not item.files:
            deeper = [entry for entry in entries if _is_folder(entry)]
            for entry in deeper:
                if Path(entry.name).suffix.lower() not in GRADABLE:
                    inner = folder / entry.name
                    _take(inner, _scan(inner), item)
    except OSError as error:
        item.faults.append(_closed(folder, error))
    item.files = {path for path in item.files if _is_homework(path.name)} or item.files
    item.faults.append(_nothing_in(folder))


def _take(folder: Path, entries: Sequence[os.DirEntry[str]], item: _Found) -> None:
    for entry in entries:
        path = folder / entry.name
        kind = stat.S_IFMT(_entry_mode(entry))
        suffix = path.suffix.lower()
        if suffix in GRADABLE and kind in KINDS:
            item.faults.append(((path,), _fault(path, KINDS[kind])))
        elif suffix in GRADABLE:
            item.files.add(path)
        elif suffix == ".zip":
            item.faults.append(((path,), _fault(path, ZIP)))


def _at(folder: Path, found: dict[Place, _Found]) -> _Found:
    absolute = os.path.abspath(folder)
    return found.setdefault((absolute, ""), _Found(os.path.basename(absolute)))


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder in order, without what never holds a submission."""
    with os.scandir(folder) as entries:
        kept = [
            entry
            for entry in entries
            if not entry.name.startswith(".") and entry.name.lower() not in NO_SUBMISSION
        ]
    return sorted(kept, key=lambda entry: entry.name)


def _entry_mode(entry: os.DirEntry[str]) -> int:
    """Return the type of an entry; most are told by the listing itself, without a stat."""
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    if _is_folder(entry):
        return stat.S_IFDIR
    return entry.stat(follow_symlinks=False).st_mode


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _is_homework(name: str) -> bool:
    stem, suffix = os.path.splitext(name.lower())
    return stem == HOMEWORK and suffix in GRADABLE


def _fault(path: Path, text: str) -> str:
    return f"{shown(path)} {text}"


def _closed(folder: Path, error: OSError) -> tuple[tuple[Path, ...], str]:
    where = Path(os.fsdecode(error.filename)) if error.filename else folder
    return (where,), _fault(where, f"cannot be opened ({error.strerror}): check its permissions")


def _nothing_in(folder: Path) -> tuple[tuple[Path, ...], str]:
    return (), f"no .py or .ipynb found in {shown(folder)}"


def _unique(names: Iterable[str]) -> list[str]:
    """Make each name safe and, whatever the case, different from all others.

    The first of a name keeps it; "-2" and so on never displaces a student who is called that.
    """
    safe = [_safe(name) for name in names]
    taken = {*TAKEN, *(name.casefold() for name in safe)}
    count = dict.fromkeys(TAKEN, 1)
    students = []
    for name in safe:
        key, student = name.casefold(), name
        count[key] = count.get(key, 0) + 1
        while count[key] > 1 and student.casefold() in taken:
            student = f"{name}-{count[key]}"
            count[key] += student.casefold() in taken
        taken.add(student.casefold())
        students.append(student)
    return students


def _safe(name: str) -> str:
    """Return a name fit for a folder: one line, no separators, not too long, never '.' or ''."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    visible = "".join(
        char
        for char in unicodedata.normalize("NFC", text)
        if char == ZERO_WIDTH_JOINER or unicodedata.category(char) not in INVISIBLE
    )
    safe = visible.replace("/", "_").replace("\\", "_").strip(" .") or "student"
    encoded = safe.encode()
    room = ID_BYTES - len("-10000")  # what _unique may add
    if len(encoded) > room:
        mark = "-" + hashlib.sha256(encoded).hexdigest()[:8]
        safe = encoded[: room - len(mark)].decode(errors="ignore").rstrip(" .") + mark
    return safe
