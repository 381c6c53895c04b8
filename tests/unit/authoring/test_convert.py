"""The converted assignments, made and graded by the tools themselves: a right work and a wrong one.

The tools' environments are those of the benchmark: `make peers` installs them.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import nbformat
import pytest
from conftest import ROOT, run_grader
from peers import NBGRADER, OTTER
from shadows import marks_in, write_shadows
from times import PATIENCE

from grader.authoring.converters import convert
from grader.material.solution import solution_of
from grader.rubric import Rubric, to_toml
from grader.util.atomic import write_atomically

WRONG = ("return x.T @ back", "return -x.T @ back")
SEED = 2**127


def converted(folder: Path, target: str) -> Path:
    done = run_grader("convert", "--to", target, "--seed", SEED, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def run(*command: object, cwd: Path) -> None:
    path = f"{NBGRADER}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls `alembic`
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def changed(text: str, before: str, after: str) -> str:
    assert text.count(before) == 1
    return text.replace(before, after)


def with_mistake(notebook: Path, target: Path) -> None:
    target.write_text(changed(notebook.read_text(encoding="utf-8"), *WRONG), encoding="utf-8")


@pytest.mark.needs("peers")
def test_otter_grades_the_homework(tmp_path, rubric):
    folder = converted(tmp_path, "otter")
    run(OTTER / "otter", "assign", "homework.ipynb", "dist", "--no-run-tests", cwd=folder)
    made = folder / "dist" / "autograder"
    (archive,) = made.glob("*.zip")
    works = {"right": made / "homework.ipynb", "wrong": tmp_path / "wrong.ipynb"}
    with_mistake(*works.values())
    students = (folder / "dist" / "student" / "homework.ipynb").read_text(encoding="utf-8")
    assert "params.w2.T" not in students

    def points(work: str) -> dict[str, float]:
        out = folder / work
        out.mkdir()
        run(OTTER / "otter", "run", works[work], "-a", archive, "-o", out, "--no-logo", cwd=folder)
        tests = json.loads((out / "results.json").read_bytes())["tests"]
        return {test["name"]: test["score"] for test in tests if "score" in test}

    with ThreadPoolExecutor() as pool:
        right, wrong = pool.map(points, works)
    assert sum(right.values()) == rubric.max_score
    lost = {name: right[name] - wrong[name] for name in right if right[name] != wrong[name]}
    points_of = rubric.points
    assert lost == {"grad_w1": points_of["grad_w1"], "net": points_of["train.manual"]}


SCORES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({
        submission.student.id: {g.name: g.score for n in submission.notebooks for g in n.grades}
        for submission in book.assignment_submissions("homework")
    }))
"""


@pytest.mark.needs("peers")
def test_nbgrader_grades_the_homework(tmp_path, rubric):
    folder = converted(tmp_path, "nbgrader")
    source = folder / "source" / "homework" / "homework.ipynb"
    run(NBGRADER / "nbgrader", "generate_assignment", "homework", cwd=folder)
    released = (folder / "release" / "homework" / "homework.ipynb").read_text(encoding="utf-8")
    assert "params.w2.T" not in released
    for student, hand_in in (("right", shutil.copy), ("wrong", with_mistake)):
        submitted = folder / "submitted" / student / "homework" / "homework.ipynb"
        submitted.parent.mkdir(parents=True)
        hand_in(source, submitted)
    run(NBGRADER / "nbgrader", "autograde", "homework", cwd=folder)
    done = subprocess.run(
        [NBGRADER / "python", "-c", SCORES], cwd=folder, capture_output=True, check=True
    )
    scores = json.loads(done.stdout)
    full = {name.replace(".", "_"): points for name, points in rubric.points.items()}
    assert scores["right"] == full
    assert scores["wrong"] == full | {"grad_w1": 0, "train_manual": 0}


MARKS = {
    "otter": ("# BEGIN SOLUTION", "# END SOLUTION"),
    "nbgrader": ("### BEGIN SOLUTION", "### END SOLUTION"),
}


@pytest.mark.parametrize("target", MARKS)
def test_what_is_written_has_the_rubrics_points_and_each_solution_marked(target, rubric: Rubric):
    files = convert(rubric, target, SEED)
    (text,) = (content for path, content in files.items() if path.suffix == ".ipynb")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    begin, end = MARKS[target]
    assert code.count(f"    {begin}") == code.count(f"    {end}") == 7
    assert code.count("# TODO") >= 7
    points = POINTS[target](notebook)
    assert sum(points) == rubric.max_score
    assert len(points) == len(rubric.points)


