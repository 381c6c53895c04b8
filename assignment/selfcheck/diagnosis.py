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

from selfcheck.contract import Outcome, Problem

SAME = 1e-9  # relative, in the max norm: what counts as equal to a mistake's answer
SAME_IN_SINGLE = 1e-5  # for an answer that went through float32
SINGLE = "cast_to_float32"
Ids = tuple[str, ...]

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


def explanations(
    outcome: Outcome, expected: Sequence[Tensor], mistaken: Iterable[Mistaken], samples: int
) -> list[Ids]:
    """Return the mistakes, and sets of mistakes, that explain a wrong outcome; fewest first.

    A gradient is compared up to a factor; `samples` is what a mean over them would divide by.
    """
    if outcome.problem:
        return _of_problem(outcome, mistaken)
    single = _is_single_precision(outcome.tensors, expected)
    tolerance, more = (SAME_IN_SINGLE, (SINGLE,)) if single else (SAME, ())
    actual = tuple(tensor.to(torch.float64) for tensor in outcome.tensors)
    if len(actual) == 1 and not actual[0].any():
        return [("zero_gradient",)]
    found = [
        (*candidate.ids, *factor, *more)
        for candidate in (Mistaken((), tuple(expected)), *mistaken)
        if not isinstance(candidate.answer, str)
        and (factor := _factor(actual, candidate.answer, samples, tolerance)) is not None
    ]
    if not found and _is_permuted(actual, expected, tolerance):
        found = [("entries_permuted", *more)]
    return sorted((ids for ids in found if ids), key=len)


def agreed(explained: Sequence[Sequence[Ids]]) -> Ids:
    """Return the fewest mistakes that explain all cases, or ().

    What one case leaves open another one decides.
    """
    common = set.intersection(*({frozenset(ids) for ids in case} for case in explained))
    return next((ids for ids in explained[0] if frozenset(ids) in common), ())


def definition(source: str, function: str) -> str:
    """Return the text of the last definition of a function at the top level of a source, or ""."""
    kind = "class" if function == "net" else "def"
    name = "Net" if function == "net" else function
    pattern = rf"(?m)^{kind} {name}\b.*\n(?:(?:[ \t].*)?\n)*(?:[ \t].*)?"
    found = re.findall(pattern, source)
    return found[-1] if found else ""


def by_source(ids: Ids, written: str) -> Ids:
    """Tell mistakes whose answers are the same apart by the text of the function."""
    for same, pattern, other in SAME_ANSWER:
        if same in ids and pattern.search(written):
            ids = tuple(other if name == same else name for name in ids)
    return ids


def _of_problem(outcome: Outcome, mistaken: Iterable[Mistaken]) -> list[Ids]:
    if outcome.problem is Problem.BAD_RETURN:
        names = (name for pattern, name in RETURNED if pattern.search(outcome.detail))
        return [(name,) for name in islice(names, 1)]
    if outcome.problem is Problem.RAISED:
        said = outcome.detail.removeprefix("RuntimeError: ")
        return [candidate.ids for candidate in mistaken if candidate.answer == said]
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
    return ("scalar_multiple",) if got.numel() > 1 else None  # any number is one of another


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
