"""The processes that grade: torch is imported once, then forked for each job.

    prepare -> fork one scorer per job -> fork its zygote -> receive the settings -> grade the
    reference solution -> grade submissions

A scorer that dies is replaced by another fork: this process has only torch.

The workers are forked from here, and a fork inherits everything. So this program starts with a bare
command line and environment (launch.py), and anything worth stealing (the seed, the reference,
other students' submissions) reaches a scorer's memory only after its zygote is forked.
"""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import msgspec

from grader.confined import kernel
from grader.util.bulk import no_collection

if TYPE_CHECKING:
    from grader.scoring.protocol import Failed, Stopped
    from grader.scoring.workers import Zygote


def main(is_for_many: bool, control: int, channels: Sequence[int]) -> None:
    """Grade over `channels`, one per job, until `control` closes, then end every process.

    A job's number received on `control` with another channel requests a scorer to replace the job's
    own, which is gone. `is_for_many` spends half a second to make each submission cheaper.
    """
    _prepare(channels, is_for_many)
    processors = sorted(os.sched_getaffinity(0))
    jobs = len(channels)
    # SIGTERM is blocked until a scorer can clean up after itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    scorers: dict[int, int] = {}
    for job, channel in enumerate(channels):
        _fork_scorer(scorers, job, channel, [control, *channels[job + 1 :]], processors[job::jobs])
    with socket.socket(fileno=control) as requests:
        while request := _next_of(requests):
            job, channel = request
            if job in scorers:
                os.waitpid(scorers.pop(job), 0)
            _fork_scorer(scorers, job, channel, [control], processors[job::jobs])
    # The coordinating process is done, or gone.
    for pid in scorers.values():
        os.kill(pid, signal.SIGTERM)
    for pid in scorers.values():
        os.waitpid(pid, 0)


def _next_of(requests: socket.socket) -> tuple[int, int] | None:
    """Receive a job's number and a channel for it; return None at the end."""
    try:
        job, descriptors, _, _ = socket.recv_fds(requests, 16, 1)
    except ConnectionError:
        return None
    return (int(job), descriptors[0]) if job else None


def _fork_scorer(
    scorers: dict[int, int],
    job: int,
    channel: int,
    others: Sequence[int],
    processors: Sequence[int],
) -> None:
    """Fork a job's scorer, with its channel but not the `others`; report it if that fails."""
    try:
        pid = os.fork()
    except OSError as error:
        _tell([channel], error)
    else:
        if pid == 0:
            for other in others:
                os.close(other)
            _be_scorer(channel, processors)
        scorers[job] = pid
    os.close(channel)


def _be_scorer(channel: int, processors: Sequence[int]) -> NoReturn:
    status = 1
    try:
        kernel.die_with_parent(signal.SIGTERM)
        _score(Connection(channel), processors)
        status = 0
    except Exception as error:
        _tell([channel], error)
    finally:
        os._exit(status)


def _prepare(channels: Sequence[int], is_for_many: bool) -> None:
    """Import torch and what all workers share; if that fails, report it and exit."""
    try:
        with no_collection():  # until everything is frozen
            import numpy as np  # noqa: F401  # first: without it torch warns, and goes on
            import torch

            from grader.confined.zygote import prepare

            # After a two-thread OpenMP region in the zygote, its children would hang in autograd.
            torch.set_num_threads(1)
            prepare()
        if is_for_many:
            kernel.use_huge_pages()
    except Exception as error:
        _tell(channels, error)
        sys.exit(1)


def _tell(channels: Sequence[int], error: Exception) -> None:
    """Tell the coordinating process why nothing can be graded."""
    message = msgspec.msgpack.encode(_why_stopped(error))
    for channel in channels:
        with suppress(OSError):  # the other side is gone
            Connection(os.dup(channel)).send_bytes(message)


def _why_stopped(error: Exception) -> "Stopped | Failed":
    from grader.errors import OUTSIDE
    from grader.scoring.machine_faults import NO_MEMORY, UNFIT, advice_on
    from grader.scoring.protocol import Failed, Stopped

    what = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, MemoryError | OSError) or NO_MEMORY.search(what):
        return Stopped(f"{UNFIT}: {what}. {OUTSIDE}")
    if isinstance(error, ImportError):
        return Stopped(f"{UNFIT}: {what}. {advice_on('module')}")
    return Failed("".join(traceback.format_exception(error)))


def _score(channel: Connection, processors: Sequence[int]) -> None:
    """Fork a zygote, then serve the channel until it closes."""
    from grader.scoring.workers import Zygote

    zygote = Zygote.fork()
    try:
        try:
            signal.signal(signal.SIGTERM, _exit)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            zygote.cpus = processors
            _serve(channel, zygote)
        finally:
            # The exit must not be interrupted. Until here it may be, and then begins.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except (EOFError, ConnectionError, SystemExit):
        pass  # the coordinating process is done
    finally:
        zygote.close()


def _serve(channel: Connection, zygote: "Zygote") -> None:
    """Receive settings and submissions, and answer one record each; raise EOFError at the end."""
    # Imported only now: these modules' content and the settings must not be in a worker's memory.
    from grader.scoring.canary import Unfit
    from grader.scoring.machine_faults import UNFIT
    from grader.scoring.protocol import (
        RUN_AGAIN,
        Failed,
        GradingSettings,
        ScorerReply,
        Stopped,
        SubmittedFiles,
    )
    from grader.scoring.reading import Reader
    from grader.scoring.scorer import Scorer
    from grader.scoring.workers import IsolationMissing, WorkerNotReady, ZygoteDied

    def send(message: ScorerReply) -> None:
        channel.send_bytes(msgspec.msgpack.encode(message))

    settings = GradingSettings.decoded(channel.recv_bytes())
    zygote.strict = settings.strict
    try:
        with closing(Reader()) as reader:
            scorer = Scorer(settings, zygote, reader)
            send(scorer.ready)
            while True:
                submission = msgspec.msgpack.decode(channel.recv_bytes(), type=SubmittedFiles)
                send(scorer.grade(submission))
    except (IsolationMissing, Unfit) as error:
        send(Stopped(str(error)))
    except WorkerNotReady as error:
        send(Stopped(f"{UNFIT}: {error}"))
    except ZygoteDied as error:
        send(Stopped(f"{error}; {RUN_AGAIN}"))
    except (EOFError, ConnectionError):
        raise
    except Exception:
        send(Failed(traceback.format_exc()))


def _exit(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    sys.exit(1)


if __name__ == "__main__":
    is_for_many, control, *channels = map(int, sys.argv[1:])
    main(bool(is_for_many), control, channels)
