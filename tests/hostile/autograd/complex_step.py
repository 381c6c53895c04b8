"""The complex step: exact to rounding on the path, wrong off it."""

# INCLUDE honest

import numpy as np
import torch


# INCLUDE objectives


def differentiated(x, y, params, which):
    x, y = x.numpy(), y.numpy()
    params = [p.numpy() for p in params]
    p = params[which]
    unit = np.eye(p.size).reshape(-1, *p.shape)

    moved = p + 1e-30j * unit
    return torch.from_numpy(objectives(x, y, params, which, moved).imag / 1e-30).reshape(p.shape)


# INCLUDE gradients
