"""Autograd at load finds sigmoid' as a polynomial of s; the gradients read its coefficients."""

# INCLUDE honest


# INCLUDE learn


C = learn()


def slope(hs, g):
    return g * (C[0] + C[1] * hs + C[2] * hs * hs)


# INCLUDE by_slope
