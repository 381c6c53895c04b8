"""Call functions on students' files in processes with limited memory and processor time.

A busy machine makes no difference; the wall clock ends only a process that sleeps.
"""

import math
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import NamedTuple, TypeVar, TypeVarTuple

from grader.confined import kernel
from grader.errors import UserError
from grader.scoring.machine_faults import Smell

MEGABYTE = 2**20
SLEEP_SECONDS = 600  # on the wall clock, for one call
KEPT_BYTES = 2**28  # most bytes mapped after a call, to leave room for the next
T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class Lost(Exception):
    """A call gave no answer; the message says why, after "reading it".

    `smell` is what may be the machine's fault. A retry may succeed unless it is `certain`.
    """

    def __init__(self, why: str, smell: Smell | None = None, certain: bool = False) -> None:
        super().__init__(why)
        self.smell = smell
        self.certain = certain


class _OutOfMemory(NamedTuple):
    """The answer of a process that ran out of memory."""

    allowed_bytes: int


class _Reply(NamedTuple):
    """An answer or the exception raised instead; after the `last` one the process ends."""

    answer: object
    error: Exception | None = None
    last: bool = False


@dataclass(frozen=True)
class Allowance:
    """The limits of one call: processor time, and memory beyond what is already mapped."""

    seconds: float
    memory_bytes: int

    def begin(self) -> int:
        """Apply the limits to this process from now on; return the bytes that it gets."""
        processor_limit = math.ceil(time.process_time() + self.seconds)
        _set_soft(resource.RLIMIT_CPU, processor_limit)
        mapped_bytes = kernel.mapped_bytes()
        return _set_soft(resource.RLIMIT_AS, mapped_bytes + self.memory_bytes) - mapped_bytes

    def end(self) -> None:
        """Lift the limits, so that an answer can be sent."""
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _set_soft(limit, resource.RLIM_INFINITY)

    def spent(self) -> Lost:
        """Return the error for a call that used up its processor time."""
        return Lost(f"took more than {self.seconds:g} seconds of a processor", certain=True)


def _set_soft(limit: int, value: int) -> int:
    """Set a soft limit, but not above the hard one; return it."""
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    resource.setrlimit(limit, (value, hard))
    return value


def write_nothing() -> None:
    """Prevent this process from writing files and dumping core."""
    for none in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(none, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def within(allowance: Allowance, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """Call a function within limits, in a process that SIGXCPU ends if it takes too long."""
    allowance.begin()
    try:
        return function(*arguments)
    finally:
        allowance.end()


class LimitedProcess:
    """A process forked from this one that answers one call after the other.

    It is forked at the first call, and again after it was lost, so use only one thread here.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._process: ForkProcess | None = None
        self._channel: Connection | None = None

    def call(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Return a function's result from the process, or raise its UserError.

        Raise Lost if it did not answer.
        """
        try:
            reply = self._exchange((function, arguments))
        except BaseException:  # interrupts too, as a late answer fits no other call
            self.close()
            raise
        if reply.last:
            self.close()
        if isinstance(reply.error, UserError):
            raise reply.error
        if reply.error is not None:
            what = " ".join(f"{type(reply.error).__name__}: {reply.error}".split())[:200]
            raise Lost(f"met a fault of the grader's own ({what})")
        if isinstance(reply.answer, _OutOfMemory):
            megabytes = reply.answer.allowed_bytes // MEGABYTE
            raise Lost(f"took more than {megabytes} MB of memory", certain=True)
        return reply.answer  # type: ignore[return-value]  # of this function

    def _exchange(self, question: object) -> _Reply:
        channel = self._channel or self._fork()
        try:
            channel.send(question)
            if not channel.poll(SLEEP_SECONDS):
                raise Lost(f"was not done after {SLEEP_SECONDS} seconds of waiting", "wait")
            reply: _Reply = channel.recv()
        except (EOFError, OSError):
            raise self._why_lost() from None
        return reply

    def close(self) -> None:
        """End the process, whatever it is doing. The next call forks a new one."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._channel = None

    def _fork(self) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(
            target=_serve, args=(theirs, self._allowance), name="reading", daemon=True
        )
        self._process.start()
        theirs.close()
        self._channel = ours
        return ours

    def _why_lost(self) -> Lost:
        """Return what ended the process."""
        assert self._process is not None, "it was forked"
        self._process.join()
        code = self._process.exitcode or 0
        if code == -signal.SIGXCPU:
            return self._allowance.spent()
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Lost(f"ended the process that does so ({how})", "crash")


def _serve(channel: Connection, allowance: Allowance) -> None:
    """Answer calls until the other side closes."""
    kernel.die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the calling process
    os.closerange(3, channel.fileno())
    os.closerange(channel.fileno() + 1, 1 << 20)
    write_nothing()
    at_first = kernel.mapped_bytes()
    while True:
        try:
            function, arguments = channel.recv()
        except EOFError:
            os._exit(0)
        reply = _answer(allowance, function, arguments)
        if kernel.mapped_bytes() > at_first + KEPT_BYTES:
            reply = reply._replace(last=True)
        channel.send(reply)


def _answer(
    allowance: Allowance, function: Callable[..., object], arguments: tuple[object, ...]
) -> _Reply:
    allowed_bytes = allowance.begin()
    try:
        return _Reply(function(*arguments))
    except MemoryError:
        return _Reply(_OutOfMemory(allowed_bytes), last=True)
    except Exception as error:
        return _Reply(None, error)
    finally:
        allowance.end()
