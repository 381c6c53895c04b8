"""The cases a submission is asked: inputs drawn from a seed, and the reference's answers."""

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache, partial

import msgspec
import numpy as np
import torch
from torch import Tensor

from grader.confined.limits import Limits
from grader.homework.activations import Activation, activation_called, evaluate
from grader.homework.loss import final_loss, pass_mark
from grader.homework.misconceptions import mistaken, mistaken_twice
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.homework.rubric import CaseSettings, Homework, Rubric
from grader.homework.targets import code_of
from grader.homework.tasks import TASKS
from grader.judging.diagnosis import Mistaken, Mistakes
from grader.judging.judge import Case
from grader.student_code.contract import Call


class Draw:
    """Random tensors in float64 from a seed and a purpose: each case has a stream of its own.

    Its key is HMAC-SHA256 of the purpose under the seed, of which every bit counts, and has 128
    bits as Philox takes them. numpy promises that the integers of Philox are the same for ever;
    how its Generator makes numbers of them may change with a release (NEP 19), so the cases are
    those of a version of numpy, which is among what a gradebook remembers as its software.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        key = hmac.digest(str(seed).encode(), purpose.encode(), "sha256")[:16]
        self._generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key)))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal entries."""
        return torch.from_numpy(self._generator.standard_normal(shape))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Entries uniform in [low, high)."""
        return low + (high - low) * torch.from_numpy(self._generator.random(shape))

    def parameters(self, n: int, n_hidden: int, bias: str, n_output: int = 1) -> Parameters:
        """Standard normal parameters for one feature, in a bias convention."""
        rows = n if bias == "sample" else 1
        return Parameters(
            self.normal(1, n_hidden),
            self.normal(rows, n_hidden),
            self.normal(n_hidden, n_output),
            self.normal(rows, n_output),
        )


def build_cases(rubric: Rubric, settings: CaseSettings, seed: int) -> list[Case]:
    """Return all cases in the order of asking: forward, gradients, net, training.

    The same rubric, settings and seed give the same cases, bit for bit.
    """
    activation = activation_called(rubric.homework.activation)

    def with_mistakes(case: Case) -> Case:
        """Add what named mistakes answer: found out when first asked for, and kept."""
        return replace(
            case,
            mistaken=cache(lambda: Mistakes(mistaken(case.call, activation))),
            mistaken_twice=cache(lambda: Mistakes(mistaken_twice(case.call, activation))),
        )

    compared = _Compared(rubric.homework, settings, seed)
    return [*map(with_mistakes, compared.cases()), *_training_cases(rubric, seed)]


def hidden_cases(rubric: Rubric, seed: int) -> list[Case]:
    """Return the cases that decide a score."""
    return build_cases(rubric, rubric.cases, seed)


def public_cases(rubric: Rubric) -> list[Case]:
    """Return the cases of the self-check."""
    return build_cases(rubric, rubric.public_cases, rubric.public_cases.seed)


class _Compared:
    """The cases whose answers are compared: of a homework, in some sizes, from a seed."""

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
        x, params = draw.normal(n, 1), draw.parameters(n, n_hidden, bias, self._n_output)
        return self._case_of_forward("forward.values", x, params)

    def _stable_case(self, n: int, n_hidden: int) -> Case:
        """Build a case whose h = x w1 + b1 is ±saturation, to within 1, in every entry."""
        draw = self._draw("stable", n, n_hidden)
        params = draw.parameters(n, n_hidden, "row", self._n_output)
        signs = torch.where(torch.arange(n_hidden) % 2 == 0, 1.0, -1.0).to(torch.float64)
        x = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).to(torch.float64).unsqueeze(1)
        b1 = draw.uniform(-1.0, 1.0, 1, n_hidden)
        saturated = params._replace(w1=self._settings.saturation * signs.unsqueeze(0), b1=b1)
        return self._case_of_forward("forward.stable", x, saturated)

    def _case_of_forward(self, criterion: str, x: Tensor, params: Parameters) -> Case:
        call = Call("forward", {"x": x, **params._asdict()})
        return Case(criterion, call, self._reference.forward(x, params))

    def _gradient_case(
        self, function: str, bias: str, n: int, n_hidden: int, *, on_path: bool
    ) -> Case:
        criterion = TASKS.criterion(function, bias).id
        draw = self._draw(function, bias, n, n_hidden, on_path)
        x, y = draw.normal(n, 1), draw.normal(n, self._n_output)
        params = draw.parameters(n, n_hidden, bias, self._n_output)
        if on_path:
            hs, y_pred = self._reference.forward(x, params)
        else:
            hs = draw.uniform(*self._activation.hs_range, n, n_hidden)
            y_pred = draw.normal(n, self._n_output)
        gradients = self._reference.gradients(x, y, params, hs, y_pred)
        given = {"x": x, "y": y, **params._asdict(), "hs": hs, "y_pred": y_pred}
        expected = gradients._asdict()[TASKS.by_name[function].parameter]
        return Case(criterion, Call(function, given), (expected,), on_path)

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
    """Return x (N, 1), evenly spaced in [-1, 1], and y (N, O): the targets, and noise on them."""
    x = torch.linspace(-1, 1, homework.n_samples, dtype=torch.float64).unsqueeze(1)
    y = torch.cat([evaluate(code_of(target), x=x) for target in homework.targets], 1)
    return x, y + homework.noise * draw.uniform(0.0, 1.0, *y.shape)


def first_parameters(homework: Homework, draw: Draw) -> Parameters:
    """Return parameters as nn.Linear first draws them: uniform within 1/sqrt(fan_in)."""
    n_hidden, n_output = homework.n_hidden, homework.n_output
    bound = n_hidden**-0.5  # of the output layer; fan_in is 1 for the hidden one
    return Parameters(
        draw.uniform(-1.0, 1.0, 1, n_hidden),
        draw.uniform(-1.0, 1.0, 1, n_hidden),
        draw.uniform(-bound, bound, n_hidden, n_output),
        draw.uniform(-bound, bound, 1, n_output),
    )


def _training_cases(rubric: Rubric, seed: int) -> Iterator[Case]:
    """Build the two training runs, from the same data and the same parameters."""
    manual = training_case(rubric, seed)
    shared = Parameters.of(manual.call)
    shared = shared._replace(b1=shared.b1[:1], b2=shared.b2[:1])  # as nn.Linear has them
    net = replace(
        manual.call, function="train_net", tensors={**manual.call.tensors, **shared._asdict()}
    )
    yield from (manual, replace(manual, criterion="train.net", call=net))


def training_case(rubric: Rubric, seed: int) -> Case:
    """Build the training run with hand-written gradients."""
    homework, training = rubric.homework, rubric.training
    draw = Draw(seed, "train")
    x, y = training_data(homework, draw)
    params = first_parameters(homework, draw)
    # With shared rows, but where the gradients have never been asked for them and are to train.
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


def public_training_case(rubric: Rubric) -> Case:
    """Return the training run with hand-written gradients on data that students may know."""
    return training_case(rubric, rubric.public_cases.seed)


def public_cases_json(rubric: Rubric) -> str:
    """Return all the self-check needs of the rubric as JSON, numbers in full."""
    activation = activation_called(rubric.homework.activation)
    cases = public_cases(rubric)
    stored = {
        **stored_rubric(rubric),
        "mistakes": {
            case.call.function: [
                [each.ids for each in made] for made in _mistakes(case.call, activation)
            ]
            for case in cases
        },
        "cases": [stored_case(case, *_mistakes(case.call, activation)) for case in cases],
    }
    return json.dumps(stored, separators=(",", ":")) + "\n"


def stored_rubric(rubric: Rubric) -> dict[str, object]:
    """Return what asking and judging stored cases takes of the rubric, as plain values."""
    return {
        "marking": asdict(rubric.marking()),
        "loss": {"activation": activation_called(rubric.homework.activation).call},
        "spellings": rubric.spellings.by_name(),
        "software": msgspec.to_builtins(rubric.software),
        "limits": _seconds(rubric.limits),
        "source_bytes": rubric.limits.source_bytes,
    }


def _seconds(limits: Limits) -> dict[str, float]:
    """Return the limits of processor time that hold for parts of a submission."""
    of_all = ("total_seconds", "grace_seconds")
    numbers = msgspec.structs.asdict(limits)
    return {n: s for n, s in numbers.items() if n.endswith("_seconds") and n not in of_all}


def _mistakes(call: Call, activation: Activation) -> tuple[list[Mistaken], list[Mistaken]]:
    return mistaken(call, activation), mistaken_twice(call, activation)


def stored_case(
    case: Case, once: Sequence[Mistaken] = (), twice: Sequence[Mistaken] = ()
) -> dict[str, object]:
    """Return a case as plain values, with what one and two mistakes would answer.

    `mistaken` and `mistaken_twice` have the answers of the function's `mistakes` in their order.
    Two mistakes often come to the same, so each tensor stands once, under `made`, and an answer
    has the numbers of its tensors.
    """
    made: dict[str, int] = {}

    def plain(each: Mistaken) -> list[int] | str:
        if isinstance(each.answer, str):
            return each.answer
        texts = [json.dumps(tensor.tolist(), separators=(",", ":")) for tensor in each.answer]
        return [made.setdefault(text, len(made)) for text in texts]

    return {
        "criterion": case.criterion,
        "pass_mark": case.pass_mark,
        "on_path": case.on_path,
        "function": case.call.function,
        "tensors": {name: tensor.tolist() for name, tensor in case.call.tensors.items()},
        "settings": dict(case.call.settings),
        "expected": [tensor.tolist() for tensor in case.expected],
        "mistaken": list(map(plain, once)),
        "mistaken_twice": list(map(plain, twice)),
        "made": [json.loads(text) for text in made],
    }
