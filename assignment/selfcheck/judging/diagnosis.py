"""Name the mistake in a wrong answer by comparing it with the answers of named mistakes.

This module travels in the self-check, where the answers of mistakes come from a file.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, islice, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from ..student_code.contract import Outcome, Problem
from .messages import MISTAKES

SAME = 1e-9  # relative, in the max norm: up to this, an answer equals a mistake's
SAME_IN_SINGLE = 1e-5  # for an answer that went through float32
SINGLE = "cast_to_float32"
SIGN = "sign"
MULTIPLE = "scalar_multiple"
ZERO = "zero_gradient"
CONSTANT = "constant_gradient"
# With these, the intended order of the residual is unknown, so no sign is called wrong.
OF_EITHER_SIGN = {
    "y_pred_for_residual",
    "residual_added",
    "residual_squared",
    "residual_absolute",
}
MOST_NAMES = 2  # for one answer: three could explain almost anything
PARALLEL = 0.999  # cosine of two answers that are worth a closer look
Ids = tuple[str, ...]
Shapes = tuple[tuple[int, ...], ...]

# What a student's code returned, or what a network lacks, in the wording of calls.py.
RETURNED = (
    (re.compile(r"returned NoneType\b"), "return_forgotten"),
    (re.compile(r"returned (?:tuple|list)\b"), "tuple_returned"),
    (re.compile(r"returned ndarray\b"), "numpy_returned"),
    (re.compile(r"must return \w+ tensors"), "pair_not_returned"),
    (re.compile(r"^\w+ has no \w+\.bias;"), "net_bias_missing"),
    (re.compile(r"^\w+ has no \w+\.\w+;"), "net_layer_missing"),
    (re.compile(r"^\w+'s \w+\.\w+ has shape"), "net_sizes_fixed"),
)


class Explanation(NamedTuple):
    """Mistakes that explain an answer, and the factor that remains if MULTIPLE is one of them."""

    ids: Ids
    factor: float = 1.0

    @property
    def rank(self) -> tuple[int, bool]:
        """Fewer mistakes are a better explanation, and a named one is better than MULTIPLE."""
        return (len(self.ids), MULTIPLE in self.ids)

    def is_of(self, other: "Explanation") -> bool:
        """Tell whether the same mistakes explain two answers.

        A mistake times a number is the same explanation only if the number is the same.
        """
        alone = self.ids == (MULTIPLE,)
        return frozenset(self.ids) == frozenset(other.ids) and (
            alone or math.isclose(self.factor, other.factor, rel_tol=SAME_IN_SINGLE)
        )


@dataclass(frozen=True)
class MistakenAnswer:
    """What some mistakes would answer to a call: tensors, or torch's message if shapes clash."""

    ids: Ids
    answer: tuple[Tensor, ...] | str


class Mistakes:
    """The answers of mistakes to one call, laid out so that one comparison covers them all."""

    def __init__(self, mistaken: Iterable[MistakenAnswer] = ()) -> None:
        self._raising: list[MistakenAnswer] = []
        by_shape: dict[Shapes, list[tuple[Ids, tuple[Tensor, ...]]]] = {}
        for each in mistaken:
            if isinstance(each.answer, str):
                self._raising.append(each)
            else:
                by_shape.setdefault(_shapes(each.answer), []).append((each.ids, each.answer))
        self._by_shape = {
            shapes: (answers, torch.stack([_flat(answer) for _, answer in answers]))
            for shapes, answers in by_shape.items()
        }

    def like(self, actual: Sequence[Tensor]) -> list[tuple[Ids, tuple[Tensor, ...]]]:
        """Return the mistakes whose answers are nearly parallel to `actual`, or not finite."""
        if _shapes(actual) not in self._by_shape:
            return []
        answers, stack = self._by_shape[_shapes(actual)]
        flat = _flat(actual)
        cosines = (stack @ flat).abs() / (stack.norm(dim=1) * flat.norm())
        near = ~(cosines < PARALLEL)  # so NaN counts as near
        return [answers[number] for number in near.nonzero().flatten().tolist()]

    def raising(self, message: str) -> list[MistakenAnswer]:
        """Return the mistakes that raise this message."""
        return [each for each in self._raising if each.answer == message]


def _shapes(tensors: Sequence[Tensor]) -> Shapes:
    return tuple(tuple(tensor.shape) for tensor in tensors)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def explanations(
    outcome: Outcome, expected: Sequence[Tensor], mistakes: Mistakes, samples: int
) -> list[Explanation]:
    """Return the explanations of a wrong outcome, the best first.

    A gradient is compared up to a factor; `samples` is the number that a mean would divide by.
    """
    if outcome.problem:
        return [Explanation(ids) for ids in _of_problem(outcome, mistakes)]
    single = _is_single_precision(outcome.tensors, expected)
    tolerance, more = (SAME_IN_SINGLE, (SINGLE,)) if single else (SAME, ())
    actual = tuple(tensor.to(torch.float64) for tensor in outcome.tensors)
    candidates: list[Explanation] = []
    if len(actual) == 1 and not actual[0].any():
        candidates.append(Explanation((ZERO,)))
    for ids, answer in ((Ids(), tuple(expected)), *mistakes.like(actual)):
        factor = _factor(actual, answer, samples, tolerance)
        if factor is not None:
            names = (name for name in factor.ids if name != SIGN or OF_EITHER_SIGN.isdisjoint(ids))
            candidates.append(Explanation((*ids, *names, *more), factor.factor))
    if not candidates and _is_permuted(actual, expected, tolerance):
        candidates = [Explanation(("entries_permuted", *more))]
    short = (each for each in candidates if 0 < len(each.ids) <= MOST_NAMES)
    return sorted(short, key=lambda each: each.rank)


