"""The grader's handles on the zygote and its workers: everything behind them is untrusted."""

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from grader.confined import wire
from grader.confined.confinement import LAYERS
from grader.confined.contract import Call, Outcome, Problem, Sighting
from grader.confined.limits import Limits

START_SECONDS = 60.0  # for the zygote to preload what students import

Message = TypeVar("Message", wire.Ready, wire.Screened, wire.Loaded, wire.Answer)


class ZygoteDied(Exception):
    """The zygote is gone; what is graded is kept, the rest needs a new run."""


class IsolationMissing(Exception):
    """Strict isolation was asked for, and this machine lacks a layer of it."""


class Zygote:
    """A process forked from this one, which must have torch, one thread and no secrets yet.

    Where `strict` is set, a worker that lacks a layer of confinement is not used.
    """

    def __init__(self, pid: int, base: Path, control: socket.socket) -> None:
        self.strict = False
        self._pid = pid
        self._base = base
        self._control = control
        self._lock = threading.Lock()
        self._free_cpus = sorted(os.sched_getaffinity(0))

    @classmethod
    def fork(cls) -> Self:
        """Fork the zygote. Call it before anything worth stealing is in memory."""
        from grader.confined.zygote import serve

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        base = Path(tempfile.mkdtemp(prefix="grader-"))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                ours.close()
                serve(theirs, base)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        return cls(pid, base, ours)

    def fork_worker(self, limits: Limits) -> "Worker":
        """Fork and confine a worker.

        Raises ZygoteDied where the zygote does not answer, IsolationMissing as `strict` says.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            pid = self._request(
                lambda: socket.send_fds(self._control, [b"fork"], [theirs.fileno()])
            )
        # A processor each, so that a greedy submission takes time from nobody but itself. Where
        # there are more workers than processors, the last ones run wherever there is room.
        cpu = self._free_cpus.pop() if self._free_cpus else None

        def end() -> int:
            if cpu is not None:
                self._free_cpus.append(cpu)
            return self._request(lambda: self._send_end(pid))

        worker = Worker(ours, limits, cpu, end)
        if self.strict and worker.missing:
            with worker:
                lacks = "; ".join(f"{name}: {why}" for name, why in worker.missing.items())
                raise IsolationMissing(f"not all layers of isolation are in force here ({lacks})")
        return worker

    def close(self) -> None:
        """End the zygote and with it every worker, and wait until it has cleaned up.

        Requests under way raise ZygoteDied. Closing again does nothing.
        """
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits in _request
        with self._lock:
            self._control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        with contextlib.suppress(FileNotFoundError):  # but for a zygote that was killed
            self._base.chmod(0o700)
            shutil.rmtree(self._base)

    def _send_end(self, pid: int) -> int:
        return self._control.send(f"end {pid}".encode())

    def _request(self, send: Callable[[], int]) -> int:
        with self._lock:
            try:
                self._control.settimeout(START_SECONDS)
                send()
                reply = self._control.recv(64)
            except OSError as error:
                raise ZygoteDied("the process that forks the workers is gone") from error
        if not reply:
            raise ZygoteDied("the process that forks the workers is gone")
        return int(reply)


@dataclass(frozen=True)
class Note:
    """An error that the student's source met while it ran."""

    where: str
    text: str


