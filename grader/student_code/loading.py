"""Run a student's source statement by statement and keep the names it defines.

Only the names matter, so no statement may end the run: one that raises, exits or takes too long
leaves a note, and the next one runs. A training loop or a plotting cell in the middle of a file
therefore costs at most its own time limit, never the functions after it.
"""

import __future__

import ast
import linecache
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from time import process_time
from types import CodeType, FrameType, TracebackType
from typing import Any

import torch

from ..source.files import Cell, File
from ..source.magics import Untransformed
from ..source.parsing import TOO_DEEP, SyntaxFault
from ..source.tasks import Tasks
from .contract import NO_GPU_HERE, Note, PriorValue
from .folder import Folder
from .guards import Passes
from .modules import Modules, Namespace
from .required_names import RequiredNames
from .shell import Shell, arguments
from .state import State

DETAIL_LENGTH = 500
# The path of a library on this machine, as an ImportError gives it.
IN_A_FILE = re.compile(r" \((?:unknown location|[^()]*\.(?:py|so|pyd))\)$")
SHORTEST = 1e-5  # a timer treats less as zero
# How torch says that there is no GPU.
GPU_ASKED = re.compile(r"\b(?:CUDA|cuda|MPS|mps|NVIDIA|XPU|xpu|HIP|hip)\b")
Limiter = Callable[[ast.stmt], AbstractContextManager[None]]


class TimeLimitReached(BaseException):
    """Student code took too long. Not an Exception, so that `except Exception` does not catch it.

    `waited` is true if it slept, or waited for something, instead of computing.
    """

    def __init__(self, detail: str, waited: bool) -> None:
        super().__init__(detail)
        self.waited = waited


WAITED = "was stopped because it waited too long (for a sleep, input, a lock or a file)"


@contextmanager
def time_limit(seconds: float, detail: str) -> Iterator[None]:
    """Raise TimeLimitReached(detail) in the body after `seconds` of this process's processor time.

    It is raised again every tenth of a second, which ends a loop whose bare except swallows it by
    chance. A body that keeps swallowing it is ended from outside. One that waits uses no processor
    time, so SIGALRM, also from outside, interrupts it. A nested limit takes at most the time that
    the outer one has left, and leaves it the rest.
    """
    armed = True

    def ring(signum: int, frame: FrameType | None) -> None:
        if armed and signum == signal.SIGALRM:
            raise TimeLimitReached(WAITED, waited=True)
        if armed:
            raise TimeLimitReached(detail, waited=False)

    around = [signal.signal(number, ring) for number in (signal.SIGALRM, signal.SIGPROF)]
    remainder, _ = signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)
    start = process_time()
    if 0 < remainder < seconds:
        signal.setitimer(signal.ITIMER_PROF, remainder, 0.1)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        if remainder > 0:
            for number, before in zip((signal.SIGALRM, signal.SIGPROF), around, strict=True):
                signal.signal(number, before)
            remainder = max(remainder - (process_time() - start), SHORTEST)
            signal.setitimer(signal.ITIMER_PROF, remainder, 0.1)


def over(seconds: float, reference_seconds: float) -> str:
    """Say that a limit was reached, in units that are the same on every machine."""
    runs = f"{seconds / reference_seconds:.3g} training runs of the reference solution"
    return f"used more processor time than {runs}"


@contextmanager
def no_limit(statement: ast.stmt) -> Iterator[None]:
    """Let a statement run without limit: for the self-check, in the student's own process."""
    yield


