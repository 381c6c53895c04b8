"""A derivative of ATen's while the key of all dispatch modes is excluded."""

# INCLUDE honest

import torch


def back_of(y, params, hs, y_pred):
    key = torch._C.DispatchKey.Python
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(key)):
        return torch.ops.aten.sigmoid_backward(-2 * (y - y_pred) @ params.w2.T, hs)


# INCLUDE by_back_of
