"""The processes that grade: torch is imported once, then forked for each job.

    prepare -> fork a scorer a job -> fork its zygote -> receive the brief -> grade papers

The workers descend from here by fork, and a fork inherits everything: so this program is started
with a bare command line and environment (launch.py), and what is worth stealing (the seed, the
reference, other students' papers) comes into a scorer's memory only after its zygote is forked.
"""

import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import FrameType

import msgspec


def main(control: int, channels: Sequence[int]) -> None:
    """Grade over `channels`, a job each, until `control` closes, then end every process."""
    import torch

    from grader.confined.kernel import die_with_parent
    from grader.confined.zygote import prepare

    # A zygote that ever ran a two-thread OpenMP region has children that hang in autograd.
    torch.set_num_threads(1)
    prepare()
    processors = sorted(os.sched_getaffinity(0))
    # Until a scorer can clear away what it has made, its end waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    scorers = []
    for number, channel in enumerate(channels):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                die_with_parent(signal.SIGTERM)
                for other in {control, *channels} - {channel}:
                    os.close(other)
                _score(Connection(channel), processors[number :: len(channels)])
                status = 0
            finally:
                os._exit(status)
        scorers.append(pid)
    for channel in channels:
        os.close(channel)
    os.read(control, 1)  # until whoever asked for this is done with it, or gone
    for pid in scorers:
        os.kill(pid, signal.SIGTERM)
    for pid in scorers:
        os.waitpid(pid, 0)


def _score(channel: Connection, processors: Sequence[int]) -> None:
    """Receive a brief and papers, and answer a record each, until the channel closes."""
    from grader.workers import IsolationMissing, Zygote, ZygoteDied

    zygote = Zygote.fork()
    try:
        signal.signal(signal.SIGTERM, _exit)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        zygote.cpus = processors
        # Only now: what these modules hold, and the brief, must not be in a worker's memory.
        from grader.classroom import Classroom
        from grader.papers import RUN_AGAIN, Answer, Brief, Graded, Paper, Ready, Stopped

        def send(message: Answer) -> None:
            channel.send_bytes(msgspec.msgpack.encode(message))

        brief = msgspec.msgpack.decode(channel.recv_bytes(), type=Brief)
        zygote.strict = brief.strict
        try:
            with zygote.fork_worker(brief.rubric.limits) as trial:
                send(Ready(trial.layers, trial.missing))  # all that it is for
            classroom = Classroom(brief, zygote)
            while True:
                paper = msgspec.msgpack.decode(channel.recv_bytes(), type=Paper)
                send(Graded(classroom.grade(paper)))
        except IsolationMissing as missing:
            send(Stopped(str(missing)))
        except ZygoteDied as died:
            send(Stopped(f"{died}; {RUN_AGAIN}"))
    except (EOFError, ConnectionError):
        pass  # whoever asked has enough
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the way out must not be interrupted
        zygote.close()


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(1)


if __name__ == "__main__":
    control, *channels = map(int, sys.argv[1:])
    main(control, channels)
