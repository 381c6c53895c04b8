"""Unpack what may matter of zip archives into a folder that lasts as long as the run.

Nothing that an archive says about itself is trusted: sizes are counted as the bytes come out; names
are taken apart and rebuilt here; permissions, links and devices are never created. A refused entry
keeps its place, so that its student is told.
"""

import hashlib
import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Self, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from grader.confined.temporary import own_folder, remove_abandoned
from grader.errors import UserError
from grader.lms.registry import STUDENTS_FILES, SYSTEM_FILES
from grader.rubric.rubric import ArchiveLimits
from grader.source.paths import ZIP, ignored, is_handed_in, open_here_and_now, shown, suffix
from grader.source.read import (
    CHINESE,
    ENOUGH_COMMON,
    HEAD_BYTES,
    MEGABYTE,
    kind_of,
    share_of_common,
)
from grader.submissions.file_names import ending_of, is_nobodys
from grader.submissions.students.times import Moment, of_entry, of_file
from grader.submissions.tree import DEEPEST, ENVIRONMENT

# Nested archives: a class's, and the students' in it.
LEVELS = 2
# A student's folder, those in it, and a file: submissions are not searched for below that.
DEPTH = 1 + DEEPEST + 1
PATH_BYTES = 3_000  # of an entry's path; Linux takes 4096, with the folder it is unpacked in
# Files per student that are not unpacked, but named to tell what was handed in instead.
NAMED = 100
# Bytes per entry in the longest list of entries that is read.
LISTED_BYTES = 256
CHUNK = 2**16
NAME_BYTES = 255
ENCRYPTED = 0x1 | 0x40 | 0x2000
IS_UTF8 = 0x800
SEPARATORS = re.compile(r"[\\/]+")
DRIVE = re.compile(r"\A[A-Za-z]:")
OUTSIDE = re.compile(r"\A(?:[A-Za-z]:|[\\/])|(?:\A|[\\/])\.\.(?:[\\/]|\Z)")

ALONE = "submit the .py or .ipynb itself"
AGAIN = "zip it again, or submit the file itself"


class Refused(UserError):
    """An archive that is not unpacked; the message says why, in one line without its name."""


class _EntryRefused(Refused):
    """A single entry that is not unpacked; the others are."""


@dataclass
class _Archive:
    """An archive: its file, the path by which people know it, and its nesting level (from 1).

    `times` are its entries' times if it is `of_class`: files in a student's own archive have the
    time of the archive.
    """

    file: Path
    path: Path
    level: int
    of_class: bool
    times: dict[Path, datetime] = field(default_factory=dict)


