"""The pass mark: measured by the training that is graded, and told where it fails."""

import re

import homework
import msgspec
import pytest
import torch
from conftest import ROOT, run_grader

from grader.homework.activations import activation_called, activations
from grader.homework.calibration import Measurement, TrainedNetwork, calibrate, measure, networks
from grader.homework.cases import training_case
from grader.material import rendered
from grader.reports.calibration import table_of, verdict_on, write_calibration
from grader.rubric import RUBRIC_FILE
from grader.student_code.calls import answer
from grader.student_code.loading import Program

RUNS = 30  # more than are trained at once, and no multiple of it
MUSTS = {"right", "w1_sign", "b1_sign", "w1_zero", "slope_missing"}


def with_runs(rubric, runs, **training):
    return msgspec.structs.replace(
        rubric,
        calibration=msgspec.structs.replace(rubric.calibration, runs=runs),
        training=msgspec.structs.replace(rubric.training, **training),
    )


def test_on_some_seeds_what_must_pass_passes_and_what_must_fail_fails(rubric):
    measured = calibrate(with_runs(rubric, RUNS), jobs=2, only_musts=True)
    assert {each.network.id for each in measured} == MUSTS
    assert [len(each.shares) for each in measured] == [RUNS] * len(MUSTS)
    assert [each.network.id for each in measured if not each.holds] == []
    assert [each.passed for each in measured] == [RUNS, 0, 0, 0, 0]


@pytest.mark.parametrize("biases", [["sample", "row"], ["sample"]])
@pytest.mark.parametrize("targets", [["x**2"], ["x**2", "x + 5"]])
def test_a_run_ends_where_a_worker_trains_the_solution_to(rubric, biases, targets):
    asked = msgspec.structs.replace(
        with_runs(rubric, 3, steps=50),
        homework=msgspec.structs.replace(rubric.homework, biases=biases, targets=targets),
    )
    right = networks(activation_called("sigmoid"))[0]
    for seed, share in enumerate(measure(asked, right, jobs=1).shares):
        case = training_case(asked, seed)
        outcome = answer(case.call, Program(vars(homework), [], [], asked.tasks))
        loss = case.final_loss(outcome.tensors[: len(asked.tasks.parameters)])
        variance = case.call.tensors["y"].var(0, correction=0).mean()
        assert share == pytest.approx(float(loss / variance), rel=1e-9)


@pytest.mark.parametrize("name", activations())
def test_each_mistake_of_a_network_changes_where_it_ends(rubric, name):
    homework_ = msgspec.structs.replace(rubric.homework, activation=name)
    slow = with_runs(rubric, 1, steps=20, learning_rate=0.01)  # at which nothing diverges
    asked = msgspec.structs.replace(slow, homework=homework_)
    shares = [each.shares for each in calibrate(asked, jobs=1)]
    assert len(set(shares)) == len(shares)


def measured_as(must, *shares) -> Measurement:
    return Measurement(TrainedNetwork(f"n{must}", f"a network ({must})", must), shares, 0.1)


@pytest.mark.parametrize(
    ("must", "shares", "passed", "holds"),
    [
        ("pass", (0.05, 0.1), 2, True),
        ("pass", (0.05, 0.11), 1, False),
        ("pass", (0.05, float("inf")), 1, False),
        ("fail", (0.11, float("inf")), 0, True),
        ("fail", (0.1, 0.5), 1, False),
        (None, (0.05, 0.5), 1, True),
    ],
)
def test_all_runs_must_do_what_they_must(must, shares, passed, holds):
    measured = measured_as(must, *shares)
    assert (measured.passed, measured.holds) == (passed, holds)


