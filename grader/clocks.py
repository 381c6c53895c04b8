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
from contextlib import suppress
from dataclasses import dataclass
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
        self._used = 0.0
        self._tasks = Path(f"/proc/{pid}/task")

    def used(self) -> float:
        """Return the processor time in seconds that it has used."""
        with suppress(OSError):
            self._used = time.clock_gettime(self._clock)
        return self._used

    def queued(self) -> float:
        """Return the seconds that its threads have waited for a processor.

        0 where the kernel does not count them: then that time looks like sleep.
        """
        nanoseconds = 0
        with suppress(OSError):
            for task in self._tasks.iterdir():
                with suppress(OSError, IndexError):  # a thread that has ended meanwhile
                    nanoseconds += int((task / "schedstat").read_text().split()[1])
        return nanoseconds / 1e9


@dataclass(frozen=True)
class _Reading:
    moment: float
    used: float
    queued: float


class Watch:
    """Waits for a worker that has `seconds` to compute, and as many to sleep.

    One that sleeps for longer is sent SIGALRM, which interrupts it. After `grace` more OutOfTime
    is raised, as for one that computes on. Nothing is read before the first LOOK_SECONDS are over:
    most workers have answered by then.
    """

    def __init__(self, clock: ProcessClock, seconds: float, grace: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._grace = grace
        self._last: _Reading | None = None
        self._used = 0.0
        self._asleep = 0.0
        self.interrupted = False
        """Whether SIGALRM was sent."""

    def __call__(self, channel: socket.socket, event: int) -> None:
        """Wait until the channel can be read or written (see wire.Wait)."""
        while not _is_ready(channel, event, LOOK_SECONDS):
            reading = self._read()
            if _is_ready(channel, event, 0):
                return  # it was done before this process, which may have had to wait, looked
            self._judge(reading)
        if self._last and time.monotonic() > self._last.moment + LOOK_SECONDS:
            self._judge(self._read())  # one that sends byte by byte

    def _read(self) -> _Reading:
        return _Reading(time.monotonic(), self._clock.used(), self._clock.queued())

    def _judge(self, now: _Reading) -> None:
        last, self._last = self._last, now
        if last is None:
            return
        used = now.used - last.used
        passed = now.moment - last.moment
        # A thread that has ended takes the time it was queued along: hence no less than 0.
        nap = max(0.0, passed - used - max(0.0, now.queued - last.queued))
        self._used += used
        self._asleep += nap
        if self._used > self._seconds + self._grace:
            raise OutOfTime(waited=False)
        if self._asleep > self._seconds + self._grace:
            raise OutOfTime(waited=True)
        if self._asleep > self._seconds and nap > passed / 2:
            self.interrupted = True
            with suppress(OSError):
                os.kill(self._clock.pid, signal.SIGALRM)


def _is_ready(channel: socket.socket, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(channel, event)
    return bool(poll.poll(seconds * 1000))
