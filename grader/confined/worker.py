"""A worker: one process for one submission, forked from the zygote."""

import os
import socket
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from grader.confined import student, wire
from grader.confined.calls import answer
from grader.confined.confinement import Confinement
from grader.confined.contract import (
    GRADIENTS,
    Call,
    Gradient,
    Outcome,
    Problem,
    Spellings,
)
from grader.confined.formulas import Formula, formulas_of, with_formulas
from grader.confined.limits import Limits
from grader.confined.screening import screen

TRUSTED_FRAME = 1 << 30  # frames come from the grader, which limits the source it sends
Message = TypeVar("Message", wire.Start, wire.Load, wire.Run, wire.Round)


def work(channel: socket.socket, confinement: Confinement) -> None:
    """Serve one grader over `channel` until it closes: Start, Load, Run, then any Rounds."""
    start = _next(channel, wire.Start)
    _silence()
    confinement.enter(start.limits, start.cpu, channel.fileno())
    _send(channel, wire.Ready(confinement.missing))
    load = _next(channel, wire.Load)
    cells = [student.Cell(label, source) for label, source in load.cells]
    labels = {cell.label for cell in cells}
    limits = start.limits
    formulas, named = _read(cells, load.spellings, limits)
    _send(channel, wire.Screened(named))
    _next(channel, wire.Run)
    budget = student.LoadBudget(
        limits.statement_seconds, limits.import_seconds, limits.load_seconds, limits.slice_seconds
    )
    namespace, notes = student.load(load.kind, cells, budget)
    namespace = with_formulas(namespace, formulas)
    _send(channel, wire.Loaded([(note.where, note.text) for note in notes[:200]]))
    while True:
        for ask in _next(channel, wire.Round).asks:
            outcome = _answer_in_time(wire.call_of(ask), namespace, labels, limits)
            _send(channel, wire.answer_of(ask.number, outcome))
            if outcome.problem is Problem.TIMEOUT:
                break


def _read(
    cells: Sequence[student.Cell], spellings: Spellings, limits: Limits
) -> tuple[list[Formula], dict[Gradient, wire.Sightings]]:
    """Return the formulas of a source and what it names; nothing, where that takes too long."""
    try:
        with student.time_limit(limits.statement_seconds):
            formulas = formulas_of(cells, spellings)
            found = screen(cells, formulas)
    except (student.TimeLimitReached, RecursionError, MemoryError):
        return [], {}
    return formulas, {name: wire.pairs_of(found[name]) for name in GRADIENTS if name in found}


def _answer_in_time(
    call: Call, namespace: student.Namespace, labels: set[str], limits: Limits
) -> Outcome:
    try:
        with _limit_of(call, limits):
            return answer(call, namespace, labels)
    except student.TimeLimitReached as error:  # it rang just after the answer was whole
        return Outcome(problem=Problem.TIMEOUT, detail=str(error))


def _limit_of(call: Call, limits: Limits) -> AbstractContextManager[None]:
    training = call.function.startswith("train_")
    return student.time_limit(limits.training_seconds if training else limits.call_seconds)


def _next(channel: socket.socket, kind: type[Message]) -> Message:
    message = wire.decode_message(wire.receive(channel, TRUSTED_FRAME))
    if not isinstance(message, kind):
        raise wire.WireError(f"{type(message).__name__} out of turn")
    return message


def _send(channel: socket.socket, message: wire.FromWorker) -> None:
    wire.send(channel, wire.frame(message))


def _silence() -> None:
    """Point standard input and output at /dev/null: prints cost nothing and reach nobody."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = sys.stdout
