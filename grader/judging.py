"""Judge one criterion: tensors expected and tensors returned in, points and a message out.

This module travels in the self-check, so it needs nothing but torch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from grader.catalogue import Reason
from grader.confined.contract import Call, Named, Outcome, Parameters, Problem, Sighting
from grader.diagnosis import (
    MULTIPLE,
    SINGLE,
    Ids,
    Mistakes,
    agreed,
    by_source,
    definition,
    explanations,
)
from grader.verdicts import NO_ERROR, ErrorMap, Verdict

NOTHING_NAMED: Named = {}
LossOf = Callable[[Tensor, Tensor, Parameters], float]

TENSOR_NAMES = {
    "forward": ("hs", "y_pred"),
    "net": ("the output of Net", "hidden.weight", "hidden.bias", "predict.weight", "predict.bias"),
}

# What a problem's hint makes of it.
HINTED = (
    "missing_near",
    "missing_nested",
    "missing_unparsed",
    "not_attempted_stub_above",
    "raised_nested",
)

# By function: the handout's equation, and what it is about.
EQUATIONS = {
    "forward": ("(1.2)-(1.4)", "forward"),
    "grad_w1": ("(3.6)", "W1"),
    "grad_b1": ("(3.5)", "b1"),
    "grad_w2": ("(3.4)", "W2"),
    "grad_b2": ("(3.3)", "b2"),
    "net": ("(1.2)-(1.4)", "Net"),
}


@dataclass(frozen=True)
class Case:
    """One call, the criterion it counts for, and the tensors expected (none for training).

    `on_path` is False where hs and y_pred are no forward pass's of the given x and params.
    `mistaken` and `mistaken_twice` return what one or two mistakes would answer.
    """

    criterion: str
    call: Call
    expected: tuple[Tensor, ...] = ()
    on_path: bool = True
    mistaken: Callable[[], Mistakes] = Mistakes
    mistaken_twice: Callable[[], Mistakes] = Mistakes


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
    activation: str
    n_output: int


@dataclass(frozen=True)
class _Finding:
    """What one case came to: the share it earns, its relative error, and what to say of it.

    `compared` is what was compared in the end: a tensor's name, the actual and the expected one.
    """

    share: float
    error: float | None
    reasons: tuple[Reason, ...]
    compared: tuple[str, Tensor, Tensor] | None = None

    @property
    def badness(self) -> tuple[float, float]:
        return (-self.share, math.inf if self.error is None else self.error)


def judge(
    criterion: str,
    answered: Sequence[tuple[Case, Outcome]],
    marking: Marking,
    named: Named = NOTHING_NAMED,
    source: str = "",
    beside: Sequence[tuple[Case, Outcome]] = (),
) -> Verdict:
    """Judge a criterion that compares tensors, from its cases and their outcomes.

    The worst case counts, on the path and off it apart: right on the path and wrong off it earns
    a share of what the on-path cases earn, by whether the source names autograd. What torch was
    seen to differentiate earns the autograd share, whatever its values. A recognised mistake earns
    its own share. `source` is the student's text, `beside` the same function's cases that count for
    other criteria: both tell mistakes apart that answer the same here.
    """
    examined = [(case, outcome, _examine(case, outcome, marking)) for case, outcome in answered]
    on_path = max((f for case, _, f in examined if case.on_path), key=lambda f: f.badness)
    worst = max((f for _, _, f in examined), key=lambda f: f.badness)
    function = answered[0][0].call.function
    seen = [sighting for _, outcome in answered for sighting in outcome.seen]
    share, reasons, ids = worst.share, worst.reasons, Ids()
    if on_path.share > 0 and worst.share == 0:
        share, reasons, ids = _recomputed(on_path, named.get(function, ()), marking)
    elif worst.share < 1:
        wrong = [(case, outcome) for case, outcome, finding in examined if finding.share < 1]
        also = [one for one in beside if _examine(*one, marking).share < 1]
        ids = (also and _explained([*wrong, *also])) or _diagnosed(wrong)
        if worst.share > 0 and ids != (SINGLE,):  # it is nearly right, and no mistake
            ids = ()
        ids = by_source(ids, definition(source, function))
        share = prod(_share(name, marking) for name in ids) if ids else share
        reasons = (*(_taught(name, function, marking) for name in ids), *reasons)
    if seen:
        share *= marking.autograd_share
        reasons, ids = (_autograd("autograd", seen[0]),), ("autograd",)
    points = marking.points[criterion]
    return Verdict(
        criterion=criterion,
        points=share * points,
        max_points=points,
        reasons=reasons,
        error=worst.error,
        diagnosis="+".join(ids) or None,
        map=error_map(*worst.compared) if worst.compared else None,
    )


def _diagnosed(wrong: Sequence[tuple[Case, Outcome]]) -> Ids:
    """Return the mistakes that explain all wrong cases; those on the path, where off it none do.

    What is right up to a mistake on the path, and anything off it, is the mistake made in a second
    forward pass.
    """
    if ids := _explained(wrong):
        return ids
    on_path = [(case, outcome) for case, outcome in wrong if case.on_path]
    if 0 < len(on_path) < len(wrong) and (ids := _explained(on_path)):
        return (*ids, "recomputed")
    return ()


def _explained(wrong: Sequence[tuple[Case, Outcome]]) -> Ids:
    """Return one mistake that explains all of these, else two, else none."""
    by_one = agreed(_explanations(case, outcome, case.mistaken()) for case, outcome in wrong)
    if by_one and (len(by_one) == 1 or MULTIPLE not in by_one):
        return by_one
    # A mistake times any number is less of an explanation than two mistakes.
    by_two = agreed(_explanations(case, outcome, case.mistaken_twice()) for case, outcome in wrong)
    return by_two or by_one or _one_by_one(wrong)


def _one_by_one(wrong: Sequence[tuple[Case, Outcome]]) -> Ids:
    """Return the two mistakes of which each case shows one: an error may hide the other."""
    shown: dict[str, None] = {}
    for case, outcome in wrong:
        explained = _explanations(case, outcome, case.mistaken())
        if not explained:
            return ()
        shown |= dict.fromkeys(explained[0])
    return tuple(shown) if len(shown) == 2 else ()


def _explanations(case: Case, outcome: Outcome, mistakes: Mistakes) -> list[Ids]:
    return explanations(outcome, case.expected, mistakes, len(case.call.tensors["x"]))


def _share(name: str, marking: Marking) -> float:
    """Return the share that a mistake leaves of the points; nothing, where none is named."""
    own = {SINGLE: marking.half_share, "recomputed": marking.recompute_share}
    return own.get(name, marking.misconceptions.get(name, 0.0))


def _taught(name: str, function: str, marking: Marking) -> Reason:
    equation, parameter = EQUATIONS[function]
    values: dict[str, str | int | float] = {
        "function": function,
        "equation": equation,
        "parameter": parameter,
        "activation": marking.activation,
        "n_output": marking.n_output,
    }
    return Reason(name, values)


def judge_training(case: Case, outcome: Outcome, loss_of: LossOf, marking: Marking) -> Verdict:
    """Judge a training run by the loss that `loss_of` finds for the parameters it returned."""
    points = marking.points[case.criterion]
    given = case.call
    if outcome.problem:
        reason = _problem(outcome.problem, given.function, outcome)
        return Verdict(case.criterion, 0, points, (reason,))
    mark = pass_mark(given.tensors["y"], marking)
    final = outcome.tensors[: len(Parameters._fields)]
    faulty = _shape_fault(given.parameters(), final, Parameters._fields)
    if faulty:
        return Verdict(case.criterion, 0, points, (faulty,))
    params = Parameters(*(tensor.to(torch.float64) for tensor in final))
    loss = loss_of(given.tensors["x"], given.tensors["y"], params)
    # An activation may make finite values of infinite weights, so the loss alone does not tell.
    if not all(map(math.isfinite, (loss, *(float(p.abs().sum()) for p in params)))):
        return Verdict(case.criterion, 0, points, (Reason("diverged"),))
    passed = loss <= mark
    reason = Reason("trained" if passed else "not_trained", {"loss": loss, "pass_mark": mark})
    return Verdict(case.criterion, points if passed else 0, points, (reason,), loss=loss)


def pass_mark(y: Tensor, marking: Marking) -> float:
    """Return the largest final loss that passes: a fraction of the mean variance of y's columns."""
    return marking.pass_fraction * float(y.var(0, correction=0).mean())


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


