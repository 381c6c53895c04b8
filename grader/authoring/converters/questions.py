"""The homework in parts for any notebook tool: cells, and checks of stored cases."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.judging.judge import Case
from grader.material.module import BEGIN, END, HINT, sections_of
from grader.material.notebook import INCLUDE, SOLUTION_TAG
from grader.rubric import Rubric
from grader.rubric.cases import hidden_cases, public_cases, stored_case

CHECKS = PurePosixPath("homework_checks")  # the package in that file
CHECKS_FILE = f"{CHECKS}.pyz"  # not .zip, because otter writes its own .zip beside it
# Loaded by path, so that no other file beside the notebook can replace it or one of its modules.
LOAD = f"""\
import sys
from importlib.util import module_from_spec
from os.path import abspath
from zipimport import zipimporter

spec = zipimporter(abspath("{CHECKS_FILE}")).find_spec("{CHECKS}")
checks = sys.modules["{CHECKS}"] = module_from_spec(spec)
spec.loader.exec_module(checks)
"""


@dataclass(frozen=True)
class Check:
    """A criterion, its points, and the calls that check it, public and hidden.

    It follows a `section` of the module.
    """

    criterion: str
    section: str
    points: float
    public: str
    hidden: str

    @property
    def name(self) -> str:
        """The criterion as a Python name."""
        return self.criterion.replace(".", "_")


@dataclass(frozen=True)
class QuestionCell:
    """A cell and, if students write in it, the checks after it; otherwise `section` is ""."""

    kind: str
    source: str
    section: str
    checks: Sequence[Check]


def cell_of(kind: str, source: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a cell of this kind: code, markdown or raw."""
    cell = {"cell_type": kind, "source": source, "metadata": dict(metadata or {})}
    return cell | {"outputs": [], "execution_count": None} if kind == "code" else cell


def notebook_of(cells: Iterable[dict[str, Any]]) -> str:
    """Return a notebook of these cells as JSON; equal cells give equal bytes."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    nbformat.validate(notebook)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def parts_of(
    prose: str, module: str, begin: str, end: str, rubric: Rubric, seed: int
) -> list[QuestionCell]:
    """Return the parts of the handout; `begin` and `end` are a tool's marks around a solution."""
    sections = sections_of(module)
    checks = _checks(rubric, seed, sections)
    return [
        _part(cell, sections, checks, begin, end)
        for cell in jupytext.reads(prose, fmt="md").cells
        if SOLUTION_TAG not in cell.metadata.get("tags", [])
    ]


def _part(
    cell: NotebookNode, sections: dict[str, str], checks: list[Check], begin: str, end: str
) -> QuestionCell:
    include = INCLUDE.fullmatch(cell.source.strip())
    if include is None:
        return QuestionCell(cell.cell_type, cell.source, "", ())
    name, source = include["name"], sections[include["name"]]
    own_checks = [check for check in checks if check.section == name]
    return QuestionCell(
        "code", "\n".join(_marked(source, begin, end)), name if own_checks else "", own_checks
    )


def _marked(source: str, begin: str, end: str) -> Iterator[str]:
    """Yield a section's lines, with its hints before the student's part."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if match := BEGIN.match(line):
            following = lines[number + 1 :]
            hints = [m["text"] for m in map(HINT.match, following[: _end(following)]) if m]
            yield from (f"{match['indent']}# {match['task']}: {hint}" for hint in hints)
            yield f"{match['indent']}{begin}"
        elif END.match(line):
            yield re.sub(r"\S.*", end, line)
        elif not HINT.match(line):
            yield line


def _end(lines: Sequence[str]) -> int:
    return next(number for number, line in enumerate(lines) if END.match(line))


def _checks(rubric: Rubric, seed: int, sections: Iterable[str]) -> list[Check]:
    public, hidden = public_cases(rubric), hidden_cases(rubric, seed)
    tasks = rubric.tasks
    # After the last of these, everything that training needs is defined.
    *_, last = (name for name in sections if name in tasks.by_name)
    return [
        Check(
            name,
            last if tasks.trains(name) else tasks.question_of(name).name,
            points,
            _call(name, public),
            _call(name, hidden),
        )
        for name, points in rubric.points.items()
    ]


def _call(criterion: str, cases: Sequence[Case]) -> str:
    """Return the code that checks a criterion's cases in the namespace `names`."""
    stored_cases = [stored_case(case) for case in cases if case.criterion == criterion]
    return f"checks.check({json.dumps(stored_cases)!r}, names)"
