"""Run a student's source statement by statement and keep the names it defines.

Only the names matter, so nothing a statement does may end the run: one that raises, exits or
takes too long leaves a note, and the next one runs. A training loop or a plotting cell in the
middle of a file therefore costs at most its own time limit, never the functions after it.
"""

import __future__

import ast
import builtins
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import process_time
from types import FrameType, ModuleType, TracebackType
from typing import Any

from grader.confined.files import Cell, File

DETAIL_LENGTH = 500
Namespace = dict[str, Any]
Limiter = Callable[[ast.stmt], AbstractContextManager[None]]


class TimeLimitReached(BaseException):
    """Student code took too long. Not an Exception, so that `except Exception` lets it pass.

    `waited` tells that it slept, or waited for something, in place of computing.
    """

    def __init__(self, detail: str, waited: bool) -> None:
        super().__init__(detail)
        self.waited = waited


WAITED = "was stopped because it waited too long (for a sleep, input, a lock or a file)"


@contextmanager
def time_limit(seconds: float, detail: str) -> Iterator[None]:
    """Raise TimeLimitReached(detail) in the body after `seconds` of this process's processor time.

    Raise it again every tenth of a second. The body may swallow it once in a bare except; the
    repetition ends a loop that does so only by chance. What swallows it for ever is ended from
    outside. From there, too, comes SIGALRM to a body that waits: processor time does not end it.
    """
    armed = True

    def ring(signum: int, frame: FrameType | None) -> None:
        if armed and signum == signal.SIGALRM:
            raise TimeLimitReached(WAITED, waited=True)
        if armed:
            raise TimeLimitReached(detail, waited=False)

    signal.signal(signal.SIGALRM, ring)
    signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)


def over(seconds: float, reference_seconds: float) -> str:
    """Say that a limit was reached, in what is the same on every machine."""
    runs = f"{seconds / reference_seconds:.3g} training runs of the reference solution"
    return f"used more processor time than {runs}"


@contextmanager
def no_limit(statement: ast.stmt) -> Iterator[None]:
    """Let a statement run as long as it likes: the self-check, in the student's own process."""
    yield


class LoadBudget:
    """Limits of processor time of top-level statements, which share `load_seconds` between them.

    When the sum is used up every further statement still gets `slice_seconds`: definitions and
    constants need far less, loops are cut. Imports have a limit of their own, outside the sum.
    """

    def __init__(
        self,
        statement_seconds: float,
        import_seconds: float,
        load_seconds: float,
        slice_seconds: float,
        reference_seconds: float,
    ) -> None:
        self._statement_seconds = statement_seconds
        self._import_seconds = import_seconds
        self._slice_seconds = slice_seconds
        self._left = load_seconds
        self._over_import = over(import_seconds, reference_seconds)
        self._over_statement = over(statement_seconds, reference_seconds)
        self._over_load = f"with what ran before it, {over(load_seconds, reference_seconds)}"

    @contextmanager
    def __call__(self, statement: ast.stmt) -> Iterator[None]:
        """Limit one statement and charge its time."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            with time_limit(self._import_seconds, self._over_import):
                yield
            return
        started = process_time()
        try:
            with self._limit():
                yield
        finally:
            self._left -= process_time() - started

    def _limit(self) -> AbstractContextManager[None]:
        if self._left >= self._statement_seconds:
            return time_limit(self._statement_seconds, self._over_statement)
        return time_limit(max(self._slice_seconds, self._left), self._over_load)


@dataclass(frozen=True)
class Note:
    """An error met while the source ran: where, and what."""

    where: str
    text: str


@dataclass(frozen=True)
class Loaded:
    """What a submission came to: the names of its main file, and the errors that it met.

    `labels` are the names of all its cells, by which a place in it is told.
    """

    namespace: Namespace
    notes: Sequence[Note]
    labels: Set[str]


class DroppedMagics:
    """What get_ipython() returns: shell lines and magics do nothing, timed Python still runs."""

    RUN_THEIR_CODE = frozenset({"time", "timeit", "capture", "prun"})

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def run_line_magic(self, name: str, line: str, *args: object, **kwargs: object) -> None:
        """Run the statement behind `%time`; drop any other line magic."""
        if name in self.RUN_THEIR_CODE:
            exec(line, self._namespace)

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        """Run the body below `%%time` and its like; drop any other cell."""
        if name in self.RUN_THEIR_CODE:
            exec(body, self._namespace)

    def getoutput(self, command: str, *args: object, **kwargs: object) -> list[str]:
        """Answer `x = !command` with no lines."""
        return []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def load(
    main: File, beside: Sequence[File], packages: Collection[str], limit: Limiter = no_limit
) -> Loaded:
    """Run the cells of `main` in order; return the names they define and the errors they met.

    It can import the files `beside` it, Python's own library and `packages`. A module sees
    `__name__ == "homework"`, a notebook "__main__" and the names that a notebook has.
    """
    module = ModuleType("homework" if main.kind == "module" else "__main__")
    sys.modules[module.__name__] = module
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    if main.kind == "notebook":
        magics = DroppedMagics(namespace)
        namespace["get_ipython"] = lambda: magics
        namespace["display"] = lambda *args, **kwargs: None
    else:
        namespace["__file__"] = main.name
    labels = {cell.label for cell in main.cells}
    notes: list[Note] = []
    for cell in main.cells:
        notes += _run_cell(cell, namespace, labels, limit)
    return Loaded(namespace, notes, labels)


def _run_cell(cell: Cell, namespace: Namespace, labels: Set[str], limit: Limiter) -> Iterator[Note]:
    for fault in cell.faults:
        yield Note(_place(cell.label, fault.line), describe(fault.error))
    future = 0
    for statement in cell.statements:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            future |= _future_flags(statement)
            continue
        try:
            with limit(statement):
                tree = ast.Module([statement], type_ignores=[])
                exec(compile(tree, cell.label, "exec", future, dont_inherit=True), namespace)
        except BaseException as error:
            place = f"{cell.label}, line {statement.lineno}"
            if not isinstance(error, TimeLimitReached):  # which is elsewhere on every run
                place = where(error.__traceback__, labels) or place
            yield Note(place, describe(error))


def _future_flags(statement: ast.ImportFrom) -> int:
    flags = 0
    for alias in statement.names:
        flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags


def _place(label: str, line: int | None) -> str:
    return f"{label}, line {line}" if line else label


def where(traceback: TracebackType | None, labels: Set[str]) -> str:
    """Name the innermost place of the student's own source in a traceback, or ''."""
    place = ""
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if name in labels:
            place = f"{name}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def describe(error: BaseException) -> str:
    """Put an exception in one short line; its own __str__ may be the student's and may fail."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        first_line = text.strip().split("\n")[0].encode(errors="replace").decode()
    except BaseException:
        first_line = ""
    name = type(error).__name__
    return (f"{name}: {first_line}" if first_line else name)[:DETAIL_LENGTH]
