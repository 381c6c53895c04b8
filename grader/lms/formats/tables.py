"""CSV and Parquet for your own analysis: one row per student and criterion."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from grader.errors import UserError
from grader.lms.marks import Mark
from grader.lms.system import Export, ExportOptions
from grader.results.record import CriterionResult, Final
from grader.util.csv_cells import to_cell

COLUMNS = (
    "student", "system", "id", "submission", "status", "score", "final", "attempt", "late_days",
    "criterion", "points", "max_points", "error", "diagnosis", "message",
    "section", "handed_in", "due", "penalty", "by_hand",
)  # fmt: skip


Cells = tuple[Any, ...]


def rows(marks: Iterable[Mark]) -> Iterator[Cells]:
    """Yield one row per criterion, as COLUMNS; score and points include overrides."""
    for mark in marks:
        before, after = _of_student(mark)
        for c in mark.final.criteria:
            yield *before, *_of_criterion(c), *after, _by_hand(mark.final, c.id)


def _of_student(mark: Mark) -> tuple[Cells, Cells]:
    """Return the cells that all rows of a student share, before and after the criterion's."""
    final, record = mark.final, mark.final.record
    due = final.due.isoformat() if final.due else None
    marks = (final.score, final.final, final.attempt, final.late_days)
    return (
        (mark.student, mark.system, mark.id, record.submission, record.status, *marks),
        (final.section, final.handed_in.isoformat(), due, final.penalty),
    )


def _of_criterion(c: CriterionResult) -> Cells:
    return c.id, c.points, c.max_points, c.error, c.diagnosis, c.message


def _by_hand(final: Final, criterion: str) -> str | None:
    """Return the texts for the student on overrides of a criterion or of the whole.

    None if there are none.
    """
    if not final.by_hand:
        return None
    changes = [change.told for change in final.by_hand if change.criterion in (None, criterion)]
    return " ".join(filter(None, changes)) if changes else None


def to_csv(marks: Iterable[Mark]) -> str:
    """Return the rows as CSV, with a byte-order mark for spreadsheets."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for mark in marks:
        before, after = map(_text_cells, _of_student(mark))  # once, not for each criterion
        writer.writerows(
            [*before, *_shared_cells(_of_criterion(c)), *after, *_text_cells((text,))]
            for c in mark.final.criteria
            for text in [_by_hand(mark.final, c.id)]
        )
    return "\ufeff" + out.getvalue()


def _text_cells(values: Cells) -> tuple[str, ...]:
    return tuple("" if v is None else to_cell(v) if isinstance(v, str) else str(v) for v in values)


_shared_cells = lru_cache(10_000)(_text_cells)  # most students have the same of a criterion


def to_parquet(marks: Iterable[Mark]) -> bytes:
    """Return the rows as Parquet; raise ImportError without the extra `parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    text, number = pa.string(), pa.float64()
    numbers = {"score", "final", "late_days", "points", "max_points", "error", "penalty"}
    kinds = {name: number if name in numbers else text for name in COLUMNS}
    kinds["attempt"] = pa.int64()
    columns = list(zip(*rows(marks), strict=True)) or [()] * len(COLUMNS)
    table = pa.Table.from_arrays(
        [pa.array(column, kinds[name]) for name, column in zip(COLUMNS, columns, strict=True)],
        schema=pa.schema(kinds.items()),
    )
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def _csv(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> str:
    return to_csv(marks)


def _parquet(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> bytes:
    try:
        return to_parquet(marks)
    except ImportError as error:
        extra = "pip install 'sigmoid-homework-grader[parquet]'"
        raise UserError(f"--to {options.target} needs PyArrow ({error}): {extra}") from error


CSV = Export("csv", _csv)
PARQUET = Export("parquet", _parquet)
