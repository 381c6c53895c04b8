"""Judge what a student wrote against the public cases, by the grader's own code.

The public cases are not the ones that decide a score, but they ask the same questions. Only torch
is needed.
"""

import ast
import json
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grader.catalogue import Reason
from grader.confined.calls import answer
from grader.confined.contract import Call, Named, Parameters, Spellings
from grader.confined.files import Cell, File, Kind
from grader.confined.following import Files
from grader.confined.formulas import Formula, formulas_of, with_formulas
from grader.confined.screening import screen
from grader.confined.student import Loaded
from grader.diagnosis import Mistaken, Mistakes
from grader.errors import UserError
from grader.judging import Case, Marking, judge, judge_training
from grader.verdicts import Verdict, is_training

CASES_FILE = Path(__file__).with_name("public_cases.json")


@dataclass(frozen=True)
class Work:
    """What a student wrote: the names it defines, its code, and what it writes as assignments."""

    loaded: Loaded
    cells: Sequence[Cell]
    formulas: Sequence[Formula] = ()

    @classmethod
    def of(cls, loaded: Loaded, cells: Sequence[Cell], spellings: Spellings) -> "Work":
        """Return the work in these cells, which were `loaded`."""
        files = Files(File("", "notebook", tuple(cells)))
        formulas = formulas_of(files.pieces(), spellings)
        return cls(with_formulas(loaded, formulas), cells, formulas)

    def place_of(self, name: str) -> str:
        """Return where a function or class was last written ("homework.py, line 30"), or ""."""
        place = next((formula.place for formula in self.formulas if formula.name == name), "")
        for cell in self.cells:
            for node in cell.statements:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                    place = f"{cell.label}, line {node.lineno}"
        return place


@dataclass(frozen=True)
class Questions:
    """The public cases, the numbers of the rubric that mark the answers, and its spellings."""

    cases: Sequence[Case]
    marking: Marking
    spellings: Spellings
    packages: Sequence[str]

    def chosen(self, only: str | None) -> list[str]:
        """Return the criteria that `only` names (all without it), training last.

        Raises UserError where it names none.
        """
        names = [name for name in self.marking.points if only is None or _is_named(only, name)]
        if not names:
            known = ", ".join(self.marking.points)
            raise UserError(f"nothing is called {only!r}; choose from {known}")
        return sorted(names, key=is_training)


def verdicts(work: Work, criteria: Sequence[str], questions: Questions) -> Iterator[Verdict]:
    """Judge one criterion after the other."""
    named = screen(Files(File("", "notebook", tuple(work.cells))), work.formulas)
    source = "\n".join(cell.source for cell in work.cells)
    for name in criteria:
        yield _verdict(name, work.loaded, named, source, questions)


def _is_named(only: str, criterion: str) -> bool:
    return only.replace("_manual", ".manual").replace("_net", ".net") == criterion or (
        criterion.startswith(f"{only}.")
    )


def _verdict(
    criterion: str,
    loaded: Loaded,
    named: Named,
    source: str,
    questions: Questions,
) -> Verdict:
    marking = questions.marking
    answered = [
        (case, answer(_fresh(case.call), loaded))
        for case in questions.cases
        if case.criterion == criterion
    ]
    if not is_training(criterion):
        return judge(criterion, answered, marking, named, source)
    # The grader finds the loss with the reference's forward pass; here it is yours, points or none.
    asked = replace(marking, points={"forward.values": 1.0, **marking.points})
    asking = replace(questions, marking=asked)
    forward = _verdict("forward.values", loaded, named, source, asking)
    if forward.points < forward.max_points:
        return Verdict(criterion, 0, marking.points[criterion], (Reason("needs_forward"),))

    def loss_of(x: Tensor, y: Tensor, params: Parameters) -> float:
        return float((y - loaded.namespace["forward"](x, params)[1]).square().mean())

    ((case, outcome),) = answered
    return judge_training(case, outcome, loss_of, marking)


def _fresh(call: Call) -> Call:
    """Copy a call's tensors, so that a function that changes its inputs spoils no other case."""
    return Call(call.function, {n: t.clone() for n, t in call.tensors.items()}, call.settings)


def read_cells(path: Path) -> tuple[Kind, list[Cell]]:
    """Return the kind ("module" or "notebook") and the code of your file.

    Raises UserError where it cannot be read.
    """
    try:
        if path.suffix != ".ipynb":
            with tokenize.open(path) as file:
                return "module", [Cell(path.name, file.read())]
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
        return "notebook", [
            Cell(f"cell {number}", _without_magics("".join(cell["source"])))
            for number, cell in enumerate(notebook["cells"], start=1)
            if cell["cell_type"] == "code"
        ]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except KeyError as error:
        raise UserError(f"{path}: is not a notebook of format 4 (no {error} in it)") from error
    except (ValueError, SyntaxError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error


def _without_magics(source: str) -> str:
    """Blank out shell lines and magics; what only the notebook can run is not needed here."""
    if source.lstrip().startswith("%%"):
        return ""
    lines = source.split("\n")
    return "\n".join("" if line.startswith(("%", "!")) else line for line in lines)


def stored_questions() -> Questions:
    """Read the public cases and the numbers of the rubric from public_cases.json."""
    stored = json.loads(CASES_FILE.read_text(encoding="utf-8"))
    cases = [_case(row) for row in stored["cases"]]
    return Questions(cases, Marking(**stored["marking"]), stored["spellings"], stored["packages"])


def _case(row: dict[str, Any]) -> Case:
    tensors = {name: _tensor(rows) for name, rows in row["tensors"].items()}
    call = Call(row["function"], tensors, row["settings"])
    mistakes = Mistakes(Mistaken(tuple(m["ids"]), _answer(m["answer"])) for m in row["mistaken"])
    return Case(
        criterion=row["criterion"],
        call=call,
        expected=tuple(map(_tensor, row["expected"])),
        on_path=row["on_path"],
        mistaken=lambda: mistakes,
    )


def _answer(stored: str | list[Any]) -> str | tuple[Tensor, ...]:
    return stored if isinstance(stored, str) else tuple(map(_tensor, stored))


def _tensor(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)
