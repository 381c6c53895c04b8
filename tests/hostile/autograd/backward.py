"""Tensor.backward in place of the closed forms."""

# INCLUDE honest

import torch


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    objective_at(x, y, leaves).backward()
    return leaves[which].grad


# INCLUDE gradients
