"""torch.func.grad works under inference_mode too; here enable_grad undoes no_grad."""

# INCLUDE honest

import torch


# INCLUDE objective


def differentiated(x, y, params, which):
    def f(p):
        return objective_at(x, y, [p if i == which else q for i, q in enumerate(params)])


    with torch.no_grad(), torch.inference_mode(False), torch.enable_grad():
        return torch.func.grad(f)(params[which].clone())


# INCLUDE gradients
