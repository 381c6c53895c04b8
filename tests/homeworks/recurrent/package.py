"""This homework as the grader takes it: see grader/rubric/package.py."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.rubric.file import Fault

from .settings import Cases, RecurrentRubric
from .tasks import TASKS

if TYPE_CHECKING:
    from grader.judging.diagnosis import MistakenAnswer
    from grader.judging.judge import Case
    from grader.rubric.measurement import Measurement
    from grader.rubric.package import Course
    from grader.student_code.contract import Call

__all__ = ["TASKS"]

RUBRIC = RecurrentRubric
RUBRIC_FILE = Path(__file__).with_name("rubric.toml")
LOSS_FILE = Path(__file__).with_name("loss.py")
TEMPLATES = Path(__file__).with_name("material")
MISTAKES = {
    "later_steps_left_out": (
        "{function} misses what a state does to later steps: go back through time, equation (3)."
    ),
    "state_not_carried": (
        "Each step begins at the start again: carry the previous state over to the next step."
    ),
}


def faults(rubric: RecurrentRubric) -> Iterator[Fault]:
    """Yield what is wrong with the homework's own tables: nothing that their types allow."""
    yield from ()


def words(rubric: RecurrentRubric) -> Mapping[str, str | int | float]:
    """Return what messages about this homework name."""
    return {}


def template_values(rubric: RecurrentRubric) -> Mapping[str, Any]:
    """Return what its texts name, beside what every homework has."""
    return {}


def cases(rubric: RecurrentRubric, settings: Cases, seed: int) -> "list[Case]":
    """Return all cases in the order of asking."""
    from .cases import build_cases

    return list(build_cases(rubric, settings, seed))


def training_case(rubric: RecurrentRubric, seed: int) -> "Case":
    """Return the training run."""
    from .cases import training_case as build

    return build(rubric, seed)


def course(rubric: RecurrentRubric) -> "Course":
    """Return what tells the losses of a training run; its predictions are no curve to draw."""
    from .reference import course as measured

    return measured


def final_loss() -> "Callable[..., float]":
    """Return the function of LOSS_FILE."""
    from . import loss

    return loss.final_loss


def loss_settings(rubric: RecurrentRubric) -> Mapping[str, Any]:
    """Return what final_loss takes beside the data and the parameters: nothing."""
    return {}


def mistaken(rubric: RecurrentRubric, call: "Call") -> "list[MistakenAnswer]":
    """Return what each named mistake makes of a call."""
    from .mistakes import mistaken as answers

    return answers(call)


def mistaken_twice(rubric: RecurrentRubric, call: "Call") -> "list[MistakenAnswer]":
    """Return what each two named mistakes make of a call: none is looked for."""
    return []


def calibrated(rubric: RecurrentRubric, jobs: int, *, only_musts: bool) -> "list[Measurement]":
    """Return nothing: nothing is trained."""
    return []


def described(rubric: RecurrentRubric) -> str:
    """Return what is trained, in words."""
    return "a cell of 3 units"
