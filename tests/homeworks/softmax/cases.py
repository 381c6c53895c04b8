"""The cases: drawn from a seed, half of the gradients' off the path."""

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from grader.judging.judge import Case
from grader.rubric.draw import Draw
from grader.student_code.contract import Call

from .loss import final_loss
from .reference import Parameters, forward, gradients
from .settings import Cases, Homework, SoftmaxRubric
from .tasks import TASKS


def build_cases(rubric: SoftmaxRubric, settings: Cases, seed: int) -> list[Case]:
    """Return all cases in the order of asking."""
    return [*_compared(settings, seed), training_case(rubric, seed)]


def _compared(settings: Cases, seed: int) -> Iterator[Case]:
    for n, d, h, k in settings.sizes:
        draw = Draw(seed, f"forward/{n}/{d}/{h}/{k}")
        x, params = draw.normal(n, d), _parameters(draw, d, h, k)
        yield Case("forward", Call("forward", {"x": x, **params._asdict()}), forward(x, params))
    for name in TASKS.gradients:
        for n, d, h, k in settings.sizes:
            for on_path in (True, False):
                draw = Draw(seed, f"{name}/{n}/{d}/{h}/{k}/{on_path}")
                yield _gradient_case(draw, name, (n, d, h, k), on_path)


def _gradient_case(draw: Draw, name: str, sizes: tuple[int, int, int, int], on_path: bool) -> Case:
    n, d, h, k = sizes
    x, y, params = draw.normal(n, d), _classes(draw, n, k), _parameters(draw, d, h, k)
    if on_path:
        a, p = forward(x, params)
    else:
        a, p = draw.uniform(-0.9, 0.9, n, h), torch.softmax(draw.normal(n, k), 1)
    expected = gradients(x, y, params, a, p)._asdict()[TASKS.by_name[name].parameter]
    tensors = {"x": x, "y": y, **params._asdict(), "a": a, "p": p}
    return Case(name, Call(name, tensors), (expected,), on_path)


def _parameters(draw: Draw, d: int, h: int, k: int) -> Parameters:
    return Parameters(draw.normal(d, h), draw.normal(1, h), draw.normal(h, k))


def _classes(draw: Draw, n: int, k: int) -> Tensor:
    """Return rows that are 1 at a class, drawn evenly."""
    return torch.eye(k, dtype=torch.float64)[draw.uniform(0, k, n).long()]


def data(homework: Homework, draw: Draw) -> tuple[Tensor, Tensor]:
    """Return x (N, 2), points of the plane, and y (N, K): the sector of the circle they are in."""
    x = draw.normal(homework.n_samples, 2)
    turn = (torch.atan2(x[:, 1], x[:, 0]) / (2 * math.pi)) % 1
    y = torch.eye(homework.n_classes, dtype=torch.float64)[(turn * homework.n_classes).long()]
    return x, y


def training_case(rubric: SoftmaxRubric, seed: int) -> Case:
    """Return the training run with hand-written gradients."""
    homework, training = rubric.homework, rubric.training
    draw = Draw(seed, "train")
    x, y = data(homework, draw)
    params = _parameters(draw, 2, homework.n_hidden, homework.n_classes)
    settings = {
        "steps": float(training.steps),
        "learning_rate": training.learning_rate,
        "step": training.learning_rate / len(x),  # on the objective, a sum over the samples
        "sampled_every": float(training.sampled_every),
    }
    call = Call("train", {"x": x, "y": y, **params._asdict()}, settings)
    # A fraction of what a guess costs.
    mark = training.pass_fraction * math.log(homework.n_classes)
    return Case("train", call, final_loss=partial(final_loss, call.tensors), pass_mark=mark)
