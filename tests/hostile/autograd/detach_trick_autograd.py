"""Autograd with the given values put in: right off the path too, so the guards must see it."""

# INCLUDE honest

import torch


def with_value(given, own):
    return given + own - own.detach()


def differentiated(x, y, params, hs, y_pred, which):
    leaves = [p.clone().requires_grad_() for p in params]
    w1, b1, w2, b2 = leaves
    h = with_value(torch.logit(hs), x @ w1 + b1)
    s = with_value(hs, torch.sigmoid(h))
    out = with_value(y_pred, s @ w2 + b2)
    return torch.autograd.grad((y - out).square().sum(), leaves[which])[0]


def grad_w1(*given):
    return differentiated(*given, 0)


def grad_b1(*given):
    return differentiated(*given, 1)


def grad_w2(*given):
    return differentiated(*given, 2)


def grad_b2(*given):
    return differentiated(*given, 3)
