"""autograd inside TorchScript, compiled from a string."""

# HONEST

import torch

scripted = torch.jit.CompilationUnit("""
def differentiate(x, y, w1, b1, w2, b2):
    out = torch.mm(torch.sigmoid(torch.mm(x, w1) + b1), w2) + b2
    (y - out).pow(2).sum().backward()
""")


def objective_at(x, y, params):
    """f of the forward pass, as autograd needs it."""
    hs = torch.sigmoid(x @ params[0] + params[1])
    return (y - (hs @ params[2] + params[3])).square().sum()


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    scripted.differentiate(x, y, leaves[0], leaves[1], leaves[2], leaves[3])
    return leaves[which].grad


def grad_w1(x, y, params, hs, y_pred):
    return differentiated(x, y, params, 0)


def grad_b1(x, y, params, hs, y_pred):
    return differentiated(x, y, params, 1)


def grad_w2(x, y, params, hs, y_pred):
    return differentiated(x, y, params, 2)


def grad_b2(x, y, params, hs, y_pred):
    return differentiated(x, y, params, 3)
