"""Files as a student hands them in, for tests that give them to a worker or load them here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT

from grader.homework.tasks import TASKS
from grader.judging.judge import Written
from grader.rubric import Rubric, load_rubric
from grader.rubric.cases import hidden_cases
from grader.scoring.points import score
from grader.scoring.run_cases import rounds_of, run_cases
from grader.scoring.worker import Round, Zygote
from grader.source.files import Cell, File
from grader.source.read import read
from grader.student_code.contract import Call

PACKAGES = tuple(load_rubric().software.packages)


def module(source: str, name: str = "homework.py") -> File:
    """Return a module."""
    return File(name, "module", (Cell(name, source),))


def notebook(*sources: str, name: str = "homework.ipynb") -> File:
    """Return a notebook of code cells alone."""
    cells = tuple(Cell(f"cell {number}", source) for number, source in enumerate(sources, 1))
    return File(name, "notebook", cells)


def round_of(number: int, *calls: Call) -> Round:
    """Return calls of one question as they are put to a worker, numbered from `number`."""
    return Round(TASKS.by_name[calls[0].function], number, calls)


def handed_in(path: Path) -> File:
    """Return a file of tests/handed_in, or of the sample class, as it travels to a worker."""
    return read(path.name, path.read_bytes()).file


HANDED_IN = ROOT / "tests" / "handed_in"
RIGHT = (HANDED_IN / "04_grad_mode_left_off.py").read_text(encoding="utf-8")
RIGHT = RIGHT.partition("torch.set_grad_enabled")[0]


class Result(NamedTuple):
    points: float
    messages: Mapping[str, str]
    notes: list[tuple[str, str]]


Grade = Callable[..., Result]


@pytest.fixture(name="grade")
def grade_fixture(zygote: Zygote, rubric: Rubric) -> Grade:
    cases = hidden_cases(rubric, 5)

    def graded(main: File, *beside: File) -> Result:
        given = (main, beside, PACKAGES, TASKS, rounds_of(cases, TASKS), zygote, rubric.limits)
        asked = run_cases(*given, rubric.spellings)
        notes = [(note.where, note.text) for note in asked.notes]
        written = Written(named=asked.named, notes=notes)
        verdicts = score(cases, asked.outcomes, rubric.marking(), written)
        return Result(
            sum(verdict.points for verdict in verdicts),
            {v.criterion: v.message for v in verdicts},
            notes,
        )

    return graded
