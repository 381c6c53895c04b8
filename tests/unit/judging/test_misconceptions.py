"""Named mistakes: each is recognised by what it answers, and nothing right is called one."""

import pytest
import torch
from corpus import FACTORS
from hypothesis import given
from hypothesis import strategies as st

from grader.homework.activations import activation_called
from grader.homework.misconceptions import mistaken
from grader.homework.misconceptions.catalogue import entries_for
from grader.homework.misconceptions.derivation import (
    ForwardSteps,
    GradientInputs,
    forward_pass,
    gradient,
    gradient_steps,
)
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.homework.tasks import TASKS
from grader.judging.diagnosis import CONSTANT, RETURNED, SINGLE
from grader.judging.judge import judge
from grader.judging.messages import TEXTS
from grader.rubric.cases import hidden_cases
from grader.source.by_code import definitions, shown_by_code
from grader.student_code.contract import Outcome, Problem

SIGMOID = activation_called("sigmoid")
ENTRIES = entries_for(SIGMOID)
reference = Reference(SIGMOID)

CRITERIA = {
    "forward": ("forward.values", "forward.stable"),
    "grad_w1": ("grad_w1",),
    "grad_b1": ("grad_b1.sample", "grad_b1.row"),
    "grad_w2": ("grad_w2",),
    "grad_b2": ("grad_b2.sample", "grad_b2.row"),
    "net": ("net",),
}
# With one feature and one output these mistakes cannot be told apart by what they answer: mistake
# and criterion, and the name that is given instead.
ALIKE = {
    ("w1_for_w2", "grad_w1"): "w2_not_transposed",  # torch says the same of W1 transposed
    ("w1_for_w2", "grad_b1.sample"): "w2_not_transposed",
    ("w1_for_w2", "grad_b1.row"): "w2_not_transposed",
    ("wrong_axis_summed", "grad_b2.row"): "rows_not_summed",
    ("wrong_axis_summed", "grad_b2.sample"): "dimension_dropped",
    ("transposed", "grad_b2.sample"): "printed_transpose",
    ("summed_to_a_number", "grad_b2.row"): "dimension_dropped",
    ("summed_to_a_number", "grad_b2.sample"): "rows_always_summed",
    ("absolute_gradient", "grad_b2.row"): "sign",  # one entry, where both are negative
    ("absolute_gradient", "grad_b2.sample"): "residual_absolute",
    ("b2_left_out", "forward.stable"): "biases_left_out",  # where h is 1000, b1 does not matter
    ("softplus_for_activation", "forward.stable"): "relu_for_activation",
}


@pytest.fixture(scope="module")
def cases(rubric):
    return hidden_cases(rubric, 5)


def outcome_of(answer) -> Outcome:
    if isinstance(answer, str):
        return Outcome(problem=Problem.RAISED, detail=f"RuntimeError: {answer}")
    return Outcome(answer)


@pytest.mark.parametrize("number", range(len(ENTRIES)), ids=[e.id for e in ENTRIES])
def test_every_mistake_is_called_by_its_name_wherever_it_costs_points(rubric, cases, number):
    entry = ENTRIES[number]
    named = {}
    for function in entry.functions:
        index = [e for e in ENTRIES if function in e.functions].index(entry)
        for criterion in CRITERIA[function]:
            answered = [
                (case, outcome_of(mistaken(case.call, SIGMOID)[index].answer))
                for case in cases
                if case.criterion == criterion
            ]
            verdict = judge(criterion, answered, rubric.marking())
            if verdict.points < verdict.max_points:
                named[criterion] = verdict.diagnosis
    assert named
    for criterion, name in named.items():
        assert name in (entry.id, ALIKE.get((entry.id, criterion))), criterion
    assert entry.id in named.values() or all((entry.id, criterion) in ALIKE for criterion in named)


def answered_as(cases, criterion, change) -> list[tuple]:
    """Answer the cases of a criterion with what is expected, changed."""
    return [
        (case, Outcome(tuple(change(case, tensor) for tensor in case.expected)))
        for case in cases
        if case.criterion == criterion
    ]


GRADIENT_CRITERIA = [name for function in TASKS.gradients for name in CRITERIA[function]]
# What is done to the right gradient, and what that is called, without an entry for it.
CHANGES = [
    (lambda case, t: -t, "sign", 0.5),
    (lambda case, t: t / 2, "factor_two_missing", 0.5),
    (lambda case, t: 2 * t, "factor_two_doubled", 0.5),
    (lambda case, t: t / len(case.call.tensors["x"]), "mean_for_sum", 0.5),
    (lambda case, t: -t / 2, "sign+factor_two_missing", 0.25),
    (lambda case, t: -t / len(case.call.tensors["x"]), "sign+mean_for_sum", 0.25),
    (lambda case, t: 0 * t, "zero_gradient", 0),
    (lambda case, t: t.float(), "cast_to_float32", 0.5),
    (lambda case, t: t.float().double(), "cast_to_float32", 0.5),
    (lambda case, t: -t.float(), "sign+cast_to_float32", 0.25),
]


