"""What counts of several attempts, and what being late costs: the policies of rubric.toml."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Literal, NamedTuple

import msgspec

from grader.errors import UserError

DAY = timedelta(days=1)
DECIMALS = 2  # of a final score

NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
WithOffset = Annotated[datetime, msgspec.Meta(tz=True)]


class Zone(NamedTuple):
    """The zone of times that are told without one; `words` say which that is, and why."""

    info: tzinfo
    words: str


NO_DUE = Zone(UTC, "UTC, since [late] has no due")


class Attempts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of a student's attempts counts: the one of the highest final score, or the last."""

    counts: Literal["best", "last"]


class Late(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When work is due, and what a day late costs. An empty `due`: nobody is late."""

    due: str
    grace_minutes: NotNegative
    percent_per_day: Percent
    most_percent: Percent

    def check(self) -> None:
        """Raise UserError where `due` is neither empty nor a time."""
        if self.due:
            self._limit()

    @property
    def zone(self) -> Zone:
        """The zone of `due`: that times without one are read in, on whatever machine."""
        if not self.due:
            return NO_DUE
        due = self._due()
        return Zone(due.tzinfo or UTC, f"{due.isoformat()[-6:]}, that of due in [late]")

    def days(self, handed_in: datetime) -> int:
        """Return how many days late that is; a day that has begun is a day."""
        if not self.due:
            return 0
        return max(0, -((self._limit() - handed_in) // DAY))  # floor division: exact, no float

    def final(self, score: float, days: float) -> float:
        """Return what is left of a score: the penalty is a share of the score that was earned."""
        percent = min(days * self.percent_per_day, self.most_percent)
        return round(score * (100 - percent) / 100, DECIMALS)

    def _due(self) -> datetime:
        try:
            return msgspec.convert(self.due, WithOffset)
        except msgspec.ValidationError:
            like = "2026-10-31T23:59:00+01:00"
            raise UserError(f"{self.due!r} is not a time with an offset, like {like}") from None

    def _limit(self) -> datetime:
        try:
            return self._due() + timedelta(minutes=self.grace_minutes)
        except OverflowError:
            raise UserError("with grace_minutes, that is beyond the year 9999") from None


class Policy(msgspec.Struct, frozen=True):
    """Both policies, as the gradebook takes them."""

    attempts: Attempts
    late: Late
