"""The reference solution of a homework: its module, its notebook, and the derivation alone."""

from grader.material import rendered
from grader.material.module import full
from grader.material.notebook import notebook_of
from grader.rubric import Rubric


def solution_of(rubric: Rubric) -> dict[str, str]:
    """Return the files of the solution by name."""
    module = full(rendered("homework.py.j2", rubric))
    prose, derivation = (rendered(name, rubric) for name in ("handout.md.j2", "derivation.md.j2"))
    return {
        "homework.py": module,
        "homework.ipynb": notebook_of(prose + derivation, module, with_solution=True),
        "derivation.md": derivation,
    }
