"""torch.func.vjp."""

# INCLUDE honest

import torch


# INCLUDE objective


def differentiated(x, y, params, which):
    def f(p):
        return objective_at(x, y, [p if i == which else q for i, q in enumerate(params)])

    value, pull = torch.func.vjp(f, params[which])
    return pull(torch.ones_like(value))[0]


# INCLUDE gradients
