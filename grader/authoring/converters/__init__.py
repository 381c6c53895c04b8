"""The same homework as an assignment of another tool, which loses what only this grader has."""

from pathlib import Path, PurePosixPath
from typing import Literal

from grader.authoring.converters import nbgrader, otter
from grader.authoring.converters.questions import parts_of
from grader.material import rendered
from grader.rubric import Rubric

FILES = Path(__file__).with_name("files")
CHECKS = "homework_checks.py"


def convert(
    rubric: Rubric, target: Literal["otter", "nbgrader"], seed: int
) -> dict[PurePosixPath, str]:
    """Return the files of the assignment: criteria, points and cases are this grader's."""
    module, prose = rendered("homework.py.j2", rubric), rendered("handout.md.j2", rubric)
    tool = {"otter": otter, "nbgrader": nbgrader}[target]
    parts = parts_of(prose, module, tool.BEGIN, tool.END, rubric, seed)
    text = tool.notebook(parts)
    checks = (FILES / CHECKS).read_text(encoding="utf-8")
    if target == "otter":
        return {PurePosixPath("homework.ipynb"): text, PurePosixPath(CHECKS): checks}
    source = PurePosixPath("source", nbgrader.ASSIGNMENT)
    return {
        PurePosixPath("nbgrader_config.py"): "",
        source / "homework.ipynb": text,
        source / CHECKS: checks,
    }
