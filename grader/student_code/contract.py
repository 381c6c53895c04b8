"""What crosses the trust boundary: a call goes in, an outcome comes back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from torch import Tensor

from ..source.tasks import Question


@dataclass(frozen=True)
class Call:
    """One question to a submission: a function's name, its tensors, and plain numbers."""

    function: str
    tensors: Mapping[str, Tensor]
    settings: Mapping[str, float] = field(default_factory=dict)

    def take(self, names: Iterable[str]) -> tuple[Tensor, ...]:
        """Return the call's tensors of these names."""
        return tuple(self.tensors[name] for name in names)


class Problem(Enum):
    """The reason why a call has no usable tensors."""

    NOT_ATTEMPTED = "not_attempted"
    MISSING = "missing"
    RAISED = "raised"
    BAD_RETURN = "bad_return"
    TIMEOUT = "timeout"  # it used up its processor time
    WAITED = "waited"  # it slept, or waited for something, for as long
    CRASHED = "crashed"


# The end of an error's text if the GPU was asked for.
NO_GPU_HERE = "the grader has no GPU"

HintKind = Literal["near", "nested", "unparsed", "failed", "stub_above"]
OUT_OF_TIME = frozenset({Problem.TIMEOUT, Problem.WAITED})


@dataclass(frozen=True)
class Note:
    """An error met while a student's source ran: where, and what."""

    where: str
    text: str


@dataclass(frozen=True)
class Sighting:
    """Differentiation by torch: the name of what does it, and its place in the source."""

    name: str
    where: str = ""


PriorValueKind = Literal["made", "differentiated", "called", "unfollowed"]


@dataclass(frozen=True)
class PriorValue:
    """A value that a gradient reads and that was made before the call: its name and place.

    differentiated: by a statement in which torch differentiated. called: it is a function, such as
    open or exec, that brings in what the source does not show. unfollowed: there is more of it than
    is followed.
    """

    name: str
    where: str
    kind: PriorValueKind

    def printable(self) -> "PriorValue":
        """Return it with texts that are safe for a terminal."""
        return PriorValue(printable(self.name), printable(self.where), self.kind)


# A sighting that replaces the others if differentiation could not be watched.
SWITCHED_OFF = "the watch for autograd was switched off"
# The name used if a gradient's code reaches more than is followed.
UNFOLLOWED = "more than is followed"


def printable(text: str) -> str:
    """Make text that student code shaped safe for a terminal: no control characters."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def printable_sightings(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Make sightings safe for a terminal."""
    return tuple(Sighting(printable(s.name), printable(s.where)) for s in sightings)


# The sightings in each gradient's source, by the gradient's name.
NamedSightings = Mapping[str, Sequence[Sighting]]

# The names a source may use for what it is given and what it assigns, by the homework's names.
Spellings = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Hint:
    """What the source shows behind a problem: one of the student's names, and its place.

    near: this name is close to a missing function's. nested: the function stands inside this one.
    unparsed: its own code does not parse. stub_above: the stub's `raise` stands above the answer.
    """

    kind: HintKind
    name: str
    where: str

    def printable(self) -> "Hint":
        """Return it with texts that are safe for a terminal."""
        return Hint(self.kind, printable(self.name), printable(self.where))


@dataclass(frozen=True)
class Outcome:
    """The result of a call: tensors, or a problem with its detail and place in the source.

    `sightings` is differentiation by torch during the call. For a gradient, `changed_inputs` names
    the inputs that it changed in place, and `prior_values` the values that it reads but that were
    made before the call. A training run returns its last parameters, followed by the parameters at
    some steps, stacked.
    """

    tensors: tuple[Tensor, ...] = ()
    problem: Problem | None = None
    detail: str = ""
    where: str = ""
    sightings: tuple[Sighting, ...] = ()
    changed_inputs: tuple[str, ...] = ()
    hint: Hint | None = None
    prior_values: tuple[PriorValue, ...] = ()

    def printable(self) -> "Outcome":
        """Return it with texts that are safe for a terminal."""
        return Outcome(
            self.tensors,
            self.problem,
            printable(self.detail),
            printable(self.where),
            printable_sightings(self.sightings),
            tuple(map(printable, self.changed_inputs)),
            self.hint and self.hint.printable(),
            tuple(value.printable() for value in self.prior_values),
        )


def not_worth_trying(question: Question, too_slow: Mapping[str, Outcome]) -> Outcome | None:
    """Return the outcome of a training run that is skipped because it calls what hung."""
    for name in question.uses:
        if name in too_slow:
            detail = f"was not tried: {name} {too_slow[name].detail}"
            return Outcome(problem=too_slow[name].problem, detail=detail)
    return None