class Worker:
    """One confined process for one submission. Leaving its `with` block kills the process.

    No method raises for anything the worker does: once it has died, hung or broken the protocol
    it is killed, and every later answer says so.
    """

    def __init__(
        self, channel: socket.socket, limits: Limits, cpu: int | None, end: Callable[[], int]
    ) -> None:
        self._channel = channel
        self._limits = limits
        self._end = end
        self._deadline = time.monotonic() + limits.total_seconds
        self._asked = 0
        self._ended: Outcome | None = None
        self.named: dict[str, tuple[Sighting, ...]] = {}
        ready = self._exchange(wire.Start(limits, cpu), wire.Ready, limits.call_seconds)
        unknown = dict.fromkeys(LAYERS, "the worker did not start")
        self.missing = ready.missing if isinstance(ready, wire.Ready) else unknown
        """Layers of confinement that are not in force, with the reason."""
        self.layers = [layer for layer in LAYERS if layer not in self.missing]
        """Those that are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._kill()

    def load(
        self, kind: Literal["module", "notebook"], cells: Sequence[tuple[str, str]]
    ) -> list[Note] | Outcome:
        """Run the source, given as (label, text) pairs; return its errors, or why it ended.

        What its gradients name of autograd is then in `named`: told before any of it ran.
        """
        seconds = self._limits.load_seconds + self._limits.import_seconds
        screened = self._exchange(wire.Load(kind, list(cells)), wire.Screened, seconds)
        if isinstance(screened, Outcome):
            return screened
        self.named = {
            name: _printable(wire.sightings_of(pairs)) for name, pairs in screened.named.items()
        }
        loaded = self._exchange(wire.Run(), wire.Loaded, seconds)
        if isinstance(loaded, Outcome):
            return loaded
        return [Note(printable(where), printable(text)) for where, text in loaded.notes]

    def ask(self, call: Call) -> Outcome:
        """Put one call to the student's functions."""
        if self._ended is not None:
            return self._ended
        self._asked += 1
        training = call.function.startswith("train_")
        seconds = self._limits.training_seconds if training else self._limits.call_seconds
        reply = self._exchange(wire.ask_of(self._asked, call), wire.Answer, seconds)
        if isinstance(reply, Outcome):
            return reply
        try:
            if reply.number != self._asked:
                raise wire.WireError("an answer to another call")
            outcome = wire.outcome_of(reply)
        except wire.WireError as error:
            return self._give_up(Problem.CRASHED, f"broke the protocol: {error}")
        return Outcome(
            outcome.tensors,
            outcome.problem,
            printable(outcome.detail),
            printable(outcome.where),
            _printable(outcome.seen),
        )

    def _exchange(
        self, message: wire.ToWorker, kind: type[Message], seconds: float
    ) -> Message | Outcome:
        """Send a message and receive the answer of type `kind`, or give the worker up."""
        if self._ended is not None:
            return self._ended
        limit = time.monotonic() + seconds + self._limits.grace_seconds
        try:
            if self._spoke_unasked():
                return self._give_up(Problem.CRASHED, "broke the protocol: spoke out of turn")
            self._channel.settimeout(self._limits.grace_seconds)
            wire.send(self._channel, message)
            body = wire.receive(self._channel, self._limits.frame_bytes, min(limit, self._deadline))
            reply = wire.reply_of(body)
        except TimeoutError:
            return self._give_up(Problem.TIMEOUT, "was stopped at the time limit")
        except wire.WireError as error:
            return self._give_up(Problem.CRASHED, str(error))
        if not isinstance(reply, kind):
            return self._give_up(Problem.CRASHED, "broke the protocol: another message")
        return reply

    def _spoke_unasked(self) -> bool:
        self._channel.setblocking(False)
        try:
            return bool(self._channel.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _give_up(self, problem: Problem, detail: str) -> Outcome:
        status = self._kill()
        if problem is Problem.CRASHED and status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                problem, detail = Problem.TIMEOUT, "was stopped at the CPU limit"
            elif number != signal.SIGKILL:
                detail = f"killed by {signal.Signals(number).name}"
        self._ended = Outcome(problem=problem, detail=detail)
        return self._ended

    def _kill(self) -> int | None:
        """Kill the worker's process group, once; return its wait status the first time."""
        if self._channel.fileno() < 0:
            return None
        self._channel.close()
        return self._end()


def printable(text: str) -> str:
    """Make text that student code shaped safe for a terminal: no control characters."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _printable(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    return tuple(Sighting(printable(s.name), printable(s.where)) for s in sightings)
