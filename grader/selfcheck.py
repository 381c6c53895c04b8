"""Check your own work against public cases: `check()` in a notebook, `python -m selfcheck FILE`.

The public cases are not the ones that decide a score, but they ask the same questions and are
judged by the grader's own code. Everything runs in your own process; only torch is needed.
"""

import argparse
import json
import linecache
import os
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grader.catalogue import Reason
from grader.confined.calls import answer
from grader.confined.contract import Call, Named, Parameters
from grader.confined.guards import guarded
from grader.confined.screening import screen
from grader.confined.student import Cell, Namespace, load
from grader.judging import Case, Marking, judge, judge_training
from grader.verdicts import Verdict

CASES_FILE = Path(__file__).with_name("public_cases.json")


def check(only: str | None = None) -> None:
    """Check the functions defined in this notebook (or in the calling module) and print a report.

    `only` names one function or criterion, such as "grad_w1" or "grad_b1.row".
    """
    cases, marking = stored_cases()
    namespace = sys._getframe(1).f_globals
    with guarded():
        checked = check_names(namespace, _cells_of(namespace), only, cases, marking)
    print(report(checked))


def _cells_of(namespace: Namespace) -> list[Cell]:
    """Return the code behind a notebook's names, as far as it ran, or a module's."""
    if "In" in namespace:  # IPython keeps what it ran
        return [Cell(f"In [{n}]", source) for n, source in enumerate(namespace["In"])]
    path = str(namespace.get("__file__", ""))
    return [Cell(path, "".join(linecache.getlines(path)))]


def check_file(path: Path, only: str | None, cases: Sequence[Case], marking: Marking) -> int:
    """Run a .py or .ipynb, check what it defines, print a report; return 0 when all is right.

    Raises ValueError where the file cannot be read or `only` names nothing.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")  # no window may stop the check
    kind, cells = read_cells(path)
    with guarded():
        namespace, notes = load(kind, cells)
        for note in notes:
            print(f"! {note.where}: {note.text}")
        verdicts = check_names(namespace, cells, only, cases, marking)
    print(report(verdicts))
    return 0 if all(verdict.points == verdict.max_points for verdict in verdicts) else 1


def check_names(
    namespace: Namespace,
    cells: Sequence[Cell],
    only: str | None,
    cases: Sequence[Case],
    marking: Marking,
) -> list[Verdict]:
    """Judge the functions of `namespace`, which `cells` defined, in the rubric's order."""
    chosen = [name for name in marking.points if only is None or _is_named(only, name)]
    if not chosen:
        raise ValueError(f"nothing is called {only!r}; choose from {', '.join(marking.points)}")
    named, labels = screen(cells), {cell.label for cell in cells}
    return [_verdict(name, namespace, labels, named, cases, marking) for name in chosen]


def _is_named(only: str, criterion: str) -> bool:
    return only.replace("_manual", ".manual").replace("_net", ".net") == criterion or (
        criterion.startswith(f"{only}.")
    )


def _verdict(
    criterion: str,
    namespace: Namespace,
    labels: set[str],
    named: Named,
    cases: Sequence[Case],
    marking: Marking,
) -> Verdict:
    answered = [
        (case, answer(_fresh(case.call), namespace, labels))
        for case in cases
        if case.criterion == criterion
    ]
    if not criterion.startswith("train."):
        return judge(criterion, answered, marking, named)
    # The grader finds the loss with the reference's forward pass; here it is yours.
    points = marking.points["forward.values"]
    if _verdict("forward.values", namespace, labels, named, cases, marking).points < points:
        return Verdict(criterion, 0, marking.points[criterion], (Reason("needs_forward"),))

    def loss_of(x: Tensor, y: Tensor, params: Parameters) -> float:
        return float((y - namespace["forward"](x, params)[1]).square().mean())

    ((case, outcome),) = answered
    return judge_training(case, outcome, loss_of, marking)


def _fresh(call: Call) -> Call:
    """Copy a call's tensors, so that a function that changes its inputs spoils no other case."""
    return Call(call.function, {n: t.clone() for n, t in call.tensors.items()}, call.settings)


def report(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as text, a line a criterion and the sum below."""
    lines = []
    for verdict in verdicts:
        mark = "ok  " if verdict.points == verdict.max_points else "TODO"
        points = f"{verdict.points:g}/{verdict.max_points:g}"
        lines.append(f"{mark} {verdict.criterion:<15}{points:>7}  {verdict.message}")
    total = sum(verdict.points for verdict in verdicts)
    full = sum(verdict.max_points for verdict in verdicts)
    lines.append(f"     {'public cases':<15}{f'{total:g}/{full:g}':>7}")
    return "\n".join(lines)


def read_cells(path: Path) -> tuple[str, list[Cell]]:
    """Return the kind ("module" or "notebook") and the code of your file."""
    try:
        if path.suffix != ".ipynb":
            with tokenize.open(path) as file:
                return "module", [Cell(path.name, file.read())]
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
        cells = notebook["cells"]
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    return "notebook", [
        Cell(f"cell {number}", _without_magics("".join(cell["source"])))
        for number, cell in enumerate(cells, start=1)
        if cell["cell_type"] == "code"
    ]


def _without_magics(source: str) -> str:
    """Blank out shell lines and magics; what only the notebook can run is not needed here."""
    if source.lstrip().startswith("%%"):
        return ""
    lines = source.split("\n")
    return "\n".join("" if line.startswith(("%", "!")) else line for line in lines)


def stored_cases() -> tuple[list[Case], Marking]:
    """Read the public cases and the numbers of the rubric from public_cases.json."""
    stored = json.loads(CASES_FILE.read_text(encoding="utf-8"))
    return [_case(row) for row in stored["cases"]], Marking(**stored["marking"])


def _case(row: dict[str, Any]) -> Case:
    tensors = {name: _tensor(rows) for name, rows in row["tensors"].items()}
    call = Call(row["function"], tensors, row["settings"])
    return Case(row["criterion"], call, tuple(map(_tensor, row["expected"])), row["on_path"])


def _tensor(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def main() -> int:
    """Run `python -m selfcheck FILE [--only NAME]`."""
    parser = argparse.ArgumentParser(prog="python -m selfcheck", description=main.__doc__)
    parser.add_argument("file", type=Path, help="your homework.py or homework.ipynb")
    parser.add_argument("--only", help="one function or criterion, e.g. grad_w1")
    arguments = parser.parse_args()
    try:
        return check_file(arguments.file, arguments.only, *stored_cases())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
