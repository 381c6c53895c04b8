"""`grader history`: what the terminal says of a student, from what the gradebook knows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from finals import final_of, mark

from grader.gradebook import Attempt, History, Override
from grader.gradebook.attempts import Grading, StoredAttempt
from grader.reports.history import show
from grader.results.policy import ToldBy
from grader.results.record import ByHand
from grader.rubric import Rubric

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 10, 24, 21, 59, tzinfo=UTC)  # the clocks change that night
AFTER = timedelta(days=1, seconds=5)


def grading(at: datetime, score: float, in_force: bool = True) -> Grading:
    return Grading(
        submission_id=1, name="homework.py", status="graded", score=score, grader_version="1.0",
        at=at, in_force=in_force,
    )  # fmt: skip


def attempt(number: int, told_by: ToldBy, days: float, final: float, *of: Grading) -> Attempt:
    file = StoredAttempt(
        id=number, submission_id=1, name="homework.py", status="graded", score=of[-1].score,
        is_comparable=True, handed_in=of[0].at, told_by=told_by,
        marked_late=None, marked_for="",
    )  # fmt: skip
    return Attempt(number=number, file=file, due=DUE, late_days=days, final=final, gradings=of)


def override(**changes: object) -> Override:
    fields = {
        "criterion": None, "points": None, "late_days": None, "due": None, "who": "TA",
        "at": DUE + AFTER, "why": "a doctor's note", "told": "", "last_attempt": 2,
    }  # fmt: skip
    return Override(**{**fields, **changes})


HISTORY = History(
    student="ada",
    final=final_of(
        mark("ada", 18).final.record, attempt=2, attempts=2, due=DUE + AFTER, final=16.2,
        by_hand=[ByHand(criterion=None, due=DUE + AFTER)],
    ),
    attempts=[
        attempt(1, "system", 0, 10, grading(DUE, 12, in_force=False), grading(DUE + AFTER, 10)),
        attempt(2, "", 1, 16.2, grading(DUE + 2 * AFTER, 18)),
    ],
    overrides=[
        override(due=DUE + AFTER, told="Get well soon."),
        override(criterion="net", points=3),
        override(criterion="net"),
    ],
)  # fmt: skip
NOTHING = History(student="ada", final=None, attempts=[], overrides=HISTORY.overrides[:1])
SAYS = """\
ada: final 16.2 of 20, from attempt 2 of 2 (the best final mark counts)
due 2026-10-25 22:59:05 +01:00 (extension)

attempt handed in told by days late score final file
1 2026-10-24 23:59:00 +02:00 system 0 10 10 homework.py
2 counts 2026-10-26 22:59:10 +01:00 unknown 1 18 16.2 homework.py

attempt graded version score status
1 2026-10-24 23:59:00 +02:00 1.0 12 graded
1 2026-10-25 22:59:05 +01:00 1.0 10 in force graded
2 2026-10-26 22:59:10 +01:00 1.0 18 in force graded

by hand set to at by because (staff) the student reads
whole due 2026-10-25 22:59:05 +01:00 in force 2026-10-25 22:59:05 +01:00 TA a doctor's note \
Get well soon.
net 3 points 2026-10-25 22:59:05 +01:00 TA a doctor's note
net withdrawn 2026-10-25 22:59:05 +01:00 TA a doctor's note
"""


SAYS_OF_NOTHING = """\
ada: nothing is handed in yet

by hand set to at by because (staff) the student reads
whole due 2026-10-25 22:59:05 +01:00 in force 2026-10-25 22:59:05 +01:00 TA a doctor's note \
Get well soon.
"""


@pytest.mark.parametrize(("history", "says"), [(HISTORY, SAYS), (NOTHING, SAYS_OF_NOTHING)])
def test_a_history_says_when_in_the_assignments_zone_and_what_for_whom(
    rubric: Rubric, capsys, monkeypatch, history: History, says: str
):
    monkeypatch.setenv("COLUMNS", "200")
    show(history, rubric.policy(), BERLIN)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == says.splitlines()
