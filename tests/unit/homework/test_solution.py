"""The reference solution: its expressions, the report's numbers, and the notebook run through."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import homework
import nbformat
import pytest
import torch
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from times import PATIENCE
from torch import Tensor

from grader.homework.activations import activation_called
from grader.homework.cases import draw_parameters
from grader.homework.reference import Reference
from grader.judging.judge import relative_error
from grader.rubric.draw import Draw

reference = Reference(activation_called("sigmoid"))


@given(
    st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 8), st.sampled_from(["sample", "row"])
)
def test_the_gradients_are_autograds_on_and_off_the_path(seed, n, n_hidden, convention):
    draw = Draw(seed, "test")
    x, y = draw.normal(n, 1), draw.normal(n, 1)
    params = draw_parameters(draw, n, n_hidden, convention)
    off_path = (draw.uniform(0.05, 0.95, n, n_hidden), draw.normal(n, 1))
    for hs, y_pred in (homework.forward(x, params), off_path):
        expected = reference.gradients(x, y, params, hs, y_pred)
        for name, gradient in expected._asdict().items():
            ours = getattr(homework, f"grad_{name}")(x, y, params, hs, y_pred)
            assert relative_error(ours, gradient)[0] <= 1e-12


def printed(numbers: float | Sequence[float] | Mapping[int, float]) -> object:
    """Return what equals numbers of four decimals, of which the last depends on the processor."""
    return pytest.approx(numbers, abs=1.5e-4)


DECIMALS = r"(-?\d+\.\d{4})"


def shows(text: str, line: str) -> bool:
    """Tell whether a line is in a text, but for the last digit of its decimals."""
    numbers = [float(number) for number in re.findall(DECIMALS, line)]
    pattern = DECIMALS.join(map(re.escape, re.split(DECIMALS.strip("()"), line)))
    found = re.finditer(f"(?={pattern})", text)  # also where two of them overlap
    return any([float(number) for number in match.groups()] == printed(numbers) for match in found)


def reports_experiment() -> tuple[Tensor, Tensor, homework.Parameters]:
    """Draw what the report drew, as it drew it: from the global generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x, y, w1, w2 = (torch.randn(shape) for shape in ((100, 1), (100, 1), (1, 20), (20, 1)))
        return x, y, homework.Parameters(w1, torch.randn(100, 20), w2, torch.randn(100, 1))


def test_the_reports_experiment_digit_for_digit():
    x, y, params = reports_experiment()
    hs, y_pred = homework.forward(x, params)
    assert float(homework.objective(y, y_pred)) == printed(326.1264)
    given_ = (x, y, params, hs, y_pred)
    digits = {
        "grad_w1": [1.6239, -0.0107, -0.8858, -0.3937],
        "grad_w2": [101.2863, 92.7071],
        "grad_b2": [3.1190, -2.6604],
    }
    for name, last in digits.items():
        entries = getattr(homework, name)(*given_).flatten()[-len(last) :].tolist()
        assert entries == printed(last)


def test_the_reports_training_digit_for_digit():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        x = torch.linspace(-1, 1, 100).unsqueeze(1)
        y = x.square() + 0.2 * torch.rand(x.shape)
        net = homework.Net(n_feature=1, n_hidden=20, n_output=1)
    losses = homework.fit(net, x, y, steps=2001)
    told = {0: 0.6136, 20: 0.0910, 200: 0.0839, 800: 0.0149, 1000: 0.0046, 2000: 0.0032}
    assert {t: losses[t] for t in told} == printed(told)
    assert float(y.var(correction=0)) == printed(0.0932)


def test_descent_by_hand_and_sgd_on_the_module_are_the_same():
    x, y = homework.make_data(3)
    start = homework.initial_parameters(3)
    net = homework.Net(1, 20, 1)
    with torch.no_grad():
        net.hidden.weight.copy_(start.w1.T)
        net.hidden.bias.copy_(start.b1[0])
        net.predict.weight.copy_(start.w2.T)
        net.predict.bias.copy_(start.b2[0])
    _, by_hand = homework.descend(start, x, y, steps=50)
    assert by_hand == pytest.approx(homework.fit(net, x, y, steps=50), rel=1e-3)


def test_the_notebook_runs_and_shows_what_the_report_shows(tmp_path):
    path = shutil.copy(ROOT / "solution" / "homework.ipynb", tmp_path)
    # nbclient's command line; it ends with an error where a cell raises.
    command = [Path(sys.executable).with_name("jupyter-execute"), "--inplace", path]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    notebook = nbformat.read(path, as_version=4)
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    text = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    for line in (
        "objective 326.1264",
        "x   (100, 1)",
        "b1  (100, 20)",
        "-0.0107   -0.8858   -0.3937",
        "101.2863   92.7071",
        "3.1190   -2.6604",
        "after 2000 steps: loss 0.0032, pass mark 0.0093",
    ):
        assert shows(text, line), line
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 7
    (fits,) = (c.source for c in notebook.cells if "Loss=" in c.source)
    assert "range(0, 201, 20)" in fits
