"""CSV and Parquet for one's own analysis: one row per student and criterion."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from grader.cells import to_cell
from grader.exports.marks import Mark
from grader.records import Final

COLUMNS = (
    "student", "system", "id", "submission", "status", "score", "final", "attempt", "late_days",
    "criterion", "points", "max_points", "error", "diagnosis", "message",
    "section", "handed_in", "due", "penalty", "by_hand",
)  # fmt: skip


def rows(marks: Iterable[Mark]) -> Iterator[dict[str, Any]]:
    """Yield one row per criterion; score and points are with what was set by hand.

    `by_hand` is what the student is told about what was set, of the criterion or of the whole.
    """
    for mark in marks:
        final, record = mark.final, mark.final.record
        due = final.due.isoformat() if final.due else None
        for c in final.criteria:
            yield dict(
                zip(
                    COLUMNS,
                    (
                        mark.student, mark.system, mark.id, record.submission, record.status,
                        final.score, final.final, final.attempt, final.late_days,
                        c.id, c.points, c.max_points, c.error, c.diagnosis, c.message,
                        final.section, final.handed_in.isoformat(), due, final.penalty,
                        _by_hand(final, c.id),
                    ),
                    strict=True,
                )
            )  # fmt: skip


def _by_hand(final: Final, criterion: str) -> str | None:
    """Return what the student is told of what was set by hand; None if nothing was."""
    changes = [change.told for change in final.by_hand if change.criterion in (None, criterion)]
    return " ".join(filter(None, changes)) if changes else None


def to_csv(marks: Iterable[Mark]) -> str:
    """Return the rows as CSV, with a byte-order mark for spreadsheets."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows(marks):
        writer.writerow(to_cell(v) if isinstance(v, str) else v for v in row.values())
    return "\ufeff" + out.getvalue()


def to_parquet(marks: Iterable[Mark]) -> bytes:
    """Return the rows as Parquet; raise ImportError without the extra `parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    text, number = pa.string(), pa.float64()
    numbers = {"score", "final", "late_days", "points", "max_points", "error", "penalty"}
    kinds = {name: number if name in numbers else text for name in COLUMNS}
    kinds["attempt"] = pa.int64()
    table = pa.Table.from_pylist(list(rows(marks)), schema=pa.schema(kinds.items()))
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())
