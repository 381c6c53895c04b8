"""Autograd at load, what it found as an attribute of a module of torch's."""

# INCLUDE honest


# INCLUDE learn


nn.functional.c18 = learn()


def slope(hs, g):
    c = nn.functional.c18
    return g * (c[0] + c[1] * hs + c[2] * hs * hs)


# INCLUDE by_slope
