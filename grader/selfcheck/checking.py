"""Judge a student's work against the public cases, with the grader's own code.

The public cases are not those that decide a score, but they ask the same questions, and the same
function (judging.verdicts) judges the answers. Only torch is needed.
"""

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from ..homework.loss import final_loss
from ..judging.diagnosis import Ids, MistakenAnswer, Mistakes
from ..judging.judge import Case, Marking, SourceFacts
from ..judging.messages import add_mistakes
from ..source.by_code import shown_by_code
from ..source.files import File, cells_of
from ..source.imports import Files
from ..source.tasks import Tasks
from ..student_code.calls import answer
from ..student_code.contract import (
    Call,
    Outcome,
    Problem,
    Spellings,
    printable,
    printable_sightings,
)
from ..student_code.formulas import Formula, formulas_of, with_formulas
from ..student_code.loading import Program
from ..student_code.static_analysis import screen
from .timing import Stopwatch, TimeLimits

CASES_FILE = Path(__file__).parents[1] / "public_cases.json"
StoredValues = Mapping[str, Any]  # that file, or a part of it
# Takes the case's tensors, the parameters after training, and settings by name.
FinalLoss = Callable[..., float]
INTERRUPTED = "KeyboardInterrupt"


@dataclass(frozen=True)
class Questions:
    """The public cases, and everything else in the rubric that affects judging.

    `python` and `packages` are what student code is graded with, `limits` how long it may take, and
    `source_bytes` the largest file size.
    """

    cases: Sequence[Case]
    marking: Marking
    spellings: Spellings
    python: str
    packages: Sequence[str]
    limits: TimeLimits
    source_bytes: int

    @classmethod
    def of(cls, content: StoredValues, loss: FinalLoss = final_loss) -> "Questions":
        """Return the questions stored by rubric.cases; `loss` is the homework's."""
        add_mistakes(content["texts"])
        return cls(
            cases=[
                _case(case, content["mistakes"], partial(loss, **content["loss"]))
                for case in content["cases"]
            ],
            marking=Marking(
                **content["marking"] | {"tasks": Tasks.of(content["marking"]["tasks"])}
            ),
            spellings=content["spellings"],
            python=content["software"]["python"],
            packages=content["software"]["packages"],
            limits=TimeLimits(**content["limits"]),
            source_bytes=content["source_bytes"],
        )

    def chosen(self, only: str | None) -> list[str]:
        """Return the criteria that `only` names (default: all), training last.

        Raises UserError if it names none.
        """
        names = [name for name in self.marking.points if only is None or self._is(name, only)]
        if not names:
            choices = ", ".join(self.marking.points)
            raise UserError(f"nothing is called {only!r}; choose from {choices}")
        return sorted(names, key=self.tasks.trains)

    @property
    def tasks(self) -> Tasks:
        """The homework's tasks."""
        return self.marking.tasks

    def _is(self, criterion: str, only: str) -> bool:
        """Tell whether `only` is a criterion, its question or function, or the start of its id."""
        question = self.tasks.question_of(criterion)
        names = {criterion, question.name}
        if not question.is_training:
            names.add(question.definition)
        return only in names or criterion.startswith(f"{only}.")

    def cases_for(self, criteria: Iterable[str]) -> list[Case]:
        """Return the cases needed to judge these criteria, in the order of asking."""
        tasks = self.tasks
        questions = {tasks.question_of(name) for name in criteria}
        names = {question.name for question in questions}
        # Inputs that a gradient changes may explain the result of training with it.
        names.update(*(q.uses for q in questions if q.kind == "descent"))
        if not names.isdisjoint(tasks.gradients):  # torch's use in forward counts for gradients
            names.add(tasks.forward.name)
        return [
            case
            for case in self.cases
            if case.criterion in self.marking.points and case.call.function in names
        ]


def stored_questions() -> Questions:
    """Read the public cases stored beside this file."""
    return Questions.of(json.loads(CASES_FILE.read_bytes()))


