"""Autograd in the handler of a signal that the gradient raises."""

# INCLUDE honest

import signal


# INCLUDE answer


box = {}


def handler(*_):
    box["out"] = answer(*box["in"])


def slope(hs, g):
    box["in"] = hs, g
    before = signal.signal(signal.SIGUSR1, handler)
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    return box["out"]


# INCLUDE by_slope
