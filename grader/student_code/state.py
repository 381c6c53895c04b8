"""Parts of the process that a submission may change, though it shares them with the worker.

One table says how to read each part and how to restore it. Names are bound here, so that a
submission cannot replace what restores them.
"""

import math
import operator
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from locale import LC_ALL, setlocale
from typing import Any

import torch
import torch.nn.functional
from torch import Tensor, nn
from torch._C._profiler import ActiveProfilerType
from torch.autograd import forward_ad
from torch.utils import _device

try:
    import numpy
except ImportError:  # a student's machine may have only torch
    numpy = None  # type: ignore[assignment]

_set_grad_enabled = torch._C._set_grad_enabled
_set_default_device = torch.set_default_device
_inference: list[Any] = []  # guards, which hold as long as they are in this list


UNKNOWN = object()
MOST_HOOKS = 1000


@dataclass(frozen=True)
class StatePart:
    """A part of the process's state. `fresh` is its value in a new process, if that is known.

    `put` is called only if the value that is read differs.
    """

    name: str
    read: Callable[[], Any]
    put: Callable[[Any], object]
    fresh: Any = UNKNOWN


def _default_dtype() -> torch.dtype:
    """Return the default dtype. float64 counts as float32, since functions may rely on it."""
    dtype = torch.get_default_dtype()
    return torch.float32 if dtype is torch.float64 else dtype


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it no longer exists
        return None


def _put_streams(streams: tuple[Any, ...]) -> None:
    descriptors = [
        open(os.devnull, mode) if stream is None or stream.closed else stream  # noqa: SIM115
        for stream, mode in zip(streams, "rww", strict=True)
    ]
    sys.stdin, sys.stdout, sys.stderr = descriptors


def _streams() -> tuple[Any, ...]:
    """Return the standard streams, with None for each that is closed."""
    now = (sys.stdin, sys.stdout, sys.stderr)
    return tuple(None if getattr(stream, "closed", True) else stream for stream in now)


def _put_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _put_path(path: list[str]) -> None:
    sys.path[:] = path


def _pop(length: Callable[[], int], pop: Callable[[], object]) -> Callable[[int], None]:
    def put(before: int) -> None:
        while length() > before:
            pop()

    return put


_functions, _dispatches = torch._C._len_torch_function_stack, torch._C._len_torch_dispatch_stack
_pop_function, _pop_dispatch = (
    torch._C._pop_torch_function_stack,
    torch._C._pop_torch_dispatch_stack,
)

# Old versions of torch do not reveal these.
_top_hooks = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)


def _hooks() -> object:
    return _top_hooks(True) if _top_hooks else None


def _pop_hooks(before: object) -> None:
    for _ in range(MOST_HOOKS):
        if _hooks() == before:
            return
        torch._C._autograd._pop_saved_tensors_default_hooks()


_enter_level, _exit_level = torch._C._enter_dual_level, torch._C._exit_dual_level
_recorded, _record_kind = torch._C._autograd._profiler_enabled, torch._C._autograd._profiler_type
_end_records = {
    ActiveProfilerType.LEGACY: torch._C._autograd._disable_profiler_legacy,
    ActiveProfilerType.KINETO: torch._C._autograd._disable_profiler,
}


def _in_forward_mode() -> bool:
    """Tell whether a level of forward-mode differentiation is open; there is at most one."""
    try:
        _exit_level(level=_enter_level())
    except RuntimeError:
        return True
    return False


def _leave_forward_mode(before: bool) -> None:
    _exit_level(level=0)
    forward_ad._current_level = -1


