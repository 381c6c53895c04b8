"""What the named mistakes make of a case."""

import torch
from torch import Tensor

from grader.judging.diagnosis import MistakenAnswer
from grader.student_code.contract import Call

from .reference import Parameters

TAKEN = ("inputs", "states", "targets")


def mistaken(call: Call) -> list[MistakenAnswer]:
    """Return what each named mistake makes of a call."""
    if call.function == "train":
        return []
    if call.function == "unroll":
        (inputs,), (start, u, w) = call.take(("inputs",)), Parameters.of(call)
        return [MistakenAnswer(("state_not_carried",), (torch.tanh(inputs @ u.T + start @ w.T),))]
    return [MistakenAnswer(("later_steps_left_out",), (_without_later_steps(call),))]


def _without_later_steps(call: Call) -> Tensor:
    (inputs, states, targets), (start, _, w) = call.take(TAKEN), Parameters.of(call)
    steps, samples, _ = states.shape
    back = (states - targets) / (steps * samples) * (1 - states**2)
    before = torch.cat([start.expand(1, samples, -1), states[:-1]])
    return {
        "grad_u": torch.einsum("tnk,tnd->kd", back, inputs),
        "grad_w": torch.einsum("tnk,tnj->kj", back, before),
        "grad_start": (back[0] @ w).sum(0),
    }[call.function]
