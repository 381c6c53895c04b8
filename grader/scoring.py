"""Score a submission: the outcomes of its interview in, a verdict a criterion out."""

from collections.abc import Sequence

from grader import reference
from grader.catalogue import text
from grader.confined.contract import Outcome
from grader.judging import Case, Marking, Verdict, judge, judge_training


def score(cases: Sequence[Case], outcomes: Sequence[Outcome], marking: Marking) -> list[Verdict]:
    """Return the verdicts in the rubric's order. The loss of a training run is recomputed here."""
    by_criterion: dict[str, list[tuple[Case, Outcome]]] = {name: [] for name in marking.points}
    for case, outcome in zip(cases, outcomes, strict=True):
        by_criterion[case.criterion].append((case, outcome))
    return [_verdict(name, answered, marking) for name, answered in by_criterion.items()]


def zero(message: str, marking: Marking) -> list[Verdict]:
    """Return verdicts of 0 points for a submission that could not be asked."""
    explained = text("unreadable", reason=message)
    return [Verdict(name, 0, points, explained) for name, points in marking.points.items()]


def _verdict(criterion: str, answered: Sequence[tuple[Case, Outcome]], marking: Marking) -> Verdict:
    if criterion.startswith("train."):
        ((case, outcome),) = answered
        return judge_training(case, outcome, reference.mean_squared_error, marking)
    return judge(criterion, answered, marking)