PARTS: tuple[StatePart, ...] = (
    StatePart("forward mode", _in_forward_mode, _leave_forward_mode, False),
    StatePart("profiler", _recorded, lambda before: _end_records[_record_kind()](), False),
    StatePart("grad mode", torch.is_grad_enabled, _set_grad_enabled, True),
    StatePart(
        "inference mode",
        torch.is_inference_mode_enabled,
        lambda mode: _inference.append(torch._C._InferenceMode(mode)),
        False,
    ),
    StatePart("default dtype", _default_dtype, torch.set_default_dtype, torch.float32),
    StatePart("default device", lambda: _device.CURRENT_DEVICE, _set_default_device, None),
    StatePart("function modes", _functions, _pop(_functions, _pop_function)),
    StatePart("dispatch modes", _dispatches, _pop(_dispatches, lambda: _pop_dispatch(None))),
    StatePart(
        "deterministic algorithms",
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda modes: torch._C._set_deterministic_algorithms(modes[0], warn_only=modes[1]),
        (False, False),
    ),
    StatePart(
        "anomaly mode",
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda modes: torch.set_anomaly_enabled(*modes),
        (False, True),
    ),
    StatePart("hooks of saved tensors", _hooks, _pop_hooks, None),
    StatePart("threads", torch.get_num_threads, torch.set_num_threads),
    StatePart("streams", _streams, _put_streams),
    StatePart("warnings", lambda: warnings.filters[:], _put_filters),
    StatePart("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    StatePart("folder", _folder, os.chdir),
    StatePart("path", lambda: sys.path[:], _put_path),
    StatePart("locale", lambda: setlocale(LC_ALL), lambda locale: setlocale(LC_ALL, locale)),
)
# Owners of public names that a submission may replace.
OWNERS: tuple[Any, ...] = (torch, nn, torch.nn.functional, Tensor, math)
if numpy is not None:
    _seterr = numpy.seterr
    PARTS += (StatePart("numpy's errors", numpy.geterr, lambda modes: _seterr(**modes)),)
    OWNERS += (numpy,)
GPUS = ("cuda", "mps", "xpu", "hip")


class State:
    """The process as it is now, to be restored later."""

    def __init__(self) -> None:
        self._values = {part.name: part.read() for part in PARTS}
        self._names = [
            {name: value for name, value in vars(owner).items() if _counts(owner, name)}
            for owner in OWNERS
        ]
        self._modules = dict(sys.modules)
        self._finders = sys.meta_path[:]

    @classmethod
    def fresh(cls) -> "State":
        """Return the current state, but with a new process's values as far as they are known."""
        state = cls()
        state._values.update({part.name: part.fresh for part in PARTS if part.fresh is not UNKNOWN})
        return state

    def put_back(self) -> None:
        """Restore every part of the table."""
        for part in PARTS:
            before = self._values[part.name]
            with suppress(Exception):  # a submission may have broken it for good
                if part.read() != before:
                    part.put(before)

    def put_back_names(self) -> None:
        """Restore modules, and names replaced in torch, numpy and math. Added names stay."""
        self._put_back_modules()
        for owner, names in zip(OWNERS, self._names, strict=True):
            now = vars(owner)
            if all(map(operator.is_, map(now.get, names), names.values())):
                continue
            for name, value in names.items():
                if now.get(name) is not value:
                    with suppress(Exception):
                        setattr(owner, name, value)
        for name in vars(Tensor).keys() - self._names[OWNERS.index(Tensor)].keys():
            if hasattr(torch._C.TensorBase, name):  # it hides the original
                with suppress(Exception):
                    delattr(Tensor, name)

    def _put_back_modules(self) -> None:
        """Restore modules and finders of modules that are gone or replaced."""
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module and name not in ("__main__", "homework"):
                sys.modules[name] = module
        if missing := [finder for finder in self._finders if finder not in sys.meta_path]:
            sys.meta_path[:] = [*sys.meta_path, *missing]

    def is_added(self, owner: Any, name: str) -> bool:
        """Tell whether a public name was added to `owner` (torch, numpy or math)."""
        return any(
            owner is one and _counts(owner, name) and name not in names
            for one, names in zip(OWNERS, self._names, strict=True)
        )

    def put_back_device(self) -> str | None:
        """Restore the default device at once if it is a GPU; return the GPU's name."""
        device = _device.CURRENT_DEVICE
        if device is None or device.type not in GPUS:
            return None
        _set_default_device(self._values["default device"])
        return str(device)


@contextmanager
def kept() -> Iterator[None]:
    """Leave the process as it was, whatever the body does."""
    state = State()
    try:
        yield
    finally:
        state.put_back()
        state.put_back_names()


def _counts(owner: Any, name: str) -> bool:
    return owner is Tensor or not name.startswith("_")
