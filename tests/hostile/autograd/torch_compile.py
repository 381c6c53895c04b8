"""Differentiate a compiled function."""

# INCLUDE honest

import torch


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    compiled(x, y, leaves).backward()
    return leaves[which].grad


compiled = torch.compile(objective_at, backend="eager")


# INCLUDE gradients
