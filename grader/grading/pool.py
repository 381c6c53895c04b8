"""The coordinating process's handle on the processes that grade."""

import contextlib
import os
import resource
import socket
from collections.abc import Callable, Collection, Iterator
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock
from typing import TypeVar

import msgspec

from grader.errors import OUTSIDE
from grader.grading.launch import start_grading
from grader.scoring.machine_faults import UNFIT
from grader.scoring.protocol import (
    RUN_AGAIN,
    Failed,
    Graded,
    GradingSettings,
    GradingStopped,
    ScorerDied,
    ScorerFailed,
    ScorerReady,
    ScorerReply,
    Stopped,
    SubmittedFiles,
    content_of,
)

GONE = (
    f"a scorer process ended unexpectedly; {RUN_AGAIN}. If it does so again, see the "
    f"system's log for what ended it. {OUTSIDE}"
)
# Of each job: channels here, processes that render pages with their pipes, files being read.
FILES_OF_JOB = 16
FILES = 32
MANY = 40  # submissions, for which it pays that a worker is forked faster
MOST_DEATHS = 3  # of scorers, one after the other, each over another submission
Message = TypeVar("Message", ScorerReady, Graded)
_decode = msgspec.msgpack.Decoder(ScorerReply).decode


class ScorerPool:
    """`jobs` scorers, each with a zygote of its own. Use with `closing`, which ends them all."""

    def __init__(
        self,
        settings: GradingSettings,
        jobs: int,
        on_ready: Callable[[ScorerReady], None] = lambda ready: None,
        processors: Collection[int] = (),
        submissions: int = MANY,
    ) -> None:
        """Start them, on some processors or on all, for about so many `submissions`.

        `on_ready` is told what confines their workers, once they are there.
        """
        _require_open_files(FILES + FILES_OF_JOB * jobs)
        self.jobs = jobs
        self._settings = msgspec.msgpack.encode(settings)
        self._lock = Lock()
        self._deadly_contents: set[str] = set()  # contents of submissions
        self._deaths = 0  # of different submissions, since one was graded
        self._on_ready = on_ready
        self._why_gone: Exception | None = None  # what one of them said
        # Of what is sent there each message is whole.
        control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pairs = [control, *(socket.socketpair() for _ in range(jobs))]
        theirs = [pair[1] for pair in pairs]
        try:
            self._process = start_grading(submissions >= MANY, [end.fileno() for end in theirs])
        except OSError as error:
            raise GradingStopped(f"{UNFIT}: {error.strerror}. {OUTSIDE}") from error
        if processors:
            os.sched_setaffinity(self._process.pid, processors)
        for end in theirs:
            end.close()
        self._control, *ours = (pair[0] for pair in pairs)
        self._channels = [Connection(end.detach()) for end in ours]
        self._idle: SimpleQueue[int] = SimpleQueue()
        for job, channel in enumerate(self._channels):
            with contextlib.suppress(OSError):  # what is wrong shows with the first submission
                channel.send_bytes(self._settings)
            self._idle.put(job)

    def prove(self) -> None:
        """Wait until each has graded the reference solution; raise GradingStopped if one cannot."""
        for channel in self._channels:
            with self._errors():
                self._receive(channel, ScorerReady)

    def close(self) -> None:
        """End them, whatever they are at, and wait for that."""
        self._control.close()
        self._process.wait()
        for channel in self._channels:
            channel.close()

    def grade(self, submission: SubmittedFiles) -> Graded:
        """Have a submission graded; raise GradingStopped where that cannot be done.

        Raises ScorerDied if the scorer ended over this submission and another one is in its place,
        and ScorerFailed for a fault of the grader's own. May be called by `jobs` threads at a time:
        one that is idle takes the next submission.
        """
        job = self._idle.get()
        channel = self._channels[job]
        try:
            channel.send_bytes(msgspec.msgpack.encode(submission))
            answer = self._receive(channel, Graded)
        except (EOFError, OSError) as error:
            with self._errors():
                if self._why_gone:
                    raise
                self._replace(job, content_of(submission))
            raise ScorerDied(GONE) from error
        finally:
            self._idle.put(job)
        self._deaths = 0
        return answer

    def _replace(self, job: int, content: str) -> None:
        """Have another scorer in place of one that ended over a submission of this content.

        Raises EOFError or OSError where that is no use: it cannot prove itself, or scorers end over
        one submission after the other, which is then the fault of none of them.
        """
        with self._lock:
            self._deaths += content not in self._deadly_contents
            self._deadly_contents.add(content)
            if self._deaths == MOST_DEATHS:
                raise EOFError
            ours, theirs = socket.socketpair()
            with theirs:
                socket.send_fds(self._control, [str(job).encode()], [theirs.fileno()])
            self._channels[job].close()
            self._channels[job] = channel = Connection(ours.detach())
        channel.send_bytes(self._settings)
        self._receive(channel, ScorerReady)

    def _receive(self, channel: Connection, kind: type[Message]) -> Message:
        """Receive a message of this kind; tell of those that are ready on the way."""
        while True:
            message = _decode(channel.recv_bytes())
            match message:
                case ScorerReady() as ready:
                    self._on_ready(ready)
                case Stopped(reason):
                    self._why_gone = GradingStopped(reason)
                    raise self._why_gone
                case Failed(trace):
                    self._why_gone = ScorerFailed(f"in a scorer process:\n{trace}")
                    raise self._why_gone
            if isinstance(message, kind):
                return message

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say why a scorer is gone that does not answer."""
        try:
            yield
        except (EOFError, OSError) as error:
            raise self._why_gone or GradingStopped(GONE) from error


def _require_open_files(count: int) -> None:
    """Raise GradingStopped if this process may not open as many files at a time."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != limit < count:
        why = f"a process may open {limit} files at a time here, and {count} are needed"
        raise GradingStopped(f"{UNFIT}: {why}. {OUTSIDE}")
