"""The coordinating process's handle on the processes that grade."""

import contextlib
import os
import socket
from collections.abc import Callable, Collection
from multiprocessing.connection import Connection
from queue import SimpleQueue

import msgspec

from grader.launch import start_grading
from grader.papers import RUN_AGAIN, Answer, Brief, Graded, GradingStopped, Paper, Ready, Stopped
from grader.records import Record

GONE = f"a process that grades is gone; {RUN_AGAIN}"
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
        self.jobs = jobs
        self._on_ready = on_ready
        self._why_gone = GONE  # until one of them says why
        pairs = [socket.socketpair() for _ in range(jobs + 1)]
        theirs = [pair[1] for pair in pairs]
        self._process = start_grading([end.fileno() for end in theirs])
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

    def close(self) -> None:
        """End them, whatever they are at, and wait for that."""
        self._control.close()
        self._process.wait()
        for channel in self._channels:
            channel.close()

    def grade(self, paper: Paper) -> Record:
        """Have a paper graded; raise GradingStopped where that cannot be done.

        May be called by `jobs` threads at a time: one that is idle takes the next paper.
        """
        channel = self._idle.get()
        try:
            channel.send_bytes(msgspec.msgpack.encode(paper))
            while True:
                match _decode(channel.recv_bytes()):
                    case Ready() as ready:
                        self._on_ready(ready)
                    case Graded(record):
                        return record
                    case Stopped(reason):
                        self._why_gone = reason
                        raise GradingStopped(reason)
        except (EOFError, OSError) as error:
            raise GradingStopped(self._why_gone) from error
        finally:
            self._idle.put(channel)
