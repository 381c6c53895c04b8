"""The record of one submission, as stored in result.json and in a row of grades.csv."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from grader.judging.messages import ENGLISH, Reason, Texts
from grader.judging.verdicts import ErrorMap
from grader.results.policy import ToldBy
from grader.source.tasks import Tasks
from grader.util.atomic import write_atomically, writing_atomically
from grader.util.csv_cells import to_cell

GRADES = "grades.csv"
RECORD_SCHEMA = 2  # of a record in a gradebook
RESULT_SCHEMA = 3  # of result.json

# The reason for a network from another file, and the reasons that say nothing about a network.
NETWORK_BESIDE = "net_beside"
MISSING = tuple(
    f"missing{more}" for more in ("", "_failed", "_near", "_nested", "_unparsed", "_in_text")
)
NOTHING_DEFINED = tuple(f"nothing_defined{more}" for more in ("", "_in_text", "_too_deep"))
NO_ANSWER = (*MISSING, *NOTHING_DEFINED, "crashed", "unreadable")

# Digits of a loss in the table. A wrong network's training is chaotic: the processor's instructions
# change its third digit. result.json has the loss as computed.
LOSS_DIGITS = 2

Status = Literal["graded", "unreadable", "failed", "timeout", "crashed"]


class CriterionResult(msgspec.Struct, frozen=True):
    """One criterion. `error` is the worst relative error, null if nothing could be compared.

    `message` is `reasons` in words; `map` shows where the answer differs from the expected one.
    """

    id: str
    points: float
    max_points: float
    error: float | None
    message: str
    diagnosis: str | None
    reasons: tuple[Reason, ...] = ()
    map: ErrorMap | None = None


class TrainingRun(msgspec.Struct, frozen=True):
    """How a training run went: the loss every `every` steps, and the final predictions.

    Predictions are listed output by output. Numbers are rounded for drawing; null is not finite.
    """

    every: int
    losses: list[float | None]
    predictions: list[float | None]


class TrainingResult(msgspec.Struct, frozen=True):
    """The final loss of each training run that the homework asks for, null if there was none.

    `losses` and `runs` are keyed by the homework's names for runs. `x` and `y` are for drawing:
    rounded data of the public training case, `y` output by output. The graded runs had the same x,
    but a hidden y.
    """

    losses: dict[str, float | None]
    pass_mark: float
    x: list[float | None] = []
    y: list[float | None] = []
    runs: dict[str, TrainingRun] = {}


class SourceNote(msgspec.Struct, frozen=True):
    """An error met while the student's source ran: where, and what."""

    where: str
    text: str


# What became of a file: it counts (the whole record is about it); its network counts; a file that
# counts imports or runs it; it was graded, but another one counts; it was not graded, because
# another one earned all points, or it is as it was handed out, or defines nothing that is asked, or
# cannot be read, or there were too many files.
Role = Literal[
    "counts", "net", "used", "graded", "spare", "untouched", "beside", "unreadable", "left_out"
]


