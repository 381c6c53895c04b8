"""Notice whether torch differentiates while a student's function is called.

This runs beside student code, which can take it apart: it is only a second line of defence, to say
what was used and where. The first is the off-path cases, where autograd gives wrong values.

It has four parts:

1. The engine numbers its backward passes, whatever starts them and in whichever thread. A tiny pass
of ours, before and after, shows how many there were.
2. torch's own record of what a thread runs shows operators that differentiate, and nodes of a graph
that are called without the engine. It sees them even if modes are switched off.
3. A dispatch mode, in every thread that is started, sees the same operators and backward passes,
with the line of the source they come from.
4. Wrappers around torch's entry points know the name that was called. They are in place before the
student's source runs, so that `from torch.autograd import grad` binds the wrapper.

requires_grad_ is not watched: a closed form may call it without differentiating anything. Nor is
torch.compile: under the mode, it runs its function uncompiled.
"""

import functools
import sys
import threading
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pkgutil import resolve_name
from types import FrameType
from typing import Any

import torch
import torch.autograd.forward_ad
import torch.autograd.functional
import torch.autograd.graph
import torch.autograd.profiler
import torch.func
from torch import Tensor
from torch._C import _autograd, _profiler
from torch.autograd.variable import Variable
from torch.utils._python_dispatch import TorchDispatchMode

from .contract import SWITCHED_OFF, Sighting

MOST_SIGHTINGS = 8
MOST_RECORDED = 5_000  # operators, before the record is read and restarted

# Everything in torch that differentiates when it is called, by its public name. All forward-mode
# differentiation goes through _enter_dual_level.
ENTRY_POINTS = (
    "torch.Tensor.backward",
    "torch.autograd.backward",
    "torch.autograd.grad",
    "torch.autograd.functional.vjp",
    "torch.autograd.functional.jvp",
    "torch.autograd.functional.vhp",
    "torch.autograd.functional.hvp",
    "torch.autograd.functional.jacobian",
    "torch.autograd.functional.hessian",
    "torch.autograd.forward_ad.make_dual",
    "torch.autograd.graph.get_gradient_edge",
    "torch.func.grad",
    "torch.func.grad_and_value",
    "torch.func.vjp",
    "torch.func.jvp",
    "torch.func.jacrev",
    "torch.func.jacfwd",
    "torch.func.hessian",
    "torch.func.linearize",
    "torch._C._enter_dual_level",
)
# Attributes of a tensor that lead into its graph, which can then be walked node by node.
GRAPH_ATTRIBUTES = ("grad_fn", "_grad_fn")


# The functions that start a thread, as far as this Python has them.
THREAD_STARTS = (
    "_thread.start_new_thread",
    "_thread.start_new",
    "_thread.start_joinable_thread",
    "threading._start_new_thread",
    "threading._start_joinable_thread",
)
# These leave a thread without its modes. In the calling thread, the record still sees everything.
MODE_SWITCHES = (
    "torch.utils._python_dispatch._pop_torch_dispatch_stack",
    "torch._C._pop_torch_dispatch_stack",
    "torch._C._DisableTorchDispatch",
    "torch._C._ExcludeDispatchKeyGuard",
)
# Operators that only forward-mode differentiation runs.
FORWARD_MODE = frozenset({"aten::_make_dual", "aten::_has_same_storage_numel"})

IN_BACKWARD = _profiler.RecordScope.BACKWARD_FUNCTION.value

A_PASS = "a backward pass of autograd"

# Names are bound here, so that a submission cannot replace what watches it.
_current_pass = torch._C._current_graph_task_id
_run_backward = Variable._execution_engine.run_backward
_start_record = _autograd._enable_profiler_legacy
_end_record = _autograd._disable_profiler_legacy
_prepare_profiler = _autograd._prepare_profiler
_end_profiler = _autograd._disable_profiler
_let_record = _autograd._enable_record_function
_thread_id = threading.get_ident


class Passes:
    """Counts the backward passes of this process, in all its threads, by the engine's numbers.

    The engine numbers every pass in turn, including ours. One of ours takes about 15 us.
    """

    def __init__(self) -> None:
        self._leaf = torch.zeros((), requires_grad=True)
        self._leaf.register_hook(self._note)  # type: ignore[no-untyped-call]
        self._gradient = torch.ones(())
        self._number = 0
        self.count()

    def count(self) -> int:
        """Return the number of passes since the last call."""
        before = self._number
        with suppress(Exception):  # if a submission has broken it, the next count tells
            _run_backward(
                (self._leaf,), (self._gradient,), False, False, (), True, accumulate_grad=True
            )
        return max(0, self._number - before - 1)

    def _note(self, gradient: Tensor) -> None:
        self._number = _current_pass()


