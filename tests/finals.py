"""What counts of a student, made without a gradebook."""

from datetime import UTC, datetime
from typing import Any

from grader.results.record import Final, Record

HANDED_IN = datetime(2026, 10, 30, 12, 0, 5, tzinfo=UTC)


def final_of(record: Record, **changes: Any) -> Final:
    """Return the final of a record that was handed in on time, but for the changes."""
    criteria = changes.get("criteria", record.criteria)
    score = sum(criterion.points for criterion in criteria)
    fields: dict[str, Any] = {
        "student": record.student, "record": record, "attempt": 1, "attempts": 1,
        "handed_in": HANDED_IN, "told_by": "file", "due": None, "late_days": 0,
        "criteria": criteria, "score": score, "penalty": 0, "final": score,
    }  # fmt: skip
    return Final(**{**fields, **changes})