@dataclass(frozen=True)
class CheckedWork:
    """A student's work: its main file, the loaded program, and the formulas in its source."""

    main: File
    program: Program
    facts: SourceFacts
    formulas: Sequence[Formula]
    stopwatch: Stopwatch

    @classmethod
    def of(
        cls,
        main: File,
        program: Program,
        beside: Sequence[File],
        in_text: Mapping[str, tuple[str, str]],
        questions: Questions,
        stopwatch: Stopwatch,
    ) -> "CheckedWork":
        """Return the work in these files, already loaded as `program`."""
        files = Files(main, beside)
        formulas = formulas_of(files.pieces(), questions.tasks, questions.spellings)
        sightings_of = screen(files, questions.tasks, formulas)
        source = "\n".join(cell.source for cell in cells_of([*beside, main]))
        facts = SourceFacts(
            evidence=shown_by_code(source, questions.tasks),
            sightings={
                name: printable_sightings(sightings) for name, sightings in sightings_of.items()
            },
            in_text=in_text,
            spellings=questions.spellings,
            notes=[(printable(note.where), printable(note.text)) for note in program.notes],
        )
        return cls(main, with_formulas(program, formulas), facts, formulas, stopwatch)

    def place_of(self, name: str) -> str:
        """Return where a function or class was last defined ("homework.py, line 30"), or ""."""
        place = next((formula.place for formula in self.formulas if formula.name == name), "")
        beside = [
            cell for cell in self.program.cells if cell.label.partition(", ")[0] in self.helpers
        ]
        for cell in [*beside, *self.main.cells]:
            for node in cell.statements:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                    place = f"{cell.label}, line {node.lineno}"
        return place

    @property
    def helpers(self) -> list[str]:
        """The names of the files beside the main one whose code it has used."""
        return [name for name in dict.fromkeys(self.program.files) if name != self.main.name]

    def ask(self, cases: Iterable[Case]) -> Iterator[tuple[Case, Outcome]]:
        """Ask cases one after the other."""
        for name, together in groupby(cases, key=lambda case: case.call.function):
            self.program.state.put_back_names()
            for case in together:
                call = partial(answer, _fresh(case.call), self.program)
                outcome = self.stopwatch.ask(self.program.tasks.by_name[name], call)
                if outcome.problem is Problem.RAISED and outcome.detail == INTERRUPTED:
                    raise KeyboardInterrupt  # by the user waiting for the check
                yield case, outcome.printable()


def _fresh(call: Call) -> Call:
    """Copy a call's tensors, so that a function that changes its inputs affects no other case."""
    return Call(call.function, {n: t.clone() for n, t in call.tensors.items()}, call.settings)


def _case(content: StoredValues, mistakes: StoredValues, loss: FinalLoss) -> Case:
    tensors = {name: _tensor(rows) for name, rows in content["tensors"].items()}
    once, twice = mistakes[content["function"]]
    return Case(
        criterion=content["criterion"],
        call=Call(content["function"], tensors, content["settings"]),
        expected=tuple(map(_tensor, content["expected"])),
        on_path=content["on_path"],
        mistaken=cache(partial(_mistakes, once, content["mistaken"], content["made"])),
        mistaken_twice=cache(partial(_mistakes, twice, content["mistaken_twice"], content["made"])),
        final_loss=partial(loss, tensors),
        pass_mark=content["pass_mark"],
    )


def _mistakes(
    ids: Sequence[Sequence[str]], answers: Sequence[str | list[int]], rows: Sequence[Any]
) -> Mistakes:
    tensors = list(map(_tensor, rows))

    def answer_of(entry: str | list[int]) -> str | tuple[Tensor, ...]:
        return entry if isinstance(entry, str) else tuple(tensors[number] for number in entry)

    return Mistakes(
        MistakenAnswer(Ids(names), answer_of(answer))
        for names, answer in zip(ids, answers, strict=True)
    )


def _tensor(rows: Any) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)
