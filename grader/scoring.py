"""Score a submission: the outcomes of its interview in, a verdict a criterion out."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from grader.activations import activation_called
from grader.catalogue import ENGLISH, Reason
from grader.confined.contract import UNFOLLOWED, Kept, Named, Outcome, Parameters, Sighting
from grader.judging import LOSS_DIGITS, Case, Marking, Written, rounded, verdicts
from grader.records import Run, Training
from grader.reference import Reference
from grader.verdicts import Verdict, is_training

MOST_FLAGS = 40
DRAWN_DIGITS = 3
FLAGS_OF_KEPT = {
    "called": "state_called",
    "differentiated": "state_autograd",
    "made": "state",
    "unfollowed": "unfollowed",
}


def score(
    cases: Sequence[Case], outcomes: Sequence[Outcome], marking: Marking, written: Written
) -> list[Verdict]:
    """Return the verdicts in the rubric's order. The loss of a training run is recomputed here."""
    answered = list(zip(cases, outcomes, strict=True))
    return verdicts(list(marking.points), answered, marking, written)


def _reference(marking: Marking) -> Reference:
    return Reference(activation_called(marking.activation))


def training(
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    judged: Sequence[Verdict],
    marking: Marking,
    mark: float,
    public: Case,
) -> Training:
    """Return the losses of both training runs, and how they went where the worker told.

    The data to draw them with are of a `public` training case: those that they ran on are hidden.
    """
    losses = {verdict.criterion: verdict.loss for verdict in judged}
    asked = [
        (case, outcome)
        for case, outcome in zip(cases, outcomes, strict=True)
        if is_training(case.criterion)
    ]
    runs = {
        case.criterion.removeprefix("train."): run
        for case, outcome in asked
        if (run := _run(case, outcome, _reference(marking)))
    }
    given = public.call.tensors if runs else {}
    return Training(
        manual=losses.get("train.manual"),
        net=losses.get("train.net"),
        pass_mark=rounded(mark, LOSS_DIGITS),
        x=_rounded(given["x"]) if given else [],
        y=_rounded(given["y"].T) if given else [],
        runs=runs,
    )


def _run(case: Case, outcome: Outcome, reference: Reference) -> Run | None:
    """Return how a training run went, from the parameters at some steps; None without those.

    They follow the last parameters, stacked. The losses are computed here.
    """
    given, settings = case.call, case.call.settings
    every, steps = int(settings["sampled_every"]), int(settings["steps"])
    passed = outcome.tensors[len(Parameters._fields) :]
    count = len(passed[0]) if passed and passed[0].dim() else 0
    expected = [(count, *parameter.shape) for parameter in given.parameters()]
    if not 0 < count <= steps // every + 1 or [tuple(p.shape) for p in passed] != expected:
        return None
    params = Parameters(*(parameter.to(torch.float64) for parameter in passed))
    _, predictions = reference.forward(given.tensors["x"], params)
    losses = (given.tensors["y"] - predictions).square().mean((1, 2))
    return Run(every, _rounded(losses), _rounded(predictions[-1].T))


def _rounded(tensor: Tensor) -> list[float | None]:
    """Return the entries as they are drawn, None where they are not finite."""
    return [
        rounded(value, DRAWN_DIGITS) if math.isfinite(value) else None
        for value in tensor.flatten().tolist()
    ]


def flags(cases: Sequence[Case], outcomes: Sequence[Outcome], named: Named) -> list[str]:
    """Return what a person should look at, as "id: detail", each once and in order."""
    seen = [
        _flag("autograd", case.call.function, sighting)
        for case, outcome in zip(cases, outcomes, strict=True)
        for sighting in outcome.seen
    ]
    reached = [
        _flag("unfollowed" if sighting.name == UNFOLLOWED else "autograd_named", function, sighting)
        for function, sightings in named.items()
        for sighting in sightings
    ]
    in_forward = _differentiated_before(cases, outcomes)
    kept = [
        _flag_of_kept(case.call.function, each, in_forward)
        for case, outcome in zip(cases, outcomes, strict=True)
        for each in outcome.kept
    ]
    return list(dict.fromkeys([*seen, *reached, *kept]))[:MOST_FLAGS]


def _differentiated_before(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> bool:
    """Tell whether torch was seen to differentiate in forward."""
    pairs = zip(cases, outcomes, strict=True)
    return any(outcome.seen for case, outcome in pairs if case.call.function == "forward")


def _flag_of_kept(function: str, kept: Kept, in_forward: bool) -> str:
    name = "state_autograd" if kept.kind == "made" and in_forward else FLAGS_OF_KEPT[kept.kind]
    return _flag(name, function, Sighting(kept.name, kept.where))


def _flag(name: str, function: str, sighting: Sighting) -> str:
    place = f" ({sighting.where})" if sighting.where else ""
    values = {"name": sighting.name, "function": function, "place": place}
    id_ = "state" if name == "state_called" else name
    return f"{id_}: {ENGLISH.of(Reason(f'flag_{name}', values))}"
