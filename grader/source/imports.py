"""Follow what a submission takes from its neighbouring files, without running anything."""

import ast
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .files import Cell, File, far_away
from .magics import words_of, written_to

DEEPEST = 50  # files that bring in each other


@dataclass(frozen=True)
class Piece:
    """Consecutive statements, and the label of their cell."""

    label: str
    statements: Sequence[ast.stmt]


class Files:
    """The files of a submission by name, including those that it writes itself."""

    def __init__(self, main: File, beside: Sequence[File] = ()) -> None:
        self.main = main
        self._files = {file.name: file.beside() for file in beside} | {main.name: main}
        for file in [*self._files.values()]:
            for cell in file.cells:
                for statement in cell.statements:
                    if new_file := _written_by(statement):
                        self._files[new_file.name] = new_file

    def __iter__(self) -> Iterator[File]:
        return iter(self._files.values())

    def called(self, name: str, folder: str) -> File | None:
        """Return the file of this name beside those in `folder`, at the top, or anywhere else."""
        path = posixpath.normpath(name)
        near = (posixpath.normpath(posixpath.join(folder, path)), path)
        anywhere = (own for own in self._files if own.endswith(f"/{path}"))
        return next((self._files[own] for own in (*near, *anywhere) if own in self._files), None)

    def module(self, module: str, folder: str) -> tuple[File, str] | None:
        """Return the file that the start of a dotted name refers to, and the rest of the name."""
        parts = module.split(".")
        for count in range(len(parts), 0, -1):
            path = "/".join(parts[:count])
            for name in (f"{path}.py", f"{path}/__init__.py"):
                if file := self.called(name, folder):
                    return file, ".".join(parts[count:])
        far = far_away(parts[0], list(self._files))
        return (self._files[far], ".".join(parts[1:])) if far else None

    def pieces(self) -> list[Piece]:
        """Return the main file, with each star import and %run replaced by what it brings in."""
        return list(self._inlined(self.main, set(), DEEPEST))

    def _inlined(self, file: File, names: set[str], depth: int) -> Iterator[Piece]:
        names.add(file.name)
        for cell in file.cells:
            before = 0
            for at, statement in enumerate(cell.statements):
                other = self.brought_by(statement, file)
                if other is not None and other.name not in names and depth:
                    yield Piece(cell.label, cell.statements[before:at])
                    yield from self._inlined(other, names, depth - 1)
                    before = at
            yield Piece(cell.label, cell.statements[before:])

    def brought_by(self, statement: ast.stmt, file: File) -> File | None:
        """Return the file whose names a statement of `file` brings in as a whole, if any."""
        folder = str(PurePosixPath(file.name).parent)
        match statement:
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                module = self.module(imported_from(statement, file), folder)
                return module[0] if module else None
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="run_line_magic"), args=args)):
                match args:
                    case [ast.Constant(value="run"), ast.Constant(value=str(line))]:
                        names, _ = words_of(line)
                        name = names[0].lstrip("/") if names else ""
                        return self.called(name, folder) or self.called(f"{name}.py", folder)
        return None


def imported_from(statement: ast.ImportFrom, file: File) -> str:
    """Return the dotted name of the imported module; a relative one starts beside the file."""
    folder = PurePosixPath(file.name).parent
    for _ in range(min(statement.level, 50) - 1):
        folder = folder.parent
    above = list(folder.parts) if statement.level else []
    return ".".join([*above, *filter(None, [statement.module])])


def _written_by(statement: ast.stmt) -> File | None:
    """Return the file that a %%writefile cell writes."""
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(attr="run_cell_magic"),
                args=[
                    ast.Constant(value="writefile" | "file"),
                    ast.Constant(value=str(line)),
                    ast.Constant(value=str(body)),
                ],
            )
        ):
            if name := written_to(line):
                return File(name, "module", (Cell(name, body),))
    return None
