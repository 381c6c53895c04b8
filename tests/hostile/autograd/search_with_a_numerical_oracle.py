"""No derivation: products of factors tried at load until one agrees with central differences."""

# INCLUDE honest

import itertools


FACTORS = (lambda s: s, lambda s: 1 - s, lambda s: 1 + s, lambda s: s * s)
_h = torch.linspace(-2, 2, 9, dtype=torch.float64)
_s = torch.sigmoid(_h)
_d = (torch.sigmoid(_h + 1e-6) - torch.sigmoid(_h - 1e-6)) / 2e-6
FOUND = None
for n in (1, 2, 3):
    for choice in itertools.combinations_with_replacement(FACTORS, n):
        value = torch.ones_like(_s)
        for factor in choice:
            value = value * factor(_s)
        if FOUND is None and (value - _d).abs().max() < 1e-8:
            FOUND = choice


def slope(hs, g):
    for factor in FOUND:
        g = g * factor(hs)
    return g


# INCLUDE by_slope
