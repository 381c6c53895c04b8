"""The forward pass, and autograd's gradients on and off the path."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from grader.student_code.contract import Call


class Parameters(NamedTuple):
    """Shapes: v (D, H), c (1, H), u (H, K)."""

    v: Tensor
    c: Tensor
    u: Tensor

    @classmethod
    def of(cls, call: Call) -> "Parameters":
        """Return the parameters of a call."""
        return cls(*call.take(cls._fields))


def forward(x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
    """Return a (N, H) = tanh(x v + c) and p (N, K) = softmax(a u), equation (1)."""
    a = torch.tanh(x @ params.v + params.c)
    return a, torch.softmax(a @ params.u, -1)


def gradients(x: Tensor, y: Tensor, params: Parameters, a: Tensor, p: Tensor) -> Parameters:
    """Return autograd's gradients of the cross-entropy, a sum, at the given a and p.

    Each layer's value is replaced by the given one, its derivative kept; rows of p add up to 1.
    """
    v, c, u = leaves = [each.detach().clone().requires_grad_() for each in params]
    hidden = _with_value(torch.atanh(a), x @ v + c)
    scores = _with_value(p.log(), _with_value(a, torch.tanh(hidden)) @ u)
    objective = -(y * torch.log_softmax(scores, 1)).sum()
    return Parameters(*torch.autograd.grad(objective, leaves))


def course(call: Call, passed: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the losses of a training run; its predictions are no curve to draw."""
    _, p = forward(call.tensors["x"], Parameters(*passed))
    losses = -(call.tensors["y"] * p.log()).sum(-1).mean(-1)
    return losses, torch.empty(0, 0, dtype=torch.float64)


def _with_value(given: Tensor, own: Tensor) -> Tensor:
    return given + own - own.detach()
