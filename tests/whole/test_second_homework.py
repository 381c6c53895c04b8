"""Other homeworks, of one folder each in tests/homeworks: all that the grader does works for them.

softmax is a two-layer classifier with cross-entropy: other parameters, three gradients, no network,
one training run. recurrent is a cell unrolled over time: functions that take their parameters apart
and return one tensor, vectors and tensors of three dimensions, and training that earns nothing.
Nothing outside its folder knows of either.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from conftest import GRADER, ROOT, run_grader
from worth import out_of

from grader.homework.tasks import TASKS


@dataclass(frozen=True)
class Mistake:
    """A replacement in the right module, how often it is made, and the shares that then are earned.

    `shares` are of the points of the criteria that do not earn all.
    """

    find: str
    replace: str
    count: int
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Example:
    """A homework, mistakes by student, what the first of them is told, and the training run."""

    name: str
    mistakes: Mapping[str, Mistake]
    text: str
    run: str

    @property
    def rubric(self) -> Path:
        return ROOT / "tests" / "homeworks" / self.name / "rubric.toml"

    @cached_property
    def points(self) -> Mapping[str, float]:
        # Not by load_rubric, which would bring its package's texts into this process.
        points = tomllib.loads(self.rubric.read_text(encoding="utf-8"))["points"]
        return {name: worth for name, worth in points.items() if worth is not False}

    @property
    def max_score(self) -> float:
        return sum(self.points.values())

    @property
    def first(self) -> str:
        return next(iter(self.mistakes))

    def earned(self, student: str) -> dict[str, float]:
        if student == "stub":
            return dict.fromkeys(self.points, 0)
        shares = self.mistakes[student].shares if student in self.mistakes else {}
        return {name: points * shares.get(name, 1) for name, points in self.points.items()}


EXAMPLES = [
    Example(
        "softmax",
        {
            "slope": Mistake(" * (1 - a**2)", "", 2, {"grad_v": 0, "grad_c": 0}),
            "sign": Mistake("a.T @ (p - y)", "a.T @ (y - p)", 1, {"grad_u": 0.5}),
        },
        "The derivative of tanh is missing",
        "hand",
    ),
    Example(
        "recurrent",
        {
            "later": Mistake(") + later", ")", 3, {"grad_u": 0, "grad_w": 0, "grad_start": 0}),
            "sign": Mistake("return later.sum(0)", "return -later.sum(0)", 1, {"grad_start": 0}),
        },
        "misses what a state does to later steps",
        "train",
    ),
]
# The names of the grader's own homework, which nothing but its folder knows.
NAMES = {
    *TASKS.parameters, *TASKS.forward.returns, *TASKS.gradients,
    *(criterion.id for criterion in TASKS.criteria if "." in criterion.id),
}  # fmt: skip


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda example: example.name)
def example(request) -> Example:
    """Each of the homeworks."""
    return request.param


@pytest.fixture(scope="module")
def released(example, tmp_path_factory) -> Path:
    """The students' folder and the solution, as `grader release` writes them."""
    folder = tmp_path_factory.mktemp("released")
    done = run_grader(
        "release", "--rubric", example.rubric, "--root", folder, "--out", folder / "dist"
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def graded(example, released, tmp_path_factory) -> Path:
    """Results of right work, in a module and a notebook, of the stub, and of two mistakes."""
    folder = tmp_path_factory.mktemp("graded")
    class_ = folder / "class"
    class_.mkdir()
    right = (released / "solution" / "homework.py").read_text(encoding="utf-8")
    (class_ / "right.py").write_text(right)
    (class_ / "stub.py").write_bytes((released / "assignment" / "homework.py").read_bytes())
    notebook = (released / "solution" / "homework.ipynb").read_bytes()
    (class_ / "notebook.ipynb").write_bytes(notebook)
    for student, mistake in example.mistakes.items():
        assert right.count(mistake.find) == mistake.count
        (class_ / f"{student}.py").write_text(right.replace(mistake.find, mistake.replace))
    results = folder / "results"
    done = run_grader("grade", class_, "--rubric", example.rubric, "--out", results)
    assert done.returncode == 0, done.stderr
    return results


def record_of(results: Path, student: str) -> dict:
    return json.loads((results / student / "result.json").read_bytes())


def checked(released: Path, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "selfcheck", path, *options],
        cwd=released / "assignment",
        capture_output=True,
        text=True,
    )


def test_the_self_check_gives_the_solution_everything_and_the_stub_nothing(example, released):
    done = checked(released, released / "solution" / "homework.py")
    assert done.returncode == 0, done.stderr
    assert out_of(example.max_score, example.max_score) in done.stdout
    done = checked(released, released / "assignment" / "homework.py")
    assert done.returncode == 1
    assert f"NEXT: TODO 1, {next(iter(example.points))}" in done.stdout
    assert out_of(0, example.max_score) in done.stdout


