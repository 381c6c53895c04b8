"""The states, and autograd's gradients on and off the path."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from grader.student_code.contract import Call


class Parameters(NamedTuple):
    """Shapes: start (K,), u (K, D), w (K, K)."""

    start: Tensor
    u: Tensor
    w: Tensor

    @classmethod
    def of(cls, call: Call) -> "Parameters":
        """Return the parameters of a call."""
        return cls(*call.take(cls._fields))


def unroll(inputs: Tensor, params: Parameters) -> Tensor:
    """Return states (T, N, K), equation (1)."""
    state, made = params.start.expand(inputs.shape[1], -1), []
    for x in inputs:
        state = torch.tanh(x @ params.u.T + state @ params.w.T)
        made.append(state)
    return torch.stack(made)


def loss(states: Tensor, targets: Tensor) -> Tensor:
    """Return the loss (2)."""
    return (states - targets).square().sum() / (2 * targets.shape[0] * targets.shape[1])


def gradients(inputs: Tensor, targets: Tensor, params: Parameters, states: Tensor) -> Parameters:
    """Return autograd's gradients of (2), at the given states."""
    leaves = Parameters(*(each.detach().clone().requires_grad_() for each in params))
    state, made = leaves.start.expand(inputs.shape[1], -1), []
    for x, given in zip(inputs, states, strict=True):
        fed = x @ leaves.u.T + state @ leaves.w.T
        state = torch.tanh(torch.atanh(given) + fed - fed.detach())  # the given value
        made.append(state)
    return Parameters(*torch.autograd.grad(loss(torch.stack(made), targets), leaves))


def course(call: Call, passed: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the losses of a training run; its predictions are no curve to draw."""
    inputs, targets = call.take(("inputs", "targets"))
    losses = [
        loss(unroll(inputs, Parameters(*params)), targets) for params in zip(*passed, strict=True)
    ]
    return torch.stack(losses), torch.empty(0, 0, dtype=torch.float64)