class FileResult(msgspec.Struct, frozen=True):
    """A file of a submission: its role, what it earned, and why it cannot be read."""

    name: str
    sha256: str | None
    role: Role
    score: float | None = None
    problem: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt was graded. `seconds` is wall-clock; it alone varies between equal runs.

    `submission` and `sha256` are those of the file that counts; `files` are all submitted files.

    If the submission ran out of time, `conditions` are the machine and its load: under others it is
    worth another try.
    """

    schema: int = RECORD_SCHEMA
    student: str
    submission: str
    sha256: str | None
    status: Status
    score: float
    max_score: float
    criteria: list[CriterionResult]
    training: TrainingResult
    notes: list[SourceNote]
    flags: list[str]
    isolation: list[str]
    seconds: float
    grader_version: str
    conditions: str | None = None
    files: list[FileResult] = []


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """A change by hand that is in force, to a criterion or (None) to the whole mark.

    `told` is the explanation for the student.
    """

    criterion: str | None
    points: float | None = None
    late_days: float | None = None
    due: datetime | None = None
    told: str = ""


class Final(msgspec.Struct, frozen=True, kw_only=True):
    """A student's final result, and why: the one source for all tables and pages.

    `record` is the attempt that counts, as graded. `criteria` include points set by hand, and
    `score` is their sum. `penalty` is the points of it that being late costs. `final`, which goes
    to the register, is what is left, unless it was set by hand. `handed_in` and `due` (the
    student's own, None if nothing is due) are in the assignment's zone. `section` is "" if unknown.
    """

    student: str
    section: str = ""
    record: Record
    attempt: int
    attempts: int
    handed_in: datetime
    told_by: ToldBy
    due: datetime | None
    late_days: float
    criteria: list[CriterionResult]
    score: float
    penalty: float
    final: float
    by_hand: list[ByHand] = []

    @property
    def result(self) -> "StudentResult":
        """The content of result.json."""
        of_record = msgspec.structs.asdict(self.record)
        standing = {
            name: getattr(self, name)
            for name in StudentResult.__struct_fields__
            if name not in of_record or name in ("student", "criteria", "score")
        }
        return StudentResult(**{**of_record, **standing, "schema": RESULT_SCHEMA})


class StudentResult(Record, frozen=True, kw_only=True):
    """result.json, schema 3: the attempt that counts, and its final result (see Final).

    `criteria` and `score` include what was set by hand.
    """

    schema: int = RESULT_SCHEMA
    attempt: int
    attempts: int
    handed_in: datetime
    told_by: ToldBy
    due: datetime | None
    late_days: float
    penalty: float
    final: float
    by_hand: list[ByHand]


def with_points_by_hand(
    criteria: Sequence[CriterionResult], by_hand: Sequence[ByHand]
) -> list[CriterionResult]:
    """Return the criteria as graded, with the points that were set by hand."""
    points = {change.criterion: change.points for change in by_hand if change.points is not None}
    if not points:
        return list(criteria)
    return [replace(c, points=points.get(c.id, c.points)) for c in criteria]


def best(records: Sequence[Record], tasks: Tasks) -> Record:
    """Return the record that counts among a submission's files: the first of the highest score.

    Between equals, the one that answers most counts. A record whose file does not define the
    network takes the network of another file.
    """
    whole = [
        _with_network(record, [*records[:number], *records[number + 1 :]], tasks)
        for number, record in enumerate(records)
    ]
    return max(whole, key=lambda record: (record.score, _answers(record)))


def _answers(record: Record) -> int:
    """Count the criteria that have an answer, right or wrong."""
    return sum(_reason(c) not in (*NO_ANSWER, "not_attempted") for c in record.criteria)


def network_file_of(record: Record) -> tuple[str, str] | None:
    """Return name and sha256 of the other file that a record's network is from, if any."""
    reasons = [criterion.reasons[0] for criterion in record.criteria if criterion.reasons]
    sources = [reason.values for reason in reasons if reason.id == NETWORK_BESIDE]
    return (str(sources[0]["file"]), str(sources[0]["sha256"])) if sources else None


def sha256(data: bytes) -> str:
    """Return the digest that identifies a file's bytes."""
    return hashlib.sha256(data).hexdigest()


def others_of(record: Record) -> list[FileResult]:
    """Return the files that a record is about, except the one that counts."""
    return [file for file in record.files if file.role in ("net", "used")]


def content_of(record: Record) -> str | None:
    """Return a digest of the files that a record is about, None if none could be read."""
    others = [file.sha256 for file in others_of(record)]
    if record.sha256 is None or not others:
        return record.sha256
    return hashlib.sha256(" ".join([record.sha256, *map(str, others)]).encode()).hexdigest()


def _with_network(record: Record, others: Sequence[Record], tasks: Tasks) -> Record:
    lacking = {c.id for c in record.criteria if _reason(c) in MISSING and tasks.is_of_network(c.id)}

    def answers(other: Record) -> list[CriterionResult]:
        return [c for c in other.criteria if c.id in lacking and _reason(c) not in NO_ANSWER]

    candidates = [other for other in others if answers(other)]
    if not candidates:
        return record
    other = max(candidates, key=lambda other: sum(c.points for c in answers(other)))
    replacements = {c.id: _taken(c, other, tasks) for c in answers(other)}
    criteria = [replacements.get(c.id, c) for c in record.criteria]
    return replace(
        record,
        criteria=criteria,
        score=sum(c.points for c in criteria),
        training=_with_runs_of_network(record.training, other.training, tasks),
        seconds=round(record.seconds + other.seconds, 4),
    )


def _with_runs_of_network(
    own: TrainingResult, other: TrainingResult, tasks: Tasks
) -> TrainingResult:
    """Return a file's training with the runs of another file's network."""
    names = [name for name, question in tasks.runs.items() if question.kind == "training"]
    return replace(
        own,
        losses=own.losses | {name: other.losses[name] for name in names},
        x=own.x or other.x,
        y=own.y or other.y,
        runs=own.runs | {name: other.runs[name] for name in names if name in other.runs},
    )


def _reason(criterion: CriterionResult) -> str | None:
    return criterion.reasons[0].id if criterion.reasons else None


def _taken(criterion: CriterionResult, other: Record, tasks: Tasks) -> CriterionResult:
    """Return a criterion from another file's record, with that file named in its places."""
    file, network = other.submission, tasks.question_of(criterion.id).definition
    values = {"file": file, "sha256": other.sha256 or "", "network": network}
    reasons = [Reason(NETWORK_BESIDE, values)]
    for reason in criterion.reasons:
        place = str(reason.values.get("place", "")).removeprefix(" (")
        place_values = {"place": f" ({file}, {place}"} if place else {}
        reasons.append(Reason(reason.id, {**reason.values, **place_values}))
    return replace(criterion, reasons=tuple(reasons), message=ENGLISH.of(*reasons))


def in_language(record: Record, texts: Texts) -> Record:
    """Return a record with its messages in a language, as far as they have reasons."""
    criteria = [
        replace(criterion, message=texts.of(*criterion.reasons)) if criterion.reasons else criterion
        for criterion in record.criteria
    ]
    return replace(record, criteria=criteria)


def to_json(value: object) -> bytes:
    """Return a record, or a list of them, as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def record_path(student: str, results: Path) -> Path:
    """Return the path of a student's record."""
    return results / student / "result.json"


def write_result(outcome: StudentResult, results: Path) -> None:
    """Write results/<student>/result.json, unless it is there already."""
    path, content = record_path(outcome.student, results), to_json(outcome)
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, content)