class NoPasses(Passes):
    """Counts none, for a process that is forked from and must not start the engine."""

    def __init__(self) -> None:
        """Run nothing."""

    def count(self) -> int:
        """Return 0."""
        return 0


class Watch:
    """What was seen during one call: the first name at each place in the student's source."""

    def __init__(self, labels: Set[str]) -> None:
        self._labels = labels
        self._names_by_place: dict[str, str] = {}
        self._thread = _thread_id()

    def is_of_this_thread(self) -> bool:
        """Tell whether the current thread is the one that runs the watched call."""
        return _thread_id() == self._thread

    def note(self, name: str) -> None:
        """Record that `name` was called, at the current line of the student's code."""
        if len(self._names_by_place) < MOST_SIGHTINGS:
            self._names_by_place.setdefault(self._place(sys._getframe(1)), name)

    def note_unplaced(self, name: str) -> None:
        """Record a name without its place, unless something has already been recorded."""
        if not self._names_by_place:
            self._names_by_place[""] = name

    def sightings(self) -> tuple[Sighting, ...]:
        """Return what was seen, in order."""
        return tuple(Sighting(name, where) for where, name in self._names_by_place.items())

    def _place(self, frame: FrameType | None) -> str:
        while frame is not None:
            if frame.f_code.co_filename in self._labels:
                return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            frame = frame.f_back
        return ""


@functools.lru_cache(1000)
def differentiates(operator: str) -> bool:
    """Tell whether an operator of torch's is a derivative, by its name in torch's registry."""
    return operator in FORWARD_MODE or (
        operator.startswith("aten::")
        and any(word in operator for word in ("backward", "_jvp", "_vjp"))
    )


# What the record leaves out: shapes, stacks, modules and memory.
_SETTINGS = _profiler.ProfilerConfig(
    _profiler.ProfilerState.CPU,
    False,
    False,
    False,
    False,
    False,
    _profiler._ExperimentalConfig(),
)


class _ProfilerRecord:
    """torch's own record of the operators and nodes that this thread runs; modes cannot hide them.

    It takes about as long as the operators themselves.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._count = 0
        self._last = torch.ones(())
        self._profile: Any = None  # the (empty) result of the submission's own profiler

    def begin(self) -> None:
        _let_record(True)
        with suppress(RuntimeError):  # another one runs and cannot be ended; end() will tell
            _start_record(_SETTINGS)

    def end(self) -> None:
        """Read the record; it contains our own last operator, unless somebody ended it."""
        with torch._C.DisableTorchFunction():
            self._last.is_same_size(self._last)
        try:
            names = self._names()
        except RuntimeError:
            names = set()
        if "aten::is_same_size" not in names:
            self._watch.note_unplaced(SWITCHED_OFF)

    def operator(self) -> None:
        """Count one operator; a record that grows long is read and restarted."""
        self._count += 1
        if self._count % MOST_RECORDED == 0:
            try:
                with suppress(RuntimeError):  # somebody ended it; end() will tell
                    self._names()
            finally:  # a time limit may strike in the middle
                self.begin()

    def profile(self, prepare: Callable[[], object], start: Callable[[], object]) -> None:
        """Start the submission's profiler and end it at once, then resume ours."""
        with suppress(RuntimeError):  # somebody ended ours; end() will tell
            self._names()
        prepare()
        start()
        self._profile = _end_profiler()
        self.begin()

    def profiled(self) -> Any:
        """Return the result of the submission's profiler, once; None if it was not started."""
        profile, self._profile = self._profile, None
        return profile

    def _names(self) -> set[str]:
        records: list[list[Any]] = _end_record()
        events = {(event.name(), event.scope()) for events in records for event in events}
        for name, scope in events:
            if scope == IN_BACKWARD:
                self._watch.note_unplaced(f"a node of autograd's graph ({name})")
            elif differentiates(name):
                self._watch.note_unplaced(name)
        return {name for name, _ in events}


_watch: Watch | None = None  # of the call being watched
_record: _ProfilerRecord | None = None


class _Mode(TorchDispatchMode):
    """Sees every operator of its thread, including those of backward passes, and changes none."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from wrapping these methods: its guard against torch.compile doubles the cost.

        Nothing is compiled here, since torch.compile is replaced (loading.py).
        """
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        watch, record = _watch, _record
        if watch is not None:
            if record is not None and watch.is_of_this_thread():
                record.operator()
            if _current_pass() != -1:
                watch.note(A_PASS)
            elif differentiates(func.name()):
                watch.note(func.name())
        return func(*args, **(kwargs or {}))


def prepare_watch() -> None:
    """Import what torch would import at the first watched call, so that it need not wait."""
    with suppress(Exception):  # if it cannot be imported, it is not needed
        import_module("torch._dynamo")


