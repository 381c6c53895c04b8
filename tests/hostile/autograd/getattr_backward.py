"""backward under a name put together from two strings."""

# INCLUDE honest

import torch


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    getattr(objective_at(x, y, leaves), "back" + "ward")()
    return leaves[which].grad


# INCLUDE gradients
