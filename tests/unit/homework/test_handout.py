"""The handout: one text in two languages, right for every variant, and without the gradients."""

import base64
import io
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import jupytext
import matplotlib.image
import msgspec
import nbformat
import pytest
from markdown_it import MarkdownIt
from nbformat import NotebookNode
from times import PATIENCE

from grader.material import rendered
from grader.material.module import full, sections_of, stub_of
from grader.material.notebook import handout_of, notebook_of
from grader.rubric import Rubric, load_rubric

BOTH = ["sample", "row"]
VARIANTS = {
    "default": {},
    "tanh_row": {
        "activation": "tanh",
        "n_hidden": 32,
        "targets": ["cos(3*x)"],
        "biases": ["row"],
    },
    "softplus_two_targets": {"activation": "softplus", "targets": ["x**2", "sin(3*x)"]},
    "sample_only": {"biases": ["sample"]},
    "arctan_without_noise": {
        "activation": "arctan",
        "noise": 0,
        "n_samples": 50,
        "per_student": True,
        "biases": ["row", "sample"],
    },
}
EVERY = pytest.mark.parametrize("variant", VARIANTS)
IN_BOTH_LANGUAGES = pytest.mark.parametrize("zh", [False, True])


def rubric_of(variant: str) -> Rubric:
    """Return the rubric of a variant: no points where a bias convention is not asked."""
    rubric = load_rubric()
    homework = msgspec.structs.replace(rubric.homework, **VARIANTS[variant])
    missing = {f".{bias}" for bias in BOTH} - {f".{bias}" for bias in homework.biases}
    points = {name: p for name, p in rubric.points.items() if not name.endswith(tuple(missing))}
    return msgspec.structs.replace(rubric, homework=homework, points=points)


@cache
def text_of(variant: str, zh: bool = False) -> str:
    return rendered("handout.md.j2", rubric_of(variant), zh=zh)


@cache
def module_of(variant: str) -> str:
    return rendered("homework.py.j2", rubric_of(variant))


def cells_of(variant: str, zh: bool = False) -> list[str]:
    return [c.source for c in jupytext.reads(text_of(variant, zh), "md").cells if is_code(c)]


def is_code(cell: NotebookNode) -> bool:
    return bool(cell.cell_type == "code")


def prose_of(variant: str, zh: bool) -> str:
    """Return what is read alone: neither cells nor commands nor names in code."""
    text = handout_of(text_of(variant, zh))
    return re.sub(r"`[^`]*`", "", re.sub(r"(?m)^ {4}.*$", "", text))


# One text in two languages


def formulas_of(text: str) -> list[str]:
    return re.findall(r"(?s)\$\$(.*?)\$\$", text)


def inline_formulas_of(text: str) -> list[str]:
    return re.findall(r"\$([^$]+)\$", re.sub(r"(?s)\$\$.*?\$\$", "", text))


def headings_of(text: str) -> list[str]:
    return re.findall(r"(?m)^(#{2,3} [\d.]+) ", text)


def numbers_of(text: str) -> Counter[str]:
    return Counter(re.findall(r"(?<![A-Za-z_\d.])\d+(?:\.\d+)*(?:e-\d+)?", text))


@EVERY
def test_both_languages_have_the_same_formulas(variant):
    english, chinese = (prose_of(variant, zh) for zh in (False, True))
    assert formulas_of(chinese) == formulas_of(english)
    assert len(formulas_of(english)) >= 18
    assert set(inline_formulas_of(chinese)) == set(inline_formulas_of(english))


@EVERY
def test_both_languages_have_the_same_cells(variant):
    assert cells_of(variant, zh=True) == cells_of(variant)


@EVERY
def test_both_languages_have_the_same_headings(variant):
    english, chinese = (headings_of(text_of(variant, zh)) for zh in (False, True))
    assert chinese == english
    # The self-check names these sections.
    assert {f"## {number}." for number in range(1, 10)} <= set(english)
    assert "Two bias conventions" in text_of(variant, zh=True)


@EVERY
def test_both_languages_have_the_same_numbers(variant):
    english, chinese = (numbers_of(prose_of(variant, zh)) for zh in (False, True))
    assert chinese == english


@EVERY
def test_both_languages_have_the_same_tables(variant):
    english, chinese = (
        [line.count("|") for line in text_of(variant, zh).splitlines() if line.startswith("|")]
        for zh in (False, True)
    )
    assert chinese == english


@EVERY
def test_each_is_in_its_language(variant):
    han = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")
    assert not han.search(text_of(variant))
    for paragraph in re.sub(r"(?s)\$\$.*?\$\$", "", prose_of(variant, zh=True)).split("\n\n"):
        words = re.sub(r"\$[^$]*\$", "", paragraph)
        if len(re.findall(r"[a-z]{3,}", words)) > 3:
            assert han.search(words), paragraph
    assert not any(han.search(cell) for cell in cells_of(variant, zh=True))


