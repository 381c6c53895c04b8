"""What the command line asks of the grading process.

A seed that is None is the rubric's, a rubric that is None the package's, a database that is None
the one in the results, a table of students that is None none.
"""

from typing import Literal

import msgspec

from grader.catalogue import Language

INTERRUPTED = 130  # the exit code after Ctrl-C, as shells have it: 128 and the number of SIGINT


class GradeJob(msgspec.Struct, frozen=True, tag=True):
    """Grade submissions: `paths` as typed, results below `out`."""

    paths: list[str]
    out: str
    jobs: int
    seed: int | None
    fail_under: float | None
    isolation: Literal["auto", "strict"]
    format: Literal["text", "json"]
    rubric: str | None
    db: str | None
    cluster: str | None
    cache: bool
    pages: bool
    students: str | None
    lang: Language


class ValidateJob(msgspec.Struct, frozen=True, tag=True):
    """Grade the solution and its mutants."""

    rubric: str | None
    jobs: int
    seed: int | None


Job = GradeJob | ValidateJob
