"""A backward operator of ATen, by its schema's name through the dispatcher."""

# INCLUDE honest


OP = torch._C._jit_get_operation("aten::sigmoid_" + "back" + "ward")
OP = OP[0] if isinstance(OP, tuple) else OP


def slope(hs, g):
    return OP(g, hs)


# INCLUDE by_slope
