"""Show that the grader is right: grade the solution, and mutants that each break one function.

mutants.toml lists the mutants as replacements in the solution's own text, each with the criteria
that it breaks. A mutant that loses points anywhere else, or keeps points it should lose, is a
fault of the grader (or of the table).
"""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.graders import Graders
from grader.papers import Paper
from grader.records import Record

MUTANTS_FILE = Path(__file__).with_name("mutants.toml")
REFERENCE = "solution"


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`find`, which must stand once in `function`, becomes `replace`; this breaks `breaks`."""

    id: str
    function: str
    find: str
    replace: str
    breaks: list[str]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutant: list[Mutant]


@dataclass(frozen=True)
class Validation:
    """A graded mutant, or the solution: the criteria that should lose points and that did."""

    id: str
    expected: frozenset[str]
    lost: frozenset[str]
    score: float

    @property
    def holds(self) -> bool:
        """Whether exactly the expected criteria lost points."""
        return self.expected == self.lost


def load_mutants() -> list[Mutant]:
    """Read mutants.toml; raise msgspec.ValidationError where it is out of shape."""
    return msgspec.toml.decode(MUTANTS_FILE.read_bytes(), type=_Table).mutant


def mutate(source: str, mutant: Mutant) -> str:
    """Return `source` with the mutant's replacement made; ValueError where it does not fit."""
    start, end = _span(source, mutant.function)
    body = source[start:end]
    if body.count(mutant.find) != 1:
        place = f"{body.count(mutant.find)} times in {mutant.function}, not once"
        raise ValueError(f"mutant {mutant.id}: {mutant.find!r} stands {place}")
    return source[:start] + body.replace(mutant.find, mutant.replace) + source[end:]


def validate(solution: Path, graders: Graders) -> Iterator[Validation]:
    """Grade the solution's module and notebook and all mutants; yield what each one lost."""
    source = solution.read_text(encoding="utf-8")
    mutants = {mutant.id: mutant for mutant in load_mutants()}
    papers = [
        Paper(mutant.id, solution.name, mutate(source, mutant).encode())
        for mutant in mutants.values()
    ]
    for path in (solution, solution.with_suffix(".ipynb")):
        papers.append(Paper(f"{REFERENCE}_{path.suffix[1:]}", path.name, path.read_bytes()))
    with ThreadPoolExecutor(graders.jobs) as pool:
        for record in pool.map(graders.grade, papers):
            expected = mutants[record.student].breaks if record.student in mutants else []
            yield Validation(record.student, frozenset(expected), _lost(record), record.score)


def _lost(record: Record) -> frozenset[str]:
    return frozenset(c.id for c in record.criteria if c.points < c.max_points)


def _span(source: str, name: str) -> tuple[int, int]:
    """Return where the top-level function or class `name` starts and ends in `source`."""
    lines = source.splitlines(keepends=True)
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            start = sum(map(len, lines[: node.lineno - 1]))
            return start, start + sum(map(len, lines[node.lineno - 1 : node.end_lineno]))
    raise ValueError(f"the solution defines no {name}")
