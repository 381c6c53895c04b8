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
# Per job: channels here, page-rendering processes with their pipes, files being read.
FILES_OF_JOB = 16
FILES = 32
MANY = 40  # submissions from which faster forking of workers pays off
MOST_DEATHS = 3  # of scorers in a row, each during another submission
Message = TypeVar("Message", ScorerReady, Graded)
_decode = msgspec.msgpack.Decoder(ScorerReply).decode


class ScorerPool:
    """`jobs` scorers, each with its own zygote. Use with `closing`, which ends them all."""

    def __init__(
        self,
        settings: GradingSettings,
        jobs: int,
        on_ready: Callable[[ScorerReady], None] = lambda ready: None,
        processors: Collection[int] = (),
        submissions: int = MANY,
    ) -> None:
        """Start the scorers on these processors (default: all), for about this many `submissions`.

        `on_ready` is called with the layers that confine their workers once they are ready.
        """
        _require_open_files(FILES + FILES_OF_JOB * jobs)
        self.jobs = jobs
        self._settings = msgspec.msgpack.encode(settings)
        self._lock = Lock()
        self._deadly_contents: set[str] = set()  # contents of submissions
        self._deaths = 0  # of different submissions since the last success
        self._on_ready = on_ready
        self._why_gone: Exception | None = None  # as one of them reported
        # This kind of socket keeps messages whole.
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
            with contextlib.suppress(OSError):  # an error will show with the first submission
                channel.send_bytes(self._settings)
            self._idle.put(job)

    def prove(self) -> None:
        """Wait until each has graded the reference solution; raise GradingStopped if one cannot."""
        for channel in self._channels:
            with self._errors():
                self._receive(channel, ScorerReady)

    def close(self) -> None:
        """End the scorers, whatever they are doing, and wait for it."""
        self._control.close()
        self._process.wait()
        for channel in self._channels:
            channel.close()

    def grade(self, submission: SubmittedFiles) -> Graded:
        """Have a submission graded; raise GradingStopped if that fails.

        Raises ScorerDied if the scorer ended during this submission and was replaced, and
        ScorerFailed for an internal error. Up to `jobs` threads may call it at a time; an idle
        scorer takes the next submission.
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
        """Replace a scorer that ended during a submission with this content.

        Raises EOFError or OSError if that does not help: the new scorer cannot prove itself, or
        scorers end during one submission after another, which is then not the submissions' fault.
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
        """Receive a message of type `kind`; report scorers that become ready in the meantime."""
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
        """Raise the reason why a scorer that does not answer is gone."""
        try:
            yield
        except (EOFError, OSError) as error:
            raise self._why_gone or GradingStopped(GONE) from error


def _require_open_files(count: int) -> None:
    """Raise GradingStopped if this process may not open this many files at a time."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != limit < count:
        why = f"a process may open {limit} files at a time here, and {count} are needed"
        raise GradingStopped(f"{UNFIT}: {why}. {OUTSIDE}")
