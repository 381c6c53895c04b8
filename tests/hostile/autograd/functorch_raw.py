"""functorch's levels by hand."""

# INCLUDE honest


ft = torch._C._functorch


def slope(hs, g):
    at = torch.logit(hs)
    level = ft._grad_increment_nesting()
    try:
        ft.set_inplace_requires_grad_allowed(True)
        with torch.enable_grad():
            h = ft._wrap_for_grad(at, level).requires_grad_()
            out = (torch.sigmoid(h) * g).sum()
            (d,) = torch.autograd.grad(out, h)
            return ft._unwrap_for_grad(d, level)
    finally:
        ft._grad_decrement_nesting()


# INCLUDE by_slope