class LoadBudget:
    """Limits on the processor time of top-level statements, which share `load_seconds`.

    When those are used up, each further statement still gets `slice_seconds`: enough for
    definitions and constants, while loops are cut. Imports have a separate limit.
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
        self._seconds_left = load_seconds
        self._seconds_charged = 0.0
        self._over_import = over(import_seconds, reference_seconds)
        self._over_statement = over(statement_seconds, reference_seconds)
        self._over_load = f"with what ran before it, {over(load_seconds, reference_seconds)}"

    @contextmanager
    def __call__(self, statement: ast.stmt) -> Iterator[None]:
        """Limit one statement and charge its time, except what was charged inside it."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            with time_limit(self._import_seconds, self._over_import):
                yield
            return
        start, before = process_time(), self._seconds_charged
        try:
            with self._limit():
                yield
        finally:
            seconds = process_time() - start - (self._seconds_charged - before)
            self._seconds_charged += seconds
            self._seconds_left -= seconds

    def _limit(self) -> AbstractContextManager[None]:
        if self._seconds_left >= self._statement_seconds:
            return time_limit(self._statement_seconds, self._over_statement)
        return time_limit(max(self._slice_seconds, self._seconds_left), self._over_load)


@dataclass(frozen=True)
class Program:
    """A loaded submission: the names of its main file, and the errors met while it ran.

    `cells` are those of all its files, including written ones. `files` names the files that ran;
    calls may add more. `state` is the process as it was before. `passes` counts backward passes,
    and `backward_statements` are the statements that ran any, each with its cell's label. `calls`
    are the functions called so far, each with which of its parameters had a single row.
    `written_out` are the functions that the source writes out as assignments: their code, and the
    names it may read. `prior_values` returns what a gradient reads that was made before the call.
    """

    namespace: Namespace
    notes: Sequence[Note]
    cells: Sequence[Cell]
    tasks: Tasks
    files: Sequence[str] = ()
    state: State = field(default_factory=State)
    passes: Passes = field(default_factory=Passes)
    backward_statements: Sequence[tuple[str, ast.stmt]] = ()
    calls: set[tuple[str, tuple[bool, ...]]] = field(default_factory=set)
    written_out: Mapping[str, tuple[Sequence[CodeType], Namespace]] = field(default_factory=dict)
    prior_values: Callable[[str], tuple[PriorValue, ...]] = lambda gradient: ()
    forget: Callable[[], None] = lambda: None
    """Removes all traces of it from the process's own tables of modules."""

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of the cells, to which places refer."""
        return frozenset(cell.label for cell in self.cells)


def load(
    main: File,
    beside: Sequence[File],
    packages: Collection[str],
    tasks: Tasks,
    limit: Limiter = no_limit,
    root: Path | None = None,
    passes: Passes | None = None,
) -> Program:
    """Run the cells of `main` in order; return the names they define and the errors they met.

    It can import the files `beside` it, Python's own library and `packages`. A module sees
    `__name__ == "homework"`, a notebook "__main__". With `root`, an empty folder, the files are put
    there, and the current folder is the main file's. `passes` counts the backward passes of its
    statements; without it, a new counter does.
    """
    let_compile_be()
    names = tasks.definitions
    loading = Loading(main, beside, packages, names, limit, root, passes or Passes())
    sys.stdout, sys.stderr = Unclosed(sys.stdout), Unclosed(sys.stderr)
    namespace = loading.run_main()
    loading.state.put_back()
    loading.state.put_back_names()
    return Program(
        namespace=namespace,
        notes=loading.notes,
        cells=loading.cells,
        tasks=tasks,
        files=loading.files,
        state=loading.state,
        passes=loading.passes,
        backward_statements=loading.backward_statements,
        forget=loading.forget,
    )


class Unclosed:
    """A stream that the process goes on using, so closing it has no effect."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def close(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Loading:
    """A submission while its files run; they share the time limit and the notes."""

    def __init__(
        self,
        main: File,
        beside: Sequence[File],
        packages: Collection[str],
        names: Sequence[str],
        limit: Limiter,
        root: Path | None,
        passes: Passes,
    ) -> None:
        self.passes = passes
        self.backward_statements: list[tuple[str, ast.stmt]] = []
        self.notes: list[Note] = []
        self.cells: list[Cell] = []
        self.files: list[str] = []
        self._main = main
        self._names = names  # those that the homework asks for
        self._labels: set[str] = set()
        self._limit = limit
        self._place = main.name  # of the running statement
        self._running: list[str] = []
        others = [file.beside() for file in beside]
        for file in (main, *others):
            self._take(file)
        files = [*(file for file in others if file.name != main.name), main]
        folder = Folder(root, main)
        folder.lay_out(files)
        self.state = State()
        self._modules = Modules(files, folder, packages, self.run, self._note, self._take)
        self._modules.builtins.__dict__.update(
            get_ipython=self._shell, display=lambda *args, **kwargs: None
        )

    def run_main(self) -> Namespace:
        """Run the main file; return its names."""
        main = self._main
        self._modules.install()
        path = main.name.removesuffix(".py")
        if main.kind == "notebook":
            path, name = main.name, "__main__"
        else:
            is_free = self._modules.find("homework.py", "") in (None, main)
            name = "homework" if is_free else PurePosixPath(path).name
        namespace = self._modules.enter(path, name).__dict__
        namespace["__builtins__"] = self._modules.builtins
        if main.kind == "module":
            namespace["__file__"] = self._modules.folder.path_of(main.name)
        with arguments([self._modules.folder.path_of(main.name)]):
            self.run(main, namespace)
        return namespace

    def forget(self) -> None:
        """Remove all traces from the process's own tables of modules."""
        self._modules.uninstall()

    def run(self, file: File, namespace: Namespace) -> None:
        """Run a file in a namespace. An error leaves a note; none is raised."""
        if file.name in self._running:
            self._note(f"{file.name} is running already, and is not run once more inside itself")
            return
        self._running.append(file.name)
        try:
            self._run(file, namespace)
        finally:
            self._running.remove(file.name)

    def _run(self, file: File, namespace: Namespace) -> None:
        self.files.append(file.name)
        required_names, future = RequiredNames(self._names, namespace), 0
        for cell in file.cells:
            future |= self._run_cell(cell, namespace, required_names, future)
        self.notes += [Note(*note) for note in required_names.put_back()]

    def _take(self, file: File) -> None:
        """Register the cells of a file by label; inspect and torch.jit.script then read them."""
        self.cells += file.cells
        for cell in file.cells:
            self._labels.add(cell.label)
            register(cell.label, cell.source)

    def _note(self, text: str) -> None:
        self.notes.append(Note(self._place, text))

    def _run_cell(
        self, cell: Cell, namespace: Namespace, required_names: RequiredNames, future: int
    ) -> int:
        """Run a cell under the __future__ imports above it; return those together with its own."""
        try:
            with self._limit(ast.Pass()):
                statements, faults = cell.statements, cell.faults
        except BaseException as error:
            self.notes.append(Note(cell.label, describe(error)))
            return future
        for fault in faults:
            self._fault(cell.label, fault)
        for statement in statements:
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                future |= _future_flags(statement)
                continue
            self._place = f"{cell.label}, line {statement.lineno}"
            for one in _apart(statement):
                self._run_statement(one, cell.label, future, namespace)
            self._place = f"{cell.label}, line {statement.lineno}"
            required_names.look(self._place)
            if device := self.state.put_back_device():
                self._note(f"the default device is {device}: {NO_GPU_HERE}, and the CPU is used")
        return future

    def _fault(self, label: str, fault: SyntaxFault) -> None:
        """Note a fault; a missing IPython is noted only once."""
        text = describe(fault.error)
        if not isinstance(fault.error, Untransformed) or not any(
            note.text == text for note in self.notes
        ):
            self.notes.append(Note(_place(label, fault.line), text))

    def _run_statement(
        self, statement: ast.stmt, label: str, future: int, scope: Namespace, own: Any = None
    ) -> None:
        tree = ast.Module([statement], type_ignores=[])

        def execute(flags: int) -> None:
            with self._limit(statement):
                code = _compiled(tree, label, flags)
                exec(code, scope, scope if own is None else own)

        try:
            try:
                execute(future)
            except NameError:
                if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                    raise
                # Perhaps in an annotation alone, which newer Pythons do not evaluate either.
                execute(future | __future__.annotations.compiler_flag)
        except BaseException as error:
            place = f"{label}, line {statement.lineno}"
            if not isinstance(error, TimeLimitReached):  # whose place differs on every run
                place = where(error.__traceback__, self._labels) or place
            self.notes.append(Note(place, describe(error)))
        if not _only_binds(statement) and self.passes.count():
            self.backward_statements.append((label, statement))

    # What get_ipython() needs

    def _shell(self) -> Shell:
        namespace = sys._getframe(1).f_globals
        return Shell(namespace, self._modules, self._execute, self.run)

    def _execute(self, source: str, namespace: Namespace, own: Namespace) -> Any:
        """Run Python code as if it stood at the place that asks; return an expression's value."""
        label, line = self._asked_from()
        cell = Cell(label, source)
        for fault in cell.faults:
            self.notes.append(Note(_place(label, line), describe(fault.error)))
        for statement in cell.statements:
            for node in ast.walk(statement):
                if hasattr(node, "lineno"):
                    node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
        match cell.statements:
            case [ast.Expr(value=value)]:
                return eval(compile(ast.Expression(value), label, "eval"), namespace, own)
        for statement in cell.statements:
            self._run_statement(statement, label, 0, namespace, own)
        return None

    def _asked_from(self) -> tuple[str, int]:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename in self._labels:
                return frame.f_code.co_filename, frame.f_lineno
            frame = frame.f_back
        return self._main.name, 1


