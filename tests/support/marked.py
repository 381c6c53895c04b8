"""Points of a submission, graded by a real worker: a fixture, and right work to change."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest
from conftest import ROOT
from handed import PACKAGES

from grader.homework.tasks import TASKS
from grader.judging.judge import SourceFacts
from grader.rubric import Rubric
from grader.rubric.cases import hidden_cases
from grader.scoring.points import score
from grader.scoring.run_cases import rounds_of, run_cases
from grader.scoring.workers import Zygote
from grader.source.files import File

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
        written = SourceFacts(sightings=asked.sightings, notes=notes)
        verdicts = score(cases, asked.outcomes, rubric.marking(), written)
        return Result(
            sum(verdict.points for verdict in verdicts),
            {v.criterion: v.message for v in verdicts},
            notes,
        )

    return graded
