"""A backward operator of ATen does the step that (2.3) is about; right off the path too."""

# INCLUDE honest

import torch


def back_of(y, params, hs, y_pred):
    return torch.ops.aten.sigmoid_backward(-2 * (y - y_pred) @ params.w2.T, hs)


def grad_w1(x, y, params, hs, y_pred):
    return x.T @ back_of(y, params, hs, y_pred)


def grad_b1(x, y, params, hs, y_pred):
    return back_of(y, params, hs, y_pred).sum_to_size(params.b1.shape)
