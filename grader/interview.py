"""Ask one submission every case, in a worker of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from grader.confined.contract import GRADIENTS, Named, Outcome, Problem, Spellings
from grader.confined.limits import Limits
from grader.judging import Case
from grader.submissions.read import Source
from grader.workers import Note, Round, Zygote

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


def rounds_of(cases: Sequence[Case]) -> list[Round]:
    """Return the rounds that put the cases in their order: a round a function."""
    by_function = groupby(enumerate(cases, 1), key=lambda numbered: numbered[1].call.function)
    rounds = []
    for _, numbered in by_function:
        (first, case), *more = numbered
        rounds.append(Round(first, [case.call, *(case.call for _, case in more)]))
    return rounds


def interview(
    source: Source,
    rounds: Sequence[Round],
    zygote: Zygote,
    limits: Limits,
    spellings: Spellings,
) -> Interview:
    """Load `source` in a fresh worker and ask it the rounds; raises only ZygoteDied."""
    with zygote.fork_worker(limits) as worker:
        cells = [(cell.label, cell.source) for cell in source.cells]
        loaded = worker.load(source.kind, cells, spellings)
        notes = () if isinstance(loaded, Outcome) else tuple(loaded)
        outcomes: list[Outcome] = []
        too_slow: dict[str, Outcome] = {}
        for questions in rounds:
            untried = _not_worth_trying(questions.function, too_slow)
            answers = [untried] * len(questions.numbers) if untried else worker.ask(questions)
            if answers[-1].problem is Problem.TIMEOUT:
                too_slow[questions.function] = answers[-1]
            outcomes += answers
    return Interview(tuple(outcomes), worker.named, notes, tuple(worker.layers))


def _not_worth_trying(function: str, too_slow: Mapping[str, Outcome]) -> Outcome | None:
    """Return the outcome of a training run that is not worth its time: it calls what hung."""
    for name in TRAINED_WITH.get(function, ()):
        if name in too_slow:
            detail = f"was not tried: {name} {too_slow[name].detail}"
            return Outcome(problem=Problem.TIMEOUT, detail=detail)
    return None
