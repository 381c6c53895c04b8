"""Things that a run may leave behind: processes, with their sockets, and shared memory."""

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

from times import PATIENCE

from grader.confined.confinement import FIRST_UID

PR_SET_CHILD_SUBREAPER = 36


def children(pid: int) -> set[int]:
    """Return the child processes of `pid`; none if it is gone."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found |= set(map(int, (task / "children").read_text().split()))
    return found


def descendants(pid: int, generation: int) -> set[int]:
    """Return the processes this many generations below: grading, scorers, zygotes, workers."""
    found = {pid}
    for _ in range(generation):
        found = {child for parent in found for child in children(parent)}
    return found


@contextlib.contextmanager
def orphans_are_ours() -> Iterator[None]:
    """Make this process the parent of every orphaned process.

    So each is seen, whatever group or session it has moved to.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        assert prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0


def assert_no_process(others: set[int]) -> None:
    """Wait for the last process of the ended runs; `others` are children from before.

    A process that no run ends stays, and so does a zombie that is not a child of this process.
    """
    deadline = time.monotonic() + PATIENCE
    while left := children(os.getpid()) - others:
        for pid in left:
            os.waitpid(pid, os.WNOHANG)
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def shared() -> set[str]:
    """Return the shared memory made by workers, which run as separate users under root."""
    found = set()
    for path in Path("/dev/shm").iterdir():
        with contextlib.suppress(FileNotFoundError):  # others come and go
            if path.lstat().st_uid >= FIRST_UID:
                found.add(path.name)
    return found
