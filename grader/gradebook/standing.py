"""What counts of a student's gradings and overrides. Knows no database."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from grader.policy import Policy
from grader.records import ByHand, Final, Record, ToldBy

Kind = tuple[str, str | None]  # what an override sets, and of which criterion (None: the whole)
LATE_DAYS: Kind = ("late_days", None)


class Grading(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a student, graded with one seed and rubric.

    `content` is the same for the same bytes; `last_at` is when the grader last came to this result.
    """

    submission_id: int
    content: str
    name: str
    status: str
    score: float
    grader_version: str
    handed_in: datetime
    first_at: datetime
    last_at: datetime
    in_force: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One content that a student handed in; `final` is its score after the penalty.

    `gradings` are in the order of `last_at`: the last one counts, whatever its seed and rubric.
    """

    number: int
    handed_in: datetime
    told_by: ToldBy = ""
    due: datetime | None = None
    late_days: float
    final: float
    gradings: list[Grading]

    @property
    def latest(self) -> Grading:
        """The grading that counts."""
        return self.gradings[-1]


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody set by hand; with neither points nor days it withdraws what was set before."""

    criterion: str | None
    points: float | None
    late_days: float | None
    due: datetime | None = None
    who: str
    at: datetime
    why: str
    told: str = ""

    @property
    def withdraws(self) -> bool:
        """Whether it takes back what was set of this criterion, or of the whole."""
        return self.points is None and self.late_days is None and self.due is None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All that the gradebook knows of a student."""

    final: Final
    attempts: list[Attempt]
    overrides: list[Override]

    def in_force(self, override: Override) -> bool:
        """Tell whether an override of this history still has an effect."""
        return any(override is kept for kept in in_force(self.overrides).values())


def in_force(overrides: Iterable[Override]) -> dict[Kind, Override]:
    """Return the overrides that count, in the order of being made: the latest of each kind."""
    kept: dict[Kind, Override] = {}
    for override in overrides:
        criterion = override.criterion
        if override.withdraws:
            kept = {kind: earlier for kind, earlier in kept.items() if kind[1] != criterion}
        if override.points is not None:
            kept["points", criterion] = override
        if override.late_days is not None:
            kept["late_days", criterion] = override
        if override.due is not None:
            kept["due", criterion] = override
    return kept


def attempts_of(
    gradings: Sequence[Grading], overrides: Sequence[Override], policy: Policy
) -> list[Attempt]:
    """Return a student's attempts, numbered by when their content was first recorded."""
    contents: dict[str, list[Grading]] = {}
    for grading in sorted(gradings, key=lambda grading: grading.first_at):
        contents.setdefault(grading.content, []).append(grading)
    # The same bytes handed in once more were handed in the first time.
    handed_in = [min(grading.handed_in for grading in same) for same in contents.values()]
    computed = [policy.late.days(moment) for moment in handed_in]
    set_by_hand = in_force(overrides).get(LATE_DAYS)
    days = _late_days(computed, None if set_by_hand is None else set_by_hand.late_days)
    return [
        _attempt(number, *attempt, policy)
        for number, attempt in enumerate(zip(contents.values(), handed_in, days, strict=True), 1)
    ]


def _late_days(computed: Sequence[int], by_hand: float | None) -> list[float]:
    """Return the days late of each attempt. What is set by hand is of the latest of them.

    The others are no later than that; so an extension makes nothing late that was on time.
    """
    if by_hand is None:
        return list(computed)
    latest = max(computed, default=0)
    return [by_hand if days == latest else min(days, by_hand) for days in computed]


def _attempt(
    number: int, gradings: Sequence[Grading], handed_in: datetime, days: float, policy: Policy
) -> Attempt:
    *earlier, last = sorted(gradings, key=lambda grading: grading.last_at)
    in_order = [*earlier, msgspec.structs.replace(last, in_force=True)]
    return Attempt(
        number=number,
        handed_in=handed_in,
        due=policy.late.due_at,
        late_days=days,
        final=policy.late.final(in_order[-1].score, days),
        gradings=in_order,
    )


def counting(attempts: Sequence[Attempt], policy: Policy) -> Attempt:
    """Return the attempt that counts; points set by hand do not make it another one."""
    if policy.attempts.counts == "last":
        return max(attempts, key=lambda attempt: (attempt.handed_in, attempt.number))
    return max(attempts, key=lambda attempt: (attempt.final, -attempt.number))


def final_of(
    attempts: Sequence[Attempt], record: Record, overrides: Sequence[Override], policy: Policy
) -> Final:
    """Return what goes to the register; `record` is that of the attempt that counts."""
    kept = in_force(overrides)
    points = {
        criterion: override.points
        for (what, criterion), override in kept.items()
        if what == "points" and override.points is not None
    }
    criteria = [
        msgspec.structs.replace(criterion, points=points.get(criterion.id, criterion.points))
        for criterion in record.criteria
    ]
    attempt = counting(attempts, policy)
    earned = sum(criterion.points for criterion in criteria)
    left = policy.late.final(earned, attempt.late_days)
    zone = policy.late.time_zone.info
    return Final(
        student=record.student,
        record=record,
        attempt=attempt.number,
        attempts=len(attempts),
        handed_in=attempt.handed_in.astimezone(zone),
        told_by=attempt.told_by,
        due=attempt.due.astimezone(zone) if attempt.due else None,
        late_days=attempt.late_days,
        criteria=criteria,
        score=earned,
        penalty=round(earned - left, 2),
        final=points.get(None, left),
        by_hand=[
            ByHand(criterion=o.criterion, points=o.points, late_days=o.late_days, told=o.told)
            for o in dict.fromkeys(kept.values())
        ],
    )
