"""otter-grader: a master notebook, for `otter assign homework.ipynb dist`.

Format: otter-grader.readthedocs.io, "Creating assignments", notebook format and exception-based
tests.
"""

from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import Any

from grader.authoring.converters.questions import (
    CHECKS_FILE,
    LOAD,
    Check,
    QuestionCell,
    cell_of,
    notebook_of,
)

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
CONFIG = f"""\
# ASSIGNMENT CONFIG
init_cell: false
check_all_cell: false
export_cell: false
solutions_pdf: false
files:
  - {CHECKS_FILE}
tests:
  ok_format: false
generate:
  show_stdout: false
"""


def notebook(parts: Sequence[QuestionCell]) -> str:
    """Return the notebook: one question per section, two tests per criterion, public and hidden."""
    cells = [cell_of("raw", CONFIG)]
    cells += [cell for part in parts for cell in _cells(part)]
    return notebook_of(cells)


def _cells(part: QuestionCell) -> Iterator[dict[str, Any]]:
    if not part.section:
        yield cell_of(part.kind, part.source)
        return
    yield cell_of("raw", f"# BEGIN QUESTION\nname: {part.section}")
    yield cell_of("markdown", f"**{part.section}**")
    yield cell_of("raw", "# BEGIN SOLUTION")
    yield cell_of("code", part.source)
    yield cell_of("raw", "# END SOLUTION")
    yield cell_of("raw", "# BEGIN TESTS")
    for check in part.checks:
        yield cell_of("code", _test(check, hidden=False))
        yield cell_of("code", _test(check, hidden=True))
    yield cell_of("raw", "# END TESTS")
    yield cell_of("raw", "# END QUESTION")


def _test(check: Check, *, hidden: bool) -> str:
    """Return a test cell; only hidden cases earn points."""
    points, call = (check.points, check.hidden) if hidden else (0, check.public)
    kind = "hidden" if hidden else "public"
    return (
        f'""" # BEGIN TEST CONFIG\nname: {check.criterion} ({kind})\npoints: {points:g}\n'
        f'hidden: {str(hidden).lower()}\n""" # END TEST CONFIG\n'
        f"def test_{check.name}_{kind}(env):\n"
        f"{indent(LOAD, '    ')}    names = env\n    {call}"
    )
