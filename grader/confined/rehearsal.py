"""Do once in the zygote what every worker does first, so that no worker pays for it.

The first product of matrices sets up its library, the first compiled statement its caches, and so
on: what is warm when the workers are forked stays warm in all of them. The source below touches
what a homework touches; it is no homework.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from grader.confined import wire
from grader.confined.calls import answer
from grader.confined.contract import Call
from grader.confined.files import Cell, File
from grader.confined.following import Files
from grader.confined.guards import NoPasses
from grader.confined.names import GRADIENTS
from grader.confined.screening import screen
from grader.confined.student import LoadBudget, load

SOURCE = '''
"""A source of the shape of a homework."""
import math
from typing import NamedTuple
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
import torch.nn.functional as F

class Shape(NamedTuple):
    rows: Tensor

class Net(nn.Module):
    def __init__(self, n_feature, n_hidden, n_output):
        super().__init__()
        self.hidden = nn.Linear(n_feature, n_hidden)
        self.predict = nn.Linear(n_hidden, n_output)

    def forward(self, x):
        return self.predict(torch.sigmoid(self.hidden(x)))

def forward(x, params):
    hs = torch.exp(-(x @ params.w1 + params.b1).mm(torch.eye(params.w1.shape[1]).double()))
    hs = 1.0 / (1 + torch.sigmoid(hs) * torch.ones_like(hs)) - torch.zeros(1)
    return hs, torch.matmul(hs, params.w2) + params.b2

def grad_w1(x, y, params, hs, y_pred):
    return ((y - y_pred) ** 2).sum() * params.w1.t().T.clone()

def grad_b1(x, y, params, hs, y_pred):
    return torch.sum(2 * hs * hs, dim=0, keepdim=True).expand(params.b1.shape)

def grad_w2(x, y, params, hs, y_pred):
    return torch.mm(hs.T, torch.square(y_pred - y)).reshape(params.w2.shape)

def grad_b2(x, y, params, hs, y_pred):
    return (y_pred - y).sum(dim=0, keepdim=True) if params.b2.shape[0] == 1 else y_pred - y

optimizer = torch.optim.SGD(Net(1, 4, 1).parameters(), lr=0.1)  # which has torch import much
'''


def rehearse() -> None:
    """Load a source and put to it every kind of call but training, in place of a worker.

    Nothing here differentiates: autograd may start threads, and a process that has threads must
    not be forked.
    """
    cell = Cell("homework.py", SOURCE)
    main = File("homework.py", "module", (cell,))
    screen(Files(main))
    packages = ("torch", "numpy", "matplotlib")
    budget = LoadBudget(60.0, 60.0, 60.0, 60.0, 60.0)
    loaded = load(main, [], packages, budget, passes=NoPasses())
    assert not loaded.notes, loaded.notes
    asks = [wire.ask_of(number, call) for number, call in enumerate(_calls())]
    sent = wire.decode_message(wire.encode(wire.Round(asks)))
    assert isinstance(sent, wire.Round)
    for ask in sent.asks:
        outcome = answer(wire.call_of(ask), loaded)
        assert outcome.problem is None, outcome
        wire.encode(wire.answer_of(ask.number, outcome))
    loaded.forget()


def _calls() -> Iterator[Call]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    for rows in (6, 1):
        given = {"x": draw(6, 1), "w1": draw(1, 4), "b1": draw(rows, 4)}
        given |= {"w2": draw(4, 1), "b2": draw(rows, 1)}
        yield Call("forward", given)
        for gradient in GRADIENTS:
            cache = {"y": draw(6, 1), "hs": draw(6, 4), "y_pred": draw(6, 1)}
            yield Call(gradient, given | cache)
    yield Call("net", given)