def error_map(name: str, actual: Tensor, expected: Tensor) -> ErrorMap:
    """Return where two matrices of one shape differ."""
    relative = (actual.to(torch.float64) - expected).abs() / expected.abs().max()
    decades = relative.log10().floor().clamp(min=NO_ERROR)
    rows: list[list[float]] = decades.tolist()
    return ErrorMap(name, [[int(d) if math.isfinite(d) else None for d in row] for row in rows])


def _examine(case: Case, outcome: Outcome, marking: Marking) -> _Finding:
    function = case.call.function
    if outcome.problem:
        return _Finding(0, None, (_problem(outcome.problem, function, outcome),))
    names = TENSOR_NAMES.get(function, (function,))
    faulty = _shape_fault(case.expected, outcome.tensors, names)
    if faulty:
        return _Finding(0, None, (faulty,))
    pairs = zip(names, outcome.tensors, case.expected, strict=True)
    return max(
        (_compare(name, actual, expected, marking) for name, actual, expected in pairs),
        key=lambda finding: finding.badness,
    )


def _compare(name: str, actual: Tensor, expected: Tensor, marking: Marking) -> _Finding:
    error, index = relative_error(actual, expected)
    compared = (name, actual, expected)
    place = {"tensor": name, "entry": str(list(index))}
    if not math.isfinite(error):
        return _Finding(0, None, (Reason("not_finite", place),), compared=compared)
    if error <= marking.full_tolerance:
        return _Finding(1, error, (Reason("right"),))
    numbers = {"error": error, "tolerance": marking.full_tolerance}
    if error <= marking.half_tolerance:
        reason = Reason("half", {**place, **numbers})
        return _Finding(marking.half_share, error, (reason,), compared=compared)
    return _Finding(0, error, (Reason("wrong", {**place, **numbers}),), compared=compared)


