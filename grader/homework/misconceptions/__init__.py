"""The answers of named mistakes: alternative expressions, evaluated on the trusted side.

Students never get this package: each expression in it is one mistake away from the solution.
"""

from dataclasses import replace
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from grader.homework.activations import Activation
from grader.homework.misconceptions.catalogue import Misconception, entries_for
from grader.homework.misconceptions.derivation import (
    ForwardSteps,
    GradientInputs,
    forward_pass,
    gradient,
    gradient_steps,
)
from grader.homework.parameters import Parameters
from grader.homework.tasks import TASKS
from grader.judging.diagnosis import MistakenAnswer
from grader.student_code.contract import Call


def mistaken(call: Call, activation: Activation) -> list[MistakenAnswer]:
    """Return the answer of each mistake in the catalogue to a call."""
    return [_made(call, activation, entry) for entry in _entries(call, activation)]


def mistaken_twice(call: Call, activation: Activation) -> list[MistakenAnswer]:
    """Return the joint answer of each pair of mistakes, at different steps, to a call."""
    return [
        _made(call, activation, *pair)
        for pair in combinations(_entries(call, activation), 2)
        if not pair[0].steps.keys() & pair[1].steps.keys()
    ]


def _entries(call: Call, activation: Activation) -> list[Misconception]:
    return [entry for entry in entries_for(activation) if call.function in entry.functions]


def _made(call: Call, activation: Activation, *entries: Misconception) -> MistakenAnswer:
    changes = {step: do for entry in entries for step, do in entry.steps.items()}
    ids = tuple(entry.id for entry in entries)
    try:
        with torch.no_grad():
            return MistakenAnswer(ids, _answer(call, activation, changes))
    except RuntimeError as error:  # shapes do not fit; torch tells a student the same
        return MistakenAnswer(ids, str(error).split("\n")[0])


def _answer(call: Call, activation: Activation, changes: dict[str, Any]) -> tuple[Tensor, ...]:
    kind = TASKS.by_name[call.function].kind
    if kind == "gradient":
        steps = replace(gradient_steps(call.function, activation), **changes)
        return (gradient(GradientInputs(**call.tensors), steps),)
    hs, y_pred = forward_pass(call, replace(ForwardSteps(activation.of), **changes))
    return (hs, y_pred) if kind == "forward" else (y_pred, *Parameters.of(call))
