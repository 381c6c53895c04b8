"""Ask one submission every case, in a worker of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.confined.contract import GRADIENTS, Named, Outcome, Problem
from grader.confined.limits import Limits
from grader.judging import Case
from grader.submissions.read import Source
from grader.workers import Note, Zygote

# What each training run calls; where one of these ran out of time, training is not tried.
TRAINED_WITH = {"train_manual": ("forward", *GRADIENTS), "train_net": ("net",)}


@dataclass(frozen=True)
class Interview:
    """The outcomes of all cases in order, the errors of the source, and the layers in force.

    `named` is what its gradients name of autograd.
    """

    outcomes: tuple[Outcome, ...]
    named: Named
    notes: tuple[Note, ...]
    layers: tuple[str, ...]


def interview(source: Source, cases: Sequence[Case], zygote: Zygote, limits: Limits) -> Interview:
    """Load `source` in a fresh worker and put the cases to it; raises only ZygoteDied."""
    with zygote.fork_worker(limits) as worker:
        loaded = worker.load(source.kind, [(cell.label, cell.source) for cell in source.cells])
        notes = () if isinstance(loaded, Outcome) else tuple(loaded)
        outcomes = []
        too_slow: dict[str, Outcome] = {}
        for case in cases:
            function = case.call.function
            outcome = _known_to_be_slow(function, too_slow) or worker.ask(case.call)
            if outcome.problem is Problem.TIMEOUT:
                too_slow.setdefault(function, outcome)
            outcomes.append(outcome)
    return Interview(tuple(outcomes), worker.named, notes, tuple(worker.layers))


def _known_to_be_slow(function: str, too_slow: Mapping[str, Outcome]) -> Outcome | None:
    """Return the outcome of a call that is not worth its time: a function hung before."""
    if function in too_slow:
        return too_slow[function]
    for name in TRAINED_WITH.get(function, ()):
        if name in too_slow:
            detail = f"was not tried: {name} {too_slow[name].detail}"
            return Outcome(problem=Problem.TIMEOUT, detail=detail)
    return None
