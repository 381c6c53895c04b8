"""Make students' finals without a gradebook."""

from datetime import UTC, datetime
from typing import Any

from grader.lms.marks import Mark
from grader.results.record import CriterionResult, Final, Record, TrainingResult

HANDED_IN = datetime(2026, 10, 30, 12, 0, 5, tzinfo=UTC)


def final_of(record: Record, **changes: Any) -> Final:
    """Return the final of a record handed in on time, with some changes."""
    criteria = changes.get("criteria", record.criteria)
    score = sum(criterion.points for criterion in criteria)
    fields: dict[str, Any] = {
        "student": record.student, "record": record, "attempt": 1, "attempts": 1,
        "handed_in": HANDED_IN, "told_by": "file", "due": None, "late_days": 0,
        "criteria": criteria, "score": score, "penalty": 0, "final": score,
    }  # fmt: skip
    return Final(**{**fields, **changes})


def mark(
    student: str,
    points: float,
    system: str = "",
    id_: str = "",
    message: str = "right",
    called: str = "",
) -> Mark:
    record = Record(
        student=student, submission="homework.py", sha256=None, status="graded", score=points,
        max_score=20, criteria=[CriterionResult("forward.values", points, 20, None, message, None)],
        training=TrainingResult({"manual": None, "net": 0.004}, 0.01), notes=[], flags=[],
        isolation=[], seconds=0.5, grader_version="0",
    )  # fmt: skip
    return Mark(final_of(record, final=points - 0.5), system, id_, called)
