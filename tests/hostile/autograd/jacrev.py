"""torch.func.jacrev."""

# INCLUDE honest

import torch
import torch.func as fn


# INCLUDE objective


def differentiated(x, y, params, which):
    def f(p):
        return objective_at(x, y, [p if i == which else q for i, q in enumerate(params)])

    return fn.jacrev(f)(params[which])


# INCLUDE gradients
