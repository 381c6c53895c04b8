"""The loss that training ends with. Students are given this module."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def final_loss(given: Mapping[str, Tensor], params: Sequence[Tensor]) -> float:
    """Return the loss (2) of the states from inputs (T, N, D), against targets (T, N, K)."""
    (start, u, w), targets = params, given["targets"]
    state, total = start.expand(targets.shape[1], -1), 0.0
    for x, wanted in zip(given["inputs"], targets, strict=True):
        state = torch.tanh(x @ u.T + state @ w.T)
        total += float((state - wanted).square().sum())
    return total / (2 * targets.shape[0] * targets.shape[1])
