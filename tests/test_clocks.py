"""Computing, waiting for a processor and sleeping are told apart, from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from grader.clocks import LOOK_SECONDS, OutOfTime, ProcessClock, Watch
from grader.confined import wire

LOOP = "while True: pass"
SLEEP = "import time\ntime.sleep(600)"
READS = 10


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


def shares(pid: int) -> tuple[float, float]:
    """Return which parts of some time a process computes, and waits for a processor."""
    clock = ProcessClock(pid)
    while clock.used() < 0.05 and clock.queued() == 0.0:
        time.sleep(0.01)  # until it has begun
    begun, used, queued = time.monotonic(), clock.used(), clock.queued()
    time.sleep(READS * LOOK_SECONDS)
    passed = time.monotonic() - begun
    return (clock.used() - used) / passed, (clock.queued() - queued) / passed


def has_schedstat() -> bool:
    return os.path.exists("/proc/self/schedstat")


@pytest.mark.skipif(not has_schedstat(), reason="this kernel does not count waiting")
def test_a_process_that_others_keep_from_computing_does_not_sleep(stack):
    cpu = min(os.sched_getaffinity(0))
    watched, *_ = (start(LOOP, cpu, stack) for _ in range(4))
    computing, waiting = shares(watched)
    assert computing < 0.6
    assert computing + waiting > 0.8


def test_a_process_that_is_gone_uses_no_time(stack):
    pid = start("pass", min(os.sched_getaffinity(0)), stack)
    clock = ProcessClock(pid)
    stack.close()
    assert (clock.used() >= 0.0, clock.queued()) == (True, 0.0)


@pytest.mark.parametrize(("program", "waited"), [(LOOP, False), (SLEEP, True)])
def test_a_worker_that_says_nothing_runs_out_of_the_time_it_uses(stack, program, waited):
    """SIGALRM, which a sleeper is sent, ends it here: then it is gone, and still says nothing."""
    pid = start(program, min(os.sched_getaffinity(0)), stack)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch = Watch(ProcessClock(pid), seconds=0.2, grace=0.2)
        with pytest.raises(OutOfTime) as raised:
            wire.receive(ours, 100, watch)
    assert raised.value.waited == waited
    assert watch.interrupted == waited
