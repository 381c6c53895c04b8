"""nbgrader: the source version of an assignment, for `nbgrader generate_assignment homework`.

Format: nbgrader.readthedocs.io, "Creating and grading assignments" and "Notebook metadata" (schema
version 3).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from grader.authoring.converters.questions import LOAD, Check, QuestionCell, cell_of, notebook_of

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
ASSIGNMENT = "homework"


def notebook(parts: Sequence[QuestionCell]) -> str:
    """Return the notebook: solution cells, each followed by one test cell per criterion."""
    cells = [cell for part in parts for cell in _cells(part)]
    return notebook_of(cells)


def _cells(part: QuestionCell) -> Iterator[dict[str, Any]]:
    if not part.section:
        yield cell_of(part.kind, part.source)
        return
    yield cell_of("code", part.source, _about(part.section, solution=True))
    for check in part.checks:
        about = _about(check.name, grade=True, points=check.points)
        yield cell_of("code", _test(check), about)


def _test(check: Check) -> str:
    return (
        f"# {check.criterion}: {check.points:g} points\n"
        f"{LOAD}names = globals()\n{check.public}\n"
        f"### BEGIN HIDDEN TESTS\n{check.hidden}\n### END HIDDEN TESTS"
    )


def _about(
    name: str, *, solution: bool = False, grade: bool = False, points: float | None = None
) -> dict[str, Any]:
    about: dict[str, Any] = {
        "grade_id": name if grade else f"write_{name}",
        "schema_version": 3,
        "cell_type": "code",
        "solution": solution,
        "grade": grade,
        "locked": not solution,
        "task": False,
    }
    if points is not None:
        about["points"] = points
    return {"nbgrader": about}
