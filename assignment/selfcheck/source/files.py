"""What a student handed in, as it travels to where it runs: files, and the cells in them.

Nothing here runs anything, and the standard library is enough (IPython's own syntax needs IPython).
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from .parsing import SyntaxFault, parsed

FileKind = Literal["module", "notebook"]
# What browsers, Jupyter and Windows add to a name, in small letters.
ADDED = re.compile(r"(?: ?\(\d+\)|-copy\d*| - copy(?: \(\d+\))?)$")


@dataclass(frozen=True)
class Cell:
    """A piece of source and the name that messages call it by ("homework.py", "cell 3").

    `source` is what the student wrote, IPython's own syntax and all.
    """

    label: str
    source: str

    @cached_property
    def _parsed(self) -> tuple[list[ast.stmt], list[SyntaxFault]]:
        return parsed(self.source, self.label)

    @property
    def statements(self) -> list[ast.stmt]:
        """The top-level statements that are Python, with the student's own line numbers."""
        return self._parsed[0]

    @property
    def faults(self) -> list[SyntaxFault]:
        """What else there is."""
        return self._parsed[1]


@dataclass(frozen=True)
class File:
    """A file that was handed in. `name` is its path in what was handed in ("src/utils.py")."""

    name: str
    kind: FileKind
    cells: tuple[Cell, ...]

    def beside(self) -> "File":
        """Return it with labels that no other file has: as one beside the main file."""
        if self.kind == "module":
            cells = tuple(replace(cell, label=self.name) for cell in self.cells)
        else:
            cells = tuple(replace(c, label=f"{self.name}, {c.label}") for c in self.cells)
        return replace(self, cells=cells)


def cells_of(files: Sequence[File]) -> list[Cell]:
    """Return the cells of several files, one file after the other."""
    return [cell for file in files for cell in file.cells]


def plain_name(path: str) -> str | None:
    """Return what a module at `path` was called before it was copied; None if it is no module."""
    name = path.rpartition("/")[2].casefold().removesuffix(".txt")
    return ADDED.sub("", name.removesuffix(".py")) if name.endswith(".py") else None


def at_most_one(names: Sequence[str]) -> str | None:
    """Return the only one of some names."""
    return names[0] if len(names) == 1 else None


def far_away(module: str, names: Sequence[str]) -> str | None:
    """Return which of the files called `names` is meant by a module that is not where it should be.

    That is the only one of that name, or else the only one that was called so before it was copied.
    """
    path = module.replace(".", "/")
    ends = (f"/{path}.py", f"/{path}/__init__.py")
    same = [name for name in names if f"/{name}".endswith(ends)]
    if same:
        return at_most_one(same)
    return at_most_one([name for name in names if plain_name(name) == module.casefold()])
