"""Count how often a file is opened by any process, through Linux's inotify."""

import ctypes
import importlib.util
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

IN_OPEN, IN_CLOSE = 0x20, 0x10
EVENT = struct.Struct("iIII")


class Opens:
    """Counts opens of `path` inside its `with` block; `count` is valid after it."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        if libc.inotify_add_watch(self._descriptor, os.fsencode(path), IN_OPEN | IN_CLOSE) < 0:
            raise OSError(ctypes.get_errno(), "cannot be watched", str(path))
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            events = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            events = b""
        os.close(self._descriptor)
        # Closes are watched because the kernel merges an event with an equal one before it.
        self.count = sum(bool(mask & IN_OPEN) for _, mask, _, _ in EVENT.iter_unpack(events))


def imports_of_torch() -> Opens:
    """Count imports of torch: each opens its compiled __init__ once; a fork opens nothing."""
    spec = importlib.util.find_spec("torch")
    assert spec
    assert spec.cached
    return Opens(Path(spec.cached))
