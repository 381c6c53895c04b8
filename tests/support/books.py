"""Gradebooks for tests: an assignment, records, attempts, and overrides."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import create_engine, inspect, text

from grader.gradebook import Assignment, Change, Gradebook, GradedAttempt, Moves, SeedSetting
from grader.results.policy import Attempts, Late
from grader.results.record import CriterionResult, Final, Record, TrainingResult
from grader.rubric import load_rubric
from grader.scoring.protocol import SubmittedFiles, basis_of, content_of

DUE = datetime(2026, 10, 31, 22, 59, tzinfo=UTC)
LATE = Late("2026-10-31T23:59:00+01:00", "", 0, 10, 50)  # the same moment
NOT_DUE = Late("", "", 0, 10, 50)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def assignment(
    late: Late = NOT_DUE,
    counts: str = "best",
    seed: str = "1",
    points: dict[str, float] | None = None,
) -> Assignment:
    """Return an assignment as a grader's first run remembers it, optionally with other points."""
    rubric = replace(load_rubric(), late=late, attempts=Attempts(counts))
    rubric = replace(rubric, points=points or rubric.points)
    return Assignment(
        rubric=rubric,
        rubric_name="hw.toml",
        seed=SeedSetting(seed, "given"),
        basis=basis_of(rubric, seed),
        language="en",
    )


@contextmanager
def opened(url: str, remembered: Assignment | None = None) -> Iterator[Gradebook]:
    """Open a gradebook, with an assignment unless it has one already."""
    with Gradebook(url) as book:
        book.set_up(remembered or assignment(), [], "dr. x")
        yield book


def record(student: str = "ada", content: str = "one", a: float = 60.0, b: float = 40.0) -> Record:
    """Return a record with two criteria, of 60 and 40 points; `content` is the file's text."""
    submission = files_of(student, content)
    return Record(
        student=student,
        submission=f"{content}.py",
        sha256=content_of(submission),
        status="graded",
        score=a + b,
        max_score=100.0,
        criteria=[
            CriterionResult("a", a, 60.0, 1e-16, "right", None),
            CriterionResult("b", b, 40.0, None, "", None),
        ],
        training=TrainingResult({"manual": 0.1, "net": None}, 0.3),
        notes=[],
        flags=[],
        isolation=["uid"],
        seconds=0.25,
        grader_version="0.1.0",
    )


def files_of(student: str, content: str) -> SubmittedFiles:
    return SubmittedFiles.of(student, f"{content}.py", content.encode())


def entry(graded: Record, handed_in: datetime = DUE, key: str = "", **more: Any) -> GradedAttempt:
    """Return an attempt with a record; `key` distinguishes gradings of the same content."""
    content = graded.submission.removesuffix(".py")
    given = {
        "key": f"{content} {key}",
        "content": graded.sha256 or content,
        "record": graded,
        "files": lambda: files_of(graded.student, content),
        "handed_in": handed_in,
        "told_by": "file",
    }
    return GradedAttempt(**{**given, **more})


def add(book: Gradebook, *entries: GradedAttempt) -> None:
    """Record gradings with the rubric and seed in force."""
    book.add(book.assignment.basis, entries)


def final_of(book: Gradebook, student: str = "ada") -> Final:
    (final,) = book.finals([student])
    return final


def override(book: Gradebook, student: str = "ada", **given: Any) -> None:
    """Override the given values, as an instructor does."""
    book.override(student, Change(who="dr. x", why="an oral exam", **given))


def change(book: Gradebook, to: Assignment, **given: Any) -> Moves:
    """Put another assignment in force, and return the marks that change."""
    moved: list[Moves] = []
    before = given.pop("before", book.find_assignment())
    arguments = {"rows": [], "keys": {}, "who": "dr. x", "dry_run": False, **given}
    book.change(before, to, show=lambda moves, after: moved.append(moves), **arguments)
    return moved[-1]


def sizes(url: str) -> dict[str, int]:
    """Count the rows of each table, bypassing the gradebook."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in inspect(engine).get_table_names()
        }
    engine.dispose()
    return found
