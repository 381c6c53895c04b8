"""The catalogue: what goes wrong at which step. The message to each id is in judging/messages.py.

One mistake may be written in several ways, and then has several entries. A wrong sign or factor
has none: answers are compared up to a factor, and the factor is named (diagnosis.py).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from grader.homework.activations import Activation, activations, evaluate
from grader.homework.misconceptions.derivation import Given


class Entry(NamedTuple):
    """`steps` take the place of the right ones in the functions named; arguments are the same."""

    id: str
    functions: tuple[str, ...]
    steps: Mapping[str, Any]


ALL = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")
HIDDEN = ("grad_w1", "grad_b1")  # whose derivation goes through the hidden layer
FORWARD = ("forward", "net")

# What may stand where the activation belongs.
OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda h: h.softmax(1),
    "softplus": functional.softplus,
}


def _residual(given: Given) -> Tensor:
    return given.y - given.y_pred


def _at_residual() -> Iterable[Entry]:
    def entry(name: str, do: Callable[[Given], Tensor]) -> Entry:
        return Entry(name, ALL, {"residual": do})

    yield entry("y_pred_for_residual", lambda given: given.y_pred)
    yield entry("y_for_residual", lambda given: given.y)
    yield entry("residual_added", lambda given: given.y + given.y_pred)
    yield entry("residual_squared", lambda given: _residual(given).square())
    yield entry("residual_absolute", lambda given: _residual(given).abs())
    yield entry("residual_absolute", lambda given: _residual(given).sign())


def _through_w2() -> Iterable[Entry]:
    def entry(name: str, do: Callable[[Given, Tensor], Tensor]) -> Entry:
        return Entry(name, HIDDEN, {"through_w2": do})

    yield entry("w2_not_transposed", lambda given, out: out @ given.w2)
    yield entry("w2_missing", lambda given, out: out)
    yield entry("w1_for_w2", lambda given, out: out @ given.w1)
    yield entry("w1_for_w2", lambda given, out: out @ given.w1.T)
    yield entry("elementwise_for_matmul", lambda given, out: out * given.w2)


def _at_slope(own: Activation) -> Iterable[Entry]:
    def entry(name: str, do: Callable[[Given], Tensor]) -> Entry:
        return Entry(name, HIDDEN, {"slope": do})

    def slip(name: str, code: str) -> Entry:
        return entry(name, lambda given: evaluate(code, hs=given.hs))

    def confused_with(name: str, other: Activation) -> Iterable[Entry]:
        yield entry(name, lambda given: other.slope_at(given.hs))
        yield entry(name, lambda given: other.slope_at(other.of(given.h)))

    for name, code in own.slips.items():
        yield slip(name, code)
    yield entry("activation_derivative_missing", lambda given: torch.ones_like(given.hs))
    yield entry("derivative_of_hs", lambda given: own.slope_at(own.of(given.hs)))
    yield entry("activation_for_its_derivative", lambda given: own.of(given.hs))
    yield entry("h_for_hs", lambda given: own.slope_at(given.h))
    yield entry("h_for_hs", lambda given: own.slope_at(own.inverse_of(given.hs)))
    for name, other in activations().items():
        if name in ("sigmoid", "tanh") and name != own.name:
            yield from confused_with(f"{name}_derivative", other)
    yield entry("relu_derivative", lambda given: (own.inverse_of(given.hs) > 0).double())
    yield entry("relu_derivative", lambda given: (given.h > 0).double())
    yield entry("derivative_twice", lambda given: own.slope_at(given.hs).square())
    yield entry("derivative_inverted", lambda given: 1 / own.slope_at(given.hs))


def _through_activation() -> Iterable[Entry]:
    def entry(name: str, do: Callable[[Tensor, Tensor], Tensor]) -> Entry:
        return Entry(name, HIDDEN, {"through_activation": do})

    yield entry("matmul_for_elementwise", lambda behind, slope: behind @ slope.T)
    yield entry("matmul_for_elementwise", lambda behind, slope: behind.T @ slope)
    yield entry("matmul_for_elementwise", lambda behind, slope: behind @ slope)
    yield entry("added_for_multiplied", lambda behind, slope: behind + slope)
    yield entry("back_path_missing", lambda behind, slope: slope)


def _into_weights(own: Activation) -> Iterable[Entry]:
    def w1(name: str, do: Callable[[Given, Tensor], Tensor]) -> Entry:
        return Entry(name, ("grad_w1",), {"into_w1": do})

    def w2(name: str, do: Callable[[Given, Tensor], Tensor]) -> Entry:
        return Entry(name, ("grad_w2",), {"into_w2": do})

    yield w1("x_missing", lambda given, d: d.sum(0, keepdim=True))
    yield w1("x_missing", lambda given, d: d)
    yield w1("x_not_transposed", lambda given, d: given.x @ d)
    yield w1("elementwise_for_matmul", lambda given, d: given.x * d)
    yield w1("hs_for_x", lambda given, d: given.hs.T @ d)
    yield w2("hs_missing_in_w2", lambda given, out: out.sum(0, keepdim=True))
    yield w2("hs_missing_in_w2", lambda given, out: out)
    yield w2("hs_not_transposed", lambda given, out: given.hs @ out)
    yield w2("elementwise_for_matmul", lambda given, out: given.hs * out)
    yield w2("x_for_hs", lambda given, out: given.x.T @ out)
    yield w2("h_for_hs", lambda given, out: given.h.T @ out)
    yield w2("derivative_for_hs", lambda given, out: own.slope_at(given.hs).T @ out)
    yield w2("w2_in_its_own_gradient", lambda given, out: (given.hs.T @ out) * given.w2)


def _over_rows() -> Iterable[Entry]:
    def entry(name: str, do: Callable[[Tensor, Tensor], Tensor]) -> Entry:
        return Entry(name, ("grad_b1", "grad_b2"), {"over_rows": do})

    yield entry("rows_not_summed", lambda rows, bias: rows)
    yield entry("rows_always_summed", lambda rows, bias: rows.sum(0, keepdim=True))
    yield entry("wrong_axis_summed", lambda rows, bias: rows.sum(1, keepdim=True))
    yield entry("one_row_for_all", lambda rows, bias: rows[:1])


def _other_formulas() -> Iterable[Entry]:
    for function, other in (("b1", "b2"), ("b2", "b1"), ("w1", "w2"), ("w2", "w1"), ("b2", "w2")):
        name = f"{other}_in_place_of_{function}"
        yield Entry(name, (f"grad_{function}",), {"formula": f"grad_{other}"})


def _at_the_end() -> Iterable[Entry]:
    def entry(name: str, do: Callable[[Tensor], Tensor], *functions: str) -> Entry:
        return Entry(name, functions or ALL, {"finish": do})

    yield Entry("printed_transpose", ("grad_b2",), {"over_rows": lambda rows, bias: rows.T})
    yield entry("transposed", lambda gradient: gradient.mT)
    yield entry("dimension_dropped", lambda gradient: gradient.squeeze())
    yield entry("dimension_dropped", lambda gradient: gradient.flatten())
    yield entry("summed_to_a_number", lambda gradient: gradient.sum())
    yield entry("summed_to_a_number", lambda gradient: gradient.sum().reshape(1, 1))
    yield entry("absolute_gradient", lambda gradient: gradient.abs())
    # Of one output that is a dimension dropped, and has that name.
    across = {"over_rows": lambda rows, bias: rows.sum(1) if rows.shape[1] > 1 else rows}
    yield Entry("wrong_axis_summed", ("grad_b1", "grad_b2"), across)


def _in_forward(own: Activation) -> Iterable[Entry]:
    def hidden(name: str, do: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Entry:
        return Entry(name, FORWARD, {"hidden": do})

    def activation(name: str, do: Callable[[Tensor], Tensor]) -> Entry:
        return Entry(name, FORWARD, {"activation": do})

    def predict(name: str, do: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Entry:
        return Entry(name, FORWARD, {"predict": do})

    def returned(name: str, do: Callable[[Tensor, Tensor, Tensor], Any]) -> Entry:
        return Entry(name, ("forward",), {"returned": do})

    def without(a: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return a @ w

    yield Entry("biases_left_out", FORWARD, {"hidden": without, "predict": without})
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
def entries_for(activation: Activation) -> tuple[Entry, ...]:
    """Return all mistakes that can be made of a network with this activation."""
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
