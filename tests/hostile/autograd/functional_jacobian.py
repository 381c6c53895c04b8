"""torch.autograd.functional.jacobian."""

# INCLUDE honest

import torch
from torch.autograd.functional import jacobian


# INCLUDE objective


def differentiated(x, y, params, which):
    def f(p):
        return objective_at(x, y, [p if i == which else q for i, q in enumerate(params)])

    return jacobian(f, params[which])


# INCLUDE gradients
