"""What the command line asks of the coordinating process, which takes its place.

So what was typed, a seed or a database's password, is not to be read off the list of processes
while a class is graded.

A rubric that is None is the package's, a database that is None the one of the results, a table that
is None none. Options are of the assignment: see remembering.
"""

import os
import sys
from typing import Literal, NoReturn

import msgspec

from grader.gradebook.remembering import Options
from grader.grading.launch import PYTHON


class GradeRequest(msgspec.Struct, frozen=True, tag=True):
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


class RegradeRequest(msgspec.Struct, frozen=True, tag=True):
    """Grade what is kept in the gradebook again: of these students, or of one status, or all."""

    results: str
    db: str | None
    jobs: int
    students: list[str]
    status: str | None
    all: bool


class SettingsRequest(msgspec.Struct, frozen=True, tag=True):
    """Change settings: those of the options that were typed, and the seed to a `new_seed`."""

    results: str
    db: str | None
    jobs: int
    options: Options
    new_seed: bool
    dry_run: bool
    who: str


class ValidateRequest(msgspec.Struct, frozen=True, tag=True):
    """Grade the solution and its mutants; a seed that is None is the rubric's."""

    rubric: str | None
    jobs: int
    seed: str | None


Request = GradeRequest | RegradeRequest | SettingsRequest | ValidateRequest


def replace_process(request: Request) -> NoReturn:
    """Carry `request` out in place of this process. Needs Linux: fork and memfd."""
    descriptor = os.memfd_create("request")
    os.set_inheritable(descriptor, True)
    os.write(descriptor, msgspec.msgpack.encode(request))
    sys.stdout.flush()
    # What may be secret, the seed for one, is in the request; nobody finds it in /proc.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GRADER_")
    }
    os.execve(sys.executable, [*PYTHON, "grader.commands", str(descriptor)], environment)
