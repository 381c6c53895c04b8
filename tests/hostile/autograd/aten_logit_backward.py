"""A backward operator of another function, which holds 1 / (s (1 - s))."""

# INCLUDE honest


def slope(hs, g):
    op = getattr(torch.ops.aten, "logit_" + "back" + "ward")
    return g / op(torch.ones_like(hs), hs, None)


# INCLUDE by_slope
