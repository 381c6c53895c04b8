"""Autograd with the stacks of modes emptied before, and filled after."""

# INCLUDE honest


def slope(hs, g):
    popped = []
    while torch._C._len_torch_dispatch_stack():
        popped.append(torch._C._pop_torch_dispatch_stack(None))
    held = []
    while torch._C._len_torch_function_stack():
        held.append(torch._C._pop_torch_function_stack())
    try:
        with torch.enable_grad():
            h = torch.logit(hs).detach().requires_grad_()
            return torch.autograd.grad((torch.sigmoid(h) * g).sum(), h)[0]
    finally:
        for m in reversed(held):
            torch._C._push_on_torch_function_stack(m)
        for m in reversed(popped):
            torch._C._push_on_torch_dispatch_stack(m)


# INCLUDE by_slope
