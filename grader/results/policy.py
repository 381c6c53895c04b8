"""Which attempt counts, and what being late costs: the policies of rubric.toml."""

import re
from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, tzinfo
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from grader.errors import UserError

DAY = timedelta(days=1)
DECIMALS = 2  # of a final score
CLOCK = re.compile(r"\d[T ]\d")  # between the day and the time of day

NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]

# The source of a submission time: the system that the class comes from, the entry of the archive
# that the instructor got, or the file's own time; "" if unknown.
ToldBy = Literal["system", "archive", "file", ""]


class Zone(NamedTuple):
    """The zone of times given without one; `words` say which it is, and why."""

    info: tzinfo
    words: str


NO_DUE = Zone(UTC, "UTC, since [late] has neither due nor zone")


class Attempts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of a student's attempts counts: the one with the highest final score, or the last."""

    counts: Literal["best", "last"]


class Late(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When work is due, and what each late day costs. If `due` is empty, nobody is late.

    `zone` is the name of the assignment's time zone ("Europe/Berlin"); if empty, that of `due`.
    """

    due: str
    zone: str
    grace_minutes: NotNegative
    percent_per_day: Percent
    most_percent: Percent

    def check(self) -> None:
        """Raise UserError if `zone` is not a time zone, or `due` is neither empty nor a time."""
        _ = self.time_zone
        if due := self.due_at:
            self._limit(due)

    @property
    def time_zone(self) -> Zone:
        """The zone for reading times without one and for showing all times, on any machine."""
        if self.zone:
            return Zone(_zone_named(self.zone), f"{self.zone}, that of zone in [late]")
        if due := self.due_at:
            return Zone(due.tzinfo or UTC, f"{due.isoformat()[-6:]}, that of due in [late]")
        return NO_DUE

    @property
    def due_at(self) -> datetime | None:
        """When work is due, with its zone; None if `due` is empty."""
        return self._due() if self.due else None

    @property
    def due_instant(self) -> str:
        """The due date in UTC, however it is written; "" if there is none."""
        due = self.due_at
        return due.astimezone(UTC).isoformat() if due else ""

    def moment(self, text: str) -> datetime:
        """Return a time that somebody wrote; without an offset, it is in the assignment's zone.

        Raise UserError if it is not a date and time, or has no offset and there is no zone.
        """
        moment = _read(text)
        if moment.tzinfo:
            return moment
        if not (self.zone or self.due):
            raise _not_a_time(text)
        return moment.replace(tzinfo=self.time_zone.info)

    def days(self, handed_in: datetime, due: datetime | None = None) -> int:
        """Return the number of days late; a day that has begun counts as a day.

        `due` is the student's own due date, if they have an extension.
        """
        if not self.due:
            return 0
        limit = due or self._due()
        return max(0, -((self._limit(limit) - handed_in) // DAY))  # floor division: exact, no float

    def percent(self, days: float) -> float:
        """Return the percentage of the score that so many late days cost."""
        return min(days * self.percent_per_day, self.most_percent)

    def final(self, score: float, days: float) -> float:
        """Return the score after the penalty, which is a share of the score that was earned."""
        return round(score * (100 - self.percent(days)) / 100, DECIMALS)

    def _due(self) -> datetime:
        due = _read(self.due)
        if due.tzinfo is None and not self.zone:
            raise _not_a_time(self.due)
        return due if due.tzinfo else due.replace(tzinfo=_zone_named(self.zone))

    def _limit(self, due: datetime) -> datetime:
        try:
            # In UTC, since a day of the wall clock can be an hour longer or shorter.
            return due.astimezone(UTC) + timedelta(minutes=self.grace_minutes)
        except OverflowError:
            raise UserError("with grace_minutes, that is beyond the year 9999") from None


def _read(text: str) -> datetime:
    with suppress(ValueError):
        if CLOCK.search(text):  # a day alone could mean its beginning or its end
            moment = datetime.fromisoformat(text.strip())
            if not MINYEAR < moment.year < MAXYEAR:  # it may not exist in another zone
                raise UserError(f"{text!r} is not within the years {MINYEAR + 1} to {MAXYEAR - 1}")
            return moment
    raise _not_a_time(text)


def _not_a_time(text: str) -> UserError:
    return UserError(f"{text!r} is not a time with an offset, like 2026-10-31T23:59:00+01:00")


def _zone_named(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"{name!r} is not a time zone, like Europe/Berlin") from None


class Policy(msgspec.Struct, frozen=True):
    """Both policies, as the gradebook takes them."""

    attempts: Attempts
    late: Late
