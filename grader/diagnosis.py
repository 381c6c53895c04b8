"""Name the mistake in a wrong answer, by comparing it with what named mistakes would answer.

This module travels in the self-check, where the answers of mistakes come from a file.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, islice

import torch
from torch import Tensor

from grader.confined.contract import Outcome, Problem

SAME = 1e-9  # relative, in the max norm: what counts as equal to a mistake's answer
SAME_IN_SINGLE = 1e-5  # for an answer that went through float32
SINGLE = "cast_to_float32"
MULTIPLE = "scalar_multiple"
PARALLEL = 0.999  # cosine of two answers that are worth a closer look
Ids = tuple[str, ...]
Shapes = tuple[tuple[int, ...], ...]

# What a student's code returned, or a Net lacks, as calls.py words it.
RETURNED = (
    (re.compile(r"returned NoneType\b"), "return_forgotten"),
    (re.compile(r"returned (?:tuple|list)\b"), "tuple_returned"),
    (re.compile(r"returned ndarray\b"), "numpy_returned"),
    (re.compile(r"must return two tensors"), "pair_not_returned"),
    (re.compile(r"^Net has no \w+\.bias"), "net_bias_missing"),
    (re.compile(r"^Net has no "), "net_layer_missing"),
    (re.compile(r"^Net's \w+\.\w+ has shape"), "net_sizes_fixed"),
)

# Mistakes whose answers are the same, told apart by what the function's source says.
SAME_ANSWER = (
    ("sign", re.compile(r"y_pred\s*-\s*y\b"), "residual_reversed"),
    ("w2_not_transposed", re.compile(r"\bw1\.(?:T|t\(\)|mT)"), "w1_for_w2"),
)


@dataclass(frozen=True)
class Mistaken:
    """What some mistakes make of a call: tensors, or what torch says where shapes do not fit."""

    ids: Ids
    answer: tuple[Tensor, ...] | str


class Mistakes:
    """What mistakes answer to one call, laid out so that an answer is held against all at once."""

    def __init__(self, mistaken: Iterable[Mistaken] = ()) -> None:
        self._raising: list[Mistaken] = []
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
        """Return the mistakes whose answers are about parallel to `actual`, or not finite."""
        if _shapes(actual) not in self._by_shape:
            return []
        answers, stacked = self._by_shape[_shapes(actual)]
        flat = _flat(actual)
        cosines = (stacked @ flat).abs() / (stacked.norm(dim=1) * flat.norm())
        near = ~(cosines < PARALLEL)  # which a NaN is not
        return [answers[number] for number in near.nonzero().flatten().tolist()]

    def raising(self, said: str) -> list[Mistaken]:
        """Return those that raise this."""
        return [each for each in self._raising if each.answer == said]


def _shapes(tensors: Sequence[Tensor]) -> Shapes:
    return tuple(tuple(tensor.shape) for tensor in tensors)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def explanations(
    outcome: Outcome, expected: Sequence[Tensor], mistakes: Mistakes, samples: int
) -> list[Ids]:
    """Return the mistakes, and sets of mistakes, that explain a wrong outcome; fewest first.

    A gradient is compared up to a factor; `samples` is what a mean over them would divide by.
    """
    if outcome.problem:
        return _of_problem(outcome, mistakes)
    single = _is_single_precision(outcome.tensors, expected)
    tolerance, more = (SAME_IN_SINGLE, (SINGLE,)) if single else (SAME, ())
    actual = tuple(tensor.to(torch.float64) for tensor in outcome.tensors)
    found: list[Ids] = []
    if len(actual) == 1 and not actual[0].any():
        found.append(("zero_gradient",))
    for ids, answer in ((Ids(), tuple(expected)), *mistakes.like(actual)):
        factor = _factor(actual, answer, samples, tolerance)
        if factor is not None:
            found.append((*ids, *factor, *more))
    if not found and _is_permuted(actual, expected, tolerance):
        found = [("entries_permuted", *more)]
    return sorted((ids for ids in found if ids), key=len)


def agreed(explained: Iterable[Sequence[Ids]]) -> Ids:
    """Return the fewest mistakes that explain all cases, or (); looks no further than needed.

    What one case leaves open another one decides.
    """
    cases = iter(explained)
    left = list(next(cases))
    while left and (case := next(cases, None)) is not None:
        also = {frozenset(ids) for ids in case}
        left = [ids for ids in left if frozenset(ids) in also]
    return left[0] if left else ()


def definition(source: str, function: str) -> str:
    """Return the text of the last definition of a function at the top level of a source, or ""."""
    kind = "class" if function == "net" else "def"
    name = "Net" if function == "net" else function
    pattern = rf"(?m)^{kind} {name}\b.*\n(?:(?:[ \t)].*)?\n)*(?:[ \t)].*)?"
    found = re.findall(pattern, source)
    return found[-1] if found else ""


def by_source(ids: Ids, written: str) -> Ids:
    """Tell mistakes whose answers are the same apart by the text of the function."""
    for same, pattern, other in SAME_ANSWER:
        if same in ids and pattern.search(written):
            ids = tuple(other if name == same else name for name in ids)
    return ids


def _of_problem(outcome: Outcome, mistakes: Mistakes) -> list[Ids]:
    if outcome.problem is Problem.BAD_RETURN:
        names = (name for pattern, name in RETURNED if pattern.search(outcome.detail))
        return [(name,) for name in islice(names, 1)]
    if outcome.problem is Problem.RAISED:
        said = outcome.detail.removeprefix("RuntimeError: ")
        return [each.ids for each in mistakes.raising(said)]
    return []


def _is_single_precision(actual: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Tell whether an answer, where it is not exact, has the digits of float32 and no more."""
    inexact = [
        got
        for got, wanted in zip(actual, expected, strict=False)
        if got.shape != wanted.shape or not torch.equal(got.to(torch.float64), wanted)
    ]
    # Zeros and ones have few digits whatever their precision.
    return any(
        got.dtype == torch.float32
        or (
            torch.equal(got, got.float().double()) and not torch.equal(got, got.bfloat16().double())
        )
        for got in inexact
    )


