"""Generate the student's folder, and the solution notebook, from the two files written by hand.

solution/homework.py is all code that a student sees, in named sections ("# %% forward"), with what
is theirs to write between BEGIN SOLUTION and END SOLUTION. solution/handout.md is all prose, and
the code that only the notebook has; a fence that holds nothing but "# section: forward" stands for
that section. The module, the notebook and the handout are made from these, so they cannot drift.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.bundle import zipped
from grader.cases import public_cases_json
from grader.catalogue import LOCALE
from grader.files import write_atomically
from grader.rubric import Rubric, load_rubric

BEGIN = re.compile(r"(?P<indent> *)# BEGIN SOLUTION (?P<task>TODO \d+)")
END = re.compile(r" *# END SOLUTION")
HINT = re.compile(r" *# HINT: (?P<text>.*)")
SECTION = re.compile(r"# %% (?P<name>\w+)")
INCLUDE = re.compile(r"# section: (?P<name>\w+)")
SOLUTION_TAG = "solution"  # cells of the solution notebook alone
POINTS_MARK = "{{points}}"
ASSIGNMENT = Path("assignment")
ARCHIVE = "homework.zip"

# The grader's own code that the self-check runs: module of grader -> file of selfcheck.
TRAVELLING = {
    "selfcheck.__init__": "__init__.py",
    "selfcheck.checking": "checking.py",
    "selfcheck.running": "running.py",
    "selfcheck.showing": "showing.py",
    "selfcheck.tasks": "tasks.py",
    "selfcheck.watching": "watching.py",
    "judging": "judging.py",
    "diagnosis": "diagnosis.py",
    "verdicts": "verdicts.py",
    "catalogue": "catalogue.py",
    "confined.contract": "contract.py",
    "confined.calls": "calls.py",
    "confined.guards": "guards.py",
    "confined.screening": "screening.py",
    "confined.student": "student.py",
}
SELFCHECK_MAIN = '''"""Run `python -m selfcheck FILE`."""

import sys

from selfcheck import main

sys.exit(main())
'''


def release(root: Path, out: Path) -> list[Path]:
    """Write all that is generated below `root`, and the students' archive in `out`; return paths.

    Raises ValueError where a source is off.
    """
    generated = generate(root / "solution", load_rubric())
    for path, content in generated.items():
        write_atomically(root / path, content)
    write_atomically(out / ARCHIVE, archive_of(generated))
    return [*(root / path for path in generated), out / ARCHIVE]


def archive_of(generated: Mapping[Path, str | bytes]) -> bytes:
    """Return what students are given as one zip archive, the same for the same content."""
    return zipped(
        {
            PurePosixPath("homework", path.relative_to(ASSIGNMENT)): (
                content.encode() if isinstance(content, str) else content
            )
            for path, content in generated.items()
            if path.is_relative_to(ASSIGNMENT)
        }
    )


def generate(solution: Path, rubric: Rubric) -> dict[Path, str | bytes]:
    """Return what is generated from the folder `solution`: paths relative to the root, contents."""
    module = (solution / "homework.py").read_text(encoding="utf-8")
    prose = (solution / "handout.md").read_text(encoding="utf-8")
    prose = prose.replace(POINTS_MARK, points_table(rubric))
    stub = stub_of(module)
    check = ASSIGNMENT / "selfcheck"
    files: dict[Path, str | bytes] = {
        Path("solution", "homework.ipynb"): notebook_of(prose, full(module), with_solution=True),
        ASSIGNMENT / "homework.ipynb": notebook_of(prose, stub, with_solution=False),
        ASSIGNMENT / "homework.py": stub,
        ASSIGNMENT / "README.md": handout_of(prose),
        ASSIGNMENT / "LICENSE": (solution.parent / "LICENSE").read_text(encoding="utf-8"),
        # All code that students are given, for similarity.py to leave out.
        Path("grader", "released.txt"): f"{stub}\n{_code_of(prose)}",
        check / "__main__.py": SELFCHECK_MAIN,
        check / "public_cases.json": public_cases_json(rubric),
    }
    package = Path(__file__).parent
    for name, target in TRAVELLING.items():
        source = package.joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        files[check / target] = travelling(source)
    for messages in sorted(LOCALE.rglob("*.mo")):
        files[check / LOCALE.name / messages.relative_to(LOCALE)] = messages.read_bytes()
    return files


def stub_of(module: str) -> str:
    """Return the module with each solution region replaced by its hint and NotImplementedError."""
    return "".join(_without_solutions(module.splitlines(keepends=True)))


def _without_solutions(lines: list[str]) -> Iterator[str]:
    begun: re.Match[str] | None = None
    hints: list[str] = []
    for number, line in enumerate(lines, start=1):
        begins, ends, hint = BEGIN.match(line), END.match(line), HINT.match(line)
        if (begins and begun) or (ends and not begun):
            raise ValueError(f"line {number}: BEGIN and END SOLUTION are not in turn")
        if begins:
            begun, hints = begins, []
        elif ends and begun:
            if not hints:
                raise ValueError(f"line {number}: {begun['task']} has no HINT")
            yield from _stub(begun["indent"], begun["task"], hints)
            begun = None
        elif begun is None:
            yield line
        elif hint:
            hints.append(hint["text"])
    if begun:
        raise ValueError(f"{begun['task']} has no END SOLUTION")


def _stub(indent: str, task: str, hints: list[str]) -> Iterator[str]:
    yield f"{indent}# {task}: {hints[0]}\n"
    for hint in hints[1:]:
        yield f"{indent}#   {hint}\n"
    yield f'{indent}raise NotImplementedError("{task}: not written yet")\n'


def full(module: str) -> str:
    """Return the module without the markers and hints, as the solution notebook shows it."""
    lines = module.splitlines(keepends=True)
    return "".join(line for line in lines if not any(p.match(line) for p in (BEGIN, END, HINT)))


def sections_of(module: str) -> dict[str, str]:
    """Return the code of each named section."""
    parts = re.split(rf"(?m)^{SECTION.pattern}\n", module)
    return {name: code.strip("\n") for name, code in zip(parts[1::2], parts[2::2], strict=True)}


def notebook_of(prose: str, module: str, *, with_solution: bool) -> str:
    """Return the notebook as JSON: the prose's cells, with the sections of `module` put in."""
    notebook = jupytext.reads(prose, fmt="md")
    sections, used = sections_of(module), set()
    cells = []
    for cell in notebook.cells:
        if SOLUTION_TAG in cell.metadata.get("tags", []) and not with_solution:
            continue
        include = INCLUDE.fullmatch(cell.source.strip())
        if include:
            if include["name"] not in sections:
                raise ValueError(f"handout.md: no section {include['name']} in homework.py")
            cell.source = sections[include["name"]]
            used.add(include["name"])
        cells.append(cell)
    if unused := sections.keys() - used:
        raise ValueError(f"handout.md leaves out the sections {', '.join(sorted(unused))}")
    return str(nbformat.writes(_clean(cells))) + "\n"


def _code_of(prose: str) -> str:
    """Return the code that only the notebook has, but for the solution's."""
    return "\n".join(
        f"{cell.source}\n"
        for cell in jupytext.reads(prose, fmt="md").cells
        if cell.cell_type == "code"
        and SOLUTION_TAG not in cell.metadata.get("tags", [])
        and not INCLUDE.fullmatch(cell.source.strip())
    )


def _clean(cells: list[NotebookNode]) -> Any:
    """Return a notebook whose bytes depend on its cells alone: ids by position, a plain kernel."""
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


def points_table(rubric: Rubric) -> str:
    """Return the rubric's points as a Markdown table."""
    rows = [f"| `{name}` | {points:g} |" for name, points in rubric.points.items()]
    return "\n".join(["| criterion | points |", "|---|---|", *rows])


def travelling(source: str) -> str:
    """Return a grader module's source as a module of the package selfcheck."""
    imported = r"(?m)^from grader\.(?:confined\.|selfcheck\.)?(\w+) import"
    return re.sub(imported, r"from selfcheck.\1 import", source)
