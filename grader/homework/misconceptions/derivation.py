"""The derivation of (3.3) to (3.6) and the forward pass, as steps that can each go wrong.

A mistake replaces one step by another function; two mistakes replace two steps. The steps below are
the right ones, and follow the handout's equations backwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from grader.homework.activations import Activation
from grader.homework.parameters import Parameters
from grader.student_code.contract import Call


class GradientInputs(NamedTuple):
    """The arguments of a gradient: x (N, D), y and y_pred (N, O), hs (N, H), parameters.

    The right steps also take many runs at once, with one more dimension in front.
    """

    x: Tensor
    y: Tensor
    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor
    hs: Tensor
    y_pred: Tensor

    @property
    def h(self) -> Tensor:
        """Equation (1.2)."""
        return self.x @ self.w1 + self.b1


def _residual(inputs: GradientInputs) -> Tensor:
    """Y - Y_pred, of (1.1)."""
    return inputs.y - inputs.y_pred


def _through_w2(inputs: GradientInputs, at_output: Tensor) -> Tensor:
    """From the output to the hidden layer, back through (1.4)."""
    return at_output @ inputs.w2.mT


def _through_activation(behind: Tensor, slope: Tensor) -> Tensor:
    """From hs to h, back through (1.3): entry by entry."""
    return behind * slope


def _into_w1(inputs: GradientInputs, at_hidden: Tensor) -> Tensor:
    """The other factor of X W1 in (1.2)."""
    return inputs.x.mT @ at_hidden


def _into_w2(inputs: GradientInputs, at_output: Tensor) -> Tensor:
    """The other factor of hs W2 in (1.4)."""
    return inputs.hs.mT @ at_output


def _over_rows(by_sample: Tensor, bias: Tensor) -> Tensor:
    """Sum over the samples, for a bias row that was broadcast to all of them."""
    return by_sample.sum_to_size(bias.shape)


def _as_it_is(gradient: Tensor) -> Tensor:
    return gradient


@dataclass(frozen=True)
class GradientSteps:
    """How a gradient is derived; `formula` names the function whose formula is followed.

    `slope` is the derivative of the activation, (2.3).
    """

    formula: str
    slope: Callable[[GradientInputs], Tensor]
    residual: Callable[[GradientInputs], Tensor] = _residual
    through_w2: Callable[[GradientInputs, Tensor], Tensor] = _through_w2
    through_activation: Callable[[Tensor, Tensor], Tensor] = _through_activation
    into_w1: Callable[[GradientInputs, Tensor], Tensor] = _into_w1
    into_w2: Callable[[GradientInputs, Tensor], Tensor] = _into_w2
    over_rows: Callable[[Tensor, Tensor], Tensor] = _over_rows
    finish: Callable[[Tensor], Tensor] = _as_it_is


def gradient_steps(function: str, activation: Activation) -> GradientSteps:
    """Return the right steps to a gradient."""
    return GradientSteps(function, lambda inputs: activation.slope_at(inputs.hs))


def gradient(inputs: GradientInputs, steps: GradientSteps) -> Tensor:
    """Return the gradient that the steps lead to; RuntimeError if shapes do not fit."""
    at_output = derivative_at_output(inputs, steps)
    if steps.formula in ("grad_b2", "grad_w2"):
        return of_output_layer(inputs, steps, at_output)
    return of_hidden_layer(inputs, steps, derivative_at_hidden(inputs, steps, at_output))


def derivative_at_output(inputs: GradientInputs, steps: GradientSteps) -> Tensor:
    """Return df/dY_pred, (N, O)."""
    return -2 * steps.residual(inputs)


def derivative_at_hidden(inputs: GradientInputs, steps: GradientSteps, at_output: Tensor) -> Tensor:
    """Return df/dh, (N, H)."""
    return steps.through_activation(steps.through_w2(inputs, at_output), steps.slope(inputs))


def of_output_layer(inputs: GradientInputs, steps: GradientSteps, at_output: Tensor) -> Tensor:
    """Return df/db2, equation (3.3), or df/dW2, (3.4)."""
    if steps.formula == "grad_b2":
        return steps.finish(steps.over_rows(at_output, inputs.b2))
    return steps.finish(steps.into_w2(inputs, at_output))


def of_hidden_layer(inputs: GradientInputs, steps: GradientSteps, at_hidden: Tensor) -> Tensor:
    """Return df/db1, equation (3.5), or df/dW1, (3.6)."""
    if steps.formula == "grad_b1":
        return steps.finish(steps.over_rows(at_hidden, inputs.b1))
    return steps.finish(steps.into_w1(inputs, at_hidden))


def _affine(layer_input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(1.2) and (1.4)."""
    return layer_input @ weight + bias


def _returned(h: Tensor, hs: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    return hs, y_pred


@dataclass(frozen=True)
class ForwardSteps:
    """How the forward pass is computed; `activation` is (1.3)."""

    activation: Callable[[Tensor], Tensor]
    hidden: Callable[[Tensor, Tensor, Tensor], Tensor] = _affine
    predict: Callable[[Tensor, Tensor, Tensor], Tensor] = _affine
    outputs: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = _returned


def forward_pass(call: Call, steps: ForwardSteps) -> tuple[Tensor, Tensor]:
    """Return the hs and y_pred that the steps lead to; RuntimeError if shapes do not fit."""
    params = Parameters.of(call)
    h = steps.hidden(call.tensors["x"], params.w1, params.b1)
    hs = steps.activation(h)
    return steps.outputs(h, hs, steps.predict(hs, params.w2, params.b2))
