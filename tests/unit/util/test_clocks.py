"""Computing, waiting for a processor and sleeping are told apart, from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from grader.confined import wire
from grader.util.clocks import LOOK_SECONDS, OutOfTime, ProcessClock, Watchdog

LOOP = "while True: pass"
SLEEP = "import time\ntime.sleep(600)"
READS = 30


def start(program: str, cpu: int, stack: ExitStack) -> int:
    """Run a program on one processor, until the stack is left; return its process id."""
    process = subprocess.Popen([sys.executable, "-c", program])
    stack.callback(process.wait)
    stack.callback(process.kill)
    os.sched_setaffinity(process.pid, {cpu})
    return process.pid


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def parts(watch: Watchdog, pid: int, channel: socket.socket) -> tuple[float, float]:
    """Return which parts of some time a process computes and sleeps, as a watch tells."""
    clock = ProcessClock(pid)
    begun, used = time.monotonic(), clock.used()
    with suppress(Enough):
        wire.receive(channel, 100, Until(watch))
    passed = time.monotonic() - begun
    return (clock.used() - used) / passed, watch.asleep / passed


class Enough(Exception):
    """The time of a test is over."""


class Until:
    """Looks at a process through a watch, a number of times."""

    def __init__(self, watch: Watchdog) -> None:
        self._watch = watch

    def __call__(self, channel: socket.socket, event: int) -> None:
        for _ in range(READS):
            time.sleep(LOOK_SECONDS)
            self._watch._look()
        raise Enough


def has_schedstat() -> bool:
    return os.path.exists("/proc/self/schedstat")


@pytest.mark.skipif(not has_schedstat(), reason="this kernel does not count waiting")
@pytest.mark.parametrize("niceness", [0, 10])
def test_a_process_that_others_keep_from_computing_does_not_sleep(stack, niceness):
    """A nice one waits for long at a time, and the kernel counts that when it gets its turn."""
    cpu = min(os.sched_getaffinity(0))
    watched, *_ = (start(LOOP, cpu, stack) for _ in range(4))
    os.setpriority(os.PRIO_PROCESS, watched, niceness)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch = Watchdog(ProcessClock(watched), computing=100.0, sleeping=100.0, grace=0.0)
        computing, sleeping = parts(watch, watched, ours)
    assert computing < 0.6
    assert sleeping < 0.3


HERD = """
import threading, time
def doze():
    while True:
        time.sleep(0.02)
for _ in range(40):
    threading.Thread(target=doze).start()
"""


@pytest.mark.skipif(not has_schedstat(), reason="this kernel does not count waiting")
def test_many_threads_that_wake_together_do_not_hide_that_they_sleep(stack):
    herd = start(HERD, min(os.sched_getaffinity(0)), stack)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch = Watchdog(ProcessClock(herd), computing=100.0, sleeping=100.0, grace=0.0)
        computing, sleeping = parts(watch, herd, ours)
    assert sleeping > (1 - computing) / 2


def test_a_process_that_is_gone_uses_no_time(stack):
    pid = start("pass", min(os.sched_getaffinity(0)), stack)
    clock = ProcessClock(pid)
    stack.close()
    assert (clock.used() >= 0.0, clock.queued(), clock.is_runnable()) == (True, 0.0, False)


@pytest.mark.parametrize(("program", "waited"), [(LOOP, False), (SLEEP, True)])
def test_a_worker_that_says_nothing_runs_out_of_the_time_it_uses(stack, program, waited):
    """SIGALRM, which a sleeper is sent, ends it here: then it is gone, and still says nothing."""
    pid = start(program, min(os.sched_getaffinity(0)), stack)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch = Watchdog(ProcessClock(pid), computing=0.2, sleeping=0.2, grace=0.2)
        with pytest.raises(OutOfTime) as raised:
            wire.receive(ours, 100, watch)
    assert raised.value.waited == waited
    assert watch.interrupted == waited


def test_one_that_sends_byte_by_byte_runs_out_of_time(stack):
    """There is always something to read, and never all of it."""
    pid = start(SLEEP, min(os.sched_getaffinity(0)), stack)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\0\xff\xff")  # of a header of four: 16 MB are to come
        watch = Watchdog(ProcessClock(pid), computing=0.1, sleeping=0.1, grace=0.1)

        def drip(channel: socket.socket, event: int) -> None:
            time.sleep(LOOK_SECONDS / 5)
            theirs.send(b"\0\xff")
            watch(channel, event)

        with pytest.raises(OutOfTime) as raised:
            wire.receive(ours, 1 << 30, drip)
    assert raised.value.waited
