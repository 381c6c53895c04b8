"""The catalogue: what goes wrong at which step. The message for each id is in homework/texts.py.

A mistake that can be written in several ways has several entries. A wrong sign or factor has none:
answers are compared up to a factor, and the factor is named (diagnosis.py).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from grader.homework.activations import Activation, activations, evaluate
from grader.homework.misconceptions.derivation import GradientInputs


class Misconception(NamedTuple):
    """A mistake: `steps` replace the right ones in the functions named, with the same arguments."""

    id: str
    functions: tuple[str, ...]
    steps: Mapping[str, Any]


ALL = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")
HIDDEN = ("grad_w1", "grad_b1")  # their derivation goes through the hidden layer
FORWARD = ("forward", "net")

# Functions that may be used in place of the activation.
OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda h: h.softmax(1),
    "softplus": functional.softplus,
}


def _residual(inputs: GradientInputs) -> Tensor:
    return inputs.y - inputs.y_pred


def _at_residual() -> Iterable[Misconception]:
    def entry(name: str, do: Callable[[GradientInputs], Tensor]) -> Misconception:
        return Misconception(name, ALL, {"residual": do})

    yield entry("y_pred_for_residual", lambda inputs: inputs.y_pred)
    yield entry("y_for_residual", lambda inputs: inputs.y)
    yield entry("residual_added", lambda inputs: inputs.y + inputs.y_pred)
    yield entry("residual_squared", lambda inputs: _residual(inputs).square())
    yield entry("residual_absolute", lambda inputs: _residual(inputs).abs())
    yield entry("residual_absolute", lambda inputs: _residual(inputs).sign())


def _through_w2() -> Iterable[Misconception]:
    def entry(name: str, do: Callable[[GradientInputs, Tensor], Tensor]) -> Misconception:
        return Misconception(name, HIDDEN, {"through_w2": do})

    yield entry("w2_not_transposed", lambda inputs, out: out @ inputs.w2)
    yield entry("w2_missing", lambda inputs, out: out)
    yield entry("w1_for_w2", lambda inputs, out: out @ inputs.w1)
    yield entry("w1_for_w2", lambda inputs, out: out @ inputs.w1.T)
    yield entry("elementwise_for_matmul", lambda inputs, out: out * inputs.w2)


def _at_slope(own: Activation) -> Iterable[Misconception]:
    def entry(name: str, do: Callable[[GradientInputs], Tensor]) -> Misconception:
        return Misconception(name, HIDDEN, {"slope": do})

    def slip(name: str, code: str) -> Misconception:
        return entry(name, lambda inputs: evaluate(code, hs=inputs.hs))

    def confused_with(name: str, other: Activation) -> Iterable[Misconception]:
        yield entry(name, lambda inputs: other.slope_at(inputs.hs))
        yield entry(name, lambda inputs: other.slope_at(other.of(inputs.h)))

    for name, code in own.slips.items():
        yield slip(name, code)
    yield entry("activation_derivative_missing", lambda inputs: torch.ones_like(inputs.hs))
    yield entry("derivative_of_hs", lambda inputs: own.slope_at(own.of(inputs.hs)))
    yield entry("activation_for_its_derivative", lambda inputs: own.of(inputs.hs))
    yield entry("h_for_hs", lambda inputs: own.slope_at(inputs.h))
    yield entry("h_for_hs", lambda inputs: own.slope_at(own.inverse_of(inputs.hs)))
    for name, other in activations().items():
        if name in ("sigmoid", "tanh") and name != own.name:
            yield from confused_with(f"{name}_derivative", other)
    yield entry("relu_derivative", lambda inputs: (own.inverse_of(inputs.hs) > 0).double())
    yield entry("relu_derivative", lambda inputs: (inputs.h > 0).double())
    yield entry("derivative_twice", lambda inputs: own.slope_at(inputs.hs).square())
    yield entry("derivative_inverted", lambda inputs: 1 / own.slope_at(inputs.hs))


def _through_activation() -> Iterable[Misconception]:
    def entry(name: str, do: Callable[[Tensor, Tensor], Tensor]) -> Misconception:
        return Misconception(name, HIDDEN, {"through_activation": do})

    yield entry("matmul_for_elementwise", lambda behind, slope: behind @ slope.T)
    yield entry("matmul_for_elementwise", lambda behind, slope: behind.T @ slope)
    yield entry("matmul_for_elementwise", lambda behind, slope: behind @ slope)
    yield entry("added_for_multiplied", lambda behind, slope: behind + slope)
    yield entry("back_path_missing", lambda behind, slope: slope)


def _into_weights(own: Activation) -> Iterable[Misconception]:
    def w1(name: str, do: Callable[[GradientInputs, Tensor], Tensor]) -> Misconception:
        return Misconception(name, ("grad_w1",), {"into_w1": do})

    def w2(name: str, do: Callable[[GradientInputs, Tensor], Tensor]) -> Misconception:
        return Misconception(name, ("grad_w2",), {"into_w2": do})

    yield w1("x_missing", lambda inputs, d: d.sum(0, keepdim=True))
    yield w1("x_missing", lambda inputs, d: d)
    yield w1("x_not_transposed", lambda inputs, d: inputs.x @ d)
    yield w1("elementwise_for_matmul", lambda inputs, d: inputs.x * d)
    yield w1("hs_for_x", lambda inputs, d: inputs.hs.T @ d)
    yield w2("hs_missing_in_w2", lambda inputs, out: out.sum(0, keepdim=True))
    yield w2("hs_missing_in_w2", lambda inputs, out: out)
    yield w2("hs_not_transposed", lambda inputs, out: inputs.hs @ out)
    yield w2("elementwise_for_matmul", lambda inputs, out: inputs.hs * out)
    yield w2("x_for_hs", lambda inputs, out: inputs.x.T @ out)
    yield w2("h_for_hs", lambda inputs, out: inputs.h.T @ out)
    yield w2("derivative_for_hs", lambda inputs, out: own.slope_at(inputs.hs).T @ out)
    yield w2("w2_in_its_own_gradient", lambda inputs, out: (inputs.hs.T @ out) * inputs.w2)


def _over_rows() -> Iterable[Misconception]:
    def entry(name: str, do: Callable[[Tensor, Tensor], Tensor]) -> Misconception:
        return Misconception(name, ("grad_b1", "grad_b2"), {"over_rows": do})

    yield entry("rows_not_summed", lambda rows, bias: rows)
    yield entry("rows_always_summed", lambda rows, bias: rows.sum(0, keepdim=True))
    yield entry("wrong_axis_summed", lambda rows, bias: rows.sum(1, keepdim=True))
    yield entry("one_row_for_all", lambda rows, bias: rows[:1])


def _other_formulas() -> Iterable[Misconception]:
    for function, other in (("b1", "b2"), ("b2", "b1"), ("w1", "w2"), ("w2", "w1"), ("b2", "w2")):
        name = f"{other}_in_place_of_{function}"
        yield Misconception(name, (f"grad_{function}",), {"formula": f"grad_{other}"})


def _at_the_end() -> Iterable[Misconception]:
    def entry(name: str, do: Callable[[Tensor], Tensor], *functions: str) -> Misconception:
        return Misconception(name, functions or ALL, {"finish": do})

    yield Misconception("printed_transpose", ("grad_b2",), {"over_rows": lambda rows, bias: rows.T})
    yield entry("transposed", lambda gradient: gradient.mT)
    yield entry("dimension_dropped", lambda gradient: gradient.squeeze())
    yield entry("dimension_dropped", lambda gradient: gradient.flatten())
    yield entry("summed_to_a_number", lambda gradient: gradient.sum())
    yield entry("summed_to_a_number", lambda gradient: gradient.sum().reshape(1, 1))
    yield entry("absolute_gradient", lambda gradient: gradient.abs())
    # With a single output, that is a dropped dimension, and has that name.
    across = {"over_rows": lambda rows, bias: rows.sum(1) if rows.shape[1] > 1 else rows}
    yield Misconception("wrong_axis_summed", ("grad_b1", "grad_b2"), across)


def _in_forward(own: Activation) -> Iterable[Misconception]:
    def hidden(name: str, do: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Misconception:
        return Misconception(name, FORWARD, {"hidden": do})

    def activation(name: str, do: Callable[[Tensor], Tensor]) -> Misconception:
        return Misconception(name, FORWARD, {"activation": do})

    def predict(name: str, do: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Misconception:
        return Misconception(name, FORWARD, {"predict": do})

    def returned(name: str, do: Callable[[Tensor, Tensor, Tensor], Any]) -> Misconception:
        return Misconception(name, ("forward",), {"outputs": do})

    def without(a: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return a @ w

    yield Misconception("biases_left_out", FORWARD, {"hidden": without, "predict": without})
    yield hidden("b1_left_out", without)
    yield predict("b2_left_out", without)
    for layer in (hidden, predict):
        yield layer("bias_subtracted", lambda a, w, b: a @ w - b)
        yield layer("bias_multiplied", lambda a, w, b: (a @ w) * b)
        yield layer("bias_rows_merged", lambda a, w, b: a @ w + b.mean())
        yield layer("bias_rows_merged", lambda a, w, b: a @ w + b.mean(0))
        yield layer("bias_rows_merged", lambda a, w, b: a @ w + b[0])
        yield layer("weight_transposed", lambda a, w, b: a @ w.T + b)
        yield layer("elementwise_for_matmul", lambda a, w, b: a * w + b)
    yield activation("activation_missing", lambda h: h)
    for name, other in OTHERS.items():
        if name != own.name:
            yield activation(f"{name}_for_activation", other)
    yield activation("softmax_for_activation", lambda h: h.softmax(0))
    yield activation("activation_twice", lambda h: own.of(own.of(h)))
    yield activation("activation_of_minus_h", lambda h: own.of(-h))
    yield activation("derivative_for_activation", lambda h: own.slope_at(own.of(h)))
    if overflowing := own.overflowing:
        yield activation("activation_overflows", lambda h: evaluate(overflowing, h=h))
    yield predict("activation_on_output", lambda a, w, b: own.of(a @ w + b))
    yield predict("relu_on_output", lambda a, w, b: functional.relu(a @ w + b))
    yield returned("h_returned_for_hs", lambda h, hs, y_pred: (h, y_pred))
    yield returned("outputs_swapped", lambda h, hs, y_pred: (y_pred, hs))
    yield returned("outputs_transposed", lambda h, hs, y_pred: (hs.T, y_pred.T))
    yield returned("outputs_transposed", lambda h, hs, y_pred: (hs, y_pred.T))
    yield returned("outputs_transposed", lambda h, hs, y_pred: (hs.T, y_pred))
    yield returned("output_dimension_dropped", lambda h, hs, y_pred: (hs, y_pred.flatten()))
    yield returned("hidden_returned_twice", lambda h, hs, y_pred: (hs, hs))
    yield returned("hidden_returned_twice", lambda h, hs, y_pred: (h, hs))


@cache
def entries_for(activation: Activation) -> tuple[Misconception, ...]:
    """Return all mistakes that a network with this activation can have."""
    return (
        *_at_residual(),
        *_through_w2(),
        *_at_slope(activation),
        *_through_activation(),
        *_into_weights(activation),
        *_over_rows(),
        *_other_formulas(),
        *_at_the_end(),
        *_in_forward(activation),
    )
