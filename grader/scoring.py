"""Score a submission: the outcomes of its interview in, a verdict a criterion out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from grader.activations import activation_called
from grader.catalogue import ENGLISH, Reason
from grader.confined.contract import Named, Outcome, Parameters, Sighting
from grader.judging import Case, Marking, judge, judge_training
from grader.records import Run, Training
from grader.reference import Reference
from grader.verdicts import Verdict, is_training

MOST_FLAGS = 40


def score(
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    named: Named,
    marking: Marking,
    source: str = "",
) -> list[Verdict]:
    """Return the verdicts in the rubric's order. The loss of a training run is recomputed here.

    `named` is what the source of each gradient names of autograd, `source` the student's text.
    """
    loss_of = _reference(marking).mean_squared_error
    by_criterion: dict[str, list[tuple[Case, Outcome]]] = {name: [] for name in marking.points}
    for case, outcome in zip(cases, outcomes, strict=True):
        by_criterion[case.criterion].append((case, outcome))
    verdicts = [
        judge_training(*answered[0], loss_of, marking)
        if is_training(name)
        else judge(name, answered, marking, named, source, _beside(name, by_criterion))
        for name, answered in by_criterion.items()
    ]
    damage = _damage(cases, outcomes)
    return [
        replace(verdict, reasons=(damage, *verdict.reasons), diagnosis=damage.id)
        if damage and verdict.criterion == "train.manual" and verdict.points == 0
        else verdict
        for verdict in verdicts
    ]


def _reference(marking: Marking) -> Reference:
    return Reference(activation_called(marking.activation))


def zero(reason: Reason, marking: Marking) -> list[Verdict]:
    """Return verdicts of 0 points for a submission that could not be asked."""
    return [Verdict(name, 0, points, (reason,)) for name, points in marking.points.items()]


def _beside(
    criterion: str, by_criterion: Mapping[str, Sequence[tuple[Case, Outcome]]]
) -> list[tuple[Case, Outcome]]:
    """Return the cases of other criteria that ask the same function."""
    function = criterion.partition(".")[0]
    return [
        one
        for name, answered in by_criterion.items()
        if name != criterion and name.partition(".")[0] == function
        for one in answered
    ]


def _damage(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Reason | None:
    """Return that a gradient changes in place what the next one needs: training shows it alone."""
    for case, outcome in zip(cases, outcomes, strict=True):
        if outcome.damaged:
            values = {"function": case.call.function, "detail": ", ".join(outcome.damaged)}
            return Reason("in_place_damage", values)
    return None


def training(
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    verdicts: Sequence[Verdict],
    marking: Marking,
    mark: float,
) -> Training:
    """Return the losses of both training runs, and how they went where the worker told."""
    losses = {verdict.criterion: verdict.loss for verdict in verdicts}
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
    given = asked[0][0].call.tensors if runs else {}
    return Training(
        manual=losses.get("train.manual"),
        net=losses.get("train.net"),
        pass_mark=mark,
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
    """Return the entries to three significant digits, None where they are not finite."""
    return [
        float(f"{value:.2e}") if math.isfinite(value) else None
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
        _flag("autograd_named", function, sighting)
        for function, sightings in named.items()
        for sighting in sightings
    ]
    return list(dict.fromkeys([*seen, *reached]))[:MOST_FLAGS]


def _flag(name: str, function: str, sighting: Sighting) -> str:
    place = f" ({sighting.where})" if sighting.where else ""
    values = {"name": sighting.name, "function": function, "place": place}
    return f"{name}: {ENGLISH.of(Reason(f'flag_{name}', values))}"
