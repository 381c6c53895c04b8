"""Judging: what an answer earns and what is said of it."""

import math

import pytest
import torch

from grader.homework.activations import activation_called
from grader.homework.loss import pass_mark
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.judging.judge import (
    Case,
    SourceFacts,
    error_map,
    judge,
    judge_training,
    relative_error,
    verdicts,
)
from grader.rubric.cases import hidden_cases
from grader.source.parsing import TOO_DEEP
from grader.student_code.contract import Hint, Outcome, Problem

reference = Reference(activation_called("sigmoid"))

EXACT, NOISE_FLOAT32, NOISE_WRONG = 0.0, 1e-7, 1e-3


def answered(rubric, criterion, change, off_path_change=None):
    """Answer each case of a criterion with its expected tensors, changed."""
    off_path_change = off_path_change or change
    cases = [case for case in hidden_cases(rubric, 5) if case.criterion == criterion]
    return [
        (
            case,
            Outcome(
                tuple((change if case.on_path else off_path_change)(case, t) for t in case.expected)
            ),
        )
        for case in cases
    ]


def off_by(relative):
    def change(case: Case, tensor: torch.Tensor) -> torch.Tensor:
        changed = tensor.clone()
        changed[0, 0] += relative * tensor.abs().max()
        return changed

    return change


right = off_by(0.0)
absent = Outcome(problem=Problem.NOT_ATTEMPTED)

# criterion, on the path, off it, share of the points, part of the message
VERDICTS = [
    ("grad_w1", 0.0, 0.0, 1, "right"),
    ("grad_w1", 9e-13, 0.0, 1, "right"),
    ("grad_w1", 2e-12, 2e-12, 0.5, "numerically approximated, or cast to float32"),
    ("grad_w1", 9e-6, 9e-6, 0.5, "where 1e-12 is asked"),
    ("grad_w1", 2e-5, 2e-5, 0, "worst at [0, 0] (tolerance 1e-12)"),
    ("grad_w1", 0.0, 1.0, 0.5, "closed form"),
    ("grad_w1", 1e-10, 1.0, 0.25, "only approximately"),
    ("grad_w1", 1.0, 0.0, 0, "relative error 1.0e+00"),
    ("grad_w1", math.nan, 0.0, 0, "NaN or infinity at [0, 0]"),
    ("grad_w1", math.inf, 0.0, 0, "NaN or infinity"),
    ("forward.values", 0.0, 0.0, 1, "right"),
    ("forward.values", 1e-3, 1e-3, 0, "relative error 1.0e-03"),
    ("net", 1e-8, 1e-8, 0.5, "numerically approximated"),
]  # fmt: skip


@pytest.mark.parametrize(("criterion", "on_path", "off_path", "share", "says"), VERDICTS)
def test_points_follow_from_the_error(rubric, criterion, on_path, off_path, share, says):
    outcomes = answered(rubric, criterion, off_by(on_path), off_by(off_path))
    verdict = judge(criterion, outcomes, rubric.marking())
    assert verdict.points == share * rubric.points[criterion]
    assert verdict.max_points == rubric.points[criterion]
    assert says in verdict.message


SHAPES = [
    (lambda case, t: t.T.contiguous(), "expected (1, 3)"),
    (lambda case, t: t.flatten(), "has shape (3,)"),
    (lambda case, t: t.expand(7, -1).clone(), "has shape (7, 3)"),
    (lambda case, t: torch.empty(0, 3), "has shape (0, 3)"),
]


@pytest.mark.parametrize(("change", "says"), SHAPES)
def test_a_shape_that_would_broadcast_is_not_the_shape(rubric, change, says):
    verdict = judge("grad_w1", answered(rubric, "grad_w1", change), rubric.marking())
    assert (verdict.points, verdict.error) == (0, None)
    assert says in verdict.message


@pytest.mark.parametrize("bias", ["b1", "b2"])
def test_a_gradient_not_summed_over_the_shared_row_is_named(rubric, bias):
    def per_sample(case, _):
        given = case.call.tensors
        residual = given["y"] - given["y_pred"]
        if bias == "b2":
            return -2 * residual
        return -2 * (residual @ given["w2"].T) * given["hs"] * (1 - given["hs"])

    row = judge(
        f"grad_{bias}.row", answered(rubric, f"grad_{bias}.row", per_sample), rubric.marking()
    )
    assert (row.points, row.diagnosis) == (0, "rows_not_summed")
    assert "not summed over the rows" in row.message
    sample = judge(
        f"grad_{bias}.sample", answered(rubric, f"grad_{bias}.sample", per_sample), rubric.marking()
    )
    assert (sample.points, sample.diagnosis) == (rubric.points[f"grad_{bias}.sample"], None)


def test_any_other_matrix_of_that_shape_is_not_called_an_unsummed_gradient(rubric):
    def noise(case, tensor):
        return case.call.tensors["x"] + torch.arange(tensor.shape[1])

    verdict = judge("grad_b1.row", answered(rubric, "grad_b1.row", noise), rubric.marking())
    assert (verdict.points, verdict.diagnosis) == (0, None)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            "'(' was never closed",
            "define grad_w1. a.py, line 3: SyntaxError: '(' was never closed.",
        ),
        (
            TOO_DEEP,
            "(grad_w1): what begins at a.py, line 3 is nested too deeply for Python to read",
        ),
    ],
)
def test_where_nothing_is_defined_what_may_hide_it_is_told(rubric, error, told):
    missing = Outcome(problem=Problem.MISSING, detail="grad_w1")
    cases = [case for case in hidden_cases(rubric, 5) if case.criterion == "grad_w1"]
    written = SourceFacts(notes=[("a.py, line 3", f"SyntaxError: {error}")])
    asked = [(case, missing) for case in cases]
    (verdict,) = verdicts(["grad_w1"], asked, rubric.marking(), written)
    assert told in verdict.message