def write_grades(
    finals: Iterable[Final], criteria: Sequence[str], runs: Sequence[str], results: Path
) -> None:
    """Write results/grades.csv, one row per final (with a byte-order mark, for spreadsheets).

    `runs` are the training runs that have a column. The score and the criteria include points set
    by hand; `final` is what goes to the register. If `finals` raises, the table stays as it was.
    """
    head, losses = ["student", "submission", "status", "score"], [f"loss_{run}" for run in runs]
    standing = ["attempt", "late_days", "final", "section"]
    with writing_atomically(results / GRADES) as file:
        table = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        writer = csv.writer(table)
        writer.writerow([*head, *criteria, *losses, "seconds", *standing])
        for final in finals:
            record = final.record
            points = {criterion.id: f"{criterion.points:g}" for criterion in final.criteria}
            writer.writerow(
                [to_cell(final.student), to_cell(record.submission)]
                + [record.status, f"{final.score:g}"]
                + [points.get(criterion, "") for criterion in criteria]
                + [_loss(record.training.losses.get(run)) for run in runs]
                + [f"{record.seconds:.3f}", str(final.attempt)]
                + [f"{final.late_days:g}", f"{final.final:g}", to_cell(final.section)]
            )
        table.detach()


def _loss(loss: float | None) -> str:
    return "" if loss is None else f"{loss:.{LOSS_DIGITS}g}"
