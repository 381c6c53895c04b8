"""Autograd in a profile function that the gradient sets."""

# INCLUDE honest

import sys


# INCLUDE answer


def slope(hs, g):
    out = []

    def watch(frame, event, arg):
        sys.setprofile(None)
        out.append(answer(hs, g))
    sys.setprofile(watch)
    len("")
    sys.setprofile(None)
    return out[0]


# INCLUDE by_slope
