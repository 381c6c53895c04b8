"""Files as a student hands them in, for tests that give them to a worker or load them here."""

from pathlib import Path

from grader.homework.rubric import load_rubric
from grader.source.files import Cell, File
from grader.source.read import read

PACKAGES = tuple(load_rubric().software.packages)


def module(source: str, name: str = "homework.py") -> File:
    """Return a module."""
    return File(name, "module", (Cell(name, source),))


def notebook(*sources: str, name: str = "homework.ipynb") -> File:
    """Return a notebook of code cells alone."""
    cells = tuple(Cell(f"cell {number}", source) for number, source in enumerate(sources, 1))
    return File(name, "notebook", cells)


def handed_in(path: Path) -> File:
    """Return a file of tests/handed_in, or of the sample class, as it travels to a worker."""
    return read(path.name, path.read_bytes()).file
