"""The grader's handles on the zygote and its workers; everything on the other side is untrusted."""

import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

from grader.confined import wire
from grader.confined.confinement import LAYERS, NOT_ROOT, place_for_base
from grader.confined.limits import Limits, seconds_for
from grader.confined.temporary import make_own_folder, remove, remove_abandoned
from grader.errors import UserError
from grader.source.files import File
from grader.source.tasks import Question, Tasks
from grader.student_code.contract import (
    OUT_OF_TIME,
    Call,
    Note,
    Outcome,
    Problem,
    Sighting,
    Spellings,
    printable,
    printable_sightings,
)
from grader.student_code.loading import WAITED, over
from grader.util.clocks import OutOfTime, ProcessClock, Watchdog, is_ready

START_SECONDS = 120.0  # for the zygote to preload modules, and for a worker to get ready
BROKE = "broke the protocol"
UNINTERRUPTED = ", and could not be interrupted"
NO_SPELLINGS: Spellings = {}
GONE = "the process that forks the workers is gone"

Message = TypeVar("Message", wire.Screened, wire.Loaded, wire.Answer)


class ZygoteDied(Exception):
    """The zygote is gone; finished results are kept, the rest needs a new run."""


class WorkerNotReady(Exception):
    """A worker could not be made ready; this has nothing to do with any submission."""


class IsolationMissing(UserError):
    """Strict isolation was requested, but this machine lacks a layer of it."""


class Zygote:
    """A process forked from this one, which must have torch, one thread and no secrets yet.

    If `strict` is set, a worker without all layers of confinement is not used. While one worker
    runs, the next is prepared and the previous one cleaned up, which takes about as long as a
    submission without training.

    `cpus` are reserved for this process, the zygote and the workers. Each worker has one to itself,
    so that a greedy submission slows down nobody else; this process waits on the same one, because
    taking turns on one processor is fastest. Preparing and cleaning up happen on another, if there
    is one. Without `cpus` everything runs on any processor.
    """

    def __init__(self, pid: int, base: Path, lock: int, control: socket.socket) -> None:
        self.strict = False
        self.slowness = 1.0
        """The factor applied to the rubric's limits on computing: see canary.py."""
        self.cpus: Sequence[int] = ()
        self._pid = pid
        self._base = base
        self._lock: int | None = lock  # on `base`
        self._control = control
        self._fork_count = 0
        self._spare: Worker | None = None
        self._ending = 0  # workers whose end was requested but not yet reported

    @classmethod
    def fork(cls) -> Self:
        """Fork the zygote. Call it before anything worth stealing is in memory."""
        from grader.confined.zygote import serve

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        remove_abandoned()
        base, lock = make_own_folder(place_for_base())
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                ours.close()
                serve(theirs, base)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        theirs.close()
        ours.settimeout(START_SECONDS)
        return cls(pid, base, lock, ours)

    def fork_worker(self, limits: Limits) -> "Worker":
        """Return a confined worker, and start preparing the next one.

        Raises ZygoteDied if the zygote does not answer, WorkerNotReady if the worker does not
        start, and IsolationMissing depending on `strict`.
        """
        worker = self._spare
        if worker is None or worker.limits != limits or not worker.is_waiting():
            if worker is not None:
                worker.close()
            worker = self._new_worker(limits)
        self._spare = self._new_worker(limits)
        worker.begin(self.slowness)
        self._join(worker)
        # It is not the machine's fault that an ordinary user cannot give a worker another user id.
        lacking = {name: why for name, why in worker.missing.items() if why != NOT_ROOT}
        if self.strict and lacking:
            with worker:
                reasons = "; ".join(f"{name}: {why}" for name, why in lacking.items())
                raise IsolationMissing(f"not all layers of isolation are in force here ({reasons})")
        return worker

    def close(self) -> None:
        """End the zygote and with it every worker, and wait until it has cleaned up.

        Closing again does nothing.
        """
        if self._spare is not None:
            with contextlib.suppress(ZygoteDied):
                self._spare.close()
        self._control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        with contextlib.suppress(FileNotFoundError):  # exists only if the zygote was killed
            remove(self._base)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _join(self, worker: "Worker") -> None:
        """Move this process to a worker's processor, and the zygote to another."""
        if worker.cpu is not None:
            with _zygote_lives():
                os.sched_setaffinity(0, {worker.cpu})
                os.sched_setaffinity(self._pid, {*self.cpus} - {worker.cpu} or {worker.cpu})

    def _new_worker(self, limits: Limits) -> "Worker":
        self._fork_count += 1
        number = self._fork_count
        cpu = self.cpus[number % len(self.cpus)] if self.cpus else None
        ours, theirs = socket.socketpair()
        with theirs, _zygote_lives():
            socket.send_fds(self._control, [f"fork {number}".encode()], [theirs.fileno()])
        return Worker(ours, limits, cpu, lambda wait: self._end(number, wait))

    def _end(self, number: int, wait: bool) -> int | None:
        """Have a worker killed; if `wait` is set, return its wait status."""
        if self._spare is not None:
            self._join(self._spare)  # now, because ending a worker keeps its processor busy
        with _zygote_lives():
            self._control.send(f"end {number}".encode())
            self._ending += 1
            status = None
            # Replies come in order: those not waited for earlier come first.
            while self._ending > (0 if wait else 1):
                reply = self._control.recv(64)
                if not reply:
                    raise ZygoteDied(GONE)
                self._ending -= 1
                status = int(reply)
        return status if wait else None


