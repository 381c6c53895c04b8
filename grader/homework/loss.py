"""The final loss of training, and the largest that passes. Students are given this module.

They write the forward pass themselves, so it is not equations (1.2) to (1.4) in matrices, but what
each hidden unit adds to the output.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter

import torch
from torch import Tensor


def final_loss(tensors: Mapping[str, Tensor], params: Sequence[Tensor], activation: str) -> float:
    """Return the mean squared error of the network with parameters w1, b1, w2, b2.

    `tensors` has x (N, D) and y (N, O), float64; `activation` is a name as in torch,
    "torch.sigmoid".
    """
    x, y = tensors["x"], tensors["y"]
    w1, b1, w2, b2 = params
    function = attrgetter(activation.removeprefix("torch."))(torch)
    residual = y - b2
    for unit, incoming in enumerate(w1.unbind(1)):
        terms = [column * weight for column, weight in zip(x.unbind(1), incoming, strict=True)]
        value = function(sum(terms, start=b1[:, unit]))
        residual = residual - torch.outer(value, w2[unit])
    return float(residual.square().mean())


def pass_mark(y: Tensor, fraction: float) -> float:
    """Return the largest final loss that passes: a fraction of the mean variance of y's columns."""
    return fraction * float(y.var(0, correction=0).mean())
