"""Do once in the zygote what every worker does first, so that no worker spends time on it.

The first matrix product sets up its library, the first compiled statement its caches, and so on.
Libraries that are warm when the workers are forked stay warm in all of them. The source below uses
what a homework uses, but is not a homework.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from grader.confined import wire
from grader.source.files import Cell, File
from grader.source.imports import Files
from grader.source.tasks import PARAMETERS, Layer, Network, Question, Tasks
from grader.student_code.calls import answer
from grader.student_code.contract import Call
from grader.student_code.guards import NoPasses
from grader.student_code.loading import LoadBudget, load
from grader.student_code.static_analysis import screen

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

class Shaped(nn.Module):
    def __init__(self, width, height):
        super().__init__()
        self.first = nn.Linear(width, height)
        self.second = nn.Linear(height, width)

    def forward(self, x):
        return self.second(torch.sigmoid(self.first(x)))

def passed(x, params):
    s = torch.exp(-(x @ params.a + params.b).mm(torch.eye(params.a.shape[1]).double()))
    s = 1.0 / (1 + torch.sigmoid(s) * torch.ones_like(s)) - torch.zeros(1)
    return s, torch.matmul(s, params.c) + params.d

def of_a(x, y, params, s, z):
    return ((y - z) ** 2).sum() * params.a.t().T.clone()

def of_b(x, y, params, s, z):
    return torch.sum(2 * s * s, dim=0, keepdim=True).expand(params.b.shape)

def of_c(x, y, params, s, z):
    return torch.mm(s.T, torch.square(z - y)).reshape(params.c.shape)

def of_d(x, y, params, s, z):
    return (z - y).sum(dim=0, keepdim=True) if params.d.shape[0] == 1 else z - y

optimizer = torch.optim.SGD(Shaped(1, 4).parameters(), lr=0.1)  # which has torch import much
'''


GIVEN = ("x", "y", PARAMETERS, "s", "z")
TASKS = Tasks(
    parameters=("a", "b", "c", "d"),
    questions=(
        Question("passed", "forward", ("x", PARAMETERS), ("s", "z")),
        *(
            Question(f"of_{name}", "gradient", GIVEN, (f"of_{name}",), parameter=name)
            for name in ("a", "b", "c", "d")
        ),
        Question("shaped", "network", ("x",), defines="Shaped"),
    ),
    criteria=(),
    network=Network(
        sizes=(("a", 0), ("a", 1)),
        layers=(Layer("first", "a", "b"), Layer("second", "c", "d")),
        loss="mse_loss",
    ),
)


def rehearse() -> None:
    """Load a source and make every kind of call but training to it, as a worker would.

    Nothing here differentiates: autograd may start threads, and a process with threads must not be
    forked.
    """
    cell = Cell("homework.py", SOURCE)
    main = File("homework.py", "module", (cell,))
    screen(Files(main), TASKS)
    packages = ("torch", "numpy", "matplotlib")
    budget = LoadBudget(60.0, 60.0, 60.0, 60.0, 60.0)
    homework = load(main, [], packages, TASKS, budget, passes=NoPasses())
    assert not homework.notes, homework.notes
    calls = [wire.encoded_call(number, call) for number, call in enumerate(_calls())]
    message = wire.decode_message(wire.encode(wire.Calls(calls)))
    assert isinstance(message, wire.Calls)
    for ask in message.calls:
        outcome = answer(wire.call_of(ask), homework)
        assert outcome.problem is None, outcome
        wire.encode(wire.answer_of(ask.number, outcome))
    homework.forget()


def _calls() -> Iterator[Call]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    for rows in (6, 1):
        inputs = {"x": draw(6, 1), "a": draw(1, 4), "b": draw(rows, 4)}
        inputs |= {"c": draw(4, 1), "d": draw(rows, 1)}
        yield Call("passed", inputs)
        for gradient in TASKS.gradients:
            yield Call(gradient, inputs | {"y": draw(6, 1), "s": draw(6, 4), "z": draw(6, 1)})
    yield Call("shaped", inputs)