class Archives:
    """The unpacked archives of one run; a context manager that deletes them at the end.

    `refusals` says why an entry was not unpacked, by the path of the file in its place.
    """

    def __init__(self, limits: ArchiveLimits, source_bytes: int) -> None:
        self._limits = limits
        self.source_bytes = source_bytes
        self._archives: list[_Archive] = []
        self._stack = ExitStack()
        self.refusals: dict[Path, str] = {}

    def __enter__(self) -> Self:
        remove_abandoned()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    @cached_property
    def _folder(self) -> Path:
        """This run's own folder, made for the first archive."""
        return self._stack.enter_context(own_folder())

    def unpack(self, path: Path, *, of_class: bool) -> Path:
        """Unpack the archive at `path`, a class's or one student's; return the folder.

        A single folder around all the rest is left out. Raise Refused if the file is not a readable
        archive, or would unpack to too much.
        """
        inside = self._around(path)
        level = inside.level + 1 if inside else 1
        if level > LEVELS:
            raise Refused("is a zip archive in a zip archive in another: submit the file itself")
        folder = self._folder / str(len(self._archives))
        archive = _Archive(path, self.original(path), level, of_class)
        self._archives.append(archive)
        folder.mkdir()
        try:
            with _opened(path) as file:
                self._unpack(file, folder, archive)
        except Refused:
            shutil.rmtree(folder)
            raise
        return folder

    def original(self, path: Path) -> Path:
        """Return the path people know: class.zip/bob/homework.py, not the temporary one."""
        archive = self._around(path)
        if archive is None:
            return path
        return archive.path.joinpath(*path.relative_to(self._folder).parts[1:])

    def set_students(self, folder: Path) -> None:
        """Note that the archive unpacked there as a class's is one student's."""
        if archive := self._around(folder):
            archive.of_class = False

    def handed_in(self, path: Path) -> Moment | None:
        """Return when the file at a path was handed in, or None if it is not from an archive.

        Only the instructor's archive counts: the times in a student's own archive are set by the
        student's computer. The time has no zone if the archive does not give one.
        """
        archive = self._around(path)
        if archive is None:
            return None
        if archive.of_class and path in archive.times:
            return Moment(archive.times[path], "archive")
        return self.handed_in(archive.file) or of_file(archive.file)

    def is_archive(self, folder: Path) -> bool:
        """Tell whether a folder stands for an archive, not for a folder in one."""
        return bool(self._archives) and folder.parent == self._folder

    def _around(self, path: Path) -> _Archive | None:
        if not self._archives or not path.is_relative_to(self._folder):
            return None
        return self._archives[int(path.relative_to(self._folder).parts[0])]

    def _unpack(self, file: IO[bytes], folder: Path, around: _Archive) -> None:
        of_class = around.of_class
        counter = _CountingFile(file, self._limits.entries * LISTED_BYTES)
        archive = _archive(counter)
        infos = archive.infolist()
        if len(infos) > self._limits.entries:
            raise Refused(f"holds more than {self._limits.entries} files: {ALONE}")
        entries = _without_wrapper(_entries(infos))
        most = self._limits.entries if of_class else self._limits.student_entries
        if _has_more_places(entries, most):
            advice = "unpack it yourself" if of_class else ALONE
            raise Refused(f"unpacks to more than {most} files and folders: {advice}")
        purse = _Purse(self._limits, self.source_bytes, of_class)
        for entry in _some_named(entries, of_class):
            target = folder.joinpath(*entry.place)
            if not _made(target.parent if entry.is_made else target) or not entry.is_made:
                continue
            if of_class and (time := of_entry(entry.info)):
                around.times[target] = time
            try:
                if entry.fault:
                    raise _EntryRefused(entry.fault)
                if entry.only_named:
                    target.touch()
                    continue
                self._write(archive, entry, target, purse.spender(entry, counter))
            except _EntryRefused as refusal:
                if not os.path.lexists(target):  # otherwise a good one of that name exists
                    target.touch()
                    self.refusals[target] = str(refusal)

    def _write(
        self, archive: ZipFile, entry: "_ArchiveEntry", target: Path, spend: Callable[[int], None]
    ) -> None:
        """Write an entry completely or not at all. If two share a name, the later one wins."""
        largest = self._limits.student_bytes if suffix(target.name) == ZIP else self.source_bytes
        scratch = self._folder / "scratch"
        size = 0
        with open(scratch, "wb") as out:
            for chunk in _chunks(archive, entry.info):
                size += len(chunk)
                spend(len(chunk))
                if size > largest:
                    limit = largest / MEGABYTE
                    raise _EntryRefused(f"is too large: the limit is {limit:.1f} MB")
                out.write(chunk)
        if not target.is_dir():  # that is reported as such: no folder may end in .py
            scratch.replace(target)
            self.refusals.pop(target, None)


class _Purse:
    """The bytes that may still be unpacked from an archive: in all, and per student.

    In a class's archive each top-level folder or loose file is one student. One who needs too much
    loses the rest, and no other student is affected.
    """

    def __init__(self, limits: ArchiveLimits, source_bytes: int, of_class: bool) -> None:
        self._limits = limits
        self._source_bytes = source_bytes
        self._of_class = of_class
        self._unpacked_sizes: Counter[str] = Counter()
        self._packed_sizes: Counter[str] = Counter()

    def spender(self, entry: "_ArchiveEntry", counter: "_CountingFile") -> Callable[[int], None]:
        """Return a function to call with the number of bytes as they come out of an entry."""
        student = entry.parts[0] if self._of_class else ""
        error = _EntryRefused if self._of_class else Refused
        most, ratio = self._limits.student_bytes, self._limits.ratio
        counter.taken()  # earlier reads do not count for this entry

        def spend(size: int) -> None:
            self._unpacked_sizes[student] += size
            self._packed_sizes[student] += counter.taken()
            total = self._unpacked_sizes[student]
            if total > self._source_bytes + ratio * self._packed_sizes[student]:
                raise error(f"is a zip bomb: it unpacks to more than {ratio} times its size")
            if total > most:
                raise error(f"unpacks to more than {most / MEGABYTE:.0f} MB: {ALONE}")
            if self._unpacked_sizes.total() > self._limits.class_bytes:
                limit = self._limits.class_bytes / MEGABYTE
                raise Refused(f"unpacks to more than {limit:.0f} MB: unpack it yourself")

        return spend


# The archive


