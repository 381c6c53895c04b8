"""Judge one criterion: tensors expected and tensors returned in, points and a message out.

This module travels in the self-check, so it needs nothing but torch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from selfcheck.catalogue import text
from selfcheck.contract import Call, Named, Outcome, Parameters, Problem, Sighting

NOTHING_NAMED: Named = {}
LossOf = Callable[[Tensor, Tensor, Parameters], float]

TENSOR_NAMES = {
    "forward": ("hs", "y_pred"),
    "net": ("the output of Net", "hidden.weight", "hidden.bias", "predict.weight", "predict.bias"),
}


@dataclass(frozen=True)
class Case:
    """One call, the criterion it counts for, and the tensors expected (none for training).

    `on_path` is False where hs and y_pred are no forward pass's of the given x and params.
    """

    criterion: str
    call: Call
    expected: tuple[Tensor, ...] = ()
    on_path: bool = True


@dataclass(frozen=True)
class Marking:
    """The numbers of the rubric that turn errors into points."""

    points: Mapping[str, float]
    full_tolerance: float
    half_tolerance: float
    half_share: float
    recompute_share: float
    autograd_share: float
    misconceptions: Mapping[str, float]
    pass_fraction: float


@dataclass(frozen=True)
class Verdict:
    """What a criterion earns and why.

    `error` is the worst relative error (None where there was nothing to compare), `loss` the
    final mean squared error of a training criterion.
    """

    criterion: str
    points: float
    max_points: float
    message: str
    error: float | None = None
    diagnosis: str | None = None
    loss: float | None = None


@dataclass(frozen=True)
class _Finding:
    """What one case came to: the share it earns, its relative error, and what to say of it."""

    share: float
    error: float | None
    message: str
    diagnosis: str | None = None

    @property
    def badness(self) -> tuple[float, float]:
        return (-self.share, math.inf if self.error is None else self.error)


def judge(
    criterion: str,
    answered: Sequence[tuple[Case, Outcome]],
    marking: Marking,
    named: Named = NOTHING_NAMED,
) -> Verdict:
    """Judge a criterion that compares tensors, from its cases and their outcomes.

    The worst case counts, on the path and off it apart: right on the path and wrong off it earns
    a share of what the on-path cases earn, by whether the source names autograd. What torch was
    seen to differentiate earns the autograd share, whatever its values.
    """
    findings = [(case.on_path, _examine(case, outcome, marking)) for case, outcome in answered]
    on_path = max((f for on, f in findings if on), key=lambda f: f.badness)
    worst = max((f for _, f in findings), key=lambda f: f.badness)
    function = answered[0][0].call.function
    seen = [sighting for _, outcome in answered for sighting in outcome.seen]
    if on_path.share > 0 and worst.share == 0:
        verdict = _recomputed(on_path, named.get(function, ()), marking)
    else:
        diagnosis = _agreed(findings)
        share = marking.misconceptions[diagnosis] if diagnosis else worst.share
        verdict = _Finding(share, worst.error, worst.message, diagnosis)
    if seen:
        message = _autograd("autograd", seen[0])
        verdict = _Finding(
            verdict.share * marking.autograd_share, verdict.error, message, "autograd"
        )
    points = marking.points[criterion]
    return Verdict(
        criterion, verdict.share * points, points, verdict.message, worst.error, verdict.diagnosis
    )


def judge_training(case: Case, outcome: Outcome, loss_of: LossOf, marking: Marking) -> Verdict:
    """Judge a training run by the loss that `loss_of` finds for the parameters it returned."""
    points = marking.points[case.criterion]
    given = case.call
    if outcome.problem:
        return Verdict(
            case.criterion, 0, points, _problem(outcome.problem, given.function, outcome)
        )
    mark = pass_mark(given.tensors["y"], marking)
    faulty = _shape_fault(given.parameters(), outcome.tensors, Parameters._fields)
    if faulty:
        return Verdict(case.criterion, 0, points, faulty)
    params = Parameters(*(tensor.to(torch.float64) for tensor in outcome.tensors))
    loss = loss_of(given.tensors["x"], given.tensors["y"], params)
    # A sigmoid makes finite values of infinite weights, so the loss alone does not tell.
    if not all(map(math.isfinite, (loss, *(float(p.abs().sum()) for p in params)))):
        return Verdict(case.criterion, 0, points, text("diverged"))
    passed = loss <= mark
    message = text("trained" if passed else "not_trained", loss=loss, pass_mark=mark)
    return Verdict(case.criterion, points if passed else 0, points, message, loss=loss)


def pass_mark(y: Tensor, marking: Marking) -> float:
    """Return the largest final loss that passes: a fraction of the (population) variance of y."""
    return marking.pass_fraction * float(y.var(correction=0))


def relative_error(actual: Tensor, expected: Tensor) -> tuple[float, tuple[int, ...]]:
    """Return max|actual - expected| / max|expected| in float64, and the index of the worst entry.

    Shapes must agree. The error is infinite where `actual` is not finite.
    """
    difference = (actual.to(torch.float64) - expected).abs()
    worst = float(difference.max())
    if worst == 0:
        return 0.0, (0,) * difference.dim()  # most answers are right, and most right ones exact
    if not math.isfinite(worst):
        difference[~difference.isfinite()] = math.inf
    flat = int(difference.argmax())
    error = float(difference.flatten()[flat] / expected.abs().max())
    index: list[int] = []
    for size in reversed(difference.shape):
        flat, entry = divmod(flat, size)
        index.insert(0, entry)
    return error, tuple(index)


def _examine(case: Case, outcome: Outcome, marking: Marking) -> _Finding:
    function = case.call.function
    if outcome.problem:
        return _Finding(0, None, _problem(outcome.problem, function, outcome))
    names = TENSOR_NAMES.get(function, (function,))
    misconception = _rows_not_summed(case, outcome.tensors, marking)
    if misconception:
        return misconception
    faulty = _shape_fault(case.expected, outcome.tensors, names)
    if faulty:
        return _Finding(0, None, faulty)
    pairs = zip(names, outcome.tensors, case.expected, strict=True)
    return max(
        (_compare(name, actual, expected, marking) for name, actual, expected in pairs),
        key=lambda finding: finding.badness,
    )


def _compare(name: str, actual: Tensor, expected: Tensor, marking: Marking) -> _Finding:
    error, index = relative_error(actual, expected)
    place = {"tensor": name, "entry": list(index), "error": error}
    if not math.isfinite(error):
        return _Finding(0, None, text("not_finite", **place))
    if error <= marking.full_tolerance:
        return _Finding(1, error, text("right"))
    if error <= marking.half_tolerance:
        message = text("half", **place, tolerance=marking.full_tolerance)
        return _Finding(marking.half_share, error, message)
    return _Finding(0, error, text("wrong", **place, tolerance=marking.full_tolerance))


def _shape_fault(
    expected: Sequence[Tensor], actual: Sequence[Tensor], names: Sequence[str]
) -> str | None:
    if len(actual) != len(expected):
        return text("count", actual=len(actual), expected=len(expected))
    for name, got, wanted in zip(names, actual, expected, strict=True):
        if got.shape != wanted.shape:
            return text("shape", tensor=name, actual=tuple(got.shape), expected=tuple(wanted.shape))
    return None


def _rows_not_summed(case: Case, actual: Sequence[Tensor], marking: Marking) -> _Finding | None:
    """Recognise the gradient of a bias per sample where all samples share one row."""
    bias = case.call.function.removeprefix("grad_")
    if bias not in ("b1", "b2") or case.expected[0].shape[0] != 1 or len(actual) != 1:
        return None
    rows, (per_sample,) = len(case.call.tensors["x"]), actual
    if per_sample.shape != (rows, case.expected[0].shape[1]):
        return None
    summed = per_sample.sum(0, keepdim=True)
    if relative_error(summed, case.expected[0])[0] > marking.half_tolerance:
        return None
    return _Finding(0, None, text("rows_not_summed", bias=bias), "rows_not_summed")


def _problem(problem: Problem, function: str, outcome: Outcome) -> str:
    place = f" ({outcome.where})" if outcome.where else ""
    return text(problem.value, function=function, detail=outcome.detail, place=place)


def _recomputed(on_path: _Finding, named: Sequence[Sighting], marking: Marking) -> _Finding:
    """Find for a gradient that is right on the path and wrong off it."""
    if named:
        message = _autograd("autograd_named", named[0])
        share = on_path.share * marking.autograd_share
        return _Finding(share, None, message, "autograd_named")
    message = text("recomputed")
    if on_path.share < 1:
        message = text("recomputed_half", error=on_path.error)
    return _Finding(on_path.share * marking.recompute_share, None, message, "recomputed")


def _autograd(message: str, sighting: Sighting) -> str:
    place = f" ({sighting.where})" if sighting.where else ""
    return text(message, name=sighting.name, place=place)


def _agreed(findings: Sequence[tuple[bool, _Finding]]) -> str | None:
    """Return the diagnosis of all wrong cases where they have one and the same."""
    diagnoses = {finding.diagnosis for _, finding in findings if finding.share < 1}
    return diagnoses.pop() if len(diagnoses) == 1 else None
