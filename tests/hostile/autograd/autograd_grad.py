"""torch.autograd.grad under an alias."""

# INCLUDE honest

import torch
from torch import autograd as a

g = a.grad


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    return g(objective_at(x, y, leaves), leaves[which])[0]


# INCLUDE gradients
