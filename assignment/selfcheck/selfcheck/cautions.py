"""Say what differs when work is graded: another Python version, other packages."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..judging.messages import N_, Texts
from ..source.files import Cell
from ..student_code.modules import SELFCHECK, reserved_names
from .checking import Questions

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def of_python(questions: Questions, texts: Texts) -> Iterator[str]:
    """Say that the grader uses another Python version, if it does."""
    if questions.python != HERE:
        message = N_(
            "You are graded by Python {python}, and this is Python {here}: what only one of them "
            "knows is not the same there."
        )
        yield texts.say(message, python=questions.python, here=HERE)


def of_imports(cells: Iterable[Cell], questions: Questions, texts: Texts) -> Iterator[str]:
    """Say which packages imported by a live notebook are missing when it is graded."""
    available = {*reserved_names(questions.packages), SELFCHECK}
    names = [name for name in _imported(cells) if name not in available and not _is_here(name)]
    if names:
        message = N_(
            "{names} cannot be imported when you are graded, only Python's own library and "
            "{packages}: what needs it fails there."
        )
        packages = ", ".join(questions.packages)
        yield texts.say(message, names=", ".join(names), packages=packages)


def helpers_of(cells: Iterable[Cell]) -> list[str]:
    """Return the files in this folder that a live notebook has imported."""
    return [f"{name}.py" for name in _imported(cells) if Path(f"{name}.py").is_file()]


def _is_here(name: str) -> bool:
    """Tell whether a module is in this folder, so that it can be handed in."""
    return Path(f"{name}.py").is_file() or Path(name).is_dir()


def _imported(cells: Iterable[Cell]) -> dict[str, None]:
    """Return the top-level names of all imported modules, each once."""
    names: dict[str, None] = {}
    for node in (node for cell in cells for one in cell.statements for node in ast.walk(one)):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names[node.module.partition(".")[0]] = None
    return names
