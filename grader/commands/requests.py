"""What the command line asks of the grading process.

A rubric that is None is the package's, a database that is None the one of the results, a table that
is None none. Options are of the assignment: see remembering.
"""

from typing import Literal

import msgspec

from grader.gradebook.remembering import Options


class GradeJob(msgspec.Struct, frozen=True, tag=True):
    """Grade submissions: `paths` as typed, results below `out`."""

    paths: list[str]
    out: str
    jobs: int
    options: Options
    fail_under: float | None
    isolation: Literal["auto", "strict"]
    format: Literal["text", "json"]
    db: str | None
    cluster: str | None
    cache: bool
    pages: bool
    times: str | None


class RegradeJob(msgspec.Struct, frozen=True, tag=True):
    """Grade what is kept in the gradebook again: of these students, or of one status, or all."""

    results: str
    db: str | None
    jobs: int
    students: list[str]
    status: str | None
    all: bool


class SettingsJob(msgspec.Struct, frozen=True, tag=True):
    """Change settings: those of the options that were typed, and the seed to a `new_seed`."""

    results: str
    db: str | None
    jobs: int
    options: Options
    new_seed: bool
    dry_run: bool
    who: str


class ValidateJob(msgspec.Struct, frozen=True, tag=True):
    """Grade the solution and its mutants; a seed that is None is the rubric's."""

    rubric: str | None
    jobs: int
    seed: str | None


Job = GradeJob | RegradeJob | SettingsJob | ValidateJob
