"""The folder in which a submission runs; it holds the submitted files for code that opens them."""

import os
import posixpath
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..source.files import Cell, File

MOST_BYTES = 16 << 20  # of a module that a submission writes; a worker cannot write a larger file
ENCODING, ERRORS = "utf-8", "surrogatepass"


class Folder:
    """The folder `root`. Names are paths in it, as for File; `start` is the main file's folder.

    Without a root, nothing is written or read, and the current folder stands in for it.
    """

    def __init__(self, root: Path | None, main: File) -> None:
        self._is_real = root is not None
        self._root = os.path.realpath(root or ".")
        self.start = str(PurePosixPath(main.name).parent).removeprefix(".")

    def lay_out(self, files: Iterable[File]) -> None:
        """Write the modules among `files`, and change to the main file's folder."""
        for file in files:
            self.write(file)
        if self._is_real and (start := self._inside(self.start)):
            with suppress(OSError):
                os.makedirs(start, exist_ok=True)
                os.chdir(start)

    def write(self, file: File) -> None:
        """Write a module for import, unless its name leads elsewhere or there is no room.

        A partly written module would be a different one, so it is removed.
        """
        path = self._inside(file.name)
        if not self._is_real or path is None or file.kind != "module":
            return
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(path).write_bytes(text_of(file).encode(ENCODING, ERRORS))
        except (OSError, ValueError):
            with suppress(OSError):
                os.unlink(path)

    def read(self, name: str) -> File | None:
        """Return the module stored under a name, or None if there is none."""
        path = self._inside(name)
        if not self._is_real or path is None:
            return None
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                data = file.read(MOST_BYTES + 1)
            text = data.decode(ENCODING, ERRORS)
        except (OSError, ValueError):
            return None
        return File(name, "module", (Cell(name, text),)) if len(data) <= MOST_BYTES else None

    def name_of(self, path: str) -> str | None:
        """Return the name of what a path leads to from the current folder ("" is the root)."""
        with suppress(OSError, ValueError):
            name = os.path.relpath(os.path.realpath(path), self._root).replace(os.sep, "/")
            if name != ".." and not name.startswith("../"):
                return name.removeprefix(".") if name == "." else name
        return None

    def enter(self, path: str) -> None:
        """Change the current folder as %cd does, unless the path leads elsewhere."""
        if self._is_real and self.name_of(path) is not None:
            with suppress(OSError, ValueError):
                os.chdir(path)

    def path_of(self, name: str) -> str:
        """Return the path of a file from the main file's folder: its `__file__`."""
        return posixpath.relpath(name, self.start or ".")

    def beside(self, path: object) -> str:
        """Return the folder of a path from `path_of`; without a path, the main file's."""
        if not isinstance(path, str):
            return self.start
        name = posixpath.normpath(posixpath.join(self.start, path))
        return str(PurePosixPath(name).parent).removeprefix(".")

    def _inside(self, name: str) -> str | None:
        """Return the real path of a name, or None if it leads elsewhere."""
        try:
            path = os.path.realpath(os.path.join(self._root, name))
        except (OSError, ValueError):
            return None
        is_inside = path == self._root or path.startswith(os.path.join(self._root, ""))
        return path if is_inside else None


def text_of(file: File) -> str:
    """Return the text of a module."""
    return "".join(cell.source for cell in file.cells)
