"""The submissions that all tools grade: notebooks made from the repository's own solution.

A notebook holds the definitions of the solution, a cell each. The kinds take turns, and no two
notebooks are equal. Run as a program, `homeworks.py FOLDER SIZE` writes a class: the benchmark
itself never imports torch, as a process started by a large one counts its memory as its own.
"""

import json
import sys
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKS = ("forward", "grad_w1", "grad_b1", "grad_w2", "grad_b2", "net")
TRAININGS = ("train_manual", "train_net")

# The kinds of submission, each with the checks it must fail; the others it must pass. But for the
# first and the last they are mutants of `grader validate`.
FAILS = {
    "right": set(),
    "w1_sign": {"grad_w1", "train_manual"},
    "forward_tanh": {"forward", "train_manual"},
    "w2_factor_2_missing": {"grad_w2"},
    "half_finished": {"grad_w1", "grad_b1", "grad_b2", "net", *TRAININGS},
}
UNTOUCHED = ("grad_w1", "grad_b1", "grad_b2", "net")  # of what is half finished


def passes(student: str, checks: tuple[str, ...]) -> set[str]:
    """Return those of `checks` that a student's submission must pass."""
    return set(checks) - FAILS[student.partition("-")[2]]


def make_class(folder: Path, size: int) -> None:
    """Write `size` notebooks, named for their number and kind."""
    from grader.authoring.validate import mutants_of, mutate
    from grader.material import rendered
    from grader.material.module import full, sections_of, stub_of
    from grader.rubric import load_rubric

    rubric = load_rubric()
    template = rendered("homework.py.j2", rubric)
    module, stub = full(template), sections_of(stub_of(template))
    mutants = {mutant.id: mutant for mutant in mutants_of(rubric)}
    cells = {}
    for kind in FAILS:
        changed = mutate(module, mutants[kind]) if kind in mutants else module
        cells[kind] = sections_of(changed)
    cells["half_finished"] |= {name: stub[name] for name in UNTOUCHED}
    folder.mkdir(parents=True)
    for number, kind in enumerate(islice(cycle(FAILS), size)):
        student = f"{number:05}-{kind}"
        write_notebook(folder / f"{student}.ipynb", [f"# {student}", *cells[kind].values()])


def write_notebook(
    path: Path, sources: list[str], metadata: Sequence[dict[str, object]] | None = None
) -> None:
    """Write a notebook of code cells, each with its metadata."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": about,
                "source": source,
                "execution_count": None,
                "outputs": [],
            }
            for number, (source, about) in enumerate(
                zip(sources, metadata or [{}] * len(sources), strict=True)
            )
        ],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")


def cells_of(path: Path) -> list[str]:
    """Return the code cells of such a notebook."""
    return [cell["source"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


if __name__ == "__main__":
    make_class(Path(sys.argv[1]), int(sys.argv[2]))
