"""A derivative of ATen's while all dispatch modes are off."""

# INCLUDE honest

import torch
from torch.utils._python_dispatch import _disable_current_modes


def back_of(y, params, hs, y_pred):
    with _disable_current_modes():
        return torch.ops.aten.sigmoid_backward(-2 * (y - y_pred) @ params.w2.T, hs)


# INCLUDE by_back_of