@contextlib.contextmanager
def _zygote_lives() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ZygoteDied(GONE) from error


class Round:
    """Calls of one question, sent to a worker together and numbered from `first`.

    They are encoded here, once for all workers.
    """

    def __init__(self, question: Question, first: int, calls: Sequence[Call]) -> None:
        self.question = question
        self.numbers = range(first, first + len(calls))
        encoded_calls = [
            wire.encoded_call(n, call) for n, call in zip(self.numbers, calls, strict=True)
        ]
        self.frame = wire.frame(wire.Calls(encoded_calls))


class Worker:
    """One confined process for one submission; leaving its `with` block kills it.

    No method raises because of what the worker does: if it dies, hangs or breaks the protocol, it
    is killed, and every later answer says so.
    """

    def __init__(
        self,
        channel: socket.socket,
        limits: Limits,
        cpu: int | None,
        end: Callable[[bool], int | None],
    ) -> None:
        """Tell the worker to confine itself, without waiting. `end` kills it (see Zygote)."""
        self.limits = limits
        self.cpu = cpu
        self._channel = channel
        self._end = end
        self._clock: ProcessClock | None = None
        self._slowness = 1.0
        self._asleep = 0.0  # seconds in all
        self._end_outcome: Outcome | None = None
        self.waited = False
        """Whether it had to be stopped while it slept or waited for something."""
        self.sightings: dict[str, tuple[Sighting, ...]] = {}
        self.files: frozenset[str] = frozenset()  # names of files
        self.missing = dict.fromkeys(LAYERS, "the worker did not start")
        """The layers of confinement that are not in force, with the reasons."""
        with contextlib.suppress(wire.WireError):  # begin() then finds the channel closed
            wire.send(channel, wire.frame(wire.Start(limits, cpu)))
        channel.setblocking(False)

    def begin(self, slowness: float = 1.0) -> None:
        """Wait until the worker is confined; raise WorkerNotReady if that fails.

        Sleeping takes equally long on every machine, so its limits are the worker's without
        `slowness`.
        """
        self._slowness = slowness
        try:
            reply = wire.reply_of(wire.receive(self._channel, self.limits.frame_bytes, _for_start))
        except wire.WireError as error:
            self._kill(wait=True)
            raise WorkerNotReady(f"a worker ended before it was confined: {error}") from error
        if not isinstance(reply, wire.Ready):
            self._kill(wait=True)
            why = reply.why if isinstance(reply, wire.NotReady) else type(reply).__name__
            raise WorkerNotReady(f"a worker could not be confined: {why}")
        self.missing = reply.missing
        self._clock = ProcessClock(reply.pid)

    @property
    def processor_seconds(self) -> float:
        """The processor time used, in seconds."""
        return self._clock.used() if self._clock else 0.0

    @property
    def layers(self) -> list[str]:
        """The layers of confinement that are in force."""
        return [layer for layer in LAYERS if layer not in self.missing]

    def is_waiting(self) -> bool:
        """Tell whether a worker that has not begun is still alive."""
        try:
            return bool(self._channel.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Kill the worker."""
        self._kill(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def load(
        self,
        main: File,
        beside: Sequence[File],
        packages: Sequence[str],
        tasks: Tasks,
        spellings: Spellings = NO_SPELLINGS,
    ) -> list[Note] | Outcome:
        """Run a submission's main file; return its errors, or why the worker ended.

        It can import the files `beside` it, Python's own library and `packages`. An assignment
        under one of the `spellings` counts if the file defines no function of that name in `tasks`.
        `sightings` then has the autograd names that its gradients use, reported before any of it
        ran.
        """
        seconds = self.limits.load_seconds + self.limits.import_seconds
        load = wire.Load(main, beside, packages, tasks, spellings)
        screening = self._exchange(load, wire.Screened, seconds)
        if isinstance(screening, Outcome):
            return screening
        if not screening.sightings.keys() <= set(tasks.gradients):
            return self._give_up(Problem.CRASHED, f"{BROKE}: another message")
        self.sightings = {
            name: printable_sightings(wire.sightings_of(pairs))
            for name, pairs in screening.sightings.items()
        }
        reply = self._exchange(wire.Run(), wire.Loaded, seconds)
        if isinstance(reply, Outcome):
            return reply
        self.files = frozenset(reply.files)
        return [Note(printable(where), printable(text)) for where, text in reply.notes]

    def ask(self, round_: Round) -> list[Outcome]:
        """Ask the student's functions a round; return one outcome per call.

        The first call that takes too long ends the round: the others would take as long, so they
        get the same outcome.
        """
        seconds = seconds_for(round_.question, self.limits)
        outcomes: list[Outcome] = []
        self._send(round_.frame, seconds)
        for number in round_.numbers:
            if not outcomes or outcomes[-1].problem not in OUT_OF_TIME:
                outcomes.append(self._answer(number, seconds))
            else:
                outcomes.append(outcomes[-1])
        return outcomes

    def _answer(self, number: int, seconds: float) -> Outcome:
        """Receive the answer to call `number` within `seconds` from now."""
        reply = self._receive(wire.Answer, seconds)
        if isinstance(reply, Outcome):
            return reply
        try:
            if reply.number != number:
                raise wire.WireError("an answer to another call")
            outcome = wire.outcome_of(reply)
        except wire.WireError as error:
            return self._give_up(Problem.CRASHED, f"{BROKE}: {error}")
        if outcome.problem in OUT_OF_TIME:  # the limit is ours, and so is the text
            detail = WAITED if outcome.problem is Problem.WAITED else self._over(seconds)
            outcome = Outcome(problem=outcome.problem, detail=detail)
        return outcome.printable()

    def _exchange(
        self, message: wire.ToWorker, kind: type[Message], seconds: float
    ) -> Message | Outcome:
        """Send a message and receive the answer of type `kind`, or give up on the worker."""
        self._send(wire.frame(message), seconds)
        return self._receive(kind, seconds)

    def _send(self, frame: bytes, seconds: float) -> None:
        """Send a frame, which the worker must read within `seconds`, or give up on the worker."""
        if self._end_outcome is not None:
            return
        try:
            if self._spoke_unasked():
                self._give_up(Problem.CRASHED, f"{BROKE}: spoke out of turn")
                return
            wire.send(self._channel, frame, self._watch(seconds))
        except OutOfTime as error:
            self._give_up_late(error, seconds)
        except wire.WireError as error:
            self._give_up(Problem.CRASHED, str(error))

    def _receive(self, kind: type[Message], seconds: float) -> Message | Outcome:
        """Receive a message of type `kind` within `seconds`, or give up on the worker."""
        if self._end_outcome is not None:
            return self._end_outcome
        watch = self._watch(seconds)
        try:
            reply = wire.reply_of(wire.receive(self._channel, self.limits.frame_bytes, watch))
        except OutOfTime as error:
            return self._give_up_late(error, seconds)
        except wire.WireError as error:
            return self._give_up(Problem.CRASHED, str(error))
        finally:
            self.waited |= watch.interrupted
            self._asleep += watch.asleep
        if not isinstance(reply, kind):
            return self._give_up(Problem.CRASHED, f"{BROKE}: another message")
        return reply

    def _watch(self, seconds: float) -> Watchdog:
        assert self._clock is not None, "begin() comes first"
        seconds_left = self.limits.total_seconds / self._slowness - self._asleep
        sleeping = max(0.0, min(seconds / self._slowness, seconds_left))
        return Watchdog(self._clock, seconds, sleeping, self.limits.grace_seconds)

    def _spoke_unasked(self) -> bool:
        try:
            return bool(self._channel.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _give_up_late(self, error: OutOfTime, seconds: float) -> Outcome:
        self.waited |= error.waited
        if error.waited:
            return self._give_up(Problem.WAITED, WAITED + UNINTERRUPTED)
        return self._give_up(Problem.TIMEOUT, self._over(seconds) + UNINTERRUPTED)

    def _give_up(self, problem: Problem, detail: str) -> Outcome:
        status = self._kill(wait=True)
        if problem is Problem.CRASHED and status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                problem = Problem.TIMEOUT
                detail = f"with what ran before it, {self._over(self.limits.total_seconds)}"
            elif number != signal.SIGKILL:
                detail = f"killed by {signal.Signals(number).name}"
        self._end_outcome = Outcome(problem=problem, detail=detail)
        return self._end_outcome

    def _over(self, seconds: float) -> str:
        return over(seconds, self.limits.reference_seconds)

    def _kill(self, wait: bool) -> int | None:
        """Kill the worker's process group, once; return its wait status if `wait` is set."""
        if self._channel.fileno() < 0:
            return None
        self._channel.close()
        return self._end(wait)


def _for_start(channel: socket.socket, event: int) -> None:
    """Wait for a worker to be made ready (see wire.Wait)."""
    if not is_ready(channel, event, START_SECONDS):
        raise WorkerNotReady(f"a worker was not ready after {START_SECONDS:g} s")