PROBLEMS = [
    (Outcome(problem=Problem.NOT_ATTEMPTED), "not attempted"),
    (Outcome(problem=Problem.MISSING, detail="grad_w1"), "grad_w1 is not defined"),
    (
        Outcome(problem=Problem.MISSING, detail="grad_w1", hint=Hint("near", "gradw1", "a.py")),
        "grad_w1 is not defined; there is gradw1 (a.py)",
    ),
    (
        Outcome(problem=Problem.CRASHED, detail="a lie", hint=Hint("near", "gradw1", "a.py")),
        "the process that ran this code ended during grad_w1: a lie",
    ),
    (
        Outcome(problem=Problem.RAISED, detail="RuntimeError: shapes", where="cell 3, line 4"),
        "grad_w1 raised RuntimeError: shapes (cell 3, line 4)",
    ),
    (Outcome(problem=Problem.BAD_RETURN, detail="grad_w1 returned None"), "returned None"),
    (
        Outcome(problem=Problem.TIMEOUT, detail="took longer than 3 s"),
        "grad_w1 took longer than 3 s",
    ),
    (Outcome(problem=Problem.CRASHED, detail="killed by SIGSEGV"), "killed by SIGSEGV"),
    (Outcome((torch.zeros(1, 3), torch.zeros(1, 3))), "returned 2 tensors, expected 1"),
]


@pytest.mark.parametrize(("outcome", "says"), PROBLEMS)
def test_a_call_without_tensors_earns_nothing_and_says_why(rubric, outcome, says):
    cases = [case for case in hidden_cases(rubric, 5) if case.criterion == "grad_w1"]
    verdict = judge("grad_w1", [(case, outcome) for case in cases], rubric.marking())
    assert (verdict.points, verdict.error) == (0, None)
    assert says in verdict.message


def test_float32_earns_half_by_its_error(rubric):
    def cast(case, tensor):
        return tensor.float()

    verdict = judge("grad_w2", answered(rubric, "grad_w2", cast), rubric.marking())
    assert verdict.points == rubric.points["grad_w2"] / 2
    assert 1e-9 < verdict.error < 1e-6


def trained(rubric):
    (case,) = (c for c in hidden_cases(rubric, 5) if c.criterion == "train.manual")
    return case


def descended(case: Case, steps: int) -> Parameters:
    params, given = Parameters.of(case.call), case.call.tensors
    for _ in range(steps):
        gradients = reference.gradients(
            given["x"], given["y"], params, *reference.forward(given["x"], params)
        )
        params = Parameters(*(p - 0.002 * g for p, g in zip(params, gradients, strict=True)))
    return params


def test_training_passes_by_the_loss_of_the_returned_parameters(rubric):
    case = trained(rubric)
    verdict = judge_training(case, Outcome(tuple(descended(case, 2000))), rubric.marking())
    assert verdict.points == rubric.points["train.manual"]
    assert verdict.loss <= case.pass_mark


NOT_TRAINED = [
    (lambda params: params, "above the pass mark"),
    (lambda params: params._replace(b2=params.b2 * math.nan), "diverged"),
    (lambda params: params._replace(w1=params.w1 + math.inf), "diverged"),
    (lambda params: params._replace(b1=params.b1.expand(100, 20)), "b1 has shape (100, 20)"),
    (lambda params: params[:3], "returned 3 tensors"),
]


@pytest.mark.parametrize(("change", "says"), NOT_TRAINED)
def test_what_did_not_train_earns_nothing(rubric, change, says):
    case = trained(rubric)
    outcome = Outcome(tuple(change(Parameters.of(case.call))))
    verdict = judge_training(case, outcome, rubric.marking())
    assert verdict.points == 0
    assert says in verdict.message


def test_a_pass_mark_is_a_part_of_the_variance():
    y = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    assert pass_mark(y, 0.1) == pytest.approx(0.1)


ERRORS = [
    ([[1.0, 2.0]], [[1.0, 2.0]], 0.0, (0, 0)),
    ([[1.0, 3.0]], [[1.0, 2.0]], 0.5, (0, 1)),
    ([[0.0], [4.0]], [[1.0], [4.0]], 0.25, (0, 0)),
    ([[math.nan, 2.0]], [[1.0, 2.0]], math.inf, (0, 0)),
]


@pytest.mark.parametrize(("actual", "expected", "error", "index"), ERRORS)
def test_relative_error_is_of_the_max_norm(actual, expected, error, index):
    tensors = (torch.tensor(rows, dtype=torch.float64) for rows in (actual, expected))
    assert relative_error(*tensors) == (error, index)


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [((2, 3), 2, 3), ((3,), 3, 1), ((2, 2, 3), 4, 3), ((), 1, 1)],
)
def test_a_tensor_of_any_shape_has_a_map_of_its_errors(shape, rows, columns):
    expected = torch.ones(shape, dtype=torch.float64)
    decades = error_map("g", expected * 1.5, expected).decades
    assert decades == [[-1] * columns] * rows
