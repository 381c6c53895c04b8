"""The cases put to a submission: inputs drawn from a seed, and the reference's answers."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from grader.homework.activations import activation_called, evaluate
from grader.homework.loss import final_loss, pass_mark
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.homework.settings import CaseSettings, Homework, SigmoidRubric
from grader.homework.targets import code_of
from grader.homework.tasks import TASKS
from grader.judging.judge import Case
from grader.rubric.draw import Draw
from grader.student_code.contract import Call


def build_cases(rubric: SigmoidRubric, settings: CaseSettings, seed: int) -> list[Case]:
    """Return all cases in the order of asking: forward, gradients, net, training.

    The same rubric, settings and seed give the same cases, bit for bit.
    """
    compared_cases = _Compared(rubric.homework, settings, seed)
    return [*compared_cases.cases(), *_training_cases(rubric, seed)]


def draw_parameters(draw: Draw, n: int, n_hidden: int, bias: str, n_output: int = 1) -> Parameters:
    """Return standard normal parameters for one feature, in a bias convention."""
    rows = n if bias == "sample" else 1
    return Parameters(
        draw.normal(1, n_hidden),
        draw.normal(rows, n_hidden),
        draw.normal(n_hidden, n_output),
        draw.normal(rows, n_output),
    )


class _Compared:
    """The cases whose answers are compared, for a homework, in given sizes, from a seed."""

    def __init__(self, homework: Homework, settings: CaseSettings, seed: int) -> None:
        self._n_output = homework.n_output
        self._biases = homework.biases
        self._settings = settings
        self._seed = seed
        self._activation = activation_called(homework.activation)
        self._reference = Reference(self._activation)

    def cases(self) -> Iterator[Case]:
        """Yield the cases in the order of asking."""
        for bias in self._biases:
            for size in self._settings.sizes:
                yield self._forward_case(bias, *size)
        for size in self._settings.sizes:
            yield self._stable_case(*size)
        for function in TASKS.gradients:
            for bias in self._biases:
                for size in self._settings.sizes:
                    yield self._gradient_case(function, bias, *size, on_path=True)
                    yield self._gradient_case(function, bias, *size, on_path=False)
        for sizes in self._settings.net_sizes:
            yield self._net_case(*sizes)

    def _draw(self, *name: object) -> Draw:
        return Draw(self._seed, "/".join(map(str, name)))

    def _forward_case(self, bias: str, n: int, n_hidden: int) -> Case:
        draw = self._draw("forward", bias, n, n_hidden)
        x, params = draw.normal(n, 1), draw_parameters(draw, n, n_hidden, bias, self._n_output)
        return self._case_of_forward("forward.values", x, params)

    def _stable_case(self, n: int, n_hidden: int) -> Case:
        """Build a case in which each entry of h = x w1 + b1 is ±saturation, to within 1."""
        draw = self._draw("stable", n, n_hidden)
        params = draw_parameters(draw, n, n_hidden, "row", self._n_output)
        signs = torch.where(torch.arange(n_hidden) % 2 == 0, 1.0, -1.0).to(torch.float64)
        x = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).to(torch.float64).unsqueeze(1)
        b1 = draw.uniform(-1.0, 1.0, 1, n_hidden)
        saturated_params = params._replace(w1=self._settings.saturation * signs.unsqueeze(0), b1=b1)
        return self._case_of_forward("forward.stable", x, saturated_params)

    def _case_of_forward(self, criterion: str, x: Tensor, params: Parameters) -> Case:
        call = Call("forward", {"x": x, **params._asdict()})
        return Case(criterion, call, self._reference.forward(x, params))

    def _gradient_case(
        self, function: str, bias: str, n: int, n_hidden: int, *, on_path: bool
    ) -> Case:
        criterion = TASKS.criterion(function, bias).id
        draw = self._draw(function, bias, n, n_hidden, on_path)
        x, y = draw.normal(n, 1), draw.normal(n, self._n_output)
        params = draw_parameters(draw, n, n_hidden, bias, self._n_output)
        if on_path:
            hs, y_pred = self._reference.forward(x, params)
        else:
            hs = draw.uniform(*self._activation.hs_range, n, n_hidden)
            y_pred = draw.normal(n, self._n_output)
        gradients = self._reference.gradients(x, y, params, hs, y_pred)
        inputs = {"x": x, "y": y, **params._asdict(), "hs": hs, "y_pred": y_pred}
        expected = gradients._asdict()[TASKS.by_name[function].parameter]
        return Case(criterion, Call(function, inputs), (expected,), on_path)

    def _net_case(self, n_feature: int, n_hidden: int, n_output: int) -> Case:
        draw = self._draw("net", n_feature, n_hidden, n_output)
        x = draw.normal(9, n_feature)
        params = Parameters(
            draw.normal(n_feature, n_hidden),
            draw.normal(1, n_hidden),
            draw.normal(n_hidden, n_output),
            draw.normal(1, n_output),
        )
        _, output = self._reference.forward(x, params)
        return Case("net", Call("net", {"x": x, **params._asdict()}), (output, *params))


def training_data(homework: Homework, draw: Draw) -> tuple[Tensor, Tensor]:
    """Return x (N, 1), evenly spaced in [-1, 1], and y (N, O), the targets with added noise."""
    x = torch.linspace(-1, 1, homework.n_samples, dtype=torch.float64).unsqueeze(1)
    y = torch.cat([evaluate(code_of(target), x=x) for target in homework.targets], 1)
    return x, y + homework.noise * draw.uniform(0.0, 1.0, *y.shape)


def first_parameters(homework: Homework, draw: Draw) -> Parameters:
    """Return parameters as nn.Linear initializes them: uniform within 1/sqrt(fan_in)."""
    n_hidden, n_output = homework.n_hidden, homework.n_output
    bound = n_hidden**-0.5  # of the output layer; fan_in is 1 for the hidden one
    return Parameters(
        draw.uniform(-1.0, 1.0, 1, n_hidden),
        draw.uniform(-1.0, 1.0, 1, n_hidden),
        draw.uniform(-bound, bound, n_hidden, n_output),
        draw.uniform(-bound, bound, 1, n_output),
    )


def _training_cases(rubric: SigmoidRubric, seed: int) -> Iterator[Case]:
    """Build the two training runs from the same data and parameters."""
    manual = training_case(rubric, seed)
    params = Parameters.of(manual.call)
    params = params._replace(b1=params.b1[:1], b2=params.b2[:1])  # as in nn.Linear
    net = replace(
        manual.call, function="train_net", tensors={**manual.call.tensors, **params._asdict()}
    )
    yield from (manual, replace(manual, criterion="train.net", call=net))


def training_case(rubric: SigmoidRubric, seed: int) -> Case:
    """Build the training run with hand-written gradients."""
    homework, training = rubric.homework, rubric.training
    draw = Draw(seed, "train")
    x, y = training_data(homework, draw)
    params = first_parameters(homework, draw)
    # One shared row, unless the gradients train but are never asked for a shared row.
    own_rows = "row" not in homework.biases and "train.manual" in rubric.points
    rows = homework.n_samples if own_rows else 1
    params = params._replace(b1=params.b1.repeat(rows, 1), b2=params.b2.repeat(rows, 1))
    settings = {
        "steps": float(training.steps),
        "learning_rate": training.learning_rate,
        "step": training.learning_rate / y.numel(),  # on the objective, a sum
        "sampled_every": float(training.sampled_every),
    }
    call = Call("train_manual", {"x": x, "y": y, **params._asdict()}, settings)
    activation = activation_called(homework.activation).call
    return Case(
        "train.manual",
        call,
        final_loss=partial(final_loss, call.tensors, activation=activation),
        pass_mark=pass_mark(y, training.pass_fraction),
    )
