"""Decide which of a student's attempts and overrides count. Uses no database."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from grader.results.policy import DECIMALS, Policy, ToldBy
from grader.results.record import ByHand, Final, Record, with_points_by_hand

OverrideKey = tuple[
    str, str | None
]  # what an override sets, and for which criterion (None: the whole)


class Grading(msgspec.Struct, frozen=True, kw_only=True):
    """One grading of an attempt; `at` is when it was last put in force."""

    submission_id: int
    name: str
    status: str
    score: float
    grader_version: str
    at: datetime
    in_force: bool


class StoredAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A student's attempt as stored, with the grading in force.

    `is_comparable` says whether it was graded with the rubric and seed in force. `marked_late` is
    the system's own mark, if any, and `marked_for` the due date in force when it was made.
    """

    id: int
    submission_id: int
    name: str
    status: str
    score: float
    is_comparable: bool
    handed_in: datetime
    told_by: ToldBy
    marked_late: bool | None
    marked_for: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a student; `final` is its score after the penalty.

    `due` is the student's own due date. `gradings` are present only in a history.
    """

    number: int
    file: StoredAttempt
    due: datetime | None
    late_days: float
    final: float
    gradings: Sequence[Grading] = ()


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Values set by hand; without points, days and date it withdraws earlier ones.

    `why` is for the staff, `told` for the student. `last_attempt` is the id of the newest attempt
    at the time.
    """

    criterion: str | None
    points: float | None
    late_days: float | None
    due: datetime | None
    who: str
    at: datetime
    why: str
    told: str
    last_attempt: int

    @property
    def withdraws(self) -> bool:
        """Whether it withdraws the overrides of this criterion, or of the whole."""
        return self.points is None and self.late_days is None and self.due is None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All that the gradebook knows about a student; `final` is None if there is no attempt yet."""

    student: str
    final: Final | None
    attempts: list[Attempt]
    overrides: list[Override]

    def in_force(self, override: Override) -> bool:
        """Tell whether an override in this history still has an effect."""
        kinds = {kind for kind, latest in in_force(self.overrides).items() if latest is override}
        if self.final is not None:
            kinds &= set(map(_kind_of, self.final.by_hand))
        return bool(kinds)


def in_force(overrides: Iterable[Override]) -> dict[OverrideKey, Override]:
    """Return the overrides that count, in the order they were made: the latest of each kind."""
    latest: dict[OverrideKey, Override] = {}
    for override in overrides:
        criterion = override.criterion
        if override.withdraws:
            latest = {kind: earlier for kind, earlier in latest.items() if kind[1] != criterion}
        if override.points is not None:
            latest["points", criterion] = override
        if override.late_days is not None:
            latest["late_days", criterion] = override
        if override.due is not None:
            latest["due", criterion] = override
    return latest


def attempts_of(
    handed_in: Sequence[StoredAttempt], overrides: Sequence[Override], policy: Policy
) -> list[Attempt]:
    """Return a student's attempts, numbered in the order they were recorded."""
    overrides_in_force = in_force(overrides)
    extension, by_hand = (
        overrides_in_force.get(("due", None)),
        overrides_in_force.get(("late_days", None)),
    )
    due = _own_due(extension.due if extension else None, policy)
    days_by_times = [_days_late(file, due, policy) for file in handed_in]
    days = _with_days_by_hand(handed_in, days_by_times, by_hand)
    return [
        Attempt(
            number=number,
            file=file,
            due=due or policy.late.due_at,
            late_days=late_days,
            final=policy.late.final(file.score, late_days),
        )
        for number, (file, late_days) in enumerate(zip(handed_in, days, strict=True), 1)
    ]


def _own_due(extension: datetime | None, policy: Policy) -> datetime | None:
    """Return a student's own due date: an extension, unless the class's is now later."""
    of_class = policy.late.due_at
    return extension if extension and of_class and extension > of_class else None


