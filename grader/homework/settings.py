"""The tables of this homework's rubric about it and its cases, and the faults they can have."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from grader.errors import UserError
from grader.homework.activations import activation_called
from grader.homework.targets import check_target
from grader.homework.tasks import TASKS
from grader.rubric.file import Fault
from grader.rubric.rubric import AtLeastOne, CaseTable, HomeworkTable, Positive, Rubric

Bias = Literal["sample", "row"]


class Homework(HomeworkTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The definition of the homework; rubric.toml explains each value."""

    activation: str
    n_hidden: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    targets: Annotated[list[str], msgspec.Meta(min_length=1)]
    noise: Annotated[float, msgspec.Meta(ge=0)]
    n_samples: Annotated[int, msgspec.Meta(ge=2, le=100_000)]
    biases: Annotated[list[Bias], msgspec.Meta(min_length=1)]

    @property
    def n_output(self) -> int:
        """Columns of y: one per target."""
        return len(self.targets)


class CaseSettings(CaseTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sizes of a set of cases."""

    sizes: Annotated[list[tuple[AtLeastOne, AtLeastOne]], msgspec.Meta(min_length=1)]
    net_sizes: Annotated[
        list[tuple[AtLeastOne, AtLeastOne, AtLeastOne]], msgspec.Meta(min_length=1)
    ]
    saturation: Positive


class SigmoidRubric(Rubric, frozen=True, forbid_unknown_fields=True):
    """A rubric of this homework."""

    homework: Homework
    cases: CaseSettings
    public_cases: CaseSettings


def own_rubric() -> SigmoidRubric:
    """Return the grader's own rubric."""
    from grader.rubric import load_rubric  # it imports this module

    rubric = load_rubric()
    assert isinstance(rubric, SigmoidRubric)
    return rubric


def faults(rubric: SigmoidRubric) -> Iterator[Fault]:
    """Yield the faults of the homework and its cases, whose values are valid one by one."""
    yield from _of_homework(rubric.homework)
    yield from _of_points(rubric)
    yield from _of_sizes("cases", rubric.cases)
    yield from _of_sizes("public_cases", rubric.public_cases)


def _of_homework(homework: Homework) -> Iterator[Fault]:
    try:
        activation_called(homework.activation)
    except UserError as error:
        yield Fault(("homework", "activation"), str(error))
    for target in homework.targets:
        try:
            check_target(target, homework.n_samples)
        except UserError as error:
            at = (("homework", "targets"), ("homework", "n_samples"))
            yield Fault(("homework", "targets"), str(error), at)
    for bias in sorted({bias for bias in homework.biases if homework.biases.count(bias) > 1}):
        yield Fault(("homework", "biases"), f'lists "{bias}" twice; once is enough')


def _of_points(rubric: SigmoidRubric) -> Iterator[Fault]:
    for criterion in rubric.points:
        bias = TASKS.by_id[criterion].convention
        if bias and bias not in rubric.homework.biases:
            text = (
                f'homework.biases has no "{bias}"; set this to false in [points], '
                f'or add "{bias}" to homework.biases'
            )
            place = ("points", criterion)
            yield Fault(place, text, (place, ("homework", "biases")))


def _of_sizes(table: str, settings: CaseSettings) -> Iterator[Fault]:
    for n, n_hidden in settings.sizes:
        if n == n_hidden:
            text = (
                f"[{n}, {n_hidden}] has N equal to H, so a transposed result could have the right "
                "shape; make them differ"
            )
            yield Fault((table, "sizes"), text)
