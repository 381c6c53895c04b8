"""Autograd inside __torch_function__ of a tensor's subclass."""

# INCLUDE honest


class T(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass(), torch.enable_grad():
            h = args[0].as_subclass(torch.Tensor).detach().requires_grad_()
            return torch.autograd.grad(func(h, **(kwargs or {})).sum(), h)[0]


def slope(hs, g):
    return g * torch.sigmoid(torch.logit(hs).as_subclass(T))


# INCLUDE by_slope
