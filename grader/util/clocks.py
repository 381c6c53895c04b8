"""Measure how a worker spends its time, from outside, where student code cannot touch the clocks.

A process computes, waits for a busy processor, or sleeps. Only computing counts against a
submission, so a busy machine costs no points. Sleeping is limited, so that a process that waits
forever does not hold up the class.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 0.05  # between two readings of the clocks


class OutOfTime(Exception):
    """A worker used up its time; `waited` is true if it was not computing."""

    def __init__(self, waited: bool) -> None:
        super().__init__("out of time")
        self.waited = waited


class ProcessClock:
    """The clocks of another process; they stand still once it is gone."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._clock = ~pid << 3 | 2  # as clock_getcpuclockid(3) builds it: all threads together
        self._cpu_seconds = 0.0
        self._tasks = Path(f"/proc/{pid}/task")
        self._queue_times: dict[str, int] = {}  # nanoseconds per thread

    def used(self) -> float:
        """Return the processor time used so far, in seconds."""
        with suppress(OSError):
            self._cpu_seconds = time.clock_gettime(self._clock)
        return self._cpu_seconds

    def queued(self) -> float:
        """Return how many seconds it has waited for a processor since the last call.

        The longest wait of any thread counts: a sum over threads that each wait for a moment could
        hide that all of them sleep. Returns 0 if the kernel does not count this.
        """
        before, self._queue_times = self._queue_times, dict(self._queued_by_thread())
        longest = max(
            (now - before.get(name, 0) for name, now in self._queue_times.items()), default=0
        )
        return longest / 1e9

    def is_runnable(self) -> bool:
        """Whether one of its threads is computing or waiting for a processor.

        `queued` includes a thread's wait only once the thread gets a processor.
        """
        return any(
            stat.rpartition(") ")[2].startswith("R") for _, stat in self._files_of_threads("stat")
        )

    def _queued_by_thread(self) -> Iterator[tuple[str, int]]:
        for name, schedstat in self._files_of_threads("schedstat"):
            yield name, int(schedstat.split()[1])

    def _files_of_threads(self, file: str) -> Iterator[tuple[str, str]]:
        with suppress(OSError):
            for task in self._tasks.iterdir():
                with suppress(OSError):  # the thread has ended meanwhile
                    yield task.name, (task / file).read_text()


class Watchdog:
    """Waits for a worker that may compute for some seconds and sleep for some seconds.

    A worker that sleeps longer is interrupted by SIGALRM. If it goes on for another `grace`
    seconds, OutOfTime is raised, as it is if the worker computes too long. No clock is read in the
    first LOOK_SECONDS, since most workers have answered by then.
    """

    def __init__(
        self, clock: ProcessClock, computing: float, sleeping: float, grace: float
    ) -> None:
        self._clock = clock
        self._computing = computing
        self._sleeping = sleeping
        self._grace = grace
        self._look_at = time.monotonic() + LOOK_SECONDS
        self._start: tuple[float, float] | None = None  # the moment, and the time used by then
        self._queue_seconds = 0.0
        self.asleep = 0.0
        """Seconds for which the worker slept, or waited for something other than a processor."""
        self.interrupted = False
        """Whether SIGALRM was sent."""

    def __call__(self, channel: socket.socket, event: int) -> None:
        """Wait until the channel can be read or written (see wire.Wait)."""
        while not is_ready(channel, event, LOOK_SECONDS):
            cpu_seconds, is_sleeping = self._look()
            if is_ready(channel, event, 0):
                return  # it finished before this process got to look
            self._judge(cpu_seconds, is_sleeping)
        if time.monotonic() > self._look_at:
            self._judge(*self._look())  # a worker that sends byte by byte

    def _look(self) -> tuple[float, bool]:
        """Read the clocks; return the processor time used, and whether the worker is asleep now."""
        now, cpu_seconds, queue_seconds = time.monotonic(), self._clock.used(), self._clock.queued()
        self._look_at = now + LOOK_SECONDS
        if self._start is None:
            self._start = now, cpu_seconds
            return 0.0, False
        self._queue_seconds += queue_seconds
        moment, before = self._start
        asleep = now - moment - (cpu_seconds - before) - self._queue_seconds
        is_sleeping = asleep > self.asleep and not self._clock.is_runnable()
        self.asleep = max(0.0, asleep)
        return cpu_seconds - before, is_sleeping

    def _judge(self, cpu_seconds: float, is_sleeping: bool) -> None:
        if cpu_seconds > self._computing + self._grace:
            raise OutOfTime(waited=False)
        if not is_sleeping:
            return
        if self.asleep > self._sleeping + self._grace:
            raise OutOfTime(waited=True)
        if self.asleep > self._sleeping:
            self.interrupted = True
            with suppress(OSError):
                os.kill(self._clock.pid, signal.SIGALRM)


def is_ready(channel: socket.socket, event: int, seconds: float) -> bool:
    """Wait at most `seconds` until a channel can be read or written; tell whether it can."""
    poll = select.poll()
    poll.register(channel, event)
    return bool(poll.poll(seconds * 1000))
