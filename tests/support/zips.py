"""Build zip archives, also those that no honest tool makes."""

import stat
import struct
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

Entries = Iterable[tuple[str | zipfile.ZipInfo, bytes]]
DIRECTORY, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def zipped(path: Path, entries: Entries, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive; of two entries with one name both are in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method
            _append(archive, info, data)
    return path


def _append(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
    archive.NameToInfo.pop(info.filename, None)  # which would warn of a duplicate
    archive.writestr(info, data)


def dated(name: str, local: datetime, utc: datetime | None = None) -> zipfile.ZipInfo:
    """Return an entry of a local time and, if the tool that wrote it knew, the one in UTC."""
    info = zipfile.ZipInfo(name, local.timetuple()[:6])
    if utc:
        info.extra = struct.pack("<HHBl", 0x5455, 5, 1, int(utc.timestamp()))
    return info


def special(name: str, mode: int, target: str = "") -> tuple[zipfile.ZipInfo, bytes]:
    """Return an entry that says it is a link, a pipe or a device."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (mode | 0o777) << 16
    return info, target.encode()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    """Return a symbolic link."""
    return special(name, stat.S_IFLNK, target)


def headers(data: bytes) -> Iterable[tuple[int, bool]]:
    """Yield where each header begins, and whether it is one of the list at the end."""
    for mark in (LOCAL, DIRECTORY):
        at = data.find(mark)
        while at >= 0:
            yield at, mark == DIRECTORY
            at = data.find(mark, at + 4)


def patched(
    path: Path, *, name: bytes | None = None, only: tuple[str, ...] = ("",), **fields: int
) -> Path:
    """Change fields in the headers of an archive: what it says then is not true.

    `only` are what the names begin with whose headers are meant.
    """
    meant = tuple(beginning.encode() for beginning in only)
    data = bytearray(path.read_bytes())
    # Of a field: where it is in a local header, in one of the list, and how long.
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
    """Write an archive with names that are these bytes, and say no encoding of them."""
    places = [chr(ord("a") + number) * len(name) for number, name in enumerate(names)]
    zipped(path, [(place, data) for place in places], method=zipfile.ZIP_STORED)
    content = path.read_bytes()
    for place, name in zip(places, names, strict=True):
        content = content.replace(place.encode(), name)
    path.write_bytes(content)
    return patched(path, flags=flags)


def overlapping(path: Path, kernel: bytes, count: int) -> Path:
    """Write an archive whose entries are all the same bytes: small, and huge when unpacked."""
    zipped(path, [("0000.py", kernel)])
    content = path.read_bytes()
    at = content.index(DIRECTORY)
    listed = content[at : content.index(b"PK\x05\x06")]
    # Their names are all that of the one local header: zipfile compares the two.
    said = min(count, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, said, said, len(listed) * count, at, 0)
    path.write_bytes(content[:at] + listed * count + end)
    return path
