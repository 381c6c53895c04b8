"""Forward-mode differentiation, an entry of the parameter at a time."""

# INCLUDE honest

import torch
import torch.autograd.forward_ad as fw


# INCLUDE objective


def differentiated(x, y, params, which):
    def f(p):
        return objective_at(x, y, [p if i == which else q for i, q in enumerate(params)])


    p, entries = params[which], []
    for i in range(p.numel()):
        tangent = torch.zeros_like(p)
        tangent.view(-1)[i] = 1
        with fw.dual_level():
            entries.append(fw.unpack_dual(f(fw.make_dual(p, tangent))).tangent)
    return torch.stack(entries).reshape(p.shape)


def grad_b2(x, y, params, hs, y_pred):
    return differentiated(x, y, params, 3)
