"""The record of one submission, as result.json and as a row of grades.csv hold it."""

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

# The reason that tells of another file's network, and those that say nothing of a network.
NETWORK_BESIDE = "net_beside"
MISSING = tuple(
    f"missing{more}" for more in ("", "_failed", "_near", "_nested", "_unparsed", "_in_text")
)
NOTHING_DEFINED = tuple(f"nothing_defined{more}" for more in ("", "_in_text", "_too_deep"))
NO_ANSWER = (*MISSING, *NOTHING_DEFINED, "crashed", "unreadable")

# Of a loss in the table. A wrong network's training is chaotic: the instructions of the processor
# move its third digit. In result.json it is as it was computed.
LOSS_DIGITS = 2

Status = Literal["graded", "unreadable", "failed", "timeout", "crashed"]


class CriterionResult(msgspec.Struct, frozen=True):
    """One criterion: `error` is the worst relative error, null where nothing could be compared.

    `message` is the words for `reasons`, `map` where the answer differs from what is expected.
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
    """How a training run went: the loss each `every` steps, and the predictions at the end.

    Those are one output after the other. Numbers are rounded, for drawing; null was not finite.
    """

    every: int
    losses: list[float | None]
    predictions: list[float | None]


class TrainingResult(msgspec.Struct, frozen=True):
    """The final loss of each training run that the homework asks for, null where there was none.

    `losses` and `runs` are by what the homework calls a run. `x` and `y` are for drawing: rounded
    data of the public training case, `y` one output after the other. The runs had the same x, and
    a y that is hidden.
    """

    losses: dict[str, float | None]
    pass_mark: float
    x: list[float | None] = []
    y: list[float | None] = []
    runs: dict[str, TrainingRun] = {}


class SourceNote(msgspec.Struct, frozen=True):
    """An error that the student's source met while it ran: where, and what."""

    where: str
    text: str


# What became of a file: it counts (the whole record is about it); it counts for its network; it is
# what one that counts imports or runs; it was graded and another one counts; it was not, since
# another one earned all points, or since it is as it was handed out, or defines nothing that is
# asked, or cannot be read, or is one too many.
Role = Literal[
    "counts", "net", "used", "graded", "spare", "untouched", "beside", "unreadable", "left_out"
]


class FileResult(msgspec.Struct, frozen=True):
    """A file of a submission: what became of it, what it earned, and why it cannot be read."""

    name: str
    sha256: str | None
    role: Role
    score: float | None = None
    problem: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt was graded. `seconds` is wall-clock; it alone varies between equal runs.

    `submission` and `sha256` are of the file that counts; `files` are all that were handed in.

    `conditions` are the machine and how busy it was, where the submission ran out of time: under
    others it is worth another try.
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
    """What somebody set by hand and is in force, of a criterion or (None) of the whole.

    `told` is what the student reads about it.
    """

    criterion: str | None
    points: float | None = None
    late_days: float | None = None
    due: datetime | None = None
    told: str = ""


class Final(msgspec.Struct, frozen=True, kw_only=True):
    """What a student gets in the end, and why: the one place that every table and page shows.

    `record` is of the attempt that counts, as it was graded; `criteria` are with the points that
    somebody set by hand, and `score` is their sum. `penalty` are the points of it that being late
    costs, and `final` is what goes to the register: what is left, unless somebody set it by hand.
    `handed_in` and `due` (the student's own, None if nothing is due) are in the assignment's zone.
    `section` is "" if none is known.
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
        """What result.json says."""
        of_record = msgspec.structs.asdict(self.record)
        standing = {
            name: getattr(self, name)
            for name in StudentResult.__struct_fields__
            if name not in of_record or name in ("student", "criteria", "score")
        }
        return StudentResult(**{**of_record, **standing, "schema": RESULT_SCHEMA})


class StudentResult(Record, frozen=True, kw_only=True):
    """result.json, schema 3: the attempt that counts, and what counts of it (see Final).

    `criteria` and `score` are with what was set by hand.
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
    """Return criteria as graded with the points that somebody set by hand."""
    points = {change.criterion: change.points for change in by_hand if change.points is not None}
    if not points:
        return list(criteria)
    return [replace(c, points=points.get(c.id, c.points)) for c in criteria]


def best(records: Sequence[Record], tasks: Tasks) -> Record:
    """Return the record that counts of a submission's files: the first of the highest score.

    Of equals it is the one that answers most. One whose file does not define the network has the
    network of another file.
    """
    whole = [
        _with_network(record, [*records[:number], *records[number + 1 :]], tasks)
        for number, record in enumerate(records)
    ]
    return max(whole, key=lambda record: (record.score, _answers(record)))


def _answers(record: Record) -> int:
    """Count the criteria to which there is an answer, right or wrong."""
    return sum(_reason(c) not in (*NO_ANSWER, "not_attempted") for c in record.criteria)


def network_file_of(record: Record) -> tuple[str, str] | None:
    """Return name and sha256 of the other file that the network of a record is from, if it is."""
    reasons = [criterion.reasons[0] for criterion in record.criteria if criterion.reasons]
    sources = [reason.values for reason in reasons if reason.id == NETWORK_BESIDE]
    return (str(sources[0]["file"]), str(sources[0]["sha256"])) if sources else None


def sha256(data: bytes) -> str:
    """Return the digest that the bytes of a file are known by."""
    return hashlib.sha256(data).hexdigest()


def others_of(record: Record) -> list[FileResult]:
    """Return the files that a record is about beside the one that counts."""
    return [file for file in record.files if file.role in ("net", "used")]


def content_of(record: Record) -> str | None:
    """Return a digest of the files that a record is about, None where none could be read."""
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
    """Return a criterion of another file's record; its places then say so."""
    file, network = other.submission, tasks.question_of(criterion.id).definition
    values = {"file": file, "sha256": other.sha256 or "", "network": network}
    reasons = [Reason(NETWORK_BESIDE, values)]
    for reason in criterion.reasons:
        place = str(reason.values.get("place", "")).removeprefix(" (")
        place_values = {"place": f" ({file}, {place}"} if place else {}
        reasons.append(Reason(reason.id, {**reason.values, **place_values}))
    return replace(criterion, reasons=tuple(reasons), message=ENGLISH.of(*reasons))


def in_language(record: Record, texts: Texts) -> Record:
    """Return a record whose messages are in a language, where they have reasons to tell it from."""
    criteria = [
        replace(criterion, message=texts.of(*criterion.reasons)) if criterion.reasons else criterion
        for criterion in record.criteria
    ]
    return replace(record, criteria=criteria)


def to_json(value: object) -> bytes:
    """Return a record, or a list of them, as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def record_path(student: str, results: Path) -> Path:
    """Return where the record of a student is."""
    return results / student / "result.json"


def write_result(outcome: StudentResult, results: Path) -> None:
    """Write results/<student>/result.json, but where it stands already."""
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

    `runs` are the training runs that have a column. The score and the criteria are with the points
    of criteria that somebody set by hand; `final` is what goes to the register. Where `finals`
    raises, the table stays as it was.
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
