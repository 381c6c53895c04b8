"""The record of one submission, as result.json and as a row of grades.csv hold it."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from grader.files import write_atomically

Status = Literal["graded", "unreadable", "failed", "timeout", "crashed"]


class Criterion(msgspec.Struct, frozen=True):
    """One criterion: `error` is the worst relative error, null where nothing could be compared."""

    id: str
    points: float
    max_points: float
    error: float | None
    message: str
    diagnosis: str | None


class Training(msgspec.Struct, frozen=True):
    """Final mean squared errors of the two training runs, null where there was none."""

    manual: float | None
    net: float | None
    pass_mark: float


class SourceNote(msgspec.Struct, frozen=True):
    """An error that the student's source met while it ran: where, and what."""

    where: str
    text: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """result.json, schema 1. `seconds` is wall-clock; it alone varies between equal runs."""

    schema: int = 1
    student: str
    submission: str
    sha256: str | None
    status: Status
    score: float
    max_score: float
    criteria: list[Criterion]
    training: Training
    notes: list[SourceNote]
    flags: list[str]
    isolation: list[str]
    seed: int
    seconds: float
    grader_version: str


def to_json(value: object) -> bytes:
    """Return a record, or a list of them, as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def record_path(student: str, results: Path) -> Path:
    """Return where the record of a student is."""
    return results / student / "result.json"


def write_record(record: Record, results: Path) -> None:
    """Write results/<student>/result.json, but where it stands already."""
    path, content = record_path(record.student, results), to_json(record)
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, content)


def write_grades(records: Iterable[Record], criteria: Sequence[str], results: Path) -> None:
    """Write results/grades.csv, a row a record (with a byte-order mark, for spreadsheets)."""
    table = io.StringIO()
    writer = csv.writer(table)
    head, tail = ["student", "submission", "status", "score"], ["loss_manual", "loss_net"]
    writer.writerow([*head, *criteria, *tail, "seconds"])
    for record in records:
        losses = (record.training.manual, record.training.net)
        writer.writerow(
            [_no_formula(record.student), _no_formula(record.submission)]
            + [record.status, f"{record.score:g}"]
            + [f"{criterion.points:g}" for criterion in record.criteria]
            + ["" if loss is None else repr(loss) for loss in losses]
            + [f"{record.seconds:.3f}"]
        )
    write_atomically(results / "grades.csv", table.getvalue().encode("utf-8-sig"))


def _no_formula(name: str) -> str:
    """Return a name as a spreadsheet shows it: one that begins like a formula would be run."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
