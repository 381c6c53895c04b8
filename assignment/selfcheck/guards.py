"""Notice, while a gradient is called, that torch differentiates in place of a closed form.

This runs beside student code, which can take it apart: it is a second line only, there to say what
was used and where. The first line is the off-path cases, where autograd gives wrong values.

Two parts. Wrappers around torch's entry points know the name that was called; they are in place
before the student's source runs, so that `from torch.autograd import grad` binds the wrapper. A
dispatch mode sees what has no name to wrap: the engine's own run_backward, names bound elsewhere,
backward operators. requires_grad_ is neither: a closed form may ask for it and differentiates
nothing by it. torch.compile neither: under the mode it runs its function as it stands.
"""

import functools
import sys
import threading
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager
from pkgutil import resolve_name
from types import FrameType
from typing import Any

import torch
import torch.autograd.forward_ad
import torch.autograd.functional
import torch.autograd.graph
import torch.func
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from selfcheck.contract import Sighting

MOST_SIGHTINGS = 8

# Everything of torch that differentiates when it is called, by its public name.
# _enter_dual_level is what every route of forward-mode differentiation goes through.
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
# Attributes of a tensor that lead into its graph, from where one can walk it node by node.
GRAPH_ATTRIBUTES = ("grad_fn", "_grad_fn")


class Watch:
    """What was seen during one call: the first name at each place of the student's source."""

    def __init__(self, labels: Set[str]) -> None:
        self._labels = labels
        self._seen: dict[str, str] = {}

    def note(self, name: str) -> None:
        """Record that `name` was called, from wherever the student's code now is."""
        if len(self._seen) < MOST_SIGHTINGS:
            self._seen.setdefault(self._place(sys._getframe(1)), name)

    def sightings(self) -> tuple[Sighting, ...]:
        """Return what was seen, in order."""
        return tuple(Sighting(name, where) for where, name in self._seen.items())

    def _place(self, frame: FrameType | None) -> str:
        while frame is not None:
            if frame.f_code.co_filename in self._labels:
                return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            frame = frame.f_back
        return ""


class _Mode(TorchDispatchMode):
    """Sees every operator of its thread, those of a backward pass too, and changes none."""

    supports_higher_order_operators = True

    def __init__(self, watch: Watch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watch = watch

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if torch._C._current_graph_task_id() != -1:
            self._watch.note("a backward pass of autograd")
        elif "_backward" in func.name():
            self._watch.note(func.name())
        return func(*args, **(kwargs or {}))


_watch: Watch | None = None  # of the gradient that is being called


@contextmanager
def watching(labels: Set[str]) -> Iterator[Watch]:
    """Watch for differentiation in the body: one call of a gradient."""
    global _watch
    _watch = Watch(labels)
    try:
        with _Mode(_watch):
            yield _watch
    finally:
        _watch = None


@contextmanager
def guarded() -> Iterator[None]:
    """Have the wrappers in place in the body; outside of `watching` they do nothing."""
    with ExitStack() as undo:
        for name in ENTRY_POINTS:
            owner, _, attribute = name.rpartition(".")
            undo.enter_context(_replaced(resolve_name(owner), attribute, _noting(name)))
        undo.enter_context(_replaced(threading.Thread, "run", _watched_thread))
        for attribute in GRAPH_ATTRIBUTES:
            setattr(Tensor, attribute, _graph_property(attribute))
            undo.callback(delattr, Tensor, attribute)
        yield


Wrapping = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def _replaced(owner: Any, attribute: str, wrapping: Wrapping) -> Iterator[None]:
    original = getattr(owner, attribute)
    setattr(owner, attribute, functools.wraps(original)(wrapping(original)))
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


def _watched_thread(run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap Thread.run: a dispatch mode is its thread's own, so a new thread needs another."""

    def run_watched(thread: threading.Thread) -> None:
        if _watch is None:
            run(thread)
            return
        with _Mode(_watch):
            run(thread)

    return run_watched


def _graph_property(name: str) -> property:
    descriptor = getattr(torch._C.TensorBase, name)

    def read(tensor: Tensor) -> Any:
        node = descriptor.__get__(tensor)
        # torch reads it too, when it prints a tensor: that is no walk.
        by_torch = str(sys._getframe(1).f_globals.get("__name__")).startswith("torch.")
        if _watch is not None and node is not None and not by_torch:
            _watch.note(f"Tensor.{name}")
        return node

    return property(read)
