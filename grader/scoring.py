"""Score a submission: the outcomes of its interview in, a verdict a criterion out."""

from collections.abc import Sequence

from grader import reference
from grader.catalogue import text
from grader.confined.contract import Named, Outcome, Sighting
from grader.judging import Case, Marking, Verdict, judge, judge_training

MOST_FLAGS = 40


def score(
    cases: Sequence[Case], outcomes: Sequence[Outcome], named: Named, marking: Marking
) -> list[Verdict]:
    """Return the verdicts in the rubric's order. The loss of a training run is recomputed here.

    `named` is what the source of each gradient names of autograd.
    """
    by_criterion: dict[str, list[tuple[Case, Outcome]]] = {name: [] for name in marking.points}
    for case, outcome in zip(cases, outcomes, strict=True):
        by_criterion[case.criterion].append((case, outcome))
    return [_verdict(name, answered, named, marking) for name, answered in by_criterion.items()]


def zero(message: str, marking: Marking) -> list[Verdict]:
    """Return verdicts of 0 points for a submission that could not be asked."""
    explained = text("unreadable", reason=message)
    return [Verdict(name, 0, points, explained) for name, points in marking.points.items()]


def _verdict(
    criterion: str, answered: Sequence[tuple[Case, Outcome]], named: Named, marking: Marking
) -> Verdict:
    if criterion.startswith("train."):
        ((case, outcome),) = answered
        return judge_training(case, outcome, reference.mean_squared_error, marking)
    return judge(criterion, answered, marking, named)


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
    detail = text(f"flag_{name}", name=sighting.name, function=function, place=place)
    return f"{name}: {detail}"