@contextmanager
def watching(labels: Set[str], passes: Passes, *, recorded: bool) -> Iterator[Watch]:
    """Watch the function call in the body for differentiation; `recorded` by torch or not."""
    global _watch, _record
    _watch = watch = Watch(labels)
    with ExitStack() as end:
        if recorded:
            _record = _ProfilerRecord(watch)
            end.callback(_record.end)
            _record.begin()
        try:
            with _Mode():  # type: ignore[no-untyped-call]
                yield watch
        finally:
            _watch = _record = None
    if passes.count():
        watch.note_unplaced(A_PASS)


@contextmanager
def guarded() -> Iterator[None]:
    """Install the wrappers for the body; outside of `watching` they do nothing."""
    with ExitStack() as undo:
        for names, wrapping in ((ENTRY_POINTS, _noting), (MODE_SWITCHES, _noting_in_threads)):
            for name in names:
                owner, _, attribute = name.rpartition(".")
                undo.enter_context(_replaced(resolve_name(owner), attribute, wrapping(name)))
        for name, around in PROFILER:
            owner, _, attribute = name.rpartition(".")
            undo.enter_context(_replaced(resolve_name(owner), attribute, around))
        for name in THREAD_STARTS:
            owner, _, attribute = name.rpartition(".")
            if hasattr(resolve_name(owner), attribute):
                undo.enter_context(_replaced(resolve_name(owner), attribute, _watching_thread))
        for attribute in GRAPH_ATTRIBUTES:
            setattr(Tensor, attribute, _graph_property(attribute))
            undo.callback(delattr, Tensor, attribute)
        yield


Wrapping = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def _replaced(owner: Any, attribute: str, wrapping: Wrapping) -> Iterator[None]:
    original = getattr(owner, attribute)
    wrapper = functools.wraps(original)(wrapping(original))
    del wrapper.__wrapped__  # so that nobody can reach the original through it
    setattr(owner, attribute, wrapper)
    try:
        yield
    finally:
        setattr(owner, attribute, original)


def _noting(name: str) -> Wrapping:
    def wrapping(original: Callable[..., Any]) -> Callable[..., Any]:
        def guard(*args: Any, **kwargs: Any) -> Any:
            if _watch is not None:
                _watch.note(name.replace("torch.Tensor", "Tensor"))
            return original(*args, **kwargs)

        return guard

    return wrapping


def _noting_in_threads(name: str) -> Wrapping:
    def wrapping(original: Callable[..., Any]) -> Callable[..., Any]:
        def guard(*args: Any, **kwargs: Any) -> Any:
            if _watch is not None and not _watch.is_of_this_thread():
                _watch.note(SWITCHED_OFF)
            return original(*args, **kwargs)

        return guard

    return wrapping


def _record_here() -> _ProfilerRecord | None:
    """Return our record if it runs in the current thread."""
    is_here = _watch is not None and _watch.is_of_this_thread()
    return _record if is_here else None


def _preparing_profiler(prepare: Callable[..., Any]) -> Callable[..., Any]:
    def guard(*args: Any, **kwargs: Any) -> Any:
        return None if _record_here() else prepare(*args, **kwargs)

    return guard


def _starting_profiler(start: Callable[..., Any]) -> Callable[..., Any]:
    def guard(config: Any, activities: Any, *args: Any, **kwargs: Any) -> Any:
        def begin() -> None:
            start(config, activities, *args, **kwargs)

        record = _record_here()
        if record is None:
            return begin()
        return record.profile(lambda: _prepare_profiler(config, activities), begin)

    return guard


def _ending_profiler(end: Callable[..., Any]) -> Callable[..., Any]:
    def guard() -> Any:
        record = _record_here()
        profile = record.profiled() if record else None
        return end() if profile is None else profile

    return guard


# What starts and ends torch's profiler. Only one record can run: ours, or the submission's.
PROFILER = (
    ("torch.autograd.profiler._prepare_profiler", _preparing_profiler),
    ("torch.autograd.profiler._enable_profiler", _starting_profiler),
    ("torch.autograd.profiler._disable_profiler", _ending_profiler),
)


def _watching_thread(start: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what starts a thread: dispatch modes are per thread, so each thread needs its own."""

    def start_watched(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            _Mode().__enter__()  # type: ignore[no-untyped-call]  # it ends with the thread
            return function(*args, **kwargs)

        return start(run, *args, **kwargs)

    return start_watched


def _graph_property(name: str) -> property:
    descriptor = getattr(torch._C.TensorBase, name)

    def read(tensor: Tensor) -> Any:
        node = descriptor.__get__(tensor)
        # torch also reads it to print a tensor, which is not a walk through the graph.
        by_torch = str(sys._getframe(1).f_globals.get("__name__")).startswith("torch.")
        if _watch is not None and node is not None and not by_torch:
            _watch.note(f"Tensor.{name}")
        return node

    return property(read)