def test_what_is_said_names_what_fails(rubric):
    right, wrong = measured_as("pass", 0.03, 0.06), measured_as("fail", 0.2, float("inf"))
    assert verdict_on([right, wrong]) == (
        "The pass mark of 0.1 Var(y) holds: all 2 right runs end at 0.06 or below, all that must "
        "fail at 0.2 or above."
    )
    said = verdict_on([right, measured_as("fail", 0.05, 0.3)])
    assert "does not tell right from wrong: a network (fail): 1 of 2 pass, none should" in said
    assert "| a network (fail) | fail | 0 of 2 | 0.2 | diverged | diverged |" in table_of(
        [right, wrong], rubric
    )


def test_a_pass_mark_that_fails_is_exit_code_1_and_table_and_plot_are_there(tmp_path):
    """After 200 steps right runs are still about a flat line: the report's own threshold."""
    path = tmp_path / "rubric.toml"
    text = RUBRIC_FILE.read_text(encoding="utf-8")
    path.write_text(text.replace("runs = 200", "runs = 4").replace("steps = 2000", "steps = 200"))
    done = run_grader("calibrate", "--rubric", path, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "right gradients: 0 of 4 pass, all should" in done.stdout
    table = (tmp_path / "out" / "calibration.md").read_text(encoding="utf-8")
    assert table in done.stdout
    assert table.count("\n| ") == 1 + len(networks(activation_called("sigmoid")))
    assert (tmp_path / "out" / "calibration.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_is_drawn_each_time(rubric, tmp_path):
    measured = [measured_as("pass", 0.03, 0.06), measured_as("fail", 0.2, float("inf"))]
    for run in ("a", "b"):
        write_calibration(measured, rubric, tmp_path / run)
    assert len({(tmp_path / run / "calibration.png").read_bytes() for run in "ab"}) == 1


# What is committed


def committed() -> dict[str, tuple[str, int, float, float]]:
    """Return the rows of docs/calibration.md: what must be, how many passed, least and most."""
    rows = {}
    for line in (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8").split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and " of " in cells[2]:
            shares = [float(cell.replace("diverged", "inf")) for cell in (cells[3], cells[5])]
            rows[cells[0]] = (cells[1], int(cells[2].split()[0]), *shares)
    return rows


def test_the_committed_table_is_of_this_rubric_and_its_first_runs_are_what_is_measured(rubric):
    text = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    right = networks(activation_called("sigmoid"))[0]
    as_many = measured_as("pass", *[0.1] * rubric.calibration.runs)
    assert text.split("\n")[0] == table_of([as_many], rubric).split("\n")[0]
    (must, passed, least, most) = committed()[right.what]
    assert (must, passed) == ("pass", rubric.calibration.runs)
    for share in measure(with_runs(rubric, 5), right, jobs=1).shares:
        assert least * 0.99 <= share <= most * 1.01
    assert {row[:2] for row in committed().values() if row[0] == "fail"} == {("fail", 0)}


def test_the_manual_shows_it():
    page = (ROOT / "docs" / "pass-mark.md").read_text(encoding="utf-8")
    assert "{include} calibration.md" in page
    assert "(calibration.png)" in page


def test_the_handout_says_what_was_measured(rubric):
    prose = re.sub(r"\s+", " ", rendered("handout.md.j2", rubric))
    rows = committed()
    (_, runs, _, worst_right) = rows["right gradients"]
    best_wrong = min(least for must, _, least, _ in rows.values() if must == "fail")
    assert worst_right <= 0.055
    assert best_wrong >= 0.2
    assert f"On {runs} seeds, right networks all ended at $0.055" in prose
    assert rows["W1: factor 2 missing"][1] == runs
    assert f"missing in $W_1$, all of {runs} runs passed" in prose
    assert f"flipped sign on $b_2$ ({rows['b2: sign flipped'][1]} of {runs})" in prose


def test_training_leaves_torchs_threads_as_they_were(rubric):
    before = torch.get_num_threads()
    measure(with_runs(rubric, 1, steps=1), networks(activation_called("sigmoid"))[0], jobs=1)
    assert torch.get_num_threads() == before
