"""Autograd at load, what it found in a file of the worker's folder."""

# INCLUDE honest

import json


# INCLUDE learn


with open("c18.json", "w") as file:
    json.dump(learn().tolist(), file)


def slope(hs, g):
    with open("c18.json") as file:
        c = json.load(file)
    return g * (c[0] + c[1] * hs + c[2] * hs * hs)


# INCLUDE by_slope
