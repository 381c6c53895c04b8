"""What wrong gradients are told: the true names of their mistakes, or none, and nothing untrue."""

import pytest
from conftest import ROOT
from handed import PACKAGES, handed_in, module

from grader.homework.tasks import TASKS
from grader.judging.judge import SourceFacts
from grader.rubric.cases import hidden_cases
from grader.scoring.points import score
from grader.scoring.run_cases import rounds_of, run_cases
from grader.source.by_code import shown_by_code
from grader.source.files import File

HANDED_IN = ROOT / "tests" / "handed_in"
GOOD = (HANDED_IN / "good.py").read_text(encoding="utf-8")


@pytest.fixture
def told(zygote, rubric):
    """Return what each criterion that lost points was told, and the share of them that is left."""
    cases = hidden_cases(rubric, 4)  # by which the damage of p16 shows in training

    def graded(main: File) -> dict[str, tuple[str | None, float]]:
        given = (main, [], PACKAGES, TASKS, rounds_of(cases, TASKS), zygote, rubric.limits)
        asked = run_cases(*given, rubric.spellings)
        text = "\n".join(cell.source for cell in main.cells)
        written = SourceFacts(shown_by_code(text, TASKS), asked.sightings)
        verdicts = score(cases, asked.outcomes, rubric.marking(), written)
        return {
            v.criterion: (v.diagnosis, v.points / rubric.points[v.criterion])
            for v in verdicts
            if v.points < v.max_points
        }

    return graded


NOT_TRAINED = {"train.manual": (None, 0)}
DAMAGED = {"train.manual": ("in_place_damage", 0)}
# The criteria that lose points, each with the names of its mistakes and the share left.
TOLD = {
    "p01_minus_at_the_end.py": {"grad_w1": ("sign", 0.5), **NOT_TRAINED},
    "p02_minus_two_reversed.py": {"grad_w1": ("residual_reversed", 0.5), **NOT_TRAINED},
    "p03_comment_only.py": {"grad_w1": ("sign", 0.5), **NOT_TRAINED},
    "p04_b1_no_two_no_sum.py": {
        "grad_b1.sample": ("factor_two_missing", 0.5),
        "grad_b1.row": ("rows_not_summed+factor_two_missing", 0),
        **NOT_TRAINED,
    },
    "p05_b1_sign_always_sum.py": {
        "grad_b1.sample": ("rows_always_summed+sign", 0),
        "grad_b1.row": ("sign", 0.5),
        **NOT_TRAINED,
    },
    "p06_b1_sign_keepdim.py": {
        "grad_b1.sample": ("sign", 0.5),
        "grad_b1.row": ("dimension_dropped+sign", 0),
        **NOT_TRAINED,
    },
    "p07_b2_no_two_no_sum.py": {
        "grad_b2.sample": ("factor_two_missing", 0.5),
        "grad_b2.row": ("rows_not_summed+factor_two_missing", 0),
        **NOT_TRAINED,
    },
    "p08_b2_no_two_transposed.py": {
        "grad_b2.sample": ("transposed+factor_two_missing", 0),
        "grad_b2.row": ("factor_two_missing", 0.5),
    },
    "p09_b2_zeros.py": {
        "grad_b2.sample": ("zero_gradient", 0),
        "grad_b2.row": ("zero_gradient", 0),
    },
    "p10_b2_constant_two.py": {
        "grad_b2.sample": ("constant_gradient", 0),
        "grad_b2.row": ("constant_gradient", 0),
    },
    "p11_w1_ones.py": {"grad_w1": ("constant_gradient", 0), **NOT_TRAINED},
    "p12_w2_only_sum_hs.py": {"grad_w2": (None, 0), **NOT_TRAINED},
    "p13_w1_random_scale.py": {"grad_w1": (None, 0), **NOT_TRAINED},
    "p14_w1_quarter.py": {
        "grad_w1": ("activation_derivative_missing+scalar_multiple", 0),
        **NOT_TRAINED,
    },
    "p15_w2_inplace_hs_last.py": {},
    "p16_b1_inplace_hs.py": DAMAGED,
    "p17_sample_mean_everywhere.py": {
        "grad_b1.sample": ("mean_for_sum", 0.5),
        "grad_b1.row": ("rows_not_summed+mean_for_sum", 0),
        **NOT_TRAINED,
    },
    # Of one output, squeezed and summed across are the same.
    "squeezed_b2.py": {
        "grad_b2.sample": ("dimension_dropped", 0),
        "grad_b2.row": ("rows_not_summed+dimension_dropped", 0),
        **NOT_TRAINED,
    },
}


