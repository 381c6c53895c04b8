"""Autograd in the handler of a timer."""

# INCLUDE honest

import signal
import time


# INCLUDE answer


box = {}


def handler(*_):
    if "in" in box:
        box["out"] = answer(*box.pop("in"))


def slope(hs, g):
    old = signal.signal(signal.SIGALRM, handler)
    box["in"] = hs, g
    box.pop("out", None)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    end = time.monotonic() + 2
    while "out" not in box and time.monotonic() < end:
        pass
    signal.signal(signal.SIGALRM, old)
    return box["out"]


# INCLUDE by_slope
