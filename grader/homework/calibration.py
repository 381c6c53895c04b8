"""Measure whether the pass mark of a homework's training tells right gradients from wrong ones.

Each network is trained as `train.manual` trains a student's, from the data and the parameters of
many seeds: once with right gradients, and once with each mistake below.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from grader.homework.activations import Activation, activation_called, evaluate
from grader.homework.cases import training_case
from grader.homework.misconceptions.derivation import (
    Given,
    GradientSteps,
    derivative_at_hidden,
    derivative_at_output,
    gradient_steps,
    of_hidden_layer,
    of_output_layer,
)
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.homework.settings import SigmoidRubric
from grader.homework.tasks import TASKS
from grader.judging.judge import Case
from grader.rubric.measured import Measured, Network

Steps = Mapping[str, Any]  # of GradientSteps, in place of the right ones

# As many runs are trained at once as have so many hidden values, which then fit a cache. Measured
# on 200 runs of the package's homework, where that is 25: 50 take half as long again, 10 a third.
HIDDEN_VALUES = 50_000


@dataclass(frozen=True)
class Changed(Network):
    """A network with `changes` to its gradients."""

    changes: Mapping[str, Steps] = field(default_factory=dict)


def described(rubric: SigmoidRubric) -> str:
    """Return what is trained, in words."""
    homework = rubric.homework
    return (
        f"{homework.activation}, {homework.n_hidden} hidden units, "
        f"target {', '.join(homework.targets)} with noise {homework.noise:g}"
    )


def calibrate(rubric: SigmoidRubric, jobs: int, *, only_musts: bool = False) -> list[Measured]:
    """Train each network from `calibration.runs` seeds; the right one is the first.

    `only_musts` leaves out the networks that may pass or fail.
    """
    asked = networks(activation_called(rubric.homework.activation))
    return [measure(rubric, network, jobs) for network in asked if network.must or not only_musts]


def measure(
    rubric: SigmoidRubric, network: Changed, jobs: int, runs: int | None = None
) -> Measured:
    """Train one network from `runs` seeds (`calibration.runs`), `jobs` batches at a time."""
    seeds = range(runs or rubric.calibration.runs)
    size = max(1, HIDDEN_VALUES // (rubric.homework.n_samples * rubric.homework.n_hidden))
    batches = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # there are as many batches at work as processors
    try:
        with ThreadPoolExecutor(jobs) as pool:
            shares = list(pool.map(partial(_trained, rubric, network), batches))
    finally:
        torch.set_num_threads(threads)
    flat = tuple(share for batch in shares for share in batch)
    return Measured(network, flat, rubric.training.pass_fraction)


def _trained(rubric: SigmoidRubric, network: Changed, seeds: Sequence[int]) -> list[float]:
    """Return loss / Var(y) of a batch of runs after the training of `train.manual`.

    Tensors have the runs in front: y (R, N, O), parameters (R, ., .).
    """
    cases = [training_case(rubric, seed) for seed in seeds]
    x = cases[0].call.tensors["x"]
    y = torch.stack([case.call.tensors["y"] for case in cases])
    params = Parameters(
        *(torch.stack(rows) for rows in zip(*(Parameters.of(c.call) for c in cases), strict=True))
    )
    activation = activation_called(rubric.homework.activation)
    reference = Reference(activation)
    steps: dict[str, GradientSteps] = {
        name: replace(gradient_steps(name, activation), **network.changes.get(name, {}))
        for name in TASKS.gradients
    }
    settings = cases[0].call.settings
    for _ in range(int(settings["steps"])):
        hs, y_pred = reference.forward(x, params)
        if not y_pred.isfinite().any():  # all have diverged, and will not come back
            break
        given = Given(x, y, *params, hs, y_pred)
        gradients = _gradients(given, steps)
        params = Parameters(
            *(p - settings["step"] * g for p, g in zip(params, gradients, strict=True))
        )
    runs = zip(cases, zip(*params, strict=True), strict=True)
    shares = [_final_share(case, final, rubric.training.pass_fraction) for case, final in runs]
    return [share if math.isfinite(share) else math.inf for share in shares]


def _final_share(case: Case, params: Sequence[Tensor], pass_fraction: float) -> float:
    """Return loss / Var(y) of a run that ended with `params`; at `pass_fraction` it passes."""
    assert case.final_loss is not None  # as of each training run
    return pass_fraction * case.final_loss(params) / case.pass_mark


def _gradients(given: Given, steps: Mapping[str, GradientSteps]) -> Parameters:
    """Return the four gradients. What is at a layer is computed once: no network changes it in one
    gradient of a layer alone.
    """
    at_output = derivative_at_output(given, steps["grad_w2"])
    at_hidden = derivative_at_hidden(given, steps["grad_w1"], at_output)
    return Parameters(
        w1=of_hidden_layer(given, steps["grad_w1"], at_hidden),
        b1=of_hidden_layer(given, steps["grad_b1"], at_hidden),
        w2=of_output_layer(given, steps["grad_w2"], at_output),
        b2=of_output_layer(given, steps["grad_b2"], at_output),
    )


def networks(activation: Activation) -> list[Changed]:
    """Return the right network, and those that each have one mistake."""
    hidden = ("grad_w1", "grad_b1")
    fails = partial(Changed, must="fail")
    return [
        Changed("right", "right gradients", "pass"),
        fails("w1_sign", "W1: sign flipped", changes=_times(-1, "grad_w1")),
        fails("b1_sign", "b1: sign flipped", changes=_times(-1, "grad_b1")),
        fails("w1_zero", "W1: gradient zero", changes=_times(0, "grad_w1")),
        fails(
            "slope_missing",
            "W1 and b1: derivative of the activation missing",
            changes=_with_slope(lambda given: torch.ones_like(given.hs), *hidden),
        ),
        *(
            Changed(name, f"W1 and b1: `{code}` as the derivative", changes=_slip(code, *hidden))
            for name, code in activation.slips.items()
        ),
        Changed("w1_half", "W1: factor 2 missing", changes=_times(0.5, "grad_w1")),
        Changed("all_half", "all four: factor 2 missing", changes=_times(0.5, *TASKS.gradients)),
        Changed("w2_sign", "W2: sign flipped", changes=_times(-1, "grad_w2")),
        Changed("b2_sign", "b2: sign flipped", changes=_times(-1, "grad_b2")),
        Changed("b1_zero", "b1: gradient zero", changes=_times(0, "grad_b1")),
        Changed("b2_zero", "b2: gradient zero", changes=_times(0, "grad_b2")),
    ]


def _times(factor: float, *functions: str) -> dict[str, Steps]:
    return {name: {"finish": lambda gradient: factor * gradient} for name in functions}


def _with_slope(slope: Callable[[Given], Tensor], *functions: str) -> dict[str, Steps]:
    return {name: {"slope": slope} for name in functions}


def _slip(code: str, *functions: str) -> dict[str, Steps]:
    return _with_slope(lambda given: evaluate(code, hs=given.hs), *functions)