def test_the_self_check_names_the_mistake_as_the_grader_does(example, released, graded):
    path = graded.parent / "class" / f"{example.first}.py"
    criterion = next(iter(example.mistakes[example.first].shares))
    done = checked(released, path, "--only", criterion)
    assert example.text in " ".join(done.stdout.split())
    done = run_grader("check", path, "--only", criterion, "--rubric", example.rubric)
    assert example.text in " ".join(done.stdout.split())


@pytest.mark.parametrize("student", ["right", "notebook", "stub", "first", "sign"])
def test_hidden_cases_and_training_give_the_points_that_work_earns(example, graded, student):
    student = example.first if student == "first" else student
    record, earned = record_of(graded, student), example.earned(student)
    points = {criterion["id"]: criterion["points"] for criterion in record["criteria"]}
    assert points.keys() == earned.keys()
    if student in example.mistakes:  # which training may survive
        points, earned = ({**each, "train": None} for each in (points, earned))
    assert points == earned


def test_what_is_told_is_of_this_homework(example, graded):
    told = {c["id"]: c["message"] for c in record_of(graded, example.first)["criteria"]}
    assert any(example.text in text for text in told.values())
    sign = {c["id"]: c["message"] for c in record_of(graded, "sign")["criteria"]}
    assert any("Follow the signs of your derivation, from the loss on." in s for s in sign.values())
    for student in (example.first, "sign"):
        page = (graded / student / "feedback.html").read_text(encoding="utf-8")
        assert "cannot be shown here" not in page
        assert "Fit at the end" not in page  # whose predictions are no curve
        words = set(re.findall(r"[\w.]+", json.dumps(record_of(graded, student)) + page))
        assert not words & {*NAMES, "Y_pred"} - {"grad_b1", "b1"}


def test_tables_have_its_criteria_and_its_run(example, graded):
    with open(graded / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    run = f"loss_{example.run}"
    names = (*example.points, run, "loss_manual")
    assert [name for name in rows[0] if name in names] == [*example.points, run]
    losses = {row["student"]: row[run] for row in rows}
    assert losses["stub"] == ""
    if "train" in example.points:
        assert float(losses["right"]) < 0.1


@pytest.mark.parametrize("system", ["csv", "junit"])
def test_exports_are_of_its_criteria(graded, tmp_path, system):
    out = tmp_path / "out"
    done = run_grader("export", graded, "--to", system, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "grad_u" in out.read_text(encoding="utf-8-sig")


def test_what_is_remembered_is_graded_again_without_its_rubric(example, graded):
    done = run_grader("regrade", "--all", "--results", graded)
    assert done.returncode == 0, done.stderr
    assert record_of(graded, "right")["score"] == example.max_score


def test_the_grader_proves_itself_on_it(example):
    done = subprocess.run(
        [GRADER, "validate", "--rubric", example.rubric], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The pass mark is not measured" in done.stdout


def test_a_folder_without_a_package_is_one_line(warm, tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text('[homework]\npackage = "elsewhere"\n')
    done = warm.run("rubric", "--rubric", path)
    assert done.returncode == 2
    assert done.stderr == (
        f"grader: {path}, line 2: homework.package: {tmp_path / 'elsewhere'} has no package.py: "
        "homework.package names a homework's folder\n"
    )


@pytest.mark.parametrize(
    ("file", "line", "other", "fault"),
    [
        (
            "package.py",
            "def words(",
            "def phrases(",
            "lacks words: grader/rubric/package.py explains",
        ),
        (
            "tasks.py",
            '"descent"',
            '"network"',
            "has no training with the gradients (a descent)",
        ),
    ],
)
def test_a_package_that_lacks_something_is_one_line(tmp_path, file, line, other, fault):
    shutil.copytree(EXAMPLES[1].rubric.parent, tmp_path / "lacking")
    path = tmp_path / "lacking" / file
    text = path.read_text()
    assert text.count(line) == 1
    path.write_text(text.replace(line, other))
    done = run_grader("rubric", "--rubric", tmp_path / "lacking" / "rubric.toml")
    assert done.returncode == 2
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_rest_of_the_grader_knows_no_name_of_the_own_homework():
    names = re.compile(rf"\b(?:{'|'.join(map(re.escape, NAMES - {'y'}))}|Net|train_manual)\b")
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in (ROOT / "grader").rglob("*.py")
        if "homework" not in path.relative_to(ROOT / "grader").parts
        for match in names.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()
