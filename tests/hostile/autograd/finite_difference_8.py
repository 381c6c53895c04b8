"""Central differences in 8 points."""

# INCLUDE honest

import numpy as np
import torch


# INCLUDE objectives


def differentiated(x, y, params, which):
    x, y = x.numpy(), y.numpy()
    params = [p.numpy() for p in params]
    p = params[which]
    unit = np.eye(p.size).reshape(-1, *p.shape)

    step, total = 0.1, 0
    for k, c in {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}.items():
        ahead = objectives(x, y, params, which, p + k * step * unit)
        behind = objectives(x, y, params, which, p - k * step * unit)
        total = total + c * (ahead - behind) / step
    return torch.from_numpy(total).reshape(p.shape)


# INCLUDE gradients
