"""`grader history`: what the terminal says of a student, from what the gradebook knows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from finals import final_of
from test_exports import mark

from grader.gradebook import Attempt, History, Override
from grader.gradebook.standing import Grading
from grader.records import ByHand
from grader.reports.history import show
from grader.rubric import Rubric

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 10, 24, 21, 59, tzinfo=UTC)  # the clocks change that night
AFTER = timedelta(days=1, seconds=5)


def grading(at: datetime, score: float, **changes: object) -> Grading:
    fields = {
        "submission_id": 1, "content": "c", "name": "homework.py", "status": "graded",
        "score": score, "grader_version": "1.0", "handed_in": at, "first_at": at, "last_at": at,
    }  # fmt: skip
    return Grading(**{**fields, **changes})


def override(**changes: object) -> Override:
    fields = {
        "criterion": None, "points": None, "late_days": None, "who": "TA", "at": DUE + AFTER,
        "why": "a doctor's note",
    }  # fmt: skip
    return Override(**{**fields, **changes})


HISTORY = History(
    final=final_of(
        mark("ada", 18).final.record, attempt=2, attempts=2, due=DUE + AFTER, final=16.2,
        by_hand=[ByHand(criterion=None, due=DUE + AFTER)],
    ),
    attempts=[
        Attempt(
            number=1, handed_in=DUE, told_by="system", due=DUE, late_days=0, final=10,
            gradings=[grading(DUE, 12), grading(DUE + AFTER, 10, in_force=True)],
        ),
        Attempt(
            number=2, handed_in=DUE + 2 * AFTER, told_by="", due=DUE, late_days=1, final=16.2,
            gradings=[grading(DUE + 2 * AFTER, 18, in_force=True)],
        ),
    ],
    overrides=[
        override(due=DUE + AFTER, told="Get well soon."),
        override(criterion="net", points=3),
        override(criterion="net"),
    ],
)  # fmt: skip
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


def test_a_history_says_when_in_the_assignments_zone_and_what_for_whom(
    rubric: Rubric, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    show(HISTORY, rubric.policy(), BERLIN)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == SAYS.splitlines()
