"""A student's files of names that the grader, its libraries or a shell look for: none is run.

Each script and command works on a right submission whose folder is full of them (shadows.py), and
is started in that folder, with an environment that names the current one. The work earns all.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import GRADER, ROOT
from shadows import marks_in, write_shadows
from times import PATIENCE
from worth import MAX_SCORE, out_of

from grader.authoring.autograders import FILES
from grader.commands.cli import leave_the_current_folder_out

SOLUTION = ROOT / "solution" / "homework.py"
STEPS = [
    step
    for step in yaml.safe_load((FILES / "action.yml").read_text())["runs"]["steps"]
    if "run" in step
]
SEED = "271828182845904523536028747135"


@dataclass(frozen=True)
class Student:
    """A right submission in a folder of shadows, the marks they leave, and a place for results."""

    folder: Path
    marks: Path
    work: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return one whose lists of folders name the current folder."""
        lists = {"PATH": f".:{os.environ['PATH']}", "LD_LIBRARY_PATH": ":"}
        home = {"HOME": str(self.work)}
        return {**os.environ, **home, **lists, **more}

    def run(self, *command: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the student's folder."""
        return subprocess.run(
            [str(word) for word in command], cwd=self.folder, env=self.environment(**more),
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip


@pytest.fixture
def student(tmp_path) -> Iterator[Student]:
    """Give a student whose files may do no more than lie there."""
    made = Student(tmp_path / "hw-ada", tmp_path / "marks", tmp_path / "work")
    made.folder.mkdir()
    made.work.mkdir()
    shutil.copy(SOLUTION, made.folder / "homework.py")
    write_shadows(made.folder, made.marks)
    yield made
    assert marks_in(made.marks) == []


def test_the_shadows_leave_marks_where_they_are_imported(tmp_path):
    write_shadows(tmp_path, tmp_path / "marks")
    program = "import secrets, torch, sitecustomize\n"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=PATIENCE)
    assert marks_in(tmp_path / "marks") == ["secrets", "sitecustomize", "torch"]


# Scripts


@pytest.fixture
def project(tmp_path) -> Path:
    """Return a project that pip installs without a network: what the course's copy stands for."""
    folder = tmp_path / "action"
    (folder / "grader").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "course"\nversion = "1"\n')
    (folder / "constraints.txt").write_text("")
    return folder


def test_no_step_of_the_action_runs_a_students_file(student, project):
    """Each step as a runner starts it, but in the student's folder where none is named."""
    known = {
        "${{ steps.setup.outputs.python-path }}": sys.executable,
        "${{ github.action_path }}": str(project),
        "${{ github.workspace }}": str(student.folder),
        "${{ runner.temp }}": str(student.work),
        "${{ inputs.seed }}": SEED,
        "${{ inputs.path }}": ".",
        "${{ inputs.fail-under }}": f"{MAX_SCORE:g}",
        "${{ inputs.extra-index-url }}": "",
    }
    environment = student.environment(
        GITHUB_WORKSPACE=str(student.folder), GITHUB_REPOSITORY="course/hw-ada",
        GITHUB_STEP_SUMMARY=str(student.work / "summary.md"), RUNNER_TEMP=str(student.work),
        PYTHONPATH=":", PIP_NO_DEPS="1", PIP_DRY_RUN="1", PIP_NO_BUILD_ISOLATION="0",
    )  # fmt: skip
    for step in STEPS:
        folder = known[step.get("working-directory", "${{ github.workspace }}")]
        given = {name: known[value] for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            [shutil.which("bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
            env={**environment, **given},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert SEED not in done.stdout.replace(f"::add-mask::{SEED}\n", "") + done.stderr
    summary = (student.work / "summary.md").read_text(encoding="utf-8")
    assert f"{MAX_SCORE:g} of {MAX_SCORE:g} points" in summary


def test_gradescopes_script_runs_no_file_of_a_students(student):
    root = student.work / "autograder"
    for folder in ("results", "source"):
        (root / folder).mkdir(parents=True)
    (root / "source" / "seed").write_text(f"{SEED}\n")
    (root / "venv").symlink_to(sys.prefix)
    shutil.copytree(student.folder, root / "submission")
    done = student.run(
        "/bin/bash", FILES / "run_autograder", AUTOGRADER_ROOT=str(root), PYTHONPATH=":"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((root / "results" / "results.json").read_bytes())["score"] == MAX_SCORE


# Commands


def record_of(results: Path) -> dict:
    (path,) = results.glob("*/result.json")
    return json.loads(path.read_bytes())


def test_no_command_runs_a_students_file_in_the_current_folder(student, untrained):
    results = student.work / "results"
    place = ("--results", results)
    options = ("--out", results, "--rubric", untrained, "--no-pages")  # `override` renders it
    done = student.run(GRADER, "grade", ".", *options)
    assert done.returncode == 0, done.stderr
    record = record_of(results)
    assert record["score"] == record["max_score"]
    name = record["student"]
    commands = [
        ("override", name, "1", "--criterion", "forward.values", "--why", "shown", *place),
        ("regrade", "--all", "--jobs", "1", *place),
        ("settings", results, "--lang", "zh_Hant", "--jobs", "1"),
        ("similar", ".", "--out", results, "--jobs", "1"),
        ("export", results, "--to", "csv", "--out", student.work / "marks.csv"),
        ("history", name, *place),
    ]
    for command in commands:
        done = student.run(GRADER, *command)
        assert done.returncode == 0, (command, done.stderr)


@pytest.mark.parametrize("command", [(GRADER,), (sys.executable, "-I", "-m", "grader")])
def test_check_runs_no_other_file_of_the_folder(student, command):
    done = student.run(*command, "check", "homework.py", GRADER_SEED=SEED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(out_of(MAX_SCORE)) == 1, done.stdout
    (notice,) = done.stderr.splitlines()
    assert notice.startswith("grader: the file runs unconfined, with your rights")


def test_check_keeps_the_seed_from_what_it_runs(student):
    (student.folder / "homework.py").write_text("import os\nprint(dict(os.environ))\n")
    done = student.run(GRADER, "check", "homework.py", GRADER_SEED=SEED)
    assert "PATH" in done.stdout
    assert SEED not in done.stdout


def test_check_and_watch_runs_no_other_file_of_the_folder(student):
    said = student.work / "said"
    with said.open("wb") as file:
        process = subprocess.Popen(
            [str(GRADER), "check", "homework.py", "--watch"],
            cwd=student.folder, env=student.environment(GRADER_SEED=SEED),
            stdout=file, stderr=file,
        )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while out_of(MAX_SCORE).encode() not in said.read_bytes():
        assert time.monotonic() < deadline, said.read_bytes()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("module", ["grader.reports.similarity", "grader.reports.calibration"])
def test_no_matplotlibrc_of_the_current_folder_is_read(student, module):
    width = "lines.linewidth"
    (student.folder / "matplotlibrc").write_text(f"{width}: 17\n")
    program = f"import {module}, matplotlib; print(matplotlib.rcParams[{width!r}])"
    done = student.run(sys.executable, "-P", "-c", program)
    assert (done.stdout, done.stderr) == ("1.5\n", "")
    done = student.run(sys.executable, "-P", "-c", program.replace(f"{module}, ", ""))
    assert done.stdout == "17.0\n"


# The environment

LISTS: list[tuple[str, str]] = [
    ("", ""),
    (".", ""),
    (":", ""),
    (":/opt/lib", "/opt/lib"),
    ("/opt/lib:", "/opt/lib"),
    ("bin:/usr/bin:../x:/bin", "/usr/bin:/bin"),
]


@pytest.mark.parametrize(("given", "left"), LISTS)
def test_parts_of_lists_that_mean_the_current_folder_are_left_out(monkeypatch, given, left):
    for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, given)
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    leave_the_current_folder_out()
    assert os.environ["PYTHONSAFEPATH"] == "1"
    names = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
    assert [os.environ[name] for name in names] == [left] * 3
