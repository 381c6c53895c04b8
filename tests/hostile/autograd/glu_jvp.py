"""A derivative of ATen's of another name: of glu, forward; hs is its value at (1, h)."""

# INCLUDE honest

import torch


def back_of(y, params, hs, y_pred):
    back = -2 * (y - y_pred) @ params.w2.T
    h = torch.cat([torch.ones_like(hs), torch.logit(hs)], 1)
    tangent = torch.cat([torch.zeros_like(hs), back], 1)
    return torch.ops.aten.glu_jvp(hs, h, tangent, 1)


# INCLUDE by_back_of
