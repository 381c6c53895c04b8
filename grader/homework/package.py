"""This homework in the form that the grader takes: see grader/rubric/package.py."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.homework import settings
from grader.homework.activations import activation_called
from grader.homework.settings import CaseSettings, SigmoidRubric
from grader.homework.tasks import TASKS
from grader.homework.texts import MISTAKES
from grader.rubric import RUBRIC_FILE
from grader.rubric.file import Fault

if TYPE_CHECKING:
    from grader.judging.diagnosis import MistakenAnswer
    from grader.judging.judge import Case
    from grader.rubric.measurement import Measurement
    from grader.rubric.package import Course
    from grader.student_code.contract import Call

__all__ = ["MISTAKES", "RUBRIC_FILE", "TASKS"]

RUBRIC = SigmoidRubric
LOSS_FILE = Path(__file__).with_name("loss.py")
TEMPLATES = Path(__file__).with_name("material")


def faults(rubric: SigmoidRubric) -> Iterator[Fault]:
    """Yield the faults of the homework's own tables, whose types are right."""
    yield from settings.faults(rubric)


def words(rubric: SigmoidRubric) -> Mapping[str, str | int | float]:
    """Return the values that messages about this homework use."""
    return {"activation": rubric.homework.activation, "n_output": rubric.homework.n_output}


def template_values(rubric: SigmoidRubric) -> Mapping[str, Any]:
    """Return the values that its templates use, beyond those of every homework."""
    from grader.homework.prose import values

    return values(rubric)


# Modules that need torch are imported on use: the coordinating process does without it.


def cases(rubric: SigmoidRubric, settings: CaseSettings, seed: int) -> "list[Case]":
    """Return all cases in the order of asking; the same for the same rubric and seed."""
    from grader.homework.cases import build_cases

    return build_cases(rubric, settings, seed)


def training_case(rubric: SigmoidRubric, seed: int) -> "Case":
    """Return the training run with hand-written gradients."""
    from grader.homework import cases

    return cases.training_case(rubric, seed)


def mistaken(rubric: SigmoidRubric, call: "Call") -> "list[MistakenAnswer]":
    """Return the answer of each named mistake to a call; [] for a training run."""
    from grader.homework import misconceptions

    return misconceptions.mistaken(call, activation_called(rubric.homework.activation))


def mistaken_twice(rubric: SigmoidRubric, call: "Call") -> "list[MistakenAnswer]":
    """Return the joint answer of each pair of named mistakes to a call."""
    from grader.homework import misconceptions

    return misconceptions.mistaken_twice(call, activation_called(rubric.homework.activation))


def course(rubric: SigmoidRubric) -> "Course":
    """Return a function from parameters at some steps, stacked, to losses and last predictions."""
    from grader.homework.reference import Reference

    return Reference(activation_called(rubric.homework.activation)).course


def calibrated(rubric: SigmoidRubric, jobs: int, *, only_musts: bool) -> "list[Measurement]":
    """Measure training with right gradients and with each mistake, on many seeds."""
    from grader.homework.calibration import calibrate

    return calibrate(rubric, jobs, only_musts=only_musts)


def described(rubric: SigmoidRubric) -> str:
    """Describe in words what is trained."""
    from grader.homework.calibration import described as words_for

    return words_for(rubric)


def final_loss() -> "Callable[..., float]":
    """Return the function of LOSS_FILE."""
    from grader.homework import loss

    return loss.final_loss


def loss_settings(rubric: SigmoidRubric) -> Mapping[str, Any]:
    """Return the arguments of final_loss other than the data and the parameters."""
    return {"activation": activation_called(rubric.homework.activation).call}