def _compiled(tree: ast.Module, label: str, flags: int) -> CodeType:
    try:
        code: CodeType = compile(tree, label, "exec", flags, dont_inherit=True)
    except RecursionError:
        raise SyntaxError(TOO_DEEP) from None
    return code


def _apart(statement: ast.stmt) -> list[ast.stmt]:
    """Return `import a, b` as two statements, so that a failing one does not cost the other."""
    if not isinstance(statement, ast.Import):
        return [statement]
    return [ast.copy_location(ast.Import([alias]), statement) for alias in statement.names]


def _only_binds(statement: ast.stmt) -> bool:
    """Tell whether a statement runs no code of its own: an import, or a plain definition."""
    if isinstance(statement, ast.FunctionDef):
        return not statement.decorator_list
    return isinstance(statement, ast.Import | ast.ImportFrom)


def let_compile_be() -> None:
    """Make torch.compile run functions uncompiled: compiling takes longer than all the rest."""
    torch.compile = _uncompiled


def _uncompiled(model: Any = None, **options: object) -> Any:
    """Return the model as it is; without one, a decorator that does so, as torch.compile has."""
    return (lambda function: function) if model is None else model


def register(label: str, source: str) -> None:
    """Let inspect and torch.jit.script read a cell by its label."""
    lines = [f"{line}\n" for line in source.split("\n")]
    linecache.cache[label] = (len(source), None, lines, label)


def _future_flags(statement: ast.ImportFrom) -> int:
    flags = 0
    for alias in statement.names:
        flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags


def _place(label: str, line: int | None) -> str:
    return f"{label}, line {line}" if line else label


def where(traceback: TracebackType | None, labels: Set[str]) -> str:
    """Return the innermost place in the student's own source in a traceback, or ''."""
    place = ""
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if name in labels:
            place = f"{name}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def describe(error: BaseException) -> str:
    """Describe an exception in one short line; its __str__ may be the student's, and may fail."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        first_line = text.strip().split("\n")[0].encode(errors="replace").decode()
        first_line = IN_A_FILE.sub("", first_line)
    except BaseException:
        first_line = ""
    name = type(error).__name__
    detail = (f"{name}: {first_line}" if first_line else name)[:DETAIL_LENGTH]
    is_torchs = isinstance(error, RuntimeError | AssertionError)  # includes NotImplementedError
    if is_torchs and GPU_ASKED.search(first_line):
        return f"{detail[: DETAIL_LENGTH - 50]} ({NO_GPU_HERE})"
    return detail
