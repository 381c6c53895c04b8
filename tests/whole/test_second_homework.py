"""A second homework of one folder, tests/homeworks/softmax: all that the grader does works for it.

It is a two-layer softmax classifier with cross-entropy: other parameters, three gradients, no
network, one training run. Nothing outside its folder knows of it.
"""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import GRADER, ROOT, run_grader
from worth import out_of

from grader.homework.tasks import TASKS
from grader.rubric import load_rubric

FOLDER = ROOT / "tests" / "homeworks" / "softmax"
RUBRIC = FOLDER / "rubric.toml"
POINTS = load_rubric(RUBRIC).points
MAX_SCORE = sum(POINTS.values())
SLOPE = " * (1 - a**2)"
# The names of the grader's own homework, which nothing but its folder knows.
NAMES = {
    *TASKS.parameters, *TASKS.forward.returns, *TASKS.gradients,
    *(criterion.id for criterion in TASKS.criteria if "." in criterion.id),
}  # fmt: skip


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """The students' folder and the solution, as `grader release` writes them."""
    folder = tmp_path_factory.mktemp("released")
    done = run_grader("release", "--rubric", RUBRIC, "--root", folder, "--out", folder / "dist")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def graded(released, tmp_path_factory) -> Path:
    """Results of right work, in a module and a notebook, of the stub, and of two mistakes."""
    folder = tmp_path_factory.mktemp("graded")
    class_ = folder / "class"
    class_.mkdir()
    right = (released / "solution" / "homework.py").read_text(encoding="utf-8")
    (class_ / "right.py").write_text(right)
    (class_ / "stub.py").write_bytes((released / "assignment" / "homework.py").read_bytes())
    notebook = (released / "solution" / "homework.ipynb").read_bytes()
    (class_ / "notebook.ipynb").write_bytes(notebook)
    assert right.count(SLOPE) == 2
    (class_ / "slope.py").write_text(right.replace(SLOPE, ""))
    assert right.count("a.T @ (p - y)") == 1
    (class_ / "sign.py").write_text(right.replace("a.T @ (p - y)", "a.T @ (y - p)"))
    results = folder / "results"
    done = run_grader("grade", class_, "--rubric", RUBRIC, "--out", results)
    assert done.returncode == 0, done.stderr
    return results


def record_of(results: Path, student: str) -> dict:
    return json.loads((results / student / "result.json").read_bytes())


def checked(released: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "selfcheck", path],
        cwd=released / "assignment",
        capture_output=True,
        text=True,
    )


def test_the_self_check_gives_the_solution_everything_and_the_stub_nothing(released):
    done = checked(released, released / "solution" / "homework.py")
    assert done.returncode == 0, done.stderr
    assert out_of(MAX_SCORE, MAX_SCORE) in done.stdout
    done = checked(released, released / "assignment" / "homework.py")
    assert done.returncode == 1
    assert "NEXT: TODO 1, forward" in done.stdout
    assert out_of(0, MAX_SCORE) in done.stdout


def test_the_self_check_names_the_mistake_as_the_grader_does(released, graded, tmp_path):
    path = graded.parent / "class" / "slope.py"
    done = checked(released, path)
    assert "The derivative of tanh is missing" in done.stdout
    done = run_grader("check", path, "--rubric", RUBRIC)
    assert "The derivative of tanh is missing" in done.stdout


EARNED = {
    "right": POINTS,
    "notebook": POINTS,
    "stub": dict.fromkeys(POINTS, 0),
    "slope": {**POINTS, "grad_v": 0, "grad_c": 0},
    "sign": {**POINTS, "grad_u": POINTS["grad_u"] / 2},
}


@pytest.mark.parametrize("student", EARNED)
def test_hidden_cases_and_training_give_the_points_that_work_earns(graded, student):
    record = record_of(graded, student)
    points = {criterion["id"]: criterion["points"] for criterion in record["criteria"]}
    assert points.keys() == EARNED[student].keys()
    assert {name: points[name] for name in points if name != "train"} == {
        name: worth for name, worth in EARNED[student].items() if name != "train"
    }
    if student in ("right", "notebook", "stub"):
        assert points["train"] == EARNED[student]["train"]


def test_what_is_told_is_of_this_homework(graded):
    told = {c["id"]: c["message"] for c in record_of(graded, "slope")["criteria"]}
    assert "grad_v goes back through it by 1 - a^2" in told["grad_v"]
    page = (graded / "slope" / "feedback.html").read_text(encoding="utf-8")
    assert "The derivative of tanh is missing" in page
    assert "cannot be shown here" not in page
    words = set(re.findall(r"[\w.]+", json.dumps(record_of(graded, "slope")) + page))
    assert not words & (NAMES - {"grad_b1", "b1"})


def test_tables_have_its_criteria_and_its_run(graded):
    with open(graded / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [name for name in rows[0] if name in (*POINTS, "loss_hand", "loss_manual")] == [
        *POINTS,
        "loss_hand",
    ]
    losses = {row["student"]: row["loss_hand"] for row in rows}
    assert float(losses["right"]) < 0.1
    assert losses["stub"] == ""


@pytest.mark.parametrize("system", ["csv", "junit"])
def test_exports_are_of_its_criteria(graded, tmp_path, system):
    out = tmp_path / "out"
    done = run_grader("export", graded, "--to", system, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "grad_u" in out.read_text(encoding="utf-8-sig")


def test_what_is_remembered_is_graded_again_without_its_rubric(graded):
    done = run_grader("regrade", "--all", "--results", graded)
    assert done.returncode == 0, done.stderr
    assert record_of(graded, "right")["score"] == MAX_SCORE


def test_the_grader_proves_itself_on_it():
    done = subprocess.run(
        [GRADER, "validate", "--rubric", RUBRIC], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The pass mark is not measured" in done.stdout


def test_a_folder_without_a_package_is_one_line(tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text('[homework]\npackage = "elsewhere"\n')
    done = run_grader("rubric", "--rubric", path)
    assert done.returncode == 2
    assert done.stderr == (
        f"grader: {path}, line 2: homework.package: {tmp_path / 'elsewhere'} has no package.py: "
        "homework.package names a homework's folder\n"
    )


def test_the_rest_of_the_grader_knows_no_name_of_the_own_homework():
    names = re.compile(rf"\b(?:{'|'.join(map(re.escape, NAMES - {'y'}))}|Net|train_manual)\b")
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in (ROOT / "grader").rglob("*.py")
        if "homework" not in path.relative_to(ROOT / "grader").parts
        for match in names.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()