@pytest.mark.parametrize("criterion", GRADIENT_CRITERIA)
@pytest.mark.parametrize(("change", "name", "share"), CHANGES)
def test_a_factor_or_a_cast_is_named_and_leaves_its_share(
    rubric, cases, criterion, change, name, share
):
    verdict = judge(criterion, answered_as(cases, criterion, change), rubric.marking())
    assert verdict.diagnosis == name
    assert verdict.points == pytest.approx(share * verdict.max_points)
    assert [reason.id for reason in verdict.reasons][:-1] == name.split("+")


@given(
    factor=st.floats(0.01, 100).filter(
        lambda k: all(abs(k * n - 1) > 1e-3 for n in (0.5, 1, 2, 3.5, 6, 7, 12))
    )
)
def test_a_multiple_with_no_name_is_a_multiple(rubric, cases, factor):
    verdict = judge(
        "grad_w2", answered_as(cases, "grad_w2", lambda case, t: factor * t), rubric.marking()
    )
    assert verdict.diagnosis == "scalar_multiple"
    assert verdict.points == 0


@pytest.mark.parametrize("criterion", ["grad_w1", "grad_w2", "grad_b1.sample"])
def test_right_entries_in_wrong_places_are_found(rubric, cases, criterion):
    def flipped(case, tensor):
        return tensor.flip(0, 1)

    verdict = judge(criterion, answered_as(cases, criterion, flipped), rubric.marking())
    assert (verdict.points, verdict.diagnosis) == (0, "entries_permuted")


@given(st.sampled_from(GRADIENT_CRITERIA), st.integers(0, 2**32), st.floats(1e-3, 10))
def test_what_is_wrong_in_no_known_way_has_no_name(rubric, cases, criterion, seed, size):
    generator = torch.Generator().manual_seed(seed)

    def noisy(case, tensor):
        noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        return tensor + size * tensor.abs().max() * noise

    verdict = judge(criterion, answered_as(cases, criterion, noisy), rubric.marking())
    assert (verdict.points, verdict.diagnosis) == (0, None)


@given(st.integers(0, 2**32))
def test_nothing_right_is_called_a_mistake(rubric, seed):
    for criterion, asked in by_criterion(hidden_cases(rubric, seed)).items():
        verdict = judge(criterion, [(c, Outcome(c.expected)) for c in asked], rubric.marking())
        assert (verdict.points, verdict.diagnosis) == (verdict.max_points, None)


def by_criterion(cases) -> dict[str, list]:
    found: dict[str, list] = {}
    for case in cases:
        if case.expected:
            found.setdefault(case.criterion, []).append(case)
    return found


def test_a_second_case_decides_what_one_leaves_open(rubric, cases):
    """Summed to (1, 1), b2's gradient under a shared row is right; by sample it is summed."""

    def summed(case, tensor):
        return tensor.sum(0, keepdim=True)

    answered = answered_as(cases, "grad_b1.sample", summed)
    assert judge("grad_b1.sample", answered, rubric.marking()).diagnosis == "rows_always_summed"
    (first, _), *others = answered
    broken = [(first, Outcome((2 * first.expected[0],))), *others]
    verdict = judge("grad_b1.sample", broken, rubric.marking())
    assert verdict.diagnosis == "factor_two_doubled+rows_always_summed"
    noise = [(case, Outcome((torch.ones(1, 1).double(),))) for case, _ in others]
    assert judge("grad_b1.sample", [broken[0], *noise], rubric.marking()).diagnosis is None


@pytest.mark.parametrize("on_path", [True, False])
def test_the_steps_undone_are_the_reference(cases, on_path):
    """What mistakes are made in is right where none is made."""
    for case in cases:
        call = case.call
        if call.function in TASKS.gradients and case.on_path == on_path:
            got = gradient(GradientInputs(**call.tensors), gradient_steps(call.function, SIGMOID))
            torch.testing.assert_close(got, case.expected[0], rtol=1e-12, atol=1e-12)
        if call.function == "forward":
            for got, wanted in zip(
                forward_pass(call, ForwardSteps(SIGMOID.of)), case.expected, strict=True
            ):
                torch.testing.assert_close(got, wanted, rtol=0, atol=0)


