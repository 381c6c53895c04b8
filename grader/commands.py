"""Run a job in the grading process and show people what came of it."""

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from grader.classroom import Classroom
from grader.files import remove_unfinished
from grader.gradebook import Entry, Gradebook, GradebookError, default_url
from grader.jobs import INTERRUPTED, GradeJob, Job, ValidateJob
from grader.records import Final, Record, to_json, write_grades, write_record
from grader.reports.terminal import GradeScreen, show_validations
from grader.rubric import Rubric, load_rubric
from grader.submissions.archives import Archives
from grader.submissions.discover import NothingToGrade, discover
from grader.validate import validate
from grader.workers import IsolationMissing, Zygote, ZygoteDied

DONE, UNDER_MARK, UNUSABLE = 0, 1, 2


def run(encoded: bytes, zygote: Zygote) -> int:
    """Decode and run a job; return the exit code. Errors become one line on standard error."""
    job: Job = msgspec.msgpack.decode(encoded, type=Job)
    try:
        return _grade(job, zygote) if isinstance(job, GradeJob) else _validate(job, zygote)
    except (NothingToGrade, IsolationMissing) as error:
        return _fail(str(error))
    except GradebookError as error:
        return _fail(f"{error}; what was written is kept")
    except ZygoteDied as error:
        return _fail(f"{error}; what was graded is kept: run again")
    except OSError as error:
        return _fail(f"{error.filename or 'results'}: {error.strerror}; what was written is kept")


def _seed(job: Job, rubric: Rubric) -> int:
    return rubric.cases.seed if job.seed is None else job.seed


def _fail(message: str) -> int:
    print(f"grader: {message}", file=sys.stderr)
    return UNUSABLE


def _grade(job: GradeJob, zygote: Zygote) -> int:
    rubric = load_rubric()
    zygote.strict = job.isolation == "strict"
    # What is unpacked is read while the class is graded, and gone after that.
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        return _grade_class(job, rubric, archives, zygote)


def _grade_class(job: GradeJob, rubric: Rubric, archives: Archives, zygote: Zygote) -> int:
    results = Path(job.out)
    submissions = discover([Path(path) for path in job.paths], archives, results)
    with zygote.fork_worker(rubric.limits) as trial:
        pass  # it only tells which layers there are
    results.mkdir(parents=True, exist_ok=True)
    remove_unfinished(results)
    classroom = Classroom(rubric, _seed(job, rubric), zygote)
    records: dict[str, Record] = {}
    interrupted = False
    with (
        GradeScreen(len(submissions), rubric, results, quiet=job.format == "json") as screen,
        # Closed here, where a record cannot be written, so that no worker outlives the message.
        contextlib.closing(classroom.grade_all(submissions, job.jobs)) as graded,
    ):
        screen.show_isolation(trial.layers, trial.missing)
        try:
            for record in graded:
                write_record(record, results)
                records[record.student] = record
                screen.add(record)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            in_order = [records[s.student] for s in submissions if s.student in records]
            if in_order:  # a run that came to nothing leaves the table of the one before
                write_grades(_recorded(in_order, rubric, results), list(rubric.points), results)
    if interrupted:
        _fail(f"interrupted: {len(records)} of {len(submissions)} graded, kept in {results}")
        return INTERRUPTED
    if job.format == "json":
        sys.stdout.buffer.write(to_json(in_order))
    else:
        screen.show_class(in_order)
    under = job.fail_under is not None and any(r.score < job.fail_under for r in in_order)
    return UNDER_MARK if under else DONE


def _recorded(records: Sequence[Record], rubric: Rubric, results: Path) -> Iterator[Final]:
    """Record a class in the gradebook, and yield what counts of it."""
    with Gradebook(default_url(results), rubric.policy()) as book:
        book.add([Entry(_key(record), record, datetime.now(UTC)) for record in records])
        yield from book.finals(record.student for record in records)


def _key(record: Record) -> str:
    same_for_all = msgspec.structs.replace(record, student="", seconds=0.0)
    return hashlib.sha256(msgspec.json.encode(same_for_all)).hexdigest()


def _validate(job: ValidateJob, zygote: Zygote) -> int:
    rubric = load_rubric()
    classroom = Classroom(rubric, _seed(job, rubric), zygote)
    try:
        validations = list(validate(Path(job.solution), classroom, job.jobs))
    except ValueError as error:
        return _fail(str(error))
    show_validations(validations)
    return DONE if all(validation.holds for validation in validations) else UNDER_MARK
