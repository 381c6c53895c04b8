"""The same homework as an assignment of another tool, without this grader's own features."""

import json
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from grader.authoring.converters import nbgrader, otter
from grader.authoring.converters.questions import CHECKS, CHECKS_FILE, parts_of
from grader.authoring.release import travelling_files
from grader.material import rendered
from grader.rubric import Rubric
from grader.rubric.cases import stored_rubric
from grader.util.zipping import zipped

FILES = Path(__file__).with_name("files")


def convert(
    rubric: Rubric, target: Literal["otter", "nbgrader"], seed: int
) -> dict[PurePosixPath, str | bytes]:
    """Return the files of the assignment: criteria, points and cases are this grader's."""
    module, prose = rendered("homework.py.j2", rubric), rendered("handout.md.j2", rubric)
    tool = {"otter": otter, "nbgrader": nbgrader}[target]
    parts = parts_of(prose, module, tool.BEGIN, tool.END, rubric, seed)
    text = tool.notebook(parts)
    checks = _checks(rubric)
    if target == "otter":
        return {PurePosixPath("homework.ipynb"): text, PurePosixPath(CHECKS_FILE): checks}
    source = PurePosixPath("source", nbgrader.ASSIGNMENT)
    return {
        PurePosixPath("nbgrader_config.py"): "",
        source / "homework.ipynb": text,
        source / CHECKS_FILE: checks,
    }


def _checks(rubric: Rubric) -> bytes:
    """Return the zip file beside the notebook: the grader's own code, and its settings."""
    no_mistakes = dict.fromkeys(rubric.tasks.by_name, ((), ()))
    judging = {**stored_rubric(_all_or_nothing(rubric)), "mistakes": no_mistakes}
    package = {
        **travelling_files(),
        PurePosixPath("homework", "loss.py"): rubric.package.LOSS_FILE.read_bytes(),
        PurePosixPath("__init__.py"): (FILES / "check.py").read_bytes(),
        PurePosixPath("rubric.json"): json.dumps(judging).encode(),
    }
    return zipped({CHECKS / path: content for path, content in package.items()})


def _all_or_nothing(rubric: Rubric) -> Rubric:
    """Return the rubric for a tool that gives a criterion either all points or none.

    Answers within the half tolerance earn all points, by whatever means; others earn none.
    """
    replace = msgspec.structs.replace
    return replace(
        rubric,
        tolerance=replace(rubric.tolerance, full=rubric.tolerance.half),
        closed_form=replace(rubric.closed_form, recompute=0.0, autograd=1.0),
        misconceptions={},
    )
