"""torch.func.grad."""

# INCLUDE honest

import torch


# INCLUDE objective


def differentiated(x, y, params, which):
    def f(p):
        return objective_at(x, y, [p if i == which else q for i, q in enumerate(params)])

    return torch.func.grad(f)(params[which])


# INCLUDE gradients
