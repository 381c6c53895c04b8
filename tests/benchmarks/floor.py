"""The floor: what the students' functions cost by themselves, in one warm process.

`floor.py CLASS RUBRIC OUT` executes each notebook's cells in a fresh module and puts the rubric's
hidden cases to its functions, in the grader's order. Nothing is checked, limited, sent or written.
Writes the seconds of each submission as JSON; what comes before them, torch's import for one, and
the reading of the files are not in it.
"""

import contextlib
import json
import sys
import time
from pathlib import Path
from types import ModuleType

import torch
from homeworks import cells_of

from grader.rubric import load_rubric
from grader.rubric.cases import hidden_cases
from grader.student_code.calls import HANDLERS
from grader.student_code.contract import Call


def main(submissions: Path, rubric_file: Path, out: Path) -> None:
    """Measure and write."""
    torch.set_num_threads(1)  # as the grader's workers have it
    rubric = load_rubric(rubric_file)
    cases = hidden_cases(rubric, rubric.cases.seed)
    calls = [case.call for case in cases if case.criterion in rubric.points]
    sources = [cells_of(path) for path in sorted(submissions.iterdir())]
    seconds_of(sources[0], calls)  # torch sets itself up on the first calls
    out.write_text(json.dumps([seconds_of(cells, calls) for cells in sources]))


def seconds_of(cells: list[str], calls: list[Call]) -> float:
    """Return the seconds that one submission takes."""
    started = time.perf_counter()
    module = ModuleType("homework")
    for cell in cells:
        exec(cell, module.__dict__)
    for call in calls:
        with contextlib.suppress(Exception):  # a stub, or a training that cannot go on
            HANDLERS[call.function](call, module.__dict__)
    return time.perf_counter() - started


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
