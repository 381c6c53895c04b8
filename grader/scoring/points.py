"""Score a submission: take the outcomes of its cases, return one verdict per criterion."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from grader.judging.judge import LOSS_DIGITS, Case, Marking, SourceFacts, rounded, verdicts
from grader.judging.messages import ENGLISH, Reason
from grader.judging.verdicts import Verdict
from grader.results.record import TrainingResult, TrainingRun
from grader.rubric.package import Course
from grader.source.tasks import Tasks
from grader.student_code.contract import UNFOLLOWED, NamedSightings, Outcome, PriorValue, Sighting

MOST_FLAGS = 40
DRAWN_DIGITS = 3
FLAGS_OF_KEPT = {
    "called": "state_called",
    "differentiated": "state_autograd",
    "made": "state",
    "unfollowed": "unfollowed",
}


def score(
    cases: Sequence[Case], outcomes: Sequence[Outcome], marking: Marking, facts: SourceFacts
) -> list[Verdict]:
    """Return the verdicts in the rubric's order; the loss of a training run is recomputed here."""
    answers = list(zip(cases, outcomes, strict=True))
    return verdicts(list(marking.points), answers, marking, facts)


def training(
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    verdicts: Sequence[Verdict],
    tasks: Tasks,
    course: Course,
    public: Case,
    mark: float,
) -> TrainingResult:
    """Return the losses of the training runs, and their course if the worker reported it.

    `course` computes the losses along the way, and the final predictions, from the parameters at
    some steps. The data for the drawing are the first two tensors of a `public` training case,
    because those that the runs used are hidden.
    """
    losses = {tasks.question_of(v.criterion).run: v.loss for v in verdicts}
    runs = {
        question.run: run
        for case, outcome in zip(cases, outcomes, strict=True)
        if (question := tasks.by_name[case.call.function]).is_training
        and (run := _run(case, outcome, tasks, course))
    }
    is_drawn = any(run.predictions for run in runs.values())
    x, y, *_ = public.call.tensors.values()
    return TrainingResult(
        losses={run: losses.get(run) for run in tasks.runs},
        pass_mark=rounded(mark, LOSS_DIGITS),
        x=_rounded(x) if is_drawn else [],
        y=_rounded(y.T) if is_drawn else [],
        runs=runs,
    )


def _run(case: Case, outcome: Outcome, tasks: Tasks, course: Course) -> TrainingRun | None:
    """Return the course of a training run from the parameters at some steps, None without them.

    They follow the final parameters, stacked.
    """
    call, settings, names = case.call, case.call.settings, tasks.parameters
    every, steps = int(settings["sampled_every"]), int(settings["steps"])
    checkpoints = outcome.tensors[len(names) :]
    count = len(checkpoints[0]) if checkpoints and checkpoints[0].dim() else 0
    shapes = [(count, *parameter.shape) for parameter in call.take(names)]
    if not 0 < count <= steps // every + 1 or [tuple(p.shape) for p in checkpoints] != shapes:
        return None
    losses, predictions = course(call, [parameter.to(torch.float64) for parameter in checkpoints])
    return TrainingRun(every, _rounded(losses), _rounded(predictions.T))


def _rounded(tensor: Tensor) -> list[float | None]:
    """Return the entries rounded for drawing, None for those that are not finite."""
    return [
        rounded(value, DRAWN_DIGITS) if math.isfinite(value) else None
        for value in tensor.flatten().tolist()
    ]


def flags(
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    named_sightings: NamedSightings,
    tasks: Tasks,
) -> list[str]:
    """Return what a person should look at, as "id: detail", each once and in order."""
    observed = [
        _flag("autograd", case.call.function, sighting)
        for case, outcome in zip(cases, outcomes, strict=True)
        for sighting in outcome.sightings
    ]
    reachable = [
        _flag("unfollowed" if sighting.name == UNFOLLOWED else "autograd_named", function, sighting)
        for function, sightings in named_sightings.items()
        for sighting in sightings
    ]
    in_forward = _differentiated_in(tasks.forward.name, cases, outcomes)
    prior = [
        _flag_of_kept(case.call.function, each, in_forward)
        for case, outcome in zip(cases, outcomes, strict=True)
        for each in outcome.prior_values
    ]
    return list(dict.fromkeys([*observed, *reachable, *prior]))[:MOST_FLAGS]


def _differentiated_in(function: str, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> bool:
    """Tell whether torch was observed differentiating in a function."""
    pairs = zip(cases, outcomes, strict=True)
    return any(outcome.sightings for case, outcome in pairs if case.call.function == function)


def _flag_of_kept(function: str, value: PriorValue, in_forward: bool) -> str:
    name = "state_autograd" if value.kind == "made" and in_forward else FLAGS_OF_KEPT[value.kind]
    return _flag(name, function, Sighting(value.name, value.where))


def _flag(name: str, function: str, sighting: Sighting) -> str:
    place = f" ({sighting.where})" if sighting.where else ""
    values = {"name": sighting.name, "function": function, "place": place}
    id_ = "state" if name == "state_called" else name
    return f"{id_}: {ENGLISH.of(Reason(f'flag_{name}', values))}"
