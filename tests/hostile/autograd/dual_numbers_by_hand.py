"""Values and tangents carried through the forward pass by hand."""

# INCLUDE honest

import torch


def differentiated(x, y, params, which):
    p = params[which]
    tangents = [torch.zeros_like(q).unsqueeze(0) for q in params]
    tangents[which] = torch.eye(p.numel(), dtype=p.dtype).reshape(-1, *p.shape)
    w1, b1, w2, b2 = params
    hs = torch.sigmoid(x @ w1 + b1)
    dhs = hs * (1 - hs) * (x @ tangents[0] + tangents[1])
    residual = y - (hs @ w2 + b2)
    dout = dhs @ w2 + hs @ tangents[2] + tangents[3]
    return (-2 * residual * dout).sum((-2, -1)).reshape(p.shape)


# INCLUDE gradients