def _of_otter(notebook: nbformat.NotebookNode) -> list[float]:
    lines = [line for cell in notebook.cells for line in cell.source.split("\n")]
    given = [float(line.removeprefix("points: ")) for line in lines if line.startswith("points: ")]
    return [points for points in given if points]


def _of_nbgrader(notebook: nbformat.NotebookNode) -> list[float]:
    about = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return [each["points"] for each in about if each.get("grade")]


POINTS: dict[str, Callable[[nbformat.NotebookNode], list[float]]] = {
    "otter": _of_otter,
    "nbgrader": _of_nbgrader,
}


def said_of(work: Path, target: str, folder: Path, rubric: Rubric) -> list[str | None]:
    """Return what the checks in a converted notebook say of a work, in order; None if it passes."""
    for path, content in convert(rubric, target, SEED).items():
        write_atomically(folder / path.name, content)
    command = [sys.executable, "-P", ROOT / "tests" / "support" / "converted_cells.py"]
    done = subprocess.run(
        [*command, target, folder / "homework.ipynb", work],
        cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("target", "tests"), [("nbgrader", 11), ("otter", 22)])
def test_the_checks_import_nothing_from_the_students_folder(tmp_path, rubric, target, tests):
    """The files beside a notebook are a student's; that of the checks the tools put back."""
    folder, marks = tmp_path / "student", tmp_path / "marks"
    folder.mkdir()
    write_shadows(folder, marks)
    solution = ROOT / "solution" / "homework.py"
    assert said_of(solution, target, folder, rubric) == [None] * tests
    assert marks_in(marks) == []


WITHOUT_W1 = "return 0 * (x.T @ back)"


@pytest.mark.parametrize(
    ("targets", "learning_rate", "grad_w1"),
    [
        (["x**2", "sin(3*x)"], 0.4, WRONG[0]),  # at twice the step a right work does not pass
        (["x**2", "x + 5"], 0.2, WITHOUT_W1),  # the variance of all entries is far larger
    ],
)
def test_of_two_outputs_a_check_says_what_the_grader_does(
    tmp_path, rubric, grade, targets, learning_rate, grad_w1
):
    rubric = msgspec.structs.replace(
        rubric,
        homework=msgspec.structs.replace(rubric.homework, targets=targets),
        training=msgspec.structs.replace(rubric.training, learning_rate=learning_rate),
    )
    (tmp_path / "rubric.toml").write_text(to_toml(rubric), encoding="utf-8")
    work = tmp_path / "ada.py"
    work.write_text(changed(solution_of(rubric)["homework.py"], WRONG[0], grad_w1))
    record = grade(work, "--rubric", tmp_path / "rubric.toml", "--seed", SEED)["ada"]
    graded = {each["id"]: each["points"] == each["max_points"] for each in record["criteria"]}
    said = said_of(work, "nbgrader", tmp_path, rubric)
    passed = (message is None for message in said)
    assert dict(zip(rubric.points, passed, strict=True)) == graded


@pytest.mark.parametrize(("half", "passes"), [(1e-5, True), (1e-9, False)])
def test_a_check_tolerates_what_the_rubric_does_and_else_says_what_the_grader_does(
    tmp_path, rubric, half, passes
):
    tolerance = msgspec.structs.replace(rubric.tolerance, half=half)
    rubric = msgspec.structs.replace(rubric.untrained(), tolerance=tolerance)
    work = tmp_path / "ada.py"
    solution = solution_of(rubric)["homework.py"]
    work.write_text(changed(solution, WRONG[0], "return (1 + 1e-7) * (x.T @ back)"))
    said = dict(zip(rubric.points, said_of(work, "nbgrader", tmp_path, rubric), strict=True))
    message = said.pop("grad_w1")
    assert message is None if passes else "relative error 1.0e-07, worst at [0, " in message
    assert set(said.values()) == {None}


def test_a_check_says_what_is_not_defined(tmp_path, rubric):
    work = tmp_path / "ada.py"
    solution = solution_of(rubric)["homework.py"]
    work.write_text(changed(solution, "def grad_w1(", "def gradient_of_w1("))
    said = said_of(work, "nbgrader", tmp_path, rubric.untrained())
    assert [message for message in said if message] == ["grad_w1 is not defined"]


def test_an_interrupt_ends_a_check(tmp_path, rubric):
    """nbgrader interrupts a cell that takes too long, which goes on to no further case."""
    work = tmp_path / "ada.py"
    solution = solution_of(rubric)["homework.py"]
    work.write_text(changed(solution, WRONG[0], "raise KeyboardInterrupt"))
    with pytest.raises(AssertionError, match="KeyboardInterrupt"):
        said_of(work, "nbgrader", tmp_path, rubric.untrained())
