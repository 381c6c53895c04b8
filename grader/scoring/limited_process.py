"""Call functions on what students sent, in processes of limited memory and processor time.

A busy machine changes nothing; the wall clock ends only what sleeps.
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
KEPT_BYTES = 2**28  # what a process may still have mapped after a call, lest it crowds out the next
T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class Lost(Exception):
    """A call brought no answer; the message says why, after "reading it".

    `smell` is what may be the machine's fault. What is not `certain` may go well another time.
    """

    def __init__(self, why: str, smell: Smell | None = None, certain: bool = False) -> None:
        super().__init__(why)
        self.smell = smell
        self.certain = certain


class _OutOfMemory(NamedTuple):
    """What a process answers whose memory did not do."""

    allowed_bytes: int


class _Reply(NamedTuple):
    """An answer, or what was raised in its place; after the `last` one the process ends."""

    answer: object
    error: Exception | None = None
    last: bool = False


@dataclass(frozen=True)
class Allowance:
    """What one call may take: processor time, and memory beyond what its process has mapped."""

    seconds: float
    memory_bytes: int

    def begin(self) -> int:
        """Allow this process so much from now on; return the bytes that it gets."""
        processor_limit = math.ceil(time.process_time() + self.seconds)
        _set_soft(resource.RLIMIT_CPU, processor_limit)
        mapped_bytes = kernel.mapped_bytes()
        return _set_soft(resource.RLIMIT_AS, mapped_bytes + self.memory_bytes) - mapped_bytes

    def end(self) -> None:
        """Lift the limits, so that an answer can be sent."""
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _set_soft(limit, resource.RLIM_INFINITY)

    def spent(self) -> Lost:
        """Return that a call took its processor time up."""
        return Lost(f"took more than {self.seconds:g} seconds of a processor", certain=True)


def _set_soft(limit: int, value: int) -> int:
    """Set a soft limit, at most to the hard one; return it."""
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    resource.setrlimit(limit, (value, hard))
    return value


def write_nothing() -> None:
    """Have this process write no file and dump no core."""
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
    """A process forked from this one, which answers one call after the other.

    It is forked with the first call, and anew after it was lost: so have one thread here.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._process: ForkProcess | None = None
        self._channel: Connection | None = None

    def call(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Return what a function answers there, or raise the UserError that it raised.

        Raise Lost where it did not answer.
        """
        try:
            reply = self._exchange((function, arguments))
        except BaseException:  # an interrupt, too: what is answered later is for no other call
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
        """End the process, whatever it is at. Another call forks a new one."""
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
        """Say what ended the process."""
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
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