def _shape_fault(
    expected: Sequence[Tensor], actual: Sequence[Tensor], names: Sequence[str]
) -> Reason | None:
    if len(actual) != len(expected):
        return Reason("count", {"actual": len(actual), "expected": len(expected)})
    for name, got, wanted in zip(names, actual, expected, strict=True):
        if got.shape != wanted.shape:
            shapes = {"actual": str(tuple(got.shape)), "expected": str(tuple(wanted.shape))}
            return Reason("shape", {"tensor": name, **shapes})
    return None


def _problem(problem: Problem, function: str, outcome: Outcome) -> Reason:
    place = f" ({outcome.where})" if outcome.where else ""
    values = {"function": function, "detail": outcome.detail, "place": place}
    told = f"{problem.value}_{outcome.hint.kind}" if outcome.hint else ""
    if outcome.hint and told in HINTED:  # a worker may answer anything
        return Reason(
            told, {**values, "name": outcome.hint.name, "there": f" ({outcome.hint.where})"}
        )
    return Reason(problem.value, values)


def _recomputed(
    on_path: _Finding, named: Sequence[Sighting], marking: Marking
) -> tuple[float, tuple[Reason, ...], Ids]:
    """Return share, reason and name for a gradient that is right on the path and wrong off it."""
    if named:
        reason = _autograd("autograd_named", named[0])
        return on_path.share * marking.autograd_share, (reason,), ("autograd_named",)
    reason = Reason("only_on_path")
    if on_path.share < 1 and on_path.error is not None:
        reason = Reason("recomputed_half", {"error": on_path.error})
    return on_path.share * marking.recompute_share, (reason,), ("recomputed",)


def _autograd(message: str, sighting: Sighting) -> Reason:
    place = f" ({sighting.where})" if sighting.where else ""
    return Reason(message, {"name": sighting.name, "place": place})
