"""What counts of a student's attempts and of what was set by hand, without any database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from books import DUE, LATE, NOT_DUE, days, record
from hypothesis import given
from hypothesis import strategies as st

from grader.gradebook import Attempt, History, Override
from grader.gradebook.attempts import StoredAttempt, attempts_of, counting, final_of, in_force
from grader.results.policy import Attempts, Late, Policy
from grader.results.record import ByHand, Final

BEST, LAST = (Policy(Attempts(counts), LATE) for counts in ("best", "last"))
ALWAYS = 10**6  # an id later than those of all attempts here


def handed_in(number: int, at: datetime, score: float = 100.0, **more: Any) -> StoredAttempt:
    given = {
        "id": number, "submission_id": number, "name": "homework.py", "status": "graded",
        "score": score, "is_comparable": True, "handed_in": at,
        "told_by": "file", "marked_late": None, "marked_for": LATE.due_instant,
    }  # fmt: skip
    return StoredAttempt(**{**given, **more})


def by_hand(**given: Any) -> Override:
    """Return what somebody set when all attempts were there, unless `last_attempt` says else."""
    nothing = {"criterion": None, "points": None, "late_days": None, "due": None, "told": ""}
    about = {"who": "dr. x", "at": DUE, "why": "an oral exam", "last_attempt": ALWAYS}
    return Override(**{**nothing, **about, **given})


# Which attempt counts.

COUNTING = [  # policy, (days after due, score) of each attempt, the one that counts, its final
    ("best", [(0, 50), (0, 70), (0, 60)], 2, 70),
    ("last", [(0, 50), (0, 70), (0, 60)], 3, 60),
    ("best", [(0, 70), (0, 70)], 1, 70),
    ("last", [(0, 70), (0, 70)], 2, 70),
    ("best", [(0, 70), (2, 80)], 1, 70),  # 80 less 20 % is 64
    ("best", [(0, 60), (2, 80)], 2, 64),
    ("last", [(0, 70), (2, 80)], 2, 64),
    ("last", [(2, 80), (0, 70)], 1, 64),  # recorded in this order: handed in the other way round
    ("best", [(1, 80), (0, 72)], 1, 72),  # equal after the penalty
    ("best", [(9, 0)], 1, 0),
]


def attempts_at(when: Sequence[tuple[float, float]], policy: Policy) -> list[Attempt]:
    """Return attempts of (days after due, score), each a second after the one before."""
    files = [
        handed_in(number, DUE + days(late) + timedelta(seconds=number - len(when)), score)
        for number, (late, score) in enumerate(when, 1)
    ]
    return attempts_of(files, [], policy)


@pytest.mark.parametrize(("counts", "when", "number", "points"), COUNTING)
def test_the_best_or_the_last_attempt_counts(counts, when, number, points):
    policy = Policy(Attempts(counts), LATE)
    attempt = counting(attempts_at(when, policy), policy)
    assert (attempt.number, attempt.final) == (number, points)


# Of each attempt: its score, whether the rubric and seed in force graded it; the one that counts.
COMPARABLE = [
    ("best", [(100, False), (75, True)], 2),
    ("best", [(75, True), (100, False)], 1),
    ("last", [(75, True), (100, False)], 1),
    ("best", [(100, False), (10, True), (20, True)], 3),
    ("best", [(80, False), (100, False)], 2),  # nothing else is there
    ("last", [(80, False), (70, False)], 2),
]


@pytest.mark.parametrize(("counts", "graded", "number"), COMPARABLE)
def test_what_another_rubric_graded_counts_only_if_nothing_else_is_there(counts, graded, number):
    policy = Policy(Attempts(counts), LATE)
    files = [
        handed_in(at, DUE - days(9 - at), score, is_comparable=comparable)
        for at, (score, comparable) in enumerate(graded, 1)
    ]
    assert counting(attempts_of(files, [], policy), policy).number == number


MOMENTS = st.datetimes(datetime(2026, 10, 1), datetime(2026, 12, 1), timezones=st.just(UTC))
WORK = st.lists(st.tuples(st.floats(0, 100), MOMENTS), min_size=1, max_size=8)


@given(
    WORK, st.floats(0, 100), st.floats(0, 100), st.none() | st.floats(0, 50), st.none() | MOMENTS
)
def test_no_attempt_is_worth_more_than_the_best(work, a_day, most, late_days, due):
    policy = Policy(Attempts("best"), Late(LATE.due, "", 0, a_day, most))
    overrides = [by_hand(late_days=late_days)] if late_days is not None else []
    overrides += [by_hand(due=due)] if due else []
    files = [handed_in(number, at, score) for number, (score, at) in enumerate(work, 1)]
    attempts = attempts_of(files, overrides, policy)
    best = counting(attempts, policy)
    assert [attempt.number for attempt in attempts] == list(range(1, len(work) + 1))
    assert all(best.final >= attempt.final for attempt in attempts)
    assert all(0 <= attempt.final <= round(attempt.file.score, 2) for attempt in attempts)


@given(WORK, MOMENTS)
def test_a_later_due_date_makes_nothing_later(work, due):
    files = [handed_in(number, at, score) for number, (score, at) in enumerate(work, 1)]
    without = attempts_of(files, [], BEST)
    extended = attempts_of(files, [by_hand(due=max(due, DUE))], BEST)
    assert all(a.late_days <= b.late_days for a, b in zip(extended, without, strict=True))


# How late an attempt is.


@dataclass(frozen=True)
class Lateness:
    """Attempts by days after due, what is set by hand, and the days late of each attempt then.

    `marked` is what the system says of each attempt, by the due date `marked_for`.
    """

    after: Sequence[float]
    overrides: Sequence[Override]
    then: Sequence[float]
    marked: Sequence[bool | None] = ()
    late: Late = LATE
    marked_for: str = LATE.due_instant


DAY = "2026-10-01T23:59:00+01:00"  # another due date
TIMES = {
    "by their times": Lateness([-1, 0, 0.1, 3], [], [0, 0, 1, 3]),
    "nothing is due": Lateness([0, 3], [], [0, 0], late=NOT_DUE),
}
MARKED = {
    "the system says late": Lateness([0, 2], [], [1, 2], [True, True]),
    "the system says on time": Lateness([0, 2], [], [0, 0], [False, False]),
    "it says nothing of one": Lateness([2, 2], [], [2, 0], [None, False]),
    "nothing is due, and the system says late": Lateness([2], [], [0], [True], NOT_DUE),
    "late for a due date of before": Lateness([-1, 2], [], [0, 2], [True, True], marked_for=DAY),
    "on time for a due date of before": Lateness([2], [], [2], [False], marked_for=DAY),
    "when nothing was due": Lateness([-1, 2], [], [0, 2], [True, False], marked_for=""),
}
EXTENSIONS = {
    "all within it": Lateness([0, 2], [by_hand(due=DUE + days(2))], [0, 0]),
    "beyond it": Lateness([2, 5], [by_hand(due=DUE + days(3))], [0, 2]),
    "to a day before the others': none": Lateness([0, 2], [by_hand(due=DUE - days(1))], [0, 2]),
    "to the same: the system says late": Lateness([0], [by_hand(due=DUE)], [1], [True]),
    "the class's was moved after it": Lateness(
        [9, 12],
        [by_hand(due=DUE + days(2))],
        [0, 2],
        late=Late("2026-11-10T23:59:00+01:00", "", 0, 10, 50),
    ),
    "the last one counts": Lateness(
        [4], [by_hand(due=DUE + days(9)), by_hand(due=DUE + days(2))], [2]
    ),
    "withdrawn": Lateness([4], [by_hand(due=DUE + days(9)), by_hand()], [4]),
    "set before anything came": Lateness([4], [by_hand(due=DUE + days(3), last_attempt=0)], [1]),
    "the system does not know of it": Lateness(
        [2, 5], [by_hand(due=DUE + days(3))], [0, 2], [True, True]
    ),
    "nothing is due": Lateness([2], [by_hand(due=DUE - days(3))], [0], late=NOT_DUE),
}
BY_HAND = {
    "on time": Lateness([0, 2], [by_hand(late_days=0)], [0, 0]),
    "what was on time stays so": Lateness([0, 2], [by_hand(late_days=1)], [0, 1]),
    "half a day": Lateness([0, 1, 2], [by_hand(late_days=1.5)], [0, 1, 1.5]),
    "as it was": Lateness([2, 0], [by_hand(late_days=2)], [2, 0]),
    "later": Lateness([0, 2], [by_hand(late_days=3)], [0, 3]),
    "their times told nothing": Lateness([0, 0], [by_hand(late_days=3)], [3, 3]),
    "one attempt": Lateness([2], [by_hand(late_days=3)], [3]),
    "both are the latest": Lateness([3, 3], [by_hand(late_days=1)], [1, 1]),
    "a later attempt goes by its time": Lateness(
        [2, 4], [by_hand(late_days=0, last_attempt=1)], [0, 4]
    ),
    "and is no measure for those before": Lateness(
        [2, 1, 9], [by_hand(late_days=5, last_attempt=2)], [5, 1, 9]
    ),
    "withdrawn": Lateness([2], [by_hand(late_days=0), by_hand()], [2]),
    "beside an extension": Lateness(
        [2, 5], [by_hand(due=DUE + days(3)), by_hand(late_days=1)], [0, 1]
    ),
    "whatever the system says": Lateness([2], [by_hand(late_days=0.5)], [0.5], [True]),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{kind}: {name}")
        for kind, cases in {
            "times": TIMES, "marked": MARKED, "extension": EXTENSIONS, "by hand": BY_HAND
        }.items()
        for name, case in cases.items()
    ],
)  # fmt: skip
def test_how_late_each_attempt_is(case):
    marks = [*case.marked, *[None] * (len(case.after) - len(case.marked))]
    files = [
        handed_in(number, DUE + days(after), marked_late=marked, marked_for=case.marked_for)
        for number, (after, marked) in enumerate(zip(case.after, marks, strict=True), 1)
    ]
    attempts = attempts_of(files, case.overrides, Policy(Attempts("best"), case.late))
    assert [attempt.late_days for attempt in attempts] == list(case.then)


def test_an_attempt_has_the_due_date_of_its_student():
    (file,) = files = [handed_in(1, DUE)]
    assert [attempt.due for attempt in attempts_of(files, [], BEST)] == [DUE]
    extended = attempts_of([file], [by_hand(due=DUE + days(2))], BEST)
    assert [attempt.due for attempt in extended] == [DUE + days(2)]
    assert [a.due for a in attempts_of(files, [], Policy(Attempts("best"), NOT_DUE))] == [None]


# What is left in the end.


def final(overrides: Sequence[Override], policy: Policy = BEST, late: float = 2) -> Final:
    """Return what counts of 50 + 30 points, two days late."""
    graded = record(a=50, b=30)
    attempts = attempts_of([handed_in(1, DUE + days(late), graded.score)], overrides, policy)
    return final_of("ada", "", attempts, graded, overrides, policy)


NOTHING: dict[str, Any] = {}
OVERRIDES = [  # what is set one after the other; then the score, the penalty and the final
    ([], (80, 16, 64)),
    ([{"points": 90}], (80, 16, 90)),
    ([{"points": 0}], (80, 16, 0)),
    ([{"late_days": 0}], (80, 0, 80)),
    ([{"late_days": 1}], (80, 8, 72)),
    ([{"due": DUE + days(1)}], (80, 8, 72)),
    ([{"criterion": "a", "points": 60}], (90, 18, 72)),
    ([{"criterion": "a", "points": 60}, {"criterion": "b", "points": 40}], (100, 20, 80)),
    ([{"criterion": "a", "points": 60}, {"late_days": 0}], (90, 0, 90)),
    ([{"criterion": "a", "points": 60}, {"criterion": "a", "points": 10}], (40, 8, 32)),
    ([{"criterion": "a", "points": 60}, {"criterion": "a"}], (80, 16, 64)),
    ([{"criterion": "a", "points": 60}, NOTHING], (90, 18, 72)),  # withdraws what is of the whole
    ([{"points": 90}, {"criterion": "a"}], (80, 16, 90)),
    ([{"points": 90}, {"criterion": "a", "points": 0}], (30, 6, 90)),
    ([{"points": 90}, {"points": 95}], (80, 16, 95)),
    ([{"points": 90}, {"late_days": 0}], (80, 0, 90)),
    ([{"points": 90}, {"late_days": 0}, NOTHING], (80, 16, 64)),
    ([{"points": 90}, {"due": DUE + days(9)}, NOTHING], (80, 16, 64)),
    ([{"points": 90}, NOTHING, {"late_days": 0}], (80, 0, 80)),
    ([{"points": 90, "late_days": 0}], (80, 0, 90)),
    ([{"criterion": "no more in the rubric", "points": 9}], (80, 16, 64)),
    ([{"criterion": "no more in the rubric", "points": 9}, {"points": 90}], (80, 16, 90)),
    ([{"due": DUE - days(9)}], (80, 16, 64)),
    # No more than the rubric gives: it gave more once.
    ([{"criterion": "a", "points": 75}], (90, 18, 72)),
    ([{"points": 110}], (80, 16, 100)),
]


@pytest.mark.parametrize(("set_by_hand", "then"), OVERRIDES)
def test_the_latest_of_each_kind_that_was_set_by_hand_counts(set_by_hand, then):
    overrides = [by_hand(**given) for given in set_by_hand]
    counts = final(overrides)
    assert (counts.score, counts.penalty, counts.final) == then
    assert counts.score == sum(criterion.points for criterion in counts.criteria)
    assert counts.record.score == 80  # as it was graded
    history = History(student="ada", final=counts, attempts=[], overrides=overrides)
    assert bool(counts.by_hand) == any(map(history.in_force, overrides))
    assert len(counts.by_hand) <= len(in_force(overrides))


def test_what_has_no_effect_is_not_in_force():
    """Of a criterion that is gone, or an extension to a day before the class's due date."""
    overrides = [
        by_hand(criterion="gone", points=9),
        by_hand(due=DUE - days(1), points=90),
        by_hand(due=DUE - days(2)),
    ]
    counts = final(overrides)
    history = History(student="ada", final=counts, attempts=[], overrides=overrides)
    assert [history.in_force(override) for override in overrides] == [False, True, False]
    assert counts.by_hand == [ByHand(criterion=None, points=90)]
    assert (counts.due, counts.late_days) == (DUE, 2)


