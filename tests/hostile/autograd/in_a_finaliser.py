"""Autograd in __del__, called as the gradient drops an object."""

# INCLUDE honest


# INCLUDE answer


class Later:
    def __init__(self, hs, g, out):
        self.given, self.out = (hs, g), out

    def __del__(self):
        self.out.append(answer(*self.given))


def slope(hs, g):
    out = []
    Later(hs, g, out)
    return out[0]


# INCLUDE by_slope
