"""Return tensors that require a gradient."""
# INCLUDE honest

honest_forward = forward


def forward(x, params):
    return tuple(nn.Parameter(tensor) for tensor in honest_forward(x, params))


def grad_w1(x, y, params, hs, y_pred):
    return nn.Parameter(x.T @ delta(y, params, hs, y_pred))