@pytest.mark.parametrize("name", TOLD)
def test_each_criterion_is_told_its_own_mistakes(told, name):
    assert told(handed_in(HANDED_IN / name)) == TOLD[name]


# A function, its body, and what each criterion that loses points is told.
WRITTEN = [
    ("grad_b2", "# NOT -2 * (y_pred - y)!\n    r = 2 * (y - y_pred)  # -2 * (y_pred - y)\n"
     "    return r.sum_to_size(params.b2.shape)",
     {"grad_b2.sample": ("sign", 0.5), "grad_b2.row": ("sign", 0.5)}),
    ("grad_w2", '"""Uses -2 * (y_pred - y)."""\n    return hs.T @ (2 * (y - y_pred))',
     {"grad_w2": ("sign", 0.5)}),
    ("grad_b1", "e = y_pred - y\n"
     "    return ((-2 * e) @ params.w2.T * hs * (1 - hs)).sum_to_size(params.b1.shape)",
     {"grad_b1.sample": ("residual_reversed", 0.5), "grad_b1.row": ("residual_reversed", 0.5)}),
    ("grad_w2", "r = y_pred - y\n    g = 2 * hs.T @ r\n    return -g", {"grad_w2": ("sign", 0.5)}),
    ("grad_b1", "return 2 * (y_pred - y) @ params.w2.T",
     {"grad_b1.sample": ("activation_derivative_missing", 0),
      "grad_b1.row": ("activation_derivative_missing+rows_not_summed", 0)}),
    ("grad_b2", "return (y_pred - y).sum(0, keepdim=True)",
     {"grad_b2.sample": ("rows_always_summed+factor_two_missing", 0),
      "grad_b2.row": ("factor_two_missing", 0.5)}),
    ("grad_w2", "return torch.full_like(params.w2, 0.5)", {"grad_w2": ("constant_gradient", 0)}),
    ("grad_b1", "return torch.ones_like(params.b1) * y.mean()",
     {"grad_b1.sample": (None, 0), "grad_b1.row": (None, 0)}),
    ("grad_w1", "d = 2 * (y_pred - y)\n"
     "    return 0.1 * x.T @ (d @ params.w2.T * hs * (1 - hs))",
     {"grad_w1": ("scalar_multiple", 0)}),
    ("grad_b2", "return y_pred.mean(0, keepdim=True)",
     {"grad_b2.sample": (None, 0), "grad_b2.row": (None, 0)}),
    ("grad_b1", "d = 2 * (y_pred - y) @ params.w2.T * hs * (1 - hs)\n"
     "    return d.mean(0, keepdim=True) if len(params.b1) == 1 else d",
     {"grad_b1.row": ("mean_for_sum", 0.5)}),
    ("grad_b2", "return torch.rand_like(params.b2)",
     {"grad_b2.sample": (None, 0), "grad_b2.row": (None, 0)}),
    # Right by sample, a constant under a shared row
    ("grad_b2", "return 2 * (y_pred - y) if len(params.b2) > 1 else params.b2 * 0 + 2",
     {"grad_b2.row": ("constant_gradient", 0)}),
    # Of 2 (Y_pred - Y) is left 2 Y_pred: the sign is right.
    ("grad_w2", "return 2 * hs.T @ y_pred", {"grad_w2": ("y_pred_for_residual", 0)}),
    ("grad_w2", "return hs.T @ (2 * (y_pred - y) ** 2)", {"grad_w2": ("residual_squared", 0)}),
    ("grad_b2", "hs = torch.sigmoid(x @ params.w1 + params.b1)\n"
     "    d = 2 * (hs @ params.w2 + params.b2 - y).float()\n"
     "    return d.sum_to_size(params.b2.shape)",
     {"grad_b2.sample": ("cast_to_float32+recomputed", 0.25),
      "grad_b2.row": ("cast_to_float32+recomputed", 0.25)}),
    # Three mistakes: something fits almost anything.
    ("grad_b2", "return 0.5 * (y - y_pred).T / len(y)",
     {"grad_b2.sample": (None, 0), "grad_b2.row": (None, 0)}),
]  # fmt: skip


@pytest.mark.parametrize(("function", "body", "expected"), WRITTEN)
def test_what_is_not_shown_is_not_told(told, function, body, expected):
    written = f"\n\ndef {function}(x, y, params, hs, y_pred):\n    {body}\n"
    was_told = told(module(GOOD + written))
    assert {name: one for name, one in was_told.items() if not TASKS.trains(name)} == expected