def test_what_is_set_by_hand_comes_with_what_the_student_reads_and_never_why():
    overrides = [
        by_hand(points=90, late_days=1, told="you explained it"),
        by_hand(criterion="a", points=60),
        by_hand(due=DUE + days(1), told="you were ill"),
    ]
    counts = final(overrides)
    assert counts.by_hand == [
        ByHand(criterion=None, points=90, told="you explained it"),
        ByHand(criterion=None, late_days=1, told="you explained it"),
        ByHand(criterion="a", points=60),
        ByHand(criterion=None, due=DUE + days(1), told="you were ill"),
    ]
    assert [criterion.points for criterion in counts.criteria] == [60, 30]
    assert [criterion.points for criterion in counts.record.criteria] == [50, 30]
    assert "oral" not in str(counts)


def test_times_are_told_in_the_assignments_zone():
    for late, offset in ((LATE, 1), (Late(LATE.due, "Asia/Taipei", 0, 10, 50), 8)):
        counts = final([by_hand(due=DUE + days(3))], Policy(Attempts("best"), late))
        moments = [counts.handed_in, counts.due, counts.by_hand[0].due]
        assert [moment.utcoffset() for moment in moments] == [timedelta(hours=offset)] * 3
        assert moments == [DUE + days(2), DUE + days(3), DUE + days(3)]


def test_an_extension_can_make_another_attempt_the_best():
    files = [handed_in(1, DUE, 70), handed_in(2, DUE + days(2), 80)]
    for overrides, number in (([], 1), ([by_hand(due=DUE + days(2))], 2)):
        assert counting(attempts_of(files, overrides, BEST), BEST).number == number


def test_points_set_by_hand_do_not_make_another_attempt_count():
    files = [handed_in(1, DUE, 70), handed_in(2, DUE, 50)]
    overrides = [by_hand(criterion="a", points=0)]
    attempts = attempts_of(files, overrides, BEST)
    assert counting(attempts, BEST).number == 1
    counts = final_of("ada", "B", attempts, record(a=50, b=20), overrides, BEST)
    assert (counts.attempt, counts.attempts, counts.final, counts.section) == (1, 2, 20, "B")
    assert counts.told_by == "file"
