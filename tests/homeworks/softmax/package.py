"""This homework as the grader takes it: see grader/rubric/package.py."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.rubric.file import Fault

from .settings import Cases, SoftmaxRubric
from .tasks import TASKS

if TYPE_CHECKING:
    from grader.judging.diagnosis import MistakenAnswer
    from grader.judging.judge import Case
    from grader.rubric.measurement import Measurement
    from grader.rubric.package import Course
    from grader.student_code.contract import Call

__all__ = ["TASKS"]

RUBRIC = SoftmaxRubric
RUBRIC_FILE = Path(__file__).with_name("rubric.toml")
LOSS_FILE = Path(__file__).with_name("loss.py")
TEMPLATES = Path(__file__).with_name("material")
MISTAKES = {
    "tanh_slope_left_out": (
        "The derivative of tanh is missing: {function} goes back through it by 1 - a^2, entry by "
        "entry, equation {equation}."
    )
}


def faults(rubric: SoftmaxRubric) -> Iterator[Fault]:
    """Yield what is wrong with the homework's own tables: nothing that their types allow."""
    yield from ()


def words(rubric: SoftmaxRubric) -> Mapping[str, str | int | float]:
    """Return what messages about this homework name."""
    return {}


def template_values(rubric: SoftmaxRubric) -> Mapping[str, Any]:
    """Return what its texts name, beside what every homework has."""
    return {}


def cases(rubric: SoftmaxRubric, settings: Cases, seed: int) -> "list[Case]":
    """Return all cases in the order of asking."""
    from .cases import build_cases

    return build_cases(rubric, settings, seed)


def training_case(rubric: SoftmaxRubric, seed: int) -> "Case":
    """Return the training run with hand-written gradients."""
    from .cases import training_case as build

    return build(rubric, seed)


def mistaken(rubric: SoftmaxRubric, call: "Call") -> "list[MistakenAnswer]":
    """Return what each named mistake makes of a call."""
    from .mistakes import mistaken as answers

    return answers(call)


def mistaken_twice(rubric: SoftmaxRubric, call: "Call") -> "list[MistakenAnswer]":
    """Return what each two named mistakes make of a call: there is one."""
    return []


def course(rubric: SoftmaxRubric) -> "Course":
    """Return what tells the losses of a training run."""
    from .reference import course as measured

    return measured


def calibrated(rubric: SoftmaxRubric, jobs: int, *, only_musts: bool) -> "list[Measurement]":
    """Return nothing: the pass mark is not measured."""
    return []


def described(rubric: SoftmaxRubric) -> str:
    """Return what is trained, in words."""
    return f"{rubric.homework.n_hidden} hidden units, {rubric.homework.n_classes} classes"


def final_loss() -> "Callable[..., float]":
    """Return the function of LOSS_FILE."""
    from . import loss

    return loss.final_loss


def loss_settings(rubric: SoftmaxRubric) -> Mapping[str, Any]:
    """Return what final_loss takes beside the data and the parameters: nothing."""
    return {}
