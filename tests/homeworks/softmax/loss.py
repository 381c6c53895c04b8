"""The loss that training ends with. Students are given this module."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def final_loss(given: Mapping[str, Tensor], params: Sequence[Tensor]) -> float:
    """Return the mean cross-entropy of the network with parameters v, c, u, sample by sample.

    `given` has x (N, D) and y (N, K), one row per sample that is 1 at its class, float64.
    """
    v, c, u = params
    losses = []
    for features, wanted in zip(given["x"], given["y"], strict=True):
        fed = torch.stack([(features * column).sum() for column in v.unbind(1)]) + c[0]
        scores = torch.stack([(fed.tanh() * column).sum() for column in u.unbind(1)])
        losses.append(torch.logsumexp(scores, 0) - (scores * wanted).sum())
    return float(torch.stack(losses).mean())
