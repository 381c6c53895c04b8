"""The cases: drawn from a seed, half of the gradients' off the path."""

from collections.abc import Iterator
from functools import partial

import torch

from grader.judging.judge import Case
from grader.rubric.draw import Draw
from grader.student_code.contract import Call

from .loss import final_loss
from .reference import Parameters, gradients, loss, unroll
from .settings import Cases, RecurrentRubric
from .tasks import TASKS


def build_cases(rubric: RecurrentRubric, settings: Cases, seed: int) -> Iterator[Case]:
    """Yield all cases in the order of asking."""
    for t, n, d, k in settings.sizes:
        draw = Draw(seed, f"unroll/{t}/{n}/{d}/{k}")
        inputs, params = draw.normal(t, n, d), _parameters(draw, d, k)
        call = Call("unroll", {"inputs": inputs, **params._asdict()})
        yield Case("unroll", call, (unroll(inputs, params),))
    for name in TASKS.gradients:
        for sizes in settings.sizes:
            for on_path in (True, False):
                yield _gradient_case(Draw(seed, f"{name}/{sizes}/{on_path}"), name, sizes, on_path)
    yield training_case(rubric, seed)


def _gradient_case(draw: Draw, name: str, sizes: tuple[int, int, int, int], on_path: bool) -> Case:
    t, n, d, k = sizes
    inputs, targets, params = draw.normal(t, n, d), draw.normal(t, n, k), _parameters(draw, d, k)
    states = unroll(inputs, params) if on_path else draw.uniform(-0.9, 0.9, t, n, k)
    expected = gradients(inputs, targets, params, states)._asdict()[TASKS.by_name[name].parameter]
    tensors = {"inputs": inputs, "targets": targets, **params._asdict(), "states": states}
    return Case(name, Call(name, tensors), (expected,), on_path)


def _parameters(draw: Draw, d: int, k: int) -> Parameters:
    return Parameters(draw.normal(k), draw.normal(k, d), draw.normal(k, k) / k**0.5)


def training_case(rubric: RecurrentRubric, seed: int) -> Case:
    """Return the training run: to follow the states of another cell."""
    training, draw = rubric.training, Draw(seed, "train")
    inputs = draw.normal(4, 20, 2)
    targets, params = unroll(inputs, _parameters(draw, 2, 3)), _parameters(draw, 2, 3)
    settings = {
        "steps": float(training.steps),
        "learning_rate": training.learning_rate,
        "step": training.learning_rate,
        "sampled_every": float(training.sampled_every),
    }
    call = Call("train", {"inputs": inputs, "targets": targets, **params._asdict()}, settings)
    mark = training.pass_fraction * float(loss(torch.zeros_like(targets), targets))
    return Case("train", call, final_loss=partial(final_loss, call.tensors), pass_mark=mark)
