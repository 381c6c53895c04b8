"""This grader, and the floor beneath it."""

import json
import re
import shutil
import sys
from pathlib import Path

from homeworks import ROOT, TRAININGS
from measure import Command, Failed, Memory, Run, run, run_batch, watch

GRADER = Path(sys.executable).with_name("grader")
RUBRIC = ROOT / "grader" / "homework" / "rubric.toml"
FLOOR_PROGRAM = Path(__file__).with_name("floor.py")


def write_rubric(path: Path, checks: tuple[str, ...]) -> Path:
    """Write the grader's rubric to `path`, without the trainings that are not in `checks`."""
    rubric = RUBRIC.read_text(encoding="utf-8")
    for training in set(TRAININGS) - set(checks):
        criterion = training.replace("_", ".")
        rubric, count = re.subn(rf'(?m)^"{criterion}" = .*$', f'"{criterion}" = false', rubric)
        if count != 1:
            raise Failed(f"rubric.toml has no points for {criterion}")
    path.write_text(rubric, encoding="utf-8")
    return path


class Ours:
    """One `grader grade` for the whole class, graded anew each time."""

    def __init__(
        self, folder: Path, submissions: Path, rubric: Path, jobs: int, *, pages: bool
    ) -> None:
        self._results = folder
        self._command = Command(
            [
                GRADER, "grade", submissions, "--out", folder, "--jobs", jobs,
                "--rubric", rubric, "--no-cache", *([] if pages else ["--no-pages"]),
            ]
        )  # fmt: skip

    def grade(self) -> Run:
        shutil.rmtree(self._results, ignore_errors=True)
        return run_batch(self._command, self._results, "*/result.json")

    def watch(self) -> Memory:
        """Grade, without a clock, and tell the memory of its processes."""
        shutil.rmtree(self._results, ignore_errors=True)
        return watch(self._command)

    def passed(self) -> dict[str, set[str]]:
        return {
            path.parent.name: self._passed(json.loads(path.read_bytes())["criteria"])
            for path in self._results.glob("*/result.json")
        }

    def _passed(self, criteria: list[dict[str, object]]) -> set[str]:
        """Return the checks all of whose criteria have full points."""
        lost = {check_of(str(c["id"])) for c in criteria if c["points"] != c["max_points"]}
        return {check_of(str(c["id"])) for c in criteria} - lost


def check_of(criterion: str) -> str:
    """Return the check of checks.py that asks for the same: grad_b1 for grad_b1.row."""
    name, _, part = criterion.partition(".")
    return f"train_{part}" if name == "train" else name


class Floor:
    """The bare functions of the same submissions, in one warm process (see floor.py)."""

    def __init__(self, folder: Path, submissions: Path, rubric: Path) -> None:
        self._seconds = folder / "seconds.json"
        folder.mkdir(parents=True)
        self._command = Command([sys.executable, FLOOR_PROGRAM, submissions, rubric, self._seconds])

    def grade(self) -> Run:
        took = run(self._command)
        seconds = json.loads(self._seconds.read_bytes())
        return Run(len(seconds), sum(seconds), seconds[0], sum(seconds), took.peak, took.cpu)

    def passed(self) -> None:
        """Nobody looks at what the functions return."""
