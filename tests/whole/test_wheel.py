"""Each command from an installed wheel, in a folder that is no checkout.

The wheel is built from this checkout, with less to measure than it has (see shorter.py).
"""

import csv
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from conftest import ROOT
from installed import GRADER, build_wheel, copy_project, fresh_environment, install
from shorter import shorten
from times import PATIENCE

import grader

SEED = 2**127 + 1
# What is not to be measured or trained takes no time.
RUBRIC = """\
[points]
"train.manual" = false
"train.net" = false
[calibration]
runs = 4
search_runs = 2
"""


class Desk(NamedTuple):
    """A folder of somebody who has the grader from a wheel, and nothing of its checkout."""

    folder: Path
    environment: Path

    def run(self, *command: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command as typed there, with these variables in the environment."""
        given = {
            "PATH": f"{self.environment / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
        }
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder, env={**given, **variables}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=PATIENCE,
        )  # fmt: skip

    def grader(self, *arguments: object, **variables: str) -> str:
        """Run `grader`, which must do what it is told; return what it says."""
        done = self.run("grader", *arguments, **variables)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        return done.stdout

    def python(self, program: str) -> str:
        """Run a program of Python's; return what it prints."""
        done = self.run("python", "-c", program)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def package(self) -> Path:
        """The folder that the grader is installed in."""
        (folder,) = self.environment.glob("lib/python*/site-packages/grader")
        return folder


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of all that lies in a folder."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    project = copy_project(tmp_path_factory.mktemp("project"))
    shorten(project / "grader")
    return build_wheel(project, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def desk(wheel, tmp_path_factory):
    """Give the desk; nothing that is done at it may write to where the package lies."""
    environment = fresh_environment(tmp_path_factory.mktemp("environment"))
    install(wheel, environment)
    made = Desk(tmp_path_factory.mktemp("desk"), environment)
    (made.folder / "home").mkdir()
    (made.folder / "short.toml").write_text(RUBRIC)
    before = state_of(made.package)
    yield made
    assert state_of(made.package) == before


@pytest.fixture(scope="module")
def released(desk) -> Desk:
    """Give the desk with solution/, assignment/ and dist/ at it."""
    desk.grader("release")
    return desk


@pytest.fixture(scope="module")
def graded(released) -> Desk:
    """Give the desk with a class of two, graded."""
    folder = released.folder / "class"
    folder.mkdir()
    (folder / "ada.py").write_bytes((released.folder / "solution/homework.py").read_bytes())
    (folder / "bo.ipynb").write_bytes((released.folder / "assignment/homework.ipynb").read_bytes())
    options = ["--rubric", "short.toml", "--lang", "zh_Hant", "--seed", SEED]
    released.grader("grade", "class", "--out", "results", *options)
    return released


EACH_MODULE = """
import importlib, pkgutil, sys
import grader
for module in pkgutil.walk_packages(grader.__path__, "grader."):
    if not module.name.endswith("__main__") and module.name not in SCRIPTS:
        importlib.import_module(module.name)
print(*{m.__file__ for n, m in sys.modules.items() if getattr(m, "__file__", None)}, sep="\\n")
"""
# What does its work as it is imported, or needs another package.
SCRIPTS = {"grader.grading.process", "grader.gradebook.migrations.env", "grader.grading.cluster"}


def test_each_module_comes_from_the_wheel_and_needs_nothing_else(desk):
    """An import of what only the tests have would fail here, and so would one of the checkout."""
    program = f"SCRIPTS = {SCRIPTS}\n{EACH_MODULE}"
    files = desk.python(program).splitlines()
    assert str(desk.package / "__init__.py") in files
    known = (str(desk.environment), sys.base_prefix)
    assert [file for file in files if os.path.isabs(file) and not file.startswith(known)] == []
    assert not any(file.startswith(str(ROOT)) for file in files)


def test_the_wheel_holds_the_package_as_it_is(wheel):
    package = {
        f"grader/{path.relative_to(ROOT / 'grader')}"
        for path in (ROOT / "grader").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".po")
    }
    with ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if name.startswith("grader/")}
        constraints = opened.read("grader/authoring/autograders/files/constraints.txt")
    assert names == package
    assert constraints == (ROOT / "constraints.txt").read_bytes()


