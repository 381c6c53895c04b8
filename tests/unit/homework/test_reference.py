"""The reference agrees with autograd on the path and with the derivation off it."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from grader.homework.activations import activation_called
from grader.homework.cases import draw_parameters
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.judging.judge import relative_error
from grader.rubric.draw import Draw

reference = Reference(activation_called("sigmoid"))

sizes = st.tuples(st.integers(1, 12), st.integers(1, 8))
conventions = st.sampled_from(["sample", "row"])
seeds = st.integers(0, 2**32)


def plain_autograd(x: Tensor, y: Tensor, params: Parameters) -> Parameters:
    leaves = [p.clone().requires_grad_() for p in params]
    w1, b1, w2, b2 = leaves
    objective = (y - (torch.sigmoid(x @ w1 + b1) @ w2 + b2)).square().sum()
    return Parameters(*torch.autograd.grad(objective, leaves))


def derived(x: Tensor, y: Tensor, params: Parameters, hs: Tensor, y_pred: Tensor) -> Parameters:
    """Equations (3.3) to (3.6), summed over the rows that a bias is shared by."""
    residual = y - y_pred
    back = -2 * (residual @ params.w2.T) * hs * (1 - hs)
    return Parameters(
        x.T @ back,
        back.sum_to_size(params.b1.shape),
        -2 * hs.T @ residual,
        (-2 * residual).sum_to_size(params.b2.shape),
    )


@given(seeds, sizes, conventions)
def test_on_the_path_the_reference_is_plain_autograd(seed, size, convention):
    draw = Draw(seed, "test")
    x, y = draw.normal(size[0], 1), draw.normal(size[0], 1)
    params = draw_parameters(draw, *size, convention)
    hs, y_pred = reference.forward(x, params)
    gradients = reference.gradients(x, y, params, hs, y_pred)
    for ours, plain in zip(gradients, plain_autograd(x, y, params), strict=True):
        assert relative_error(ours, plain)[0] <= 1e-12


@given(seeds, sizes, conventions)
def test_off_the_path_the_reference_is_the_closed_form_of_the_cache(seed, size, convention):
    draw = Draw(seed, "test")
    x, y = draw.normal(size[0], 1), draw.normal(size[0], 1)
    params = draw_parameters(draw, *size, convention)
    hs, y_pred = draw.uniform(0.05, 0.95, *size), draw.normal(size[0], 1)
    gradients = reference.gradients(x, y, params, hs, y_pred)
    for ours, closed in zip(gradients, derived(x, y, params, hs, y_pred), strict=True):
        assert ours.shape == closed.shape
        assert relative_error(ours, closed)[0] <= 1e-12


def test_forward_is_finite_and_right_where_the_sigmoid_saturates():
    x = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    weight = torch.tensor([[1000.0]], dtype=torch.float64)
    one, zero = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    hs, y_pred = reference.forward(x, Parameters(weight, zero, one, zero))
    assert hs.flatten().tolist() == [1.0, 0.0]
    assert y_pred.flatten().tolist() == [1.0, 0.0]
