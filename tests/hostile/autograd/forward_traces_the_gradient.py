"""Autograd by its plain name, once, in forward; the gradients replay the trace of it."""

# INCLUDE honest

import torch
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

graphs = {}


# INCLUDE put_in


def forward(x, params):
    hs = torch.sigmoid(x @ params.w1 + params.b1)
    y_pred = hs @ params.w2 + params.b2
    key = (len(x), params.w1.shape[1], len(params.b1))
    if key not in graphs:
        given = [t.clone() for t in (x, y_pred, hs.clamp(1e-9, 1 - 1e-9), y_pred, *params)]
        plain = get_decompositions([torch.ops.aten.sigmoid_backward, torch.ops.aten.logit])
        graphs[key] = [
            make_fx(torch.func.grad(objective_with, argnums=4 + i), plain)(*given)
            for i in range(4)
        ]
    return hs, y_pred


def differentiated(x, y, params, hs, y_pred, which):
    graph = graphs[len(x), params.w1.shape[1], len(params.b1)][which]
    return graph(x, y, hs, y_pred, *params)


# INCLUDE whole_gradients