def _factor(
    actual: tuple[Tensor, ...], answer: tuple[Tensor, ...], samples: int, tolerance: float
) -> Ids | None:
    """Return the name of the factor between an answer and a mistake's; None where there is none."""
    if [got.shape for got in actual] != [made.shape for made in answer]:
        return None
    if len(actual) > 1 or not actual[0].isfinite().all():
        pairs = zip(actual, answer, strict=True)
        return () if all(_is_same(got, made, tolerance) for got, made in pairs) else None
    (got,), (made,) = actual, answer
    norm = float(made.square().sum())
    if not norm > 0 or not math.isfinite(norm):
        return () if _is_same(got, made, tolerance) else None
    factor = float((got * made).sum()) / norm
    if factor == 0 or not _is_same(got, factor * made, tolerance):
        return None
    for name, value in _factors(samples):
        if abs(factor - value) <= tolerance * abs(value):
            return name
    return (MULTIPLE,) if got.numel() > 1 else None  # any number is one of another


@cache
def _factors(samples: int) -> list[tuple[Ids, float]]:
    """Return the factors that have a name, and the products of two of them; 1 has none."""
    named = [
        ("sign", -1.0),
        ("factor_two_missing", 0.5),
        ("factor_two_doubled", 2.0),
        ("mean_for_sum", 1 / samples),
    ]
    ones: list[tuple[Ids, float]] = [((), 1.0), *(((name,), value) for name, value in named)]
    return ones + [((a, b), x * y) for (a, x), (b, y) in combinations(named, 2) if x * y != 1]


def _is_same(got: Tensor, made: Tensor, tolerance: float) -> bool:
    finite = made[made.isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    return torch.allclose(got, made, rtol=0, atol=tolerance * scale, equal_nan=True)


def _is_permuted(actual: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> bool:
    """Tell whether a gradient's entries are the right ones in other places."""
    if len(actual) != 1 or len(expected) != 1 or not 2 < actual[0].numel() == expected[0].numel():
        return False
    got, wanted = (tensor.flatten().sort().values for tensor in (*actual, *expected))
    return _is_same(got, wanted, tolerance)
