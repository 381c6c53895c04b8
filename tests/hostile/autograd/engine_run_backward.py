"""The engine's own run_backward, which cannot be wrapped."""

# INCLUDE honest

import torch


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    loss = objective_at(x, y, leaves)
    engine = torch.autograd.Variable._execution_engine
    one = (torch.ones_like(loss),)
    return engine.run_backward((loss,), one, False, False, (leaves[which],), False, accumulate_grad=False)[0]


# INCLUDE gradients
