"""The cases a submission is asked: inputs drawn from a seed, and the reference's answers."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache

import torch
from torch import Tensor

from grader import reference
from grader.confined.contract import GRADIENTS, Call, Parameters
from grader.diagnosis import Mistakes
from grader.judging import Case
from grader.misconceptions import mistaken, mistaken_twice
from grader.rubric import CaseSettings, Rubric, Training

CONVENTIONS = ("sample", "row")


class Draw:
    """Random tensors in float64 from a seed and a name: each case has a stream of its own."""

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal entries."""
        return torch.randn(*shape, generator=self._generator, dtype=torch.float64)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Entries uniform in [low, high)."""
        unit = torch.rand(*shape, generator=self._generator, dtype=torch.float64)
        return low + (high - low) * unit

    def parameters(self, n: int, n_hidden: int, convention: str) -> Parameters:
        """Standard normal parameters for one feature and one output, in a bias convention."""
        rows = n if convention == "sample" else 1
        return Parameters(
            self.normal(1, n_hidden),
            self.normal(rows, n_hidden),
            self.normal(n_hidden, 1),
            self.normal(rows, 1),
        )


def build_cases(settings: CaseSettings, training: Training, seed: int) -> list[Case]:
    """Return all cases in the order of asking: forward, gradients, net, training.

    The same settings and seed give the same cases, bit for bit.
    """
    compared = (
        *_forward_cases(settings, seed),
        *_gradient_cases(settings, seed),
        *_net_cases(settings, seed),
    )
    return [*map(_with_mistakes, compared), *_training_cases(training, seed)]


def _with_mistakes(case: Case) -> Case:
    """Add what named mistakes answer: found out when first asked for, and kept."""
    return replace(
        case,
        mistaken=cache(lambda: Mistakes(mistaken(case.call))),
        mistaken_twice=cache(lambda: Mistakes(mistaken_twice(case.call))),
    )


def hidden_cases(rubric: Rubric, seed: int) -> list[Case]:
    """Return the cases that decide a score."""
    return build_cases(rubric.cases, rubric.training, seed)


def public_cases(rubric: Rubric) -> list[Case]:
    """Return the cases of the self-check, which names one mistake at a time.

    The answers of two at once would be megabytes in the student's folder.
    """
    cases = build_cases(rubric.public_cases, rubric.training, rubric.public_cases.seed)
    return [replace(case, mistaken_twice=Mistakes) for case in cases]


def _forward_cases(settings: CaseSettings, seed: int) -> Iterator[Case]:
    for convention in CONVENTIONS:
        for n, n_hidden in settings.sizes:
            draw = Draw(seed, f"forward/{convention}/{n}/{n_hidden}")
            x, params = draw.normal(n, 1), draw.parameters(n, n_hidden, convention)
            yield _forward_case("forward.values", x, params)
    for n, n_hidden in settings.sizes:
        yield _stable_case(settings, Draw(seed, f"stable/{n}/{n_hidden}"), n, n_hidden)


def _stable_case(settings: CaseSettings, draw: Draw, n: int, n_hidden: int) -> Case:
    """Build a case whose h = x w1 + b1 is ±saturation, to within 1, in every entry."""
    params = draw.parameters(n, n_hidden, "row")
    signs = torch.where(torch.arange(n_hidden) % 2 == 0, 1.0, -1.0).to(torch.float64)
    x = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).to(torch.float64).unsqueeze(1)
    b1 = draw.uniform(-1.0, 1.0, 1, n_hidden)
    saturated = params._replace(w1=settings.saturation * signs.unsqueeze(0), b1=b1)
    return _forward_case("forward.stable", x, saturated)


def _forward_case(criterion: str, x: Tensor, params: Parameters) -> Case:
    call = Call("forward", {"x": x, **params._asdict()})
    return Case(criterion, call, reference.forward(x, params))


def _gradient_cases(settings: CaseSettings, seed: int) -> Iterator[Case]:
    for function in GRADIENTS:
        for convention in CONVENTIONS:
            by_convention = function in ("grad_b1", "grad_b2")
            criterion = f"{function}.{convention}" if by_convention else function
            for n, n_hidden in settings.sizes:
                for on_path in (True, False):
                    name = f"{function}/{convention}/{n}/{n_hidden}/{on_path}"
                    draw = Draw(seed, name)
                    yield _gradient_case(
                        draw, criterion, function, convention, n, n_hidden, on_path
                    )


def _gradient_case(
    draw: Draw,
    criterion: str,
    function: str,
    convention: str,
    n: int,
    n_hidden: int,
    on_path: bool,
) -> Case:
    x, y, params = draw.normal(n, 1), draw.normal(n, 1), draw.parameters(n, n_hidden, convention)
    if on_path:
        hs, y_pred = reference.forward(x, params)
    else:
        hs, y_pred = draw.uniform(0.05, 0.95, n, n_hidden), draw.normal(n, 1)
    gradients = reference.gradients(x, y, params, hs, y_pred)
    given = {"x": x, "y": y, **params._asdict(), "hs": hs, "y_pred": y_pred}
    expected = gradients._asdict()[function.removeprefix("grad_")]
    return Case(criterion, Call(function, given), (expected,), on_path)


def _net_cases(settings: CaseSettings, seed: int) -> Iterator[Case]:
    for n_feature, n_hidden, n_output in settings.net_sizes:
        draw = Draw(seed, f"net/{n_feature}/{n_hidden}/{n_output}")
        x = draw.normal(9, n_feature)
        params = Parameters(
            draw.normal(n_feature, n_hidden),
            draw.normal(1, n_hidden),
            draw.normal(n_hidden, n_output),
            draw.normal(1, n_output),
        )
        _, output = reference.forward(x, params)
        yield Case("net", Call("net", {"x": x, **params._asdict()}), (output, *params))


def _training_cases(training: Training, seed: int) -> Iterator[Case]:
    """Build the two training runs: the report's data, and weights as nn.Linear first draws them."""
    draw = Draw(seed, "train")
    n, n_hidden = training.n_samples, training.n_hidden
    x = torch.linspace(-1, 1, n, dtype=torch.float64).unsqueeze(1)
    y = x.square() + training.noise * draw.uniform(0.0, 1.0, n, 1)
    bound = n_hidden**-0.5  # nn.Linear: 1/sqrt(fan_in), where fan_in is 1 for the hidden layer
    params = Parameters(
        draw.uniform(-1.0, 1.0, 1, n_hidden),
        draw.uniform(-1.0, 1.0, 1, n_hidden),
        draw.uniform(-bound, bound, n_hidden, 1),
        draw.uniform(-bound, bound, 1, 1),
    )
    settings = {
        "steps": float(training.steps),
        "learning_rate": training.learning_rate,
        "sampled_every": float(training.sampled_every),
    }
    for kind in ("manual", "net"):
        call = Call(f"train_{kind}", {"x": x, "y": y, **params._asdict()}, settings)
        yield Case(f"train.{kind}", call)


def public_cases_json(rubric: Rubric) -> str:
    """Return the public cases and their marking as JSON, numbers in full, for the self-check."""
    rows = [
        {
            "criterion": case.criterion,
            "on_path": case.on_path,
            "function": case.call.function,
            "tensors": {name: tensor.tolist() for name, tensor in case.call.tensors.items()},
            "settings": dict(case.call.settings),
            "expected": [tensor.tolist() for tensor in case.expected],
            "mistaken": [
                {"ids": each.ids, "answer": _plain(each.answer)} for each in mistaken(case.call)
            ],
        }
        for case in public_cases(rubric)
    ]
    return json.dumps({"marking": asdict(rubric.marking()), "cases": rows}) + "\n"


def _plain(answer: tuple[Tensor, ...] | str) -> list[list[float]] | str:
    return answer if isinstance(answer, str) else [tensor.tolist() for tensor in answer]
