"""When work was handed in, and the source of that time."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipInfo

from grader.results.policy import ToldBy, Zone

UNIX_TIMES = 0x5455  # "UT", an entry's extra field with its times in UTC
HAS_CHANGED = 0x1  # flag of that field: it has the time of the last change
NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time in an archive, from tools that store none


class Moment(NamedTuple):
    """When something was handed in, with its zone, and the source of that time.

    `is_local` says that the source gave no zone: the time is in the assignment's zone, and moves
    with it.
    """

    at: datetime
    told_by: ToldBy
    is_local: bool = False


def in_zone(at: datetime, told_by: ToldBy, zone: Zone) -> Moment:
    """Return a moment; a time without a zone is in `zone`."""
    if at.tzinfo is not None:
        return Moment(at, told_by)
    return Moment(at.replace(tzinfo=zone.info), told_by, True)


@dataclass
class Zones:
    """Adds the class's zone to times without one; `zoneless` are the sources of such times."""

    zone: Zone
    zoneless: set[str] = field(default_factory=set)

    def moment(self, at: datetime, told_by: ToldBy, source: str) -> Moment:
        """Return a moment with its zone; `source` names the origin of the time."""
        moment = in_zone(at, told_by, self.zone)
        if moment.is_local:
            self.zoneless.add(source)
        return moment


class Times(NamedTuple):
    """A table of submission times: `of` has the times, by the casefolded id in `system`.

    `source` is the table's name. Without a `system`, the ids may be from any. `remarks` say what
    could not be read.
    """

    source: str
    system: str
    of: Mapping[str, Moment]
    remarks: Sequence[str] = ()

    def find(self, system: str, id_: str) -> Moment | None:
        """Return when the student with this id in this system handed in, or None."""
        return self.of.get(id_.casefold()) if self.system in ("", system) else None


NO_TIMES = Times("", "", {})


def now() -> Moment:
    """Return the present moment, if nothing else is known."""
    return Moment(datetime.now(UTC), "file")


def of_file(path: Path) -> Moment:
    """Return when a file was last changed."""
    with suppress(OSError):
        return Moment(datetime.fromtimestamp(path.lstat().st_mtime, UTC), "file")
    return now()


def of_entry(info: ZipInfo) -> datetime | None:
    """Return when an archive's entry was last changed, or None if it does not say.

    It has a local time without a zone, and may have one in UTC, which takes precedence.
    """
    with suppress(ValueError, OverflowError, OSError, IndexError, struct.error):
        for kind, field in _extra_fields(info.extra):
            if kind == UNIX_TIMES and field[0] & HAS_CHANGED:
                return datetime.fromtimestamp(struct.unpack_from("<l", field, 1)[0], UTC)
    with suppress(ValueError):
        if info.date_time != NO_TIME:
            return datetime(*info.date_time)
    return None


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield an entry's extra fields: kind and bytes."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + size]
        at += 4 + size
