"""Build zip archives, including some that no honest tool makes."""

import stat
import struct
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

Entries = Iterable[tuple[str | zipfile.ZipInfo, bytes]]
DIRECTORY, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def zipped(path: Path, entries: Entries, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive; entries with the same name are all in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method
            _append(archive, info, data)
    return path


def _append(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
    archive.NameToInfo.pop(info.filename, None)  # otherwise it warns of duplicates
    archive.writestr(info, data)


def dated(name: str, local: datetime, utc: datetime | None = None) -> zipfile.ZipInfo:
    """Return an entry with a local time and, optionally, the time in UTC."""
    info = zipfile.ZipInfo(name, local.timetuple()[:6])
    if utc:
        info.extra = struct.pack("<HHBl", 0x5455, 5, 1, int(utc.timestamp()))
    return info


def special(name: str, mode: int, target: str = "") -> tuple[zipfile.ZipInfo, bytes]:
    """Return an entry that claims to be a link, a pipe or a device."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (mode | 0o777) << 16
    return info, target.encode()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    """Return a symbolic link."""
    return special(name, stat.S_IFLNK, target)


def headers(data: bytes) -> Iterable[tuple[int, bool]]:
    """Yield the start of each header, and whether it is in the list at the end."""
    for mark in (LOCAL, DIRECTORY):
        at = data.find(mark)
        while at >= 0:
            yield at, mark == DIRECTORY
            at = data.find(mark, at + 4)


def patched(
    path: Path, *, name: bytes | None = None, only: tuple[str, ...] = ("",), **fields: int
) -> Path:
    """Falsify fields in the headers of an archive.

    `only` limits the change to names that begin with one of these.
    """
    meant = tuple(beginning.encode() for beginning in only)
    data = bytearray(path.read_bytes())
    # Per field: its position in a local header and in one of the list, and its format.
    where = {
        "flags": (6, 8, "<H"), "method": (8, 10, "<H"), "crc": (14, 16, "<L"),
        "compressed": (18, 20, "<L"), "size": (22, 24, "<L"),
    }  # fmt: skip
    for at, listed in list(headers(bytes(data))):
        if not data[at + (46 if listed else 30) :].startswith(meant):
            continue
        for field, value in fields.items():
            offset, kind = where[field][listed], where[field][2]
            struct.pack_into(kind, data, at + offset, value)
        if name is not None:
            start = at + (46 if listed else 30)
            data[start : start + len(name)] = name
    path.write_bytes(data)
    return path


def named(path: Path, *names: bytes, data: bytes = b"x = 1\n", flags: int = 0) -> Path:
    """Write an archive whose names are these bytes, without declaring their encoding."""
    places = [chr(ord("a") + number) * len(name) for number, name in enumerate(names)]
    zipped(path, [(place, data) for place in places], method=zipfile.ZIP_STORED)
    content = path.read_bytes()
    for place, name in zip(places, names, strict=True):
        content = content.replace(place.encode(), name)
    path.write_bytes(content)
    return patched(path, flags=flags)


def overlapping(path: Path, kernel: bytes, count: int) -> Path:
    """Write an archive whose entries are all the same bytes: small, but huge when unpacked."""
    zipped(path, [("0000.py", kernel)])
    content = path.read_bytes()
    at = content.index(DIRECTORY)
    listed = content[at : content.index(b"PK\x05\x06")]
    # All have the name in the only local header, because zipfile compares the two.
    said = min(count, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, said, said, len(listed) * count, at, 0)
    path.write_bytes(content[:at] + listed * count + end)
    return path