# Markdown and TeX


@EVERY
@IN_BOTH_LANGUAGES
def test_no_template_is_left_over(variant, zh):
    for leftover in ("<<", ">>", "<%", "%>", "<#", "#>", "None", "Undefined"):
        assert leftover not in text_of(variant, zh).replace("-> None", "")


@EVERY
@IN_BOTH_LANGUAGES
def test_the_delimiters_of_formulas_balance(variant, zh):
    text = prose_of(variant, zh)
    for block in re.sub(r"(?s)\$\$.*?\$\$", "", text).split("\n\n"):
        assert block.count("$") % 2 == 0, block
    for formula in formulas_of(text) + inline_formulas_of(text):
        bare = re.sub(r"\\[{}]", "", formula)
        for opening, closing in ("{}", "()", "[]", (r"\left", r"\right"), (r"\bigl", r"\bigr")):
            bare = re.sub(r"\\(?:left|right)arrow", "", bare, flags=re.IGNORECASE)
            assert bare.count(opening) == bare.count(closing), formula


@EVERY
@IN_BOTH_LANGUAGES
def test_what_is_bold_becomes_so(variant, zh):
    """Beside a Chinese full stop ** may mean nothing, and then stays as it is."""
    html = MarkdownIt().render(re.sub(r"(?s)\$+[^$]*\$+", "x", handout_of(text_of(variant, zh))))
    assert html.count("<strong>") >= 10
    assert "**" not in re.sub(r"(?s)<code>.*?</code>", "", html)


@EVERY
@IN_BOTH_LANGUAGES
def test_every_equation_has_one_number_and_every_number_an_equation(variant, zh):
    text = prose_of(variant, zh)
    tags = re.findall(r"\\tag\{([^}]*)\}", text)
    assert sorted(set(tags)) == sorted(tags)
    assert {"1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3"} <= set(tags)
    derived = {"3.3", "3.4", "3.5", "3.6"}  # the students' own
    named = set(re.findall(r"\((\d\.\d)\)", text))
    assert derived <= named <= derived | set(tags)


# What is the students' to derive


def squeezed(text: str) -> str:
    """Return text without what spellings of one formula differ in: TeX or Python, factors bare."""
    text = re.sub(r"\\(?:left|right|[bB]igg?[lr]?|mathrm|mathbf|[,;:!])(?![a-z])", "", text.lower())
    text = re.sub(r"\\hat\{?y\}?|y_\{?\\?(?:text|mathrm)?\{?pred\}*|y_hat|yhat", "ypred", text)
    text = re.sub(r"\^\{?\\?(?:top|t)\}?(?![a-z])|\.t\(\)|\.m?t\b|\.transpose\([^)]*\)", "'", text)
    text = re.sub(r"\\odot|\\cdot|\\times|\.mm\b|\.matmul\b|params\.|_(?=[\d{s])", "", text)
    return re.sub(r"[^a-z0-9'+\-/=]", "", text)