def test_the_catalogue_is_as_large_as_promised_and_every_name_has_a_message(rubric):
    names = {entry.id for entry in ENTRIES} | {name for _, name in RETURNED} | set(FACTORS)
    names |= {
        "mean_for_sum",
        "scalar_multiple",
        "zero_gradient",
        "entries_permuted",
        SINGLE,
        CONSTANT,
    }
    names |= {same.other for same in TASKS.same_answers} | {"in_place_damage", "recomputed"}
    assert len(names) >= 40
    assert names <= TEXTS.keys()
    assert rubric.misconceptions.keys() <= names


SOURCES = [
    ("def grad_w1(x):\n    return 1\n", "grad_w1", "def grad_w1(x):\n    return 1\n"),
    ("def grad_w1(\n    x,\n) -> T:\n    a = 1\n\n    return a\nb = 2\n", "grad_w1",
     "def grad_w1(\n    x,\n) -> T:\n    a = 1\n\n    return a\n"),
    ("def grad_w1(x):\n    1\ndef grad_w1(x):\n    2\n", "grad_w1", "def grad_w1(x):\n    2\n"),
    ("class Net(nn.Module):\n    pass\n", "net", "class Net(nn.Module):\n    pass\n"),
    ("grad_w1 = lambda x: 1\n", "grad_w1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "function", "text"), SOURCES)
def test_the_text_of_a_function_is_its_last_definition(source, function, text):
    assert definitions(source, TASKS).get(function, "").strip() == text.strip()


MINUS_TWO = [
    ("return -2 * (y_pred - y)", "residual_reversed"),
    ("return (y_pred - y) * -2.0", "residual_reversed"),
    ("return -2 * torch.mm(x, y_pred - y)", "residual_reversed"),
    ("r = y_pred-y\n    return -2 * r", "residual_reversed"),
    ("return 2 * (y - y_pred)", "sign"),
    ("return -(2 * (y_pred - y))", "sign"),
    ("return -1 * x.T @ (2 * (y_pred - y))", "sign"),
    ("return (2 * (y_pred - y)).sum(-2)", "sign"),
    ("return 2 * (y - y_pred)  # -2 * (y_pred - y)", "sign"),
    ("return '-2 * (y_pred - y)'", "sign"),
    ("a = -2 * (y_pred - y)\n    return 2 * (y - y_pred)", "sign"),
    ("return -2 * (y_pred - y", "sign"),  # does not parse
    ("return -2 * (y_pred - y)" + "\x00", "sign"),
    ("return " + "-" * 5_000 + "2 * (y_pred - y)", "sign"),  # too deep to parse
    ("return -2 * (y_pred - y)" + " + 1" * 5_000, "sign"),  # too long
]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        *((f"def grad_w1(x):\n    {body}\n", name) for body, name in MINUS_TWO),
        ("def grad_w2(x):\n    return -2 * (y_pred - y)\n", "sign"),
    ],
)
def test_a_reversed_residual_is_told_from_a_sign_by_the_source(rubric, cases, source, name):
    answered = answered_as(cases, "grad_w1", lambda case, t: -t)
    shown = shown_by_code(source, TASKS)
    verdict = judge("grad_w1", answered, rubric.marking(), evidence=shown)
    assert (verdict.diagnosis, verdict.points) == (name, rubric.points["grad_w1"] / 2)


def test_what_is_open_in_one_criterion_another_one_of_the_function_decides(rubric, cases):
    """Where h is 1000 it does not matter whether b1 is left out, too."""

    def without_b2(case, _):
        given = case.call.tensors
        hs = torch.sigmoid(given["x"] @ given["w1"] + given["b1"])
        return (hs, hs @ given["w2"])

    values, stable = (
        [(c, Outcome(without_b2(c, None))) for c in cases if c.criterion == name]
        for name in CRITERIA["forward"]
    )
    alone = judge("forward.stable", stable, rubric.marking())
    assert alone.diagnosis == "biases_left_out"
    verdict = judge("forward.stable", stable, rubric.marking(), beside=values)
    assert verdict.diagnosis == "b2_left_out"


def test_a_mistake_in_a_second_forward_pass_is_both(rubric, cases):
    """Right up to the sign on the path, and something else off it."""

    def recomputed(case, tensor):
        if case.on_path:
            return -tensor
        given = case.call.tensors
        passed = reference.forward(given["x"], Parameters.of(case.call))
        return -reference.gradients(given["x"], given["y"], Parameters.of(case.call), *passed).w1

    verdict = judge("grad_w1", answered_as(cases, "grad_w1", recomputed), rubric.marking())
    assert (verdict.diagnosis, verdict.points) == ("sign+recomputed", rubric.points["grad_w1"] / 4)
