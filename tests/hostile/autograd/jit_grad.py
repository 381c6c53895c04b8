"""autograd inside TorchScript, compiled from a string."""

# INCLUDE honest

import torch

scripted = torch.jit.CompilationUnit("""
def differentiate(x, y, w1, b1, w2, b2):
    out = torch.mm(torch.sigmoid(torch.mm(x, w1) + b1), w2) + b2
    (y - out).pow(2).sum().backward()
""")


# INCLUDE objective


def leaves_of(params):
    return [p.clone().requires_grad_() for p in params]


def differentiated(x, y, params, which):
    leaves = leaves_of(params)
    scripted.differentiate(x, y, leaves[0], leaves[1], leaves[2], leaves[3])
    return leaves[which].grad


# INCLUDE gradients
