"""CSV and Parquet for one's own analysis: a row a student and criterion."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from grader.cells import to_cell
from grader.exports.marks import Mark

COLUMNS = (
    "student", "system", "id", "submission", "status", "score", "final", "attempt", "late_days",
    "criterion", "points", "max_points", "error", "diagnosis", "message",
)  # fmt: skip


def rows(marks: Iterable[Mark]) -> Iterator[dict[str, Any]]:
    """Yield a row a criterion; its points are with what was set by hand."""
    for mark in marks:
        final, record = mark.final, mark.final.record
        for c in final.criteria:
            yield dict(
                zip(
                    COLUMNS,
                    (
                        mark.student, mark.system, mark.id, record.submission, record.status,
                        record.score, final.final, final.attempt, final.late_days,
                        c.id, c.points, c.max_points, c.error, c.diagnosis, c.message,
                    ),
                    strict=True,
                )
            )  # fmt: skip


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
    numbers = {"score", "final", "late_days", "points", "max_points", "error"}
    kinds = {name: number if name in numbers else text for name in COLUMNS}
    kinds["attempt"] = pa.int64()
    table = pa.Table.from_pylist(list(rows(marks)), schema=pa.schema(kinds.items()))
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())