def test_the_version_is_the_wheels(desk, wheel):
    printed = desk.grader("--version")
    assert printed == f"grader {grader.__version__}\n"
    assert desk.run("python", "-m", "grader", "--version").stdout == printed
    assert wheel.name == f"sigmoid_homework_grader-{grader.__version__}-py3-none-any.whl"
    assert version(GRADER) == grader.__version__


EACH_HELP = """
from typer.main import get_command
from typer.testing import CliRunner
from grader.commands.cli import app
def ask(command, *names):
    for option in ("-h", "--help"):
        done = CliRunner().invoke(app, [*names, option], prog_name="grader")
        assert done.exit_code == 0, (names, done.output)
        assert f"Usage: {' '.join(['grader', *names])} " in done.output, done.output
    print(*names)
    for name, each in getattr(command, "commands", {}).items():
        ask(each, *names, name)
ask(get_command(app))
"""


def test_each_command_has_its_help(desk):
    told = desk.python(EACH_HELP).splitlines()
    assert {"grade", "autograder", "autograder gradescope", "new-variant", "rubric"} <= set(told)
    assert len(told) > 15


SHELLS = {
    "bash": {"COMP_WORDS": "grader rel", "COMP_CWORD": "1"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "grader rel"},
    "fish": {"_TYPER_COMPLETE_ARGS": "grader rel", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_is_told_the_commands(desk, shell):
    assert "release" in desk.grader(_GRADER_COMPLETE=f"complete_{shell}", **SHELLS[shell])


def test_bash_completes_after_the_installation(desk):
    script = (
        "grader --install-completion >/dev/null && source ~/.bashrc || exit\n"
        "COMP_WORDS=(grader ex) COMP_CWORD=1; _grader_completion grader\n"
        'complete -p grader; echo "${COMPREPLY[@]}"'
    )
    done = desk.run("bash", "-c", script)
    *_, how, completed = done.stdout.splitlines()
    assert how == "complete -o default -F _grader_completion grader"
    assert completed == "export"


def test_release_writes_what_students_get(released):
    licence = (ROOT / "LICENSE").read_text()
    assert (released.folder / "assignment" / "LICENSE").read_text() == licence
    with ZipFile(released.folder / "dist" / "homework.zip") as opened:
        assert "homework/selfcheck/judging/locale/zh_Hans/LC_MESSAGES/messages.mo" in (
            opened.namelist()
        )


def test_a_homework_is_made(released):
    made = released.grader(
        "new-variant", "waves", "--activation", "tanh", "--target", "cos(3*x)", "--jobs", 1
    )
    assert made.endswith("wrote waves/rubric.toml\n")
    assert "tanh" in released.grader("rubric", "--rubric", "waves/rubric.toml")


def test_the_pass_mark_is_measured(released):
    released.grader("calibrate", "--rubric", "short.toml", "--out", "measured")
    assert {path.suffix for path in (released.folder / "measured").iterdir()} == {".md", ".png"}


def test_the_grader_proves_itself(released):
    said = released.grader("validate", "--rubric", "short.toml")
    assert "0 lost other points than they should" in said


def test_a_student_checks_their_work(released):
    command = ["check", "solution/homework.py", "--rubric", "short.toml", "--only", "forward"]
    assert "15/15" in released.grader(*command, "--lang", "zh_Hans")


@pytest.mark.parametrize("tool", ["otter", "nbgrader"])
def test_the_homework_is_converted(released, tool):
    released.grader("convert", "--to", tool, "--seed", SEED, "--out", tool)
    assert [*(released.folder / tool).rglob("homework_checks.pyz")] != []


def test_a_class_is_graded_with_pages_in_chinese(graded):
    results = graded.folder / "results"
    with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as table:
        rows = {row["student"]: float(row["score"]) for row in csv.DictReader(table)}
    assert rows["bo"] < rows["ada"] == 75  # without the trainings
    assert "尚未" in (results / "bo" / "feedback.html").read_text(encoding="utf-8")
    assert (results / "index.html").is_file()
    record = json.loads((results / "ada" / "result.json").read_bytes())
    assert record["grader_version"] == grader.__version__


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework (7)
    Points Possible,,,,,75
Ada,1,,ada,A,
Bo,2,,bo,A,
"""
MOODLE = """\
Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed
Participant 1,Ada,ada,ada@x,,,75.00,Yes
Participant 2,Bo,bo,bo@x,,,75.00,Yes
"""
EXPORTS = {
    "csv": (),
    "junit": (),
    "canvas": ("--into", "canvas_before.csv", "--assignment", "Homework"),
    "moodle": ("--into", "moodle_before.csv"),
}


@pytest.mark.parametrize("system", EXPORTS)
def test_marks_are_exported(graded, system):
    (graded.folder / "canvas_before.csv").write_text(CANVAS)
    (graded.folder / "moodle_before.csv").write_text(MOODLE)
    graded.grader("export", "--to", system, "--out", f"out.{system}", *EXPORTS[system])
    assert "75" in (graded.folder / f"out.{system}").read_text(encoding="utf-8")


def test_marks_are_exported_to_ci(graded):
    graded.grader("export", "--to", "github", GITHUB_STEP_SUMMARY=str(graded.folder / "summary.md"))
    assert "bo" in (graded.folder / "summary.md").read_text(encoding="utf-8")


def test_an_extra_that_is_missing_is_told(graded):
    done = graded.run("grader", "export", "--to", "parquet", "--out", "a.parquet")
    assert done.returncode == 2
    assert f"pip install '{GRADER}[parquet]'" in done.stderr


def test_the_staff_sets_grades_again_and_forgets(graded):
    graded.grader("override", "bo", 40, "--why", "an oral exam", "--who", "eva")
    assert "an oral exam" in graded.grader("history", "bo")
    assert "eva" in graded.grader("history", "bo")
    assert "No mark of 2 changes" in graded.grader("regrade", "ada", "--jobs", 1)
    assert "zh_Hant" in graded.grader("settings")
    graded.grader("similar", "class")
    assert (graded.folder / "results" / "similar.html").is_file()
    graded.grader("forget", "bo", "--who", "eva")
    assert "bo" not in (graded.folder / "results" / "grades.csv").read_text(encoding="utf-8")


def test_the_autograders_hold_the_grader_with_the_rubric(desk, tmp_path):
    desk.grader("autograder", "gradescope", "--rubric", "short.toml", GRADER_SEED=str(SEED))
    with ZipFile(desk.folder / "autograder.zip") as archive:
        archive.extractall(tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = ["--repository", "course/grader", "--ref", "v1"]
    desk.grader("autograder", "github", *names, "--rubric", "short.toml")
    course = desk.folder / "autograder" / "course"
    for name in (wheel.name, "constraints.txt"):
        assert (course / name).read_bytes() == (tmp_path / name).read_bytes()
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    where = tmp_path / "installed"
    subprocess.run([*pip, "--target", where, wheel], check=True, timeout=PATIENCE)
    same = {path.relative_to(desk.package) for path in desk.package.rglob("*") if path.is_file()}
    installed = where / "grader"
    assert {p.relative_to(installed) for p in installed.rglob("*") if p.is_file()} == same
    assert '"train.net" = false' in (installed / "homework" / "rubric.toml").read_text()
    assert os.access(where / "bin" / "grader", os.X_OK)
