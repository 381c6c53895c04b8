"""The homework's notebook and handout, from prose in Markdown and the sections of the module.

A fence that contains only "# section: forward" stands for that section. A cell with the tag
"solution" is in the solution's notebook only.
"""

import re
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.material import rendered
from grader.material.module import sections_of, stub_of
from grader.rubric import Rubric

INCLUDE = re.compile(r"# section: (?P<name>\w+)")
SOLUTION_TAG = "solution"  # cells of the solution notebook only


def notebook_of(prose: str, module: str, *, with_solution: bool) -> str:
    """Return the notebook as JSON: the prose's cells, with the sections of `module` inserted."""
    notebook = jupytext.reads(prose, fmt="md")
    sections, used_ids = sections_of(module), set()
    cells = []
    for cell in notebook.cells:
        if SOLUTION_TAG in cell.metadata.get("tags", []) and not with_solution:
            continue
        include = INCLUDE.fullmatch(cell.source.strip())
        if include:
            if include["name"] not in sections:
                raise ValueError(f"handout.md: no section {include['name']} in homework.py")
            cell.source = sections[include["name"]]
            used_ids.add(include["name"])
        cells.append(cell)
    if unused := sections.keys() - used_ids:
        raise ValueError(f"handout.md leaves out the sections {', '.join(sorted(unused))}")
    return str(nbformat.writes(_clean(cells))) + "\n"


def _clean(cells: list[NotebookNode]) -> Any:
    """Return a notebook whose bytes depend only on its cells: ids by position, a plain kernel."""
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
        tags = cell.metadata.get("tags")
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def handout_of(prose: str) -> str:
    """Return the prose alone, without the code that only the notebook runs."""
    text = re.sub(r"(?ms)^```python.*?^```\n", "", prose)
    text = re.sub(r"(?s)^---\n.*?\n---\n", "", text)  # jupytext's header
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def released_code(rubric: Rubric) -> str:
    """Return all code that students are given: the stub's, and the notebook's own."""
    prose = rendered("handout.md.j2", rubric)
    own = (
        f"{cell.source}\n"
        for cell in jupytext.reads(prose, fmt="md").cells
        if cell.cell_type == "code"
        and SOLUTION_TAG not in cell.metadata.get("tags", [])
        and not INCLUDE.fullmatch(cell.source.strip())
    )
    return "\n".join([stub_of(rendered("homework.py.j2", rubric)), *own])