class _CountingFile:
    """A file that counts the bytes read from it, and refuses to read too many at once.

    zipfile reads the list of entries in one piece, whatever its size, and makes an object of each.
    """

    def __init__(self, file: IO[bytes], at_once: int) -> None:
        self._file = file
        self._at_once = at_once
        self._size = 0
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read like any file."""
        data = self._file.read(min(size, self._at_once + 1) if size >= 0 else self._at_once + 1)
        if len(data) > self._at_once:
            raise Refused(f"holds too many files, or too long names: {ALONE}")
        self._size += len(data)
        return data

    def taken(self) -> int:
        """Return the number of bytes read since the last call."""
        size, self._size = self._size, 0
        return size


def _opened(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb", opener=_open_regular)
    except OSError as error:
        raise Refused(f"cannot be opened: {error.strerror}") from None


def _open_regular(path: str, flags: int) -> int:
    descriptor = open_here_and_now(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("is not a regular file")
    return descriptor


def _archive(file: _CountingFile) -> ZipFile:
    try:
        return ZipFile(cast(IO[bytes], file))
    except Refused:
        raise
    except UnicodeDecodeError:
        raise Refused(f"has names that are not in the encoding it says: {AGAIN}") from None
    except Exception:  # BadZipFile, or any other error in malformed bytes
        file.seek(0)
        raise Refused(_what_it_is(file.read(HEAD_BYTES))) from None


def _what_it_is(head: bytes) -> str:
    """Name the real format of a .zip file that cannot be read."""
    if not head:
        return "is empty"
    if head.startswith(b"PK"):
        return f"is a damaged or truncated zip archive: {AGAIN}"
    if kind := kind_of(head):
        return f"is {kind} named .zip: {ALONE}"
    return f"is not a zip archive, only named .zip: {ALONE}"


def _chunks(archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of an entry; their number counts, not the size it declares."""
    try:
        with archive.open(info) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except Exception:  # BadZipFile, zlib.error, EOFError, ...: zipfile promises nothing
        raise _EntryRefused(f"is damaged in its archive: {AGAIN}") from None


# Its entries


@dataclass(frozen=True)
class _ArchiveEntry:
    """An entry to unpack: `parts` are the safe names of its folders and itself.

    A file `matters` if it may be a submission or is `only_named`: then only an empty file is made,
    which shows who handed in what. `fault` is why an entry is nevertheless not unpacked.
    """

    info: ZipInfo
    parts: tuple[str, ...]
    is_folder: bool
    matters: bool
    only_named: bool
    fault: str | None

    @property
    def is_made(self) -> bool:
        """Whether a file is made; for other entries, only folders are."""
        return self.matters and len(self.parts) <= DEPTH

    @property
    def place(self) -> tuple[str, ...]:
        """The path made: the file, or the folder that the entry is or lies in."""
        return (self.parts if self.is_made or self.is_folder else self.parts[:-1])[:DEPTH]

    @property
    def counted(self) -> tuple[str, ...]:
        """The path that counts towards the limit: for an entry only named, its folder."""
        return self.parts[:-1][:DEPTH] if self.only_named else self.place


def _entries(infos: Sequence[ZipInfo]) -> list[_ArchiveEntry]:
    entries = [_entry(info, name) for info, name in zip(infos, _names(infos), strict=True)]
    rest = [entry for entry in entries if entry.parts and not any(map(ignored, entry.parts))]
    environments = {entry.parts[:-1] for entry in rest if entry.parts[-1] == ENVIRONMENT}
    return [entry for entry in rest if not _is_within(environments, entry)]


def _is_within(environments: Collection[tuple[str, ...]], entry: _ArchiveEntry) -> bool:
    """Tell whether an entry lies in a folder of a virtual environment."""
    return bool(environments) and any(
        entry.parts[:depth] in environments for depth in range(len(entry.parts) - 1)
    )


def _has_more_places(entries: Iterable[_ArchiveEntry], most: int) -> bool:
    """Tell whether more than `most` files and folders are made, including parent folders."""
    places: set[tuple[str, ...]] = set()
    for place in {entry.counted for entry in entries}:
        places.update(place[:depth] for depth in range(1, len(place) + 1))
        if len(places) > most:
            return True
    return False


def _some_named(entries: Iterable[_ArchiveEntry], of_class: bool) -> Iterator[_ArchiveEntry]:
    """Yield the entries, but only the first NAMED of each student's that are only named."""
    counts: Counter[str] = Counter()
    for entry in entries:
        student = entry.parts[0] if of_class else ""
        counts[student] += entry.only_named
        if not entry.only_named or counts[student] <= NAMED:
            yield entry


