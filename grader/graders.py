"""The coordinating process's handle on the processes that grade."""

import contextlib
import os
import resource
import socket
from collections.abc import Callable, Collection, Iterator
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TypeVar

import msgspec

from grader.errors import OUTSIDE
from grader.launch import start_grading
from grader.papers import (
    RUN_AGAIN,
    Answer,
    Brief,
    Failed,
    Graded,
    GradingStopped,
    Paper,
    Ready,
    ScorerFailed,
    Stopped,
)
from grader.smells import UNFIT

GONE = (
    f"a process that grades has ended before its time; {RUN_AGAIN}. If it does so again, see the "
    f"system's log for what ended it. {OUTSIDE}"
)
# Of each job: channels here, processes that render pages with their pipes, files being read.
FILES_OF_JOB = 16
FILES = 32
Message = TypeVar("Message", Ready, Graded)
_decode = msgspec.msgpack.Decoder(Answer).decode


class Graders:
    """`jobs` scorers, each with a zygote of its own. Use with `closing`, which ends them all."""

    def __init__(
        self,
        brief: Brief,
        jobs: int,
        on_ready: Callable[[Ready], None] = lambda ready: None,
        processors: Collection[int] = (),
    ) -> None:
        """Start them, on some processors or on all.

        `on_ready` is told what confines their workers, once they are there.
        """
        _require_open_files(FILES + FILES_OF_JOB * jobs)
        self.jobs = jobs
        self._on_ready = on_ready
        self._why_gone: Exception = GradingStopped(GONE)  # until one of them says why
        pairs = [socket.socketpair() for _ in range(jobs + 1)]
        theirs = [pair[1] for pair in pairs]
        try:
            self._process = start_grading([end.fileno() for end in theirs])
        except OSError as error:
            raise GradingStopped(f"{UNFIT}: {error.strerror}. {OUTSIDE}") from error
        if processors:
            os.sched_setaffinity(self._process.pid, processors)
        for end in theirs:
            end.close()
        self._control, *ours = (pair[0] for pair in pairs)
        self._channels = [Connection(end.detach()) for end in ours]
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for channel in self._channels:
            with contextlib.suppress(OSError):  # what is wrong shows with the first paper
                channel.send_bytes(msgspec.msgpack.encode(brief))
            self._idle.put(channel)

    def prove(self) -> None:
        """Wait until each has graded the reference solution; raise GradingStopped if one cannot."""
        for channel in self._channels:
            with self._errors():
                self._receive(channel, Ready)

    def close(self) -> None:
        """End them, whatever they are at, and wait for that."""
        self._control.close()
        self._process.wait()
        for channel in self._channels:
            channel.close()

    def grade(self, paper: Paper) -> Graded:
        """Have a paper graded; raise GradingStopped where that cannot be done.

        Raises ScorerFailed for a fault of the grader's own. May be called by `jobs` threads at a
        time: one that is idle takes the next paper.
        """
        channel = self._idle.get()
        try:
            with self._errors():
                channel.send_bytes(msgspec.msgpack.encode(paper))
                return self._receive(channel, Graded)
        finally:
            self._idle.put(channel)

    def _receive(self, channel: Connection, kind: type[Message]) -> Message:
        """Receive a message of this kind; tell of those that are ready on the way."""
        while True:
            message = _decode(channel.recv_bytes())
            match message:
                case Ready() as ready:
                    self._on_ready(ready)
                case Stopped(reason):
                    self._why_gone = GradingStopped(reason)
                    raise self._why_gone
                case Failed(trace):
                    self._why_gone = ScorerFailed(f"in a process that grades:\n{trace}")
                    raise self._why_gone
            if isinstance(message, kind):
                return message

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say why a scorer is gone that does not answer."""
        try:
            yield
        except (EOFError, OSError) as error:
            raise self._why_gone from error


def _require_open_files(count: int) -> None:
    """Raise GradingStopped if this process may not open as many files at a time."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != allowed < count:
        why = f"a process may open {allowed} files at a time here, and {count} are needed"
        raise GradingStopped(f"{UNFIT}: {why}. {OUTSIDE}")
