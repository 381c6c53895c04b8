"""What get_ipython() returns in a submission: it runs the Python in magics, and nothing else."""

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any

from ..source.files import Cell, File
from ..source.magics import TIMING, words_of, written_to
from .modules import Modules, Namespace

TIMEIT = "timeit"
OPTIONS = re.compile(r"(?:-[a-zA-Z]+\s*\d*\s+)*")
WRITING = frozenset({"writefile", "file"})


class Shell:
    """IPython's shell, for the code of one namespace.

    `execute` runs some Python there, and `run_file` runs a file in a namespace.
    """

    def __init__(
        self,
        namespace: Namespace,
        modules: Modules,
        execute: Callable[[str, Namespace, Namespace], Any],
        run_file: Callable[[File, Namespace], None],
    ) -> None:
        self.user_ns = namespace
        self._modules = modules
        self._execute = execute
        self._run_file = run_file

    def run_line_magic(self, name: str, line: str, *args: object, **kwargs: object) -> Any:
        """Run the Python behind `%time` and the like, or the file of `%run`; follow `%cd`."""
        if name in TIMING:
            return self._timed(name, line)
        if name == "run":
            self._run(line)
        if name == "cd" and (folders := words_of(line)[0]):
            self._modules.folder.enter(folders[0])
        return None

    def run_cell_magic(self, name: str, line: str, body: str) -> Any:
        """Run the Python below `%%time` and the like; write the file that `%%writefile` names."""
        if name in TIMING:
            if name == "capture" and line.split() and line.split()[0].isidentifier():
                self.user_ns[line.split()[0]] = self.captured()
            return self._timed(name, body)
        if name in WRITING:
            self._write(line, body)
        return None

    def magic(self, line: str) -> Any:
        """Run a line magic given as text."""
        name, _, rest = line.lstrip("% ").partition(" ")
        return self.run_line_magic(name, rest)

    def run_cell(self, source: str, *args: object, **kwargs: object) -> Any:
        """Run a cell."""
        return self._execute(source, self.user_ns, self.user_ns)

    def getoutput(self, command: str, *args: object, **kwargs: object) -> list[str]:
        """Return no lines for `x = !command`."""
        return []

    def captured(self) -> "Captured":
        """Return the object that `%%capture name` binds."""
        return Captured()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None

    def _timed(self, name: str, source: str) -> Any:
        if name != TIMEIT:
            return self._execute(source, self.user_ns, self.user_ns)
        self._execute(source[OPTIONS.match(source).end() :], self.user_ns, {})  # type: ignore[union-attr]
        return None

    def _run(self, line: str) -> None:
        words = _words(line)
        options = [*takewhile(lambda word: word.startswith("-"), words)]
        if len(options) == len(words):
            return
        path, *rest = words[len(options) :]
        file = self._found(path)
        with arguments([path, *rest]):
            if file.kind == "notebook" or "-i" in options:
                self._run_file(file, self.user_ns)
                return
            names = self._modules.run_file(file, "__main__", {})
        self.user_ns.update({k: v for k, v in names.items() if not k.startswith("__")})

    def _found(self, path: str) -> File:
        name = PurePosixPath(path).name if path.startswith("/") else path
        beside = self._modules.folder.beside(self.user_ns.get("__file__"))
        files = (self._modules.find(each, beside) for each in (path, name, f"{name}.py"))
        file = next(filter(None, files), None)
        if file is None:
            raise FileNotFoundError(f"no {name} was found")
        return file

    def _write(self, line: str, body: str) -> None:
        target = written_to(line)
        if target is None:
            return
        name = self._modules.folder.name_of(target) or target
        is_more = {"-a", "--append"}.intersection(words_of(line)[1])
        before = self._modules.file(name) if is_more else None
        source = "".join(cell.source for cell in before.cells) + body if before else body
        file = File(name, "module", (Cell(target, source),))
        self._modules.folder.write(file)
        self._modules.add(file)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote without its end
        return line.split()


@contextmanager
def arguments(words: Sequence[str]) -> Iterator[None]:
    """Set sys.argv to the words of a command line for the body."""
    before = sys.argv
    sys.argv = [*words]
    try:
        yield
    finally:
        sys.argv = before


class Captured:
    """Stands for the output of a cell, none of which is kept."""

    stdout = ""
    stderr = ""
    outputs: tuple[Any, ...] = ()

    def show(self) -> None:
        """Show nothing."""

    def __call__(self) -> None:
        """Show nothing."""

    def __str__(self) -> str:
        return ""
