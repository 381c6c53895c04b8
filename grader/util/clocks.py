"""How a worker spends its time, seen from outside, where student code cannot touch the clocks.

A process computes, waits for a processor that others have, or sleeps. Only the first costs a
submission anything, so that a busy machine takes no points; and sleeping is limited, lest one that
waits for ever keeps the class waiting.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 0.05  # between two looks at the clocks


class OutOfTime(Exception):
    """A worker used up its time; `waited` tells that it did not compute."""

    def __init__(self, waited: bool) -> None:
        super().__init__("out of time")
        self.waited = waited


class ProcessClock:
    """The clocks of another process; they stand still once it is gone."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._clock = ~pid << 3 | 2  # as clock_getcpuclockid(3) makes it: all threads together
        self._cpu_seconds = 0.0
        self._tasks = Path(f"/proc/{pid}/task")
        self._queue_times: dict[str, int] = {}  # nanoseconds by thread

    def used(self) -> float:
        """Return the processor time in seconds that it has used."""
        with suppress(OSError):
            self._cpu_seconds = time.clock_gettime(self._clock)
        return self._cpu_seconds

    def queued(self) -> float:
        """Return for how many seconds it has waited for a processor since the last call.

        Of several threads the one that waited longest tells: else many that wait together for a
        moment would hide that all of them sleep. 0 where the kernel does not count it.
        """
        before, self._queue_times = self._queue_times, dict(self._queued_by_thread())
        longest = max(
            (now - before.get(name, 0) for name, now in self._queue_times.items()), default=0
        )
        return longest / 1e9

    def is_runnable(self) -> bool:
        """Whether one of its threads computes, or waits for a processor.

        What it waits is counted once it gets one.
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
                with suppress(OSError):  # a thread that has ended meanwhile
                    yield task.name, (task / file).read_text()


class Watchdog:
    """Waits for a worker that has some seconds to compute, and some to sleep.

    One that sleeps for longer is sent SIGALRM, which interrupts it. After `grace` more OutOfTime
    is raised, as for one that computes on. Nothing is read in the first LOOK_SECONDS: most workers
    have answered by then.
    """

    def __init__(
        self, clock: ProcessClock, computing: float, sleeping: float, grace: float
    ) -> None:
        self._clock = clock
        self._computing = computing
        self._sleeping = sleeping
        self._grace = grace
        self._look_at = time.monotonic() + LOOK_SECONDS
        self._start: tuple[float, float] | None = None  # when, and what was used by then
        self._queue_seconds = 0.0
        self.asleep = 0.0
        """Seconds that the worker has slept, or waited for something but a processor."""
        self.interrupted = False
        """Whether SIGALRM was sent."""

    def __call__(self, channel: socket.socket, event: int) -> None:
        """Wait until the channel can be read or written (see wire.Wait)."""
        while not is_ready(channel, event, LOOK_SECONDS):
            cpu_seconds, is_sleeping = self._look()
            if is_ready(channel, event, 0):
                return  # it was done before this process, which may have had to wait, looked
            self._judge(cpu_seconds, is_sleeping)
        if time.monotonic() > self._look_at:
            self._judge(*self._look())  # one that sends byte by byte

    def _look(self) -> tuple[float, bool]:
        """Read the clocks; return the processor time used, and whether the worker sleeps now."""
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
    """Wait for so long until a channel can be read or written; tell whether it can."""
    poll = select.poll()
    poll.register(channel, event)
    return bool(poll.poll(seconds * 1000))
