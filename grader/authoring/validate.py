"""Show that the grader is right: grade the solution, and mutants that each break one function.

material/mutants.toml.j2 lists the mutants as replacements in the solution's own text, each with the
criteria that it breaks and the name of its mistake. If a mutant loses points anywhere else, keeps
points it should lose, or gets another name, the grader (or the table) is wrong. Two mutants
together are two mistakes at once; it counts how many of those are named.
"""

import ast
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from pathlib import Path

import msgspec

from grader.grading.pool import ScorerPool
from grader.material import rendered
from grader.material.solution import solution_of
from grader.results.record import Record
from grader.rubric import Rubric
from grader.scoring.protocol import SubmittedFiles
from grader.source.tasks import Tasks

MUTANTS = "mutants.toml.j2"
REFERENCE = "solution"


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace `find`, which occurs once in `function`, by `replace`; this breaks `breaks`.

    `diagnosis` is the name of the mistake, if it has one.
    """

    id: str
    function: str
    find: str
    replace: str
    breaks: list[str]
    diagnosis: str | None = None


class _MutantTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutant: list[Mutant]


@dataclass(frozen=True)
class Validation:
    """A graded mutant, or the solution: the criteria that should lose points and those that did.

    `mistakes` are those that were made; `diagnoses` are those named for each criterion except
    training.
    """

    id: str
    expected: frozenset[str]
    lost: frozenset[str]
    score: float
    functions: frozenset[str]
    mistakes: frozenset[str]
    diagnoses: tuple[frozenset[str], ...]

    @property
    def is_named(self) -> bool:
        """Whether all mistakes were named and no others, and each criterion named one."""
        names = frozenset[str]().union(*self.diagnoses)
        return names == self.mistakes and (not self.mistakes or all(self.diagnoses))

    @property
    def holds(self) -> bool:
        """Whether exactly the expected criteria lost points, and the mistake was named."""
        return self.expected == self.lost and self.is_named


def mutants_of(rubric: Rubric) -> list[Mutant]:
    """Return the mutants that break a criterion of this rubric other than a training run."""
    table = msgspec.toml.decode(rendered(MUTANTS, rubric), type=_MutantTable).mutant
    criteria = rubric.untrained().points.keys()
    return [mutant for mutant in table if criteria & set(mutant.breaks)]


def mutate(source: str, mutant: Mutant) -> str:
    """Return `source` with the mutant's replacement; raise ValueError if it does not fit."""
    start, end = _span(source, mutant.function)
    body = source[start:end]
    if body.count(mutant.find) != 1:
        place = f"{body.count(mutant.find)} times in {mutant.function}, not once"
        raise ValueError(f"mutant {mutant.id}: {mutant.find!r} stands {place}")
    return source[:start] + body.replace(mutant.find, mutant.replace) + source[end:]


def validate_solution(rubric: Rubric, graders: ScorerPool) -> Iterator[Validation]:
    """Grade the solution's module and notebook; yield what each one lost."""
    for name, text in solution_of(rubric).items():
        path = Path(name)
        if path.stem == "homework":
            submission = SubmittedFiles.of(f"{REFERENCE}_{path.suffix[1:]}", name, text.encode())
            yield _validation(graders.grade(submission).record, [], rubric.tasks)


def validate(rubric: Rubric, graders: ScorerPool) -> Iterator[Validation]:
    """Grade all mutants; yield what each one lost."""
    source = solution_of(rubric)["homework.py"]
    yield from _graded(source, [[mutant] for mutant in mutants_of(rubric)], rubric.tasks, graders)


def validate_pairs(rubric: Rubric, graders: ScorerPool) -> Iterator[Validation]:
    """Grade each pair of mutants together; yield what was lost and named."""
    source = solution_of(rubric)["homework.py"]
    yield from _graded(source, list(pairs_of(source, mutants_of(rubric))), rubric.tasks, graders)


def pairs_of(source: str, mutants: Sequence[Mutant]) -> Iterator[list[Mutant]]:
    """Yield each pair of named mutants that can be combined in `source`, in either order."""
    diagnosable = [mutant for mutant in mutants if mutant.diagnosis]
    for one, other in combinations(diagnosable, 2):
        with suppress(ValueError):
            both = mutate(mutate(source, one), other)
            if both == mutate(mutate(source, other), one):
                yield [one, other]


def _graded(
    source: str, changes: Sequence[Sequence[Mutant]], tasks: Tasks, graders: ScorerPool
) -> Iterator[Validation]:
    def grade(mutants: Sequence[Mutant]) -> Validation:
        mutant_source = reduce(mutate, mutants, source)
        name = "+".join(mutant.id for mutant in mutants)
        submission = SubmittedFiles.of(name, "homework.py", mutant_source.encode())
        return _validation(graders.grade(submission).record, mutants, tasks)

    with ThreadPoolExecutor(graders.jobs) as pool:
        yield from pool.map(grade, changes)


def _validation(record: Record, mutants: Sequence[Mutant], tasks: Tasks) -> Validation:
    criteria = {criterion.id for criterion in record.criteria}
    return Validation(
        id=record.student,
        expected=frozenset(name for mutant in mutants for name in mutant.breaks) & criteria,
        lost=_lost(record),
        score=record.score,
        functions=frozenset(mutant.function for mutant in mutants),
        mistakes=frozenset(mutant.diagnosis for mutant in mutants if mutant.diagnosis),
        diagnoses=tuple(
            frozenset(c.diagnosis.split("+") if c.diagnosis else ())
            for c in record.criteria
            if not tasks.trains(c.id) and (c.points < c.max_points or c.diagnosis)
        ),
    )


def _lost(record: Record) -> frozenset[str]:
    return frozenset(c.id for c in record.criteria if c.points < c.max_points)


def _span(source: str, name: str) -> tuple[int, int]:
    """Return the start and end of the top-level function or class `name` in `source`."""
    lines = source.splitlines(keepends=True)
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            start = sum(map(len, lines[: node.lineno - 1]))
            return start, start + sum(map(len, lines[node.lineno - 1 : node.end_lineno]))
    raise ValueError(f"the solution defines no {name}")
