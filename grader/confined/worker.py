"""A worker: one process for one submission, forked from the zygote."""

import os
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from grader.confined import wire
from grader.confined.confinement import Confinement
from grader.confined.kernel import LimitTooLow
from grader.confined.limits import Limits, seconds_for
from grader.confined.memory import with_memory
from grader.source.files import File
from grader.source.imports import Files
from grader.source.tasks import Tasks
from grader.student_code import loading
from grader.student_code.calls import answer, out_of_time
from grader.student_code.contract import OUT_OF_TIME, UNFOLLOWED, Call, Outcome, Spellings
from grader.student_code.formulas import Formula, formulas_of, with_formulas
from grader.student_code.static_analysis import screen

TRUSTED_FRAME = 1 << 30  # frames come from the grader, which limits the source it sends
Message = TypeVar("Message", wire.Start, wire.Load, wire.Run, wire.Calls)


def work(channel: socket.socket, confinement: Confinement) -> None:
    """Serve one grader over `channel` until it closes: Start, Load, Run, then any Calls."""
    start = _next(channel, wire.Start)
    _silence()
    signal.signal(signal.SIGALRM, signal.SIG_IGN)  # it may arrive just after a call has ended
    try:
        confinement.enter(start.limits, start.cpu, channel.fileno())
    except Exception as error:
        is_told = isinstance(error, LimitTooLow)
        _send(channel, wire.NotReady(str(error) if is_told else loading.describe(error)))
        raise
    _send(channel, wire.Ready(confinement.missing, os.getpid()))
    load, limits = _next(channel, wire.Load), start.limits
    main, beside = load.main, load.beside
    files, formulas, sightings = _read(main, beside, load.tasks, load.spellings, limits)
    _send(channel, wire.Screened(sightings))
    _next(channel, wire.Run)
    budget = loading.LoadBudget(
        limits.statement_seconds,
        limits.import_seconds,
        limits.load_seconds,
        limits.slice_seconds,
        limits.reference_seconds,
    )
    program = loading.load(main, beside, load.packages, load.tasks, budget, Path.cwd())
    notes = [(note.where, note.text) for note in program.notes]
    _send(channel, wire.loaded_of(notes, program.files))
    program = with_formulas(program, formulas)
    program = with_memory(program, files) if files else program
    while True:
        program.state.put_back_names()
        for ask in _next(channel, wire.Calls).calls:
            outcome = _answer_in_time(wire.call_of(ask), program, limits)
            _send(channel, wire.answer_of(ask.number, outcome))
            if outcome.problem in OUT_OF_TIME:
                break


def _read(
    main: File, beside: Sequence[File], tasks: Tasks, spellings: Spellings, limits: Limits
) -> tuple[Files | None, list[Formula], dict[str, wire.Sightings]]:
    """Return the files, their formulas, and the sightings of their gradients.

    If that takes too long, return no files, and UNFOLLOWED as each gradient's sighting.
    """
    try:
        with loading.time_limit(limits.statement_seconds, "nobody is told"):
            files = Files(main, beside)
            formulas = formulas_of(files.pieces(), tasks, spellings)
            sightings_by_gradient = screen(files, tasks, formulas)
    # SystemError: Python's parser raises it if it is interrupted.
    except (loading.TimeLimitReached, RecursionError, MemoryError, SystemError):
        return None, [], {name: [(UNFOLLOWED, "")] for name in tasks.gradients}
    return (
        files,
        formulas,
        {name: wire.pairs_of(sightings) for name, sightings in sightings_by_gradient.items()},
    )


def _answer_in_time(call: Call, program: loading.Program, limits: Limits) -> Outcome:
    try:
        with _limit_of(call, program.tasks, limits):
            return answer(call, program)
    except loading.TimeLimitReached as error:  # it struck just after the answer was complete
        return out_of_time(error)


def _limit_of(call: Call, tasks: Tasks, limits: Limits) -> AbstractContextManager[None]:
    seconds = seconds_for(tasks.by_name[call.function], limits)
    return loading.time_limit(seconds, loading.over(seconds, limits.reference_seconds))


def _next(channel: socket.socket, kind: type[Message]) -> Message:
    message = wire.decode_message(wire.receive(channel, TRUSTED_FRAME))
    if not isinstance(message, kind):
        raise wire.WireError(f"{type(message).__name__} out of turn")
    return message


def _send(channel: socket.socket, message: wire.FromWorker) -> None:
    wire.send(channel, wire.frame(message))


def _silence() -> None:
    """Redirect standard input and output to /dev/null: prints cost nothing and reach nobody."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    warnings.simplefilter("ignore")  # whatever PYTHONWARNINGS says on this machine
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = sys.stdout
