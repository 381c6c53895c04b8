"""A student's files and their cells, in the form in which they travel to where they run.

Nothing here runs anything. Only the standard library is needed, plus IPython for its own syntax.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from .parsing import SyntaxFault, parsed

FileKind = Literal["module", "notebook"]
# Suffixes that browsers, Jupyter and Windows add to a name, in lower case.
ADDED = re.compile(r"(?: ?\(\d+\)|-copy\d*| - copy(?: \(\d+\))?)$")


@dataclass(frozen=True)
class Cell:
    """A piece of source and the label that messages use for it ("homework.py", "cell 3").

    `source` is what the student wrote, including IPython's own syntax.
    """

    label: str
    source: str

    @cached_property
    def _parsed(self) -> tuple[list[ast.stmt], list[SyntaxFault]]:
        return parsed(self.source, self.label)

    @property
    def statements(self) -> list[ast.stmt]:
        """The top-level statements that are valid Python, with the student's own line numbers."""
        return self._parsed[0]

    @property
    def faults(self) -> list[SyntaxFault]:
        """The statements that are not valid Python."""
        return self._parsed[1]


@dataclass(frozen=True)
class File:
    """A submitted file. `name` is its path within the submission ("src/utils.py")."""

    name: str
    kind: FileKind
    cells: tuple[Cell, ...]

    def beside(self) -> "File":
        """Return the file with labels unique to it, as a file beside the main file."""
        if self.kind == "module":
            cells = tuple(replace(cell, label=self.name) for cell in self.cells)
        else:
            cells = tuple(replace(c, label=f"{self.name}, {c.label}") for c in self.cells)
        return replace(self, cells=cells)


def cells_of(files: Sequence[File]) -> list[Cell]:
    """Return the cells of several files, file by file."""
    return [cell for file in files for cell in file.cells]


def plain_name(path: str) -> str | None:
    """Return a module's name before `path` was copied, or None if `path` is not a module."""
    name = path.rpartition("/")[2].casefold().removesuffix(".txt")
    return ADDED.sub("", name.removesuffix(".py")) if name.endswith(".py") else None


def at_most_one(names: Sequence[str]) -> str | None:
    """Return the only name, or None if there is not exactly one."""
    return names[0] if len(names) == 1 else None


def far_away(module: str, names: Sequence[str]) -> str | None:
    """Return which of the files called `names` a misplaced module refers to.

    That is the only file of that name, or else the only one that had it before it was copied.
    """
    path = module.replace(".", "/")
    ends = (f"/{path}.py", f"/{path}/__init__.py")
    same = [name for name in names if f"/{name}".endswith(ends)]
    if same:
        return at_most_one(same)
    return at_most_one([name for name in names if plain_name(name) == module.casefold()])
