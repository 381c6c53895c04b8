"""What a run may leave behind: processes, temporary files, shared memory, listening sockets."""

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

from times import PATIENCE

PR_SET_CHILD_SUBREAPER = 36
LISTENING = "0A"


def children(pid: int) -> set[int]:
    """Return the processes that are children of `pid`; none where it is gone."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found |= set(map(int, (task / "children").read_text().split()))
    return found


def descendants(pid: int, generation: int) -> set[int]:
    """Return the processes so many generations below: grading, scorers, zygotes, workers."""
    found = {pid}
    for _ in range(generation):
        found = {child for parent in found for child in children(parent)}
    return found


@contextlib.contextmanager
def orphans_are_ours() -> Iterator[None]:
    """Make this process the parent of every process that another one leaves behind.

    So each is seen, whatever group or session it has put itself in.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        assert prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0


def assert_no_process(others: set[int]) -> None:
    """Wait for the last process of the ended runs; `others` are children that were there before.

    What no run ends by itself stays, and so does a zombie that is not a child of this process.
    """
    deadline = time.monotonic() + PATIENCE
    while left := children(os.getpid()) - others:
        for pid in left:
            os.waitpid(pid, os.WNOHANG)
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def shared() -> set[str]:
    """Return what other processes could find: shared memory, and sockets that listen."""
    found = {f"/dev/shm/{name}" for name in os.listdir("/dev/shm")}
    for kind in ("tcp", "tcp6"):
        rows = Path("/proc/net", kind).read_text().splitlines()[1:]
        found |= {f"{kind} {row.split()[1]}" for row in rows if row.split()[3] == LISTENING}
    # A socket with a name: the last column, where there is one, an abstract one's begins with @.
    for row in Path("/proc/net/unix").read_text().splitlines()[1:]:
        found |= {f"unix {name}" for name in row.split()[7:]}
    return found