def _entry(info: ZipInfo, name: str) -> _ArchiveEntry:
    # Either slash may separate: archives made on Windows have had both.
    raw_parts = SEPARATORS.split(DRIVE.sub("", name))
    parts = tuple(_short(part, NAME_BYTES) for part in raw_parts if part not in {"", ".", ".."})
    if sum(len(part.encode()) for part in parts) > PATH_BYTES:
        parts = tuple(_short(part, PATH_BYTES // DEPTH) for part in parts)
    kind = stat.S_IFMT(info.external_attr >> 16)
    is_file = kind in {0, stat.S_IFREG}
    is_folder = kind == stat.S_IFDIR or (is_file and not raw_parts[-1])
    fault = None
    if not is_file and not is_folder:
        fault = "is a link or a special file in its archive: submit the file itself"
    elif OUTSIDE.search(name):
        parts = parts[-1:]  # reported at the top level, to be seen
        fault = f"is called {shown(name)[:100]} in its archive, which leads out of it: {AGAIN}"
    elif info.flag_bits & ENCRYPTED:
        fault = "is encrypted in its archive: zip it again without a password"
    elif info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        # Others are slow, or use as much memory as they declare.
        fault = f"is compressed in an unusual way (method {info.compress_type}): {AGAIN}"
    is_wanted = bool(parts) and (is_handed_in(parts[-1]) or parts[-1] in SYSTEM_FILES)
    only_named = is_file and not is_folder and not is_wanted
    matters = not is_folder
    return _ArchiveEntry(info, parts, is_folder, matters, only_named, fault)


def _short(part: str, most: int) -> str:
    """Shorten a name to at most that many bytes, keeping its suffix."""
    bytes_ = part.encode(errors="replace")
    if len(bytes_) <= most:
        return bytes_.decode()
    end = bytes_[-len(ending_of(part)) :] if is_handed_in(part) else b""
    mark = f"-{hashlib.sha256(bytes_).hexdigest()[:8]}".encode() + end
    return bytes_[: most - len(mark)].decode(errors="ignore") + mark.decode()


def _is_beside(name: str) -> bool:
    return is_nobodys(name) and name not in SYSTEM_FILES


def _without_wrapper(entries: list[_ArchiveEntry]) -> list[_ArchiveEntry]:
    """Remove a single folder around everything except nobody's files, if there is one."""
    works = [entry for entry in entries if entry.parts[1:] or not _is_beside(entry.parts[0])]
    first = {entry.parts[0] for entry in works}
    is_students = any(entry.parts[-1] in STUDENTS_FILES for entry in works if not entry.parts[2:])
    if len(first) != 1 or is_students or any(not e.is_folder and not e.parts[1:] for e in works):
        return entries
    return [replace(entry, parts=entry.parts[1:]) for entry in works if entry.parts[1:]]


def _made(folder: Path) -> bool:
    """Make a folder and its parents; return False if a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return False
    return True


# Their names

# For names that are not UTF-8 and declare no encoding: the encoding, the standard that orders its
# characters by frequency, and the first bytes of the common ones (for Japanese, without wide
# Latin).
EAST_ASIAN = (
    *CHINESE,
    ("cp932", "euc_jp", frozenset({0xA1, 0xA4, 0xA5, *range(0xB0, 0xD0)})),
)
OLDEST = "cp437"  # zip's original encoding; it decodes anything
# A single accented letter of cp437 among others: Ren\x82e. East Asian text has several in a row.
NOT_ASCII = re.compile(rb"[\x80-\xff]")
ACCENTED = re.compile(rb"(?<![\x80-\xff])[\x80-\x9a\xa0-\xa5\xe1](?![\x80-\xff])")


def _names(infos: Sequence[ZipInfo]) -> list[str]:
    """Decode the names; those without an encoding are judged together, as one tool wrote them."""
    raw = [_raw(info) for info in infos]
    encoding = _encoding([name for name in raw if name is not None and not _is(name, "utf-8")])
    return [
        info.filename if name is None else _decoded(name, encoding)
        for info, name in zip(infos, raw, strict=True)
    ]


def _raw(info: ZipInfo) -> bytes | None:
    """Return the bytes of a name, or None if the archive says that it is UTF-8."""
    if info.flag_bits & IS_UTF8:
        return None
    return info.filename.encode(OLDEST)  # zipfile decoded it as that


def _decoded(name: bytes, of_all: str | None) -> str:
    if _is(name, "utf-8"):
        return name.decode()
    if of_all and _is(name, of_all):
        return name.decode(of_all)
    return name.decode(_encoding([name]) or OLDEST)


def _is(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _encoding(names: Sequence[bytes]) -> str | None:
    """Return the East Asian or European encoding that fits the names well, or None."""
    if all(len(NOT_ASCII.findall(name)) == len(ACCENTED.findall(name)) for name in names):
        return OLDEST
    shares = [
        sum(share_of_common(name, *encoding) for name in names) / len(names)
        for encoding in EAST_ASIAN
    ]
    best = max(shares)
    return EAST_ASIAN[shares.index(best)][0] if best >= ENOUGH_COMMON else None