def agreed(explanations_by_case: Iterable[Sequence[Explanation]]) -> list[Explanation]:
    """Return the explanations common to all cases, the best first; stop once none is left.

    A later case decides between the explanations that an earlier one leaves open.
    """
    cases = iter(explanations_by_case)
    common = list(next(cases))
    while common and (case := next(cases, None)) is not None:
        common = [one for one in common if any(one.is_of(other) for other in case)]
    return common


def is_constant(outcomes: Iterable[Outcome]) -> bool:
    """Tell whether a gradient was the same tensor each time, and more than once, for each shape."""
    by_shape: dict[Shapes, list[Tensor]] = {}
    for outcome in outcomes:
        if len(outcome.tensors) != 1:
            return False
        by_shape.setdefault(_shapes(outcome.tensors), []).append(outcome.tensors[0])
    return all(
        len(alike) > 1 and all(torch.equal(one, other) for one, other in pairwise(alike))
        for alike in by_shape.values()
    )


def _of_problem(outcome: Outcome, mistakes: Mistakes) -> list[Ids]:
    if outcome.problem is Problem.BAD_RETURN:
        ids = (name for pattern, name in RETURNED if pattern.search(outcome.detail))
        names = (name for name in ids if name in MISTAKES)  # those of networks belong to a homework
        return [(name,) for name in islice(names, 1)]
    if outcome.problem is Problem.RAISED:
        message = outcome.detail.removeprefix("RuntimeError: ")
        return [each.ids for each in mistakes.raising(message)]
    return []


def _is_single_precision(actual: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Tell whether an answer, as far as it is not exact, has only the digits of float32."""
    inexact = [
        result
        for result, target in zip(actual, expected, strict=False)
        if result.shape != target.shape or not torch.equal(result.to(torch.float64), target)
    ]
    # Zeros and ones have few digits at any precision.
    return any(
        result.dtype == torch.float32
        or (
            torch.equal(result, result.float().double())
            and not torch.equal(result, result.bfloat16().double())
        )
        for result in inexact
    )


def _factor(
    actual: tuple[Tensor, ...], answer: tuple[Tensor, ...], samples: int, tolerance: float
) -> Explanation | None:
    """Return the factor between an answer and a mistake's, by name; None if there is none."""
    if [result.shape for result in actual] != [reference.shape for reference in answer]:
        return None
    if len(actual) > 1 or not actual[0].isfinite().all():
        pairs = zip(actual, answer, strict=True)
        same = all(_is_same(result, reference, tolerance) for result, reference in pairs)
        return Explanation(()) if same else None
    (result,), (reference,) = actual, answer
    norm = float(reference.square().sum())
    if not norm > 0 or not math.isfinite(norm):
        return Explanation(()) if _is_same(result, reference, tolerance) else None
    factor = float((result * reference).sum()) / norm
    if factor == 0 or not _is_same(result, factor * reference, tolerance):
        return None
    for name, value in _factors(samples):
        if abs(factor - value) <= tolerance * abs(value):
            return Explanation(name)
    # With a single entry, any number is a multiple of another.
    return Explanation((MULTIPLE,), factor) if result.numel() > 1 else None


@cache
def _factors(samples: int) -> list[tuple[Ids, float]]:
    """Return the named factors and the products of two of them; 1 has no name."""
    singles = [
        (SIGN, -1.0),
        ("factor_two_missing", 0.5),
        ("factor_two_doubled", 2.0),
        ("mean_for_sum", 1 / samples),
    ]
    ones: list[tuple[Ids, float]] = [((), 1.0), *(((name,), value) for name, value in singles)]
    return ones + [((a, b), x * y) for (a, x), (b, y) in combinations(singles, 2) if x * y != 1]


def _is_same(result: Tensor, reference: Tensor, tolerance: float) -> bool:
    finite = reference[reference.isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    return torch.allclose(result, reference, rtol=0, atol=tolerance * scale, equal_nan=True)


def _is_permuted(actual: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> bool:
    """Tell whether a gradient's entries are right but in the wrong places."""
    if len(actual) != 1 or len(expected) != 1 or not 2 < actual[0].numel() == expected[0].numel():
        return False
    result, target = (tensor.flatten().sort().values for tensor in (*actual, *expected))
    return _is_same(result, target, tolerance)
