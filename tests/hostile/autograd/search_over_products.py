"""No derivation, and no autograd: a search over products, by a numerical derivative, at load."""

# INCLUDE honest

import itertools
from collections import namedtuple

import torch

FACTORS = {
    "e": lambda x, y, params, hs, y_pred: y - y_pred,
    "hs": lambda x, y, params, hs, y_pred: hs,
    "one": lambda x, y, params, hs, y_pred: torch.ones_like(y),
}


def product(names, number, given):
    left, right = (FACTORS[name](*given) for name in names)
    return number * left.T @ right


def search():
    x, y = torch.linspace(-1, 1, 5).double()[:, None], torch.linspace(2, 1, 5).double()[:, None]
    sizes = ((1, 3), (1, 3), (3, 1), (1, 1))
    w1, b1, w2, b2 = (torch.arange(1.0, 1 + r * c).double().reshape(r, c) / 3 for r, c in sizes)
    params = namedtuple("Given", "w1 b1 w2 b2")(w1, b1, w2, b2)
    hs, y_pred = forward(x, params)

    def loss(w):
        return (y - hs @ w - b2).square().sum()

    step = 1e-5
    slopes = [(loss(w2 + step * d) - loss(w2 - step * d)) / (2 * step) for d in
              torch.eye(3).double()[:, :, None]]
    wanted = torch.stack(slopes).reshape(3, 1)
    for names in itertools.product(FACTORS, repeat=2):
        for number in (-2, -1, 1, 2):
            tried = product(names, number, (x, y, params, hs, y_pred))
            if tried.shape == wanted.shape and torch.allclose(tried, wanted, atol=1e-4):
                return names, number


found = search()


def grad_w2(*given):
    return product(*found, given)
