"""Files as students submit them, for tests that give them to a worker or load them here."""

from pathlib import Path

from grader.homework.tasks import TASKS
from grader.rubric import load_rubric
from grader.scoring.workers import Round
from grader.source.files import Cell, File
from grader.source.read import read
from grader.student_code.contract import Call

PACKAGES = tuple(load_rubric().software.packages)


def module(source: str, name: str = "homework.py") -> File:
    """Return a module."""
    return File(name, "module", (Cell(name, source),))


def notebook(*sources: str, name: str = "homework.ipynb") -> File:
    """Return a notebook with only code cells."""
    cells = tuple(Cell(f"cell {number}", source) for number, source in enumerate(sources, 1))
    return File(name, "notebook", cells)


def round_of(number: int, *calls: Call) -> Round:
    """Return calls of one question as a worker gets them, numbered from `number`."""
    return Round(TASKS.by_name[calls[0].function], number, calls)


def handed_in(path: Path) -> File:
    """Return a file of tests/handed_in or the sample class, as sent to a worker."""
    return read(path.name, path.read_bytes()).file
