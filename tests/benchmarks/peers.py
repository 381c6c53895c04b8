"""The tools that a course would pick instead, each with the checks of checks.py in its own form.

Each is set up in a folder of its own, then grades the same notebooks as often as it is asked.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

from homeworks import ROOT, cells_of, write_notebook
from measure import Command, Run, run, run_batch, run_each

# Each has an environment of its own, as what another one brings along would slow its imports.
ENVIRONMENTS = ROOT / "build" / "bench-env"
OTTER = ENVIRONMENTS / "otter-grader" / "bin"
NBGRADER = ENVIRONMENTS / "nbgrader" / "bin"
CHECKS_FILE = Path(__file__).with_name("checks.py")


class Tool(Protocol):
    """A tool that is ready to grade a class."""

    def grade(self) -> Run:
        """Grade all submissions, each anew."""

    def passed(self) -> dict[str, set[str]] | None:
        """Return the checks that each student passed when last graded; None where none was."""


def course_checks() -> str:
    """Return the source of the checks."""
    return CHECKS_FILE.read_text(encoding="utf-8")


def needs(check: str) -> list[str]:
    """Return the names of the homework that a check takes."""
    for node in ast.parse(course_checks()).body:
        if isinstance(node, ast.FunctionDef) and node.name == f"check_{check}":
            return [argument.arg for argument in node.args.args]
    raise ValueError(f"checks.py has no check_{check}")


class Pytest:
    """A process of pytest for each submission, which imports the homework as a module."""

    def __init__(self, folder: Path, notebooks: Sequence[Path], checks: Sequence[str]) -> None:
        self._folders = [folder / notebook.stem for notebook in notebooks]
        tests = ["import homework", course_checks()]
        for check in checks:
            arguments = ", ".join(f"homework.{name}" for name in needs(check))
            tests.append(f"def test_{check}():\n    check_{check}({arguments})\n")
        for student, notebook in zip(self._folders, notebooks, strict=True):
            student.mkdir(parents=True)
            (student / "homework.py").write_text("\n\n\n".join(cells_of(notebook)) + "\n")
            (student / "test_homework.py").write_text("\n\n".join(tests))

    def grade(self) -> Run:
        for student in self._folders:
            (student / "report.xml").unlink(missing_ok=True)
        words = [sys.executable, "-m", "pytest", "-q", "--junitxml", "report.xml"]
        # Exit code 1: a test failed, which is a result.
        return run_each(Command(words, student, (0, 1)) for student in self._folders)

    def passed(self) -> dict[str, set[str]]:
        return {student.name: self._passed(student / "report.xml") for student in self._folders}

    def _passed(self, report: Path) -> set[str]:
        cases = ElementTree.parse(report).iter("testcase")
        return {case.attrib["name"].removeprefix("test_") for case in cases if not len(case)}


class OtterRun:
    """A process of `otter run` for each submission, with a test file for each check."""

    def __init__(self, folder: Path, notebooks: Sequence[Path], checks: Sequence[str]) -> None:
        self._notebooks = notebooks
        self._archive = folder / "autograder.zip"
        self._results = folder / "results"
        tests = folder / "tests"
        tests.mkdir(parents=True)
        for check in checks:
            case = f"case = test_case()(check_{check})"
            header = f'OK_FORMAT = False\nname = "{check}"\npoints = 1\n'
            source = (
                f"from otter.test_files import test_case\n\n{header}\n{course_checks()}\n{case}\n"
            )
            (tests / f"{check}.py").write_text(source, encoding="utf-8")
        words = [OTTER / "otter", "generate", "--tests-dir", tests, "--output-path", self._archive]
        run(Command(words, folder))

    def grade(self) -> Run:
        shutil.rmtree(self._results, ignore_errors=True)
        return run_each(map(self._command, self._notebooks))

    def _command(self, notebook: Path) -> Command:
        results = self._results / notebook.stem
        results.mkdir(parents=True, exist_ok=True)
        words = [OTTER / "otter", "run", notebook, "-a", self._archive, "-o", results, "--no-logo"]
        return Command(words)

    def passed(self) -> dict[str, set[str]]:
        return {
            path.parent.name: {
                test["name"]
                for test in json.loads(path.read_bytes())["tests"]
                if test.get("score") == test.get("max_score") == 1
            }
            for path in self._results.glob("*/results.json")
        }


class OtterLoop(OtterRun):
    """Otter's other way without containers: its Python function for one submission, in a loop.

    It spares the start of the command for each submission, not that of the notebook's kernel.
    """

    PROGRAM = """
