"""Closed forms, but of a forward pass of its own."""

# INCLUDE honest

import torch


def differentiated(x, y, params, which):
    w1, b1, w2, b2 = params
    hs = torch.sigmoid(x @ w1 + b1)
    out = -2 * (y - (hs @ w2 + b2))
    back = out @ w2.T * hs * (1 - hs)
    gradients = (x.T @ back, back.sum_to_size(b1.shape), hs.T @ out, out.sum_to_size(b2.shape))
    return gradients[which]


# INCLUDE gradients
