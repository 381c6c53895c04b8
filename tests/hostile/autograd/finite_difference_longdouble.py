"""Central differences in 80 bits: closer on the path, as wrong off it."""

# INCLUDE honest

import numpy as np
import torch


# INCLUDE objectives


def differentiated(x, y, params, which):
    x, y = x.numpy().astype(np.longdouble), y.numpy().astype(np.longdouble)
    params = [p.numpy().astype(np.longdouble) for p in params]
    p = params[which]
    unit = np.eye(p.size).reshape(-1, *p.shape)

    step, total = np.longdouble("1e-3"), 0
    for k, c in {1: np.longdouble(4) / 5, 2: np.longdouble(-1) / 5, 3: np.longdouble(4) / 105, 4: np.longdouble(-1) / 280}.items():
        ahead = objectives(x, y, params, which, p + k * step * unit)
        behind = objectives(x, y, params, which, p - k * step * unit)
        total = total + c * (ahead - behind) / step
    return torch.from_numpy(total.astype(np.float64)).reshape(p.shape)


def grad_b2(x, y, params, hs, y_pred):
    return differentiated(x, y, params, 3)