import json, sys
from pathlib import Path
from otter.api import grade_submission

archive, results, *notebooks = sys.argv[1:]
for notebook in notebooks:
    graded = grade_submission(notebook, archive, quiet=True)
    folder = Path(results, Path(notebook).stem)
    folder.mkdir(parents=True, exist_ok=True)
    tests = [
        {"name": name, "score": result.score, "max_score": result.possible}
        for name, result in graded.results.items()
    ]
    (folder / "results.json").write_text(json.dumps({"tests": tests}))
"""

    def grade(self) -> Run:
        shutil.rmtree(self._results, ignore_errors=True)
        words = [
            OTTER / "python", "-c", self.PROGRAM, self._archive, self._results, *self._notebooks,
        ]  # fmt: skip
        return run_batch(Command(words), self._results, "*/results.json")


class Nbgrader:
    """One `nbgrader autograde` for the whole class: a cell for each definition and each check."""

    SCORES = """
import json, sys
from nbgrader.api import Gradebook

with Gradebook(sys.argv[1]) as gradebook:
    print(json.dumps([
        (submission.student.id, grade.name)
        for submission in gradebook.assignment_submissions("hw")
        for notebook in submission.notebooks
        for grade in notebook.grades
        if grade.score == grade.max_score
    ]))
"""

    def __init__(self, folder: Path, notebooks: Sequence[Path], checks: Sequence[str]) -> None:
        self._folder = folder
        self._course = folder / "course"
        self._checks = checks
        prepared = folder / "prepared"
        source = prepared / "source" / "hw"
        source.mkdir(parents=True)
        (prepared / "nbgrader_config.py").write_text("")
        self._write(source / "homework.ipynb", cells_of(notebooks[0]))
        run(self._command("generate_assignment", prepared))
        for notebook in notebooks:
            submitted = prepared / "submitted" / notebook.stem / "hw"
            submitted.mkdir(parents=True)
            self._write(submitted / "homework.ipynb", cells_of(notebook))

    def _write(self, path: Path, cells: list[str]) -> None:
        calls = [f"check_{check}({', '.join(needs(check))})" for check in self._checks]
        metadata = [
            *(_cell(f"cell-{number}", solution=True) for number in range(len(cells))),
            _cell("checks"),
            *(_cell(check, points=1) for check in self._checks),
        ]
        write_notebook(path, [*cells, course_checks(), *calls], metadata)

    def grade(self) -> Run:
        shutil.rmtree(self._course, ignore_errors=True)
        shutil.copytree(self._folder / "prepared", self._course)
        command = self._command("autograde", self._course)
        return run_batch(command, self._course / "autograded", "*/hw/homework.ipynb")

    def _command(self, name: str, course: Path) -> Command:
        path = f"PATH={NBGRADER}{os.pathsep}{os.environ['PATH']}"  # it calls `alembic`
        return Command(["env", path, "nbgrader", name, "hw"], course)

    def passed(self) -> dict[str, set[str]]:
        database = f"sqlite:///{self._course / 'gradebook.db'}"
        done = subprocess.run(
            [NBGRADER / "python", "-c", self.SCORES, database],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        passed: dict[str, set[str]] = {}
        for student, check in json.loads(done.stdout):
            passed.setdefault(student, set()).add(check)
        return passed


def _cell(name: str, *, solution: bool = False, points: int = 0) -> dict[str, object]:
    """Return nbgrader's metadata of a cell: a solution, a check with points, or a locked one."""
    about: dict[str, object] = {
        "grade_id": name,
        "schema_version": 3,
        "cell_type": "code",
        "solution": solution,
        "grade": points > 0,
        "locked": not solution,
        "task": False,
    }
    if points:
        about["points"] = points
    return {"nbgrader": about}
