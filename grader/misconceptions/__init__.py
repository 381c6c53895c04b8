"""What named mistakes make of a case: alternative expressions, evaluated on the trusted side.

Students never get this package: one mistake away from each expression in it is the solution.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from grader.confined.contract import GRADIENTS, Call
from grader.diagnosis import Mistaken
from grader.misconceptions.derivation import (
    ForwardSteps,
    Given,
    GradientSteps,
    forward_pass,
    gradient,
)
from grader.misconceptions.entries import ENTRIES, Entry


def mistaken(call: Call) -> list[Mistaken]:
    """Return what each mistake of the catalogue makes of a call."""
    return [_made(call, entry) for entry in _entries(call)]


def mistaken_twice(call: Call) -> list[Mistaken]:
    """Return what each two mistakes, at different steps, make of a call together."""
    return [
        _made(call, *pair)
        for pair in combinations(_entries(call), 2)
        if not pair[0].steps.keys() & pair[1].steps.keys()
    ]


def _entries(call: Call) -> Iterator[Entry]:
    return (entry for entry in ENTRIES if call.function in entry.functions)


def _made(call: Call, *entries: Entry) -> Mistaken:
    changes = {step: do for entry in entries for step, do in entry.steps.items()}
    ids = tuple(entry.id for entry in entries)
    try:
        with torch.no_grad():
            return Mistaken(ids, _answer(call, changes))
    except RuntimeError as error:  # shapes do not fit: then torch tells a student the same
        return Mistaken(ids, str(error).split("\n")[0])


def _answer(call: Call, changes: dict[str, Any]) -> tuple[Tensor, ...]:
    if call.function in GRADIENTS:
        given = Given(**call.tensors)
        return (gradient(given, replace(GradientSteps(call.function), **changes)),)
    hs, y_pred = forward_pass(call, replace(ForwardSteps(), **changes))
    return (hs, y_pred) if call.function == "forward" else (y_pred, *call.parameters())
