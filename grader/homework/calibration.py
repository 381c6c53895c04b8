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
    GradientInputs,
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
from grader.rubric.measurement import Measurement, TrainedNetwork

Steps = Mapping[str, Any]  # the fields of GradientSteps that replace the right ones

# A batch of runs has at most this many hidden values, which then fit a cache. Measured on 200 runs
# of the package's homework (25 per batch): 50 per batch take half as long again, 10 a third.
HIDDEN_VALUES = 50_000


@dataclass(frozen=True)
class ChangedNetwork(TrainedNetwork):
    """A network with `changes` to its gradients."""

    changes: Mapping[str, Steps] = field(default_factory=dict)


def described(rubric: SigmoidRubric) -> str:
    """Describe in words what is trained."""
    homework = rubric.homework
    return (
        f"{homework.activation}, {homework.n_hidden} hidden units, "
        f"target {', '.join(homework.targets)} with noise {homework.noise:g}"
    )


def calibrate(rubric: SigmoidRubric, jobs: int, *, only_musts: bool = False) -> list[Measurement]:
    """Train each network from `calibration.runs` seeds; the right one comes first.

    `only_musts` leaves out the networks that may either pass or fail.
    """
    trained_networks = networks(activation_called(rubric.homework.activation))
    return [
        measure(rubric, network, jobs)
        for network in trained_networks
        if network.must or not only_musts
    ]


def measure(
    rubric: SigmoidRubric, network: ChangedNetwork, jobs: int, runs: int | None = None
) -> Measurement:
    """Train one network from `runs` seeds (or `calibration.runs`), `jobs` batches at a time."""
    seeds = range(runs or rubric.calibration.runs)
    size = max(1, HIDDEN_VALUES // (rubric.homework.n_samples * rubric.homework.n_hidden))
    batches = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the batches already keep the processors busy
    try:
        with ThreadPoolExecutor(jobs) as pool:
            shares = list(pool.map(partial(_trained, rubric, network), batches))
    finally:
        torch.set_num_threads(threads)
    flat = tuple(share for batch in shares for share in batch)
    return Measurement(network, flat, rubric.training.pass_fraction)


def _trained(rubric: SigmoidRubric, network: ChangedNetwork, seeds: Sequence[int]) -> list[float]:
    """Return loss / Var(y) for a batch of runs after the training of `train.manual`.

    Tensors have the runs as first dimension: y (R, N, O), parameters (R, ., .).
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
        if not y_pred.isfinite().any():  # all have diverged and will not recover
            break
        inputs = GradientInputs(x, y, *params, hs, y_pred)
        gradients = _gradients(inputs, steps)
        params = Parameters(
            *(p - settings["step"] * g for p, g in zip(params, gradients, strict=True))
        )
    runs = zip(cases, zip(*params, strict=True), strict=True)
    shares = [_final_share(case, final, rubric.training.pass_fraction) for case, final in runs]
    return [share if math.isfinite(share) else math.inf for share in shares]


def _final_share(case: Case, params: Sequence[Tensor], pass_fraction: float) -> float:
    """Return loss / Var(y) of a run that ended with `params`; it passes up to `pass_fraction`."""
    assert case.final_loss is not None  # as for every training run
    return pass_fraction * case.final_loss(params) / case.pass_mark


def _gradients(inputs: GradientInputs, steps: Mapping[str, GradientSteps]) -> Parameters:
    """Return the four gradients.

    A layer's derivative is computed once: no network changes it for one gradient alone.
    """
    at_output = derivative_at_output(inputs, steps["grad_w2"])
    at_hidden = derivative_at_hidden(inputs, steps["grad_w1"], at_output)
    return Parameters(
        w1=of_hidden_layer(inputs, steps["grad_w1"], at_hidden),
        b1=of_hidden_layer(inputs, steps["grad_b1"], at_hidden),
        w2=of_output_layer(inputs, steps["grad_w2"], at_output),
        b2=of_output_layer(inputs, steps["grad_b2"], at_output),
    )


def networks(activation: Activation) -> list[ChangedNetwork]:
    """Return the right network, and networks with one mistake each."""
    hidden_gradients = ("grad_w1", "grad_b1")
    must_fail = partial(ChangedNetwork, must="fail")
    return [
        ChangedNetwork("right", "right gradients", "pass"),
        must_fail("w1_sign", "W1: sign flipped", changes=_times(-1, "grad_w1")),
        must_fail("b1_sign", "b1: sign flipped", changes=_times(-1, "grad_b1")),
        must_fail("w1_zero", "W1: gradient zero", changes=_times(0, "grad_w1")),
        must_fail(
            "slope_missing",
            "W1 and b1: derivative of the activation missing",
            changes=_with_slope(lambda inputs: torch.ones_like(inputs.hs), *hidden_gradients),
        ),
        *(
            ChangedNetwork(
                name,
                f"W1 and b1: `{code}` as the derivative",
                changes=_slip(code, *hidden_gradients),
            )
            for name, code in activation.slips.items()
        ),
        ChangedNetwork("w1_half", "W1: factor 2 missing", changes=_times(0.5, "grad_w1")),
        ChangedNetwork(
            "all_half", "all four: factor 2 missing", changes=_times(0.5, *TASKS.gradients)
        ),
        ChangedNetwork("w2_sign", "W2: sign flipped", changes=_times(-1, "grad_w2")),
        ChangedNetwork("b2_sign", "b2: sign flipped", changes=_times(-1, "grad_b2")),
        ChangedNetwork("b1_zero", "b1: gradient zero", changes=_times(0, "grad_b1")),
        ChangedNetwork("b2_zero", "b2: gradient zero", changes=_times(0, "grad_b2")),
    ]


def _times(factor: float, *functions: str) -> dict[str, Steps]:
    return {name: {"finish": lambda gradient: factor * gradient} for name in functions}


def _with_slope(slope: Callable[[GradientInputs], Tensor], *functions: str) -> dict[str, Steps]:
    return {name: {"slope": slope} for name in functions}


def _slip(code: str, *functions: str) -> dict[str, Steps]:
    return _with_slope(lambda inputs: evaluate(code, hs=inputs.hs), *functions)