GIVEN_AWAY = re.compile(
    r"(?<![\d.])2(?:y-ypred|ypred-y)"  # (3.3), and what the others begin with
    r"|hs'(?:-?2)?(?:y-ypred|ypred-y)"  # (3.4)
    r"|(?:y-ypred|ypred-y)w2'"  # (3.5)
    r"|(?<![a-z])x'(?:-?2)?(?:y-ypred|ypred-y|back|delta)"  # (3.6)
)
SPELLINGS = [
    "-2 * (y - y_pred)",
    r"$$-2\,(Y - Y_{pred}) \tag{3.3}$$",
    r"2 \left(\hat{Y} - Y\right)",
    "2 * (y_pred - y)",
    r"-2\, h_s^T (Y - Y_{pred})",
    "(-2 * hs.T) @ (y - y_pred)",
    "hs.t().mm(y - y_pred)",
    r"\bigl((Y - Y_{\text{pred}}) W_2^{\top}\bigr) \odot h_s",
    "(y - y_pred) @ params.w2.T",
    "x.T @ (-2 * (y - y_pred))",
    r"X^T \bigl(-2 (Y - Y_{pred}) W_2^T\bigr)",
]
HARMLESS = [
    r"\lVert Y - Y_{pred} \rVert_F^2 = \sum_{i,j} (Y - Y_{pred})_{ij}^2",
    r"h = X W_1 + b_1",
    "(y - y_pred).square().sum()",
    r"-2 (R + R^T) A",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_gradient_given_away_is_found(spelling):
    assert GIVEN_AWAY.search(squeezed(spelling)), squeezed(spelling)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_given_is_not_taken_for_a_gradient(text):
    assert not GIVEN_AWAY.search(squeezed(text)), squeezed(text)


@EVERY
def test_the_gradients_of_the_solution_are_found(variant):
    sections = sections_of(full(module_of(variant)))
    for name in ("grad_w1", "grad_b1", "grad_w2", "grad_b2"):
        assert GIVEN_AWAY.search(squeezed(sections[name])), name


@EVERY
@IN_BOTH_LANGUAGES
def test_no_gradient_is_given_away(variant, zh):
    stub = stub_of(module_of(variant))
    notebook = nbformat.reads(
        notebook_of(text_of(variant, zh), stub, with_solution=False), as_version=4
    )
    region = re.compile(r"(?s) *# BEGIN SOLUTION[^\n]*\n(.*?)# END SOLUTION")
    lines = [
        line.strip()
        for code in region.findall(module_of(variant))
        for line in code.splitlines()
        if line.strip() and "# HINT" not in line
    ]
    assert len(lines) >= 10
    for text in (stub, handout_of(text_of(variant, zh)), *(c.source for c in notebook.cells)):
        found = GIVEN_AWAY.search(squeezed(text))
        assert found is None, f"{found} in {text[:200]}"
        assert [line for line in lines if line in text] == []


# Numbers


@EVERY
@IN_BOTH_LANGUAGES
def test_the_points_are_the_rubrics(variant, zh):
    rubric = rubric_of(variant)
    rows = dict(re.findall(r"(?m)^\| `([a-z_0-9.]+)` \| (\S+) \| \S", text_of(variant, zh)))
    assert rows == {name: f"{points:g}" for name, points in rubric.points.items()}


@IN_BOTH_LANGUAGES
def test_another_rubric_says_other_numbers(zh):
    rubric = rubric_of("default")
    other = msgspec.structs.replace(
        rubric,
        tolerance=msgspec.structs.replace(rubric.tolerance, full=1e-14),
        shares=msgspec.structs.replace(rubric.shares, half=0.25),
        closed_form=msgspec.structs.replace(rubric.closed_form, recompute=0.4, autograd=0.1),
        misconceptions={"sign": 0.75, "one_of_my_own": 0.3},
        training=msgspec.structs.replace(rubric.training, steps=2500, pass_fraction=0.2),
        late=msgspec.structs.replace(rubric.late, due="2031-10-31T23:59:00+01:00"),
        attempts=msgspec.structs.replace(rubric.attempts, counts="last"),
    )
    before, text = (handout_of(rendered("handout.md.j2", r, zh=zh)) for r in (rubric, other))
    for said in ("10^{-14}", "25%", "40%", "75%", "30%", "2500", r"R^2 \ge 0.8", "2031-10-31"):
        assert said in text
        assert said not in before
    assert "0.055" in before
    assert "0.055" not in text  # which nobody measured with these settings


@EVERY
@IN_BOTH_LANGUAGES
def test_the_reports_own_numbers_are_told_of_its_own_homework_alone(variant, zh):
    text = text_of(variant, zh)
    for told in (
        "326.1264",
        "0.0839",
        "0.0932",
        "Errata of the report",
        "報告" if zh else "report",
    ):
        assert (told in text) == (variant == "default"), told


# The notebook


DRAWN = {
    "plot_shapes": 1,
    "plot_activation": 1,
    "plot_comparison": 1,
    "plot_step_errors": 1,
    "range(0, 201, 20)": 1,
    "trained by autograd": 1,
    "trained with your gradients": 1,
}


@pytest.mark.parametrize("variant", ["default", "tanh_row"])
def test_the_solution_notebook_runs_and_draws_its_figures(variant, tmp_path):
    path = tmp_path / "homework.ipynb"
    module = full(module_of(variant))
    path.write_text(notebook_of(text_of(variant), module, with_solution=True), encoding="utf-8")
    # nbclient's command line; it ends with an error where a cell raises.
    command = [Path(sys.executable).with_name("jupyter-execute"), "--inplace", path]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if is_code(cell)]
    own = [cell for cell in cells if not cell.source.startswith(("def plot", "from typing"))]
    for call, count in DRAWN.items():
        (cell,) = (cell for cell in own if call in cell.source and "def " not in cell.source)
        pictures = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
        assert len(pictures) == count, call
        for picture in pictures:
            pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(picture)))
            assert pixels.std() > 0.05, f"{call}: an empty picture"
    printed = "".join(o.text for c in cells for o in c.outputs if o.output_type == "stream")
    (descent,) = re.findall(
        r"loss [\d.]+ at first, ([\d.]+) in the end, pass mark ([\d.]+)", printed
    )
    assert float(descent[0]) <= float(descent[1])
    best = re.findall(r"float64 +best step \S+, error (\S+)", printed)
    assert float(best[0]) > 1e-12  # of W1: finite differences are not enough
    assert float(best[1]) < 1e-12  # of W2, in which f is quadratic
