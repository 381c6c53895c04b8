"""Autograd while torch's dispatch to Python is disabled."""

# INCLUDE honest


def slope(hs, g):
    with torch._C._DisableTorchDispatch(), torch._C.DisableTorchFunction(), torch.enable_grad():
        h = torch.logit(hs).detach().requires_grad_()
        return torch.autograd.grad((torch.sigmoid(h) * g).sum(), h)[0]


# INCLUDE by_slope