def _days_late(file: StoredAttempt, due: datetime | None, policy: Policy) -> int:
    """Return the days late by the known times; a system does not know of extensions made here."""
    days = policy.late.days(file.handed_in, due)
    is_of_now = file.marked_for == policy.late.due_instant
    if file.marked_late is None or due or not policy.late.due or not is_of_now:
        return days
    return max(days, 1) if file.marked_late else 0


def _with_days_by_hand(
    handed_in: Sequence[StoredAttempt], days_by_times: Sequence[int], by_hand: Override | None
) -> list[float]:
    """Return each attempt's days late; days set by hand apply to attempts up to that time.

    They apply to the latest of these; the others become no later than that, and none that was on
    time becomes late.
    """
    if by_hand is None or by_hand.late_days is None:
        return list(days_by_times)
    days = by_hand.late_days
    there = [file.id <= by_hand.last_attempt for file in handed_in]
    latest = max(
        (c for c, was_there in zip(days_by_times, there, strict=True) if was_there), default=0
    )
    return [
        c if not was_there else days if c == latest else min(c, days)
        for c, was_there in zip(days_by_times, there, strict=True)
    ]


def counting(attempts: Sequence[Attempt], policy: Policy) -> Attempt:
    """Return the attempt that counts; points set by hand do not affect the choice.

    Attempts graded with another rubric count only if there are no others.
    """
    comparable = [attempt for attempt in attempts if attempt.file.is_comparable] or attempts
    if policy.attempts.counts == "last":
        return max(comparable, key=lambda attempt: (attempt.file.handed_in, attempt.number))
    return max(comparable, key=lambda attempt: (attempt.final, -attempt.number))


def final_of(
    student: str,
    section: str,
    attempts: Sequence[Attempt],
    record: Record,
    overrides: Sequence[Override],
    policy: Policy,
) -> Final:
    """Return the final mark; `record` is that of the attempt that counts."""
    by_hand = list(_all_by_hand(overrides, record, policy))
    total = next((b.points for b in by_hand if b.criterion is None and b.points is not None), None)
    criteria = with_points_by_hand(record.criteria, by_hand)
    attempt, zone = counting(attempts, policy), policy.late.time_zone.info
    score = round(sum(criterion.points for criterion in criteria), DECIMALS)
    mark = policy.late.final(score, attempt.late_days)
    return Final(
        student=student,
        section=section,
        record=replace(record, student=student),
        attempt=attempt.number,
        attempts=len(attempts),
        handed_in=attempt.file.handed_in.astimezone(zone),
        told_by=attempt.file.told_by,
        due=attempt.due.astimezone(zone) if attempt.due else None,
        late_days=attempt.late_days,
        criteria=criteria,
        score=score,
        penalty=round(score - mark, DECIMALS),
        final=mark if total is None else total,
        by_hand=by_hand,
    )


def _all_by_hand(overrides: Sequence[Override], record: Record, policy: Policy) -> Iterator[ByHand]:
    """Yield the overrides in force, with points limited to the rubric's.

    An override of a criterion that the rubric no longer has is not in force, nor is an extension to
    a day before the class's due date.
    """
    most: dict[str | None, float] = {c.id: c.max_points for c in record.criteria}
    most[None] = record.max_score
    for kind, override in in_force(overrides).items():
        is_idle = kind[0] == "due" and _own_due(override.due, policy) is None
        if override.criterion in most and not is_idle:
            by_hand = _by_hand(kind, override, policy)
            points = by_hand.points
            if points is not None:
                by_hand = replace(by_hand, points=min(points, most[override.criterion]))
            yield by_hand


def _kind_of(by_hand: ByHand) -> OverrideKey:
    kinds = ("points", "late_days", "due")
    return next(kind for kind in kinds if getattr(by_hand, kind) is not None), by_hand.criterion


def _by_hand(kind: OverrideKey, override: Override, policy: Policy) -> ByHand:
    """Return one kind of an override; each of several kinds in one counts separately."""
    what, criterion = kind
    zone = policy.late.time_zone.info
    return ByHand(
        criterion=criterion,
        points=override.points if what == "points" else None,
        late_days=override.late_days if what == "late_days" else None,
        due=override.due.astimezone(zone) if what == "due" and override.due else None,
        told=override.told,
    )
