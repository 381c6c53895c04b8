"""The reference: the network's forward pass, and autograd's gradients on and off the path."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grader.homework.activations import Activation
from grader.homework.parameters import Parameters
from grader.student_code.contract import Call


@dataclass(frozen=True)
class Reference:
    """The right answers for a network with this activation."""

    activation: Activation

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        """Return hs (N, H), equations (1.2) and (1.3), and y_pred (N, O), equation (1.4)."""
        hs = self.activation.of(x @ params.w1 + params.b1)
        return hs, hs @ params.w2 + params.b2

    def gradients(
        self, x: Tensor, y: Tensor, params: Parameters, hs: Tensor, y_pred: Tensor
    ) -> Parameters:
        """Return autograd's gradients of the objective (1.1) at the given hs and y_pred.

        hs (N, H), values of the activation, and y_pred (N, O) need not come from x and params. Each
        layer's value is replaced by the given one while its gradient is kept:
        `given + own - own.detach()` has the value of `given` and the derivative of `own`. If hs and
        y_pred are those of the forward pass, nothing is replaced, and this is plain autograd.
        """
        w1, b1, w2, b2 = leaves = [p.detach().clone().requires_grad_() for p in params]
        h = _with_value(self.activation.inverse_of(hs), x @ w1 + b1)
        s = _with_value(hs, self.activation.of(h))
        out = _with_value(y_pred, s @ w2 + b2)
        objective = (y - out).square().sum()
        return Parameters(*torch.autograd.grad(objective, leaves))

    def course(self, call: Call, checkpoints: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the losses (K,) of a training run and its last predictions (N, O).

        `checkpoints` are its parameters at K steps, stacked: w1 (K, D, H) and so on.
        """
        _, predictions = self.forward(call.tensors["x"], Parameters(*checkpoints))
        return (call.tensors["y"] - predictions).square().mean((1, 2)), predictions[-1]


def _with_value(value: Tensor, own: Tensor) -> Tensor:
    return value + own - own.detach()
