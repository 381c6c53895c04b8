"""Autograd at load, what it found in a closure."""

# INCLUDE honest


# INCLUDE learn


def made():
    c = learn().tolist()

    def slope(hs, g):
        return g * (c[0] + c[1] * hs + c[2] * hs * hs)
    return slope


slope = made()


# INCLUDE by_slope
