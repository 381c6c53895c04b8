"""The framed binary protocol between the grader and a worker.

A frame is a length (4 bytes, big-endian) and a MessagePack body of one of the types below. The
grader decodes a worker's messages by the schema alone, and also checks what a schema cannot
express: that an array has as many bytes as its shape and dtype need.
"""

import math
import select
import socket
import struct
from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import msgspec
import torch
from torch import Tensor

from grader.confined.limits import Limits
from grader.source.files import File
from grader.source.tasks import Tasks
from grader.student_code.contract import (
    Call,
    Hint,
    HintKind,
    Outcome,
    PriorValue,
    PriorValueKind,
    Problem,
    Sighting,
    Spellings,
)

HEADER = struct.Struct(">I")
SIGHTING_LENGTH = 200
MOST_NOTES = 200
TEXT_LENGTH = 600
ShortText = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]
Dimension = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
SightingText = Annotated[str, msgspec.Meta(max_length=SIGHTING_LENGTH)]
Sightings = Annotated[list[tuple[SightingText, SightingText]], msgspec.Meta(max_length=8)]
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class WireError(Exception):
    """The other side closed the channel, or sent something outside the protocol."""


class Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tensor: dtype, shape, and its entries in row-major order, little-endian."""

    dtype: Literal["float64", "float32"]
    shape: Annotated[list[Dimension], msgspec.Meta(max_length=8)]
    data: bytes


class Start(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """To the worker: its limits, and the processor it runs on (None for any)."""

    limits: Limits
    cpu: int | None


class Ready(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """From the worker, before any student code: missing layers of confinement, with reasons.

    `pid` is the worker's own.
    """

    missing: dict[str, str]
    pid: int


class NotReady(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """From the worker, before any student code: it could not confine itself, and why."""

    why: str


class Load(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """To the worker: the main file, the files beside it, and the packages that they may import.

    `tasks` are what the homework asks, `spellings` how names in the files may be spelled.
    """

    main: File
    beside: Sequence[File]
    packages: Sequence[str]
    tasks: Tasks
    spellings: Spellings


class Screened(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """From the worker, before any of the source runs: what each gradient names of autograd."""

    sightings: Annotated[dict[SightingText, Sightings], msgspec.Meta(max_length=64)]


class Run(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """To the worker: run the source that was loaded."""


class Loaded(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """From the worker: errors met while the source ran, as (where, what) pairs.

    `files` are the names of the files that ran: the main file, and those it imported.
    """

    notes: Annotated[list[tuple[ShortText, ShortText]], msgspec.Meta(max_length=MOST_NOTES)]
    files: Annotated[list[ShortText], msgspec.Meta(max_length=MOST_NOTES)] = []


class EncodedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call."""

    number: int
    function: str
    arrays: dict[str, Array]
    settings: dict[str, float]


class Calls(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """To the worker: calls to answer one by one, up to the first that takes too long."""

    calls: list[EncodedCall]


class Answer(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """From the worker: the outcome of call `number`."""

    number: int
    arrays: Annotated[list[Array], msgspec.Meta(max_length=8)] = []
    problem: Problem | None = None
    detail: ShortText = ""
    where: ShortText = ""
    sightings: Sightings = []
    changed_inputs: Annotated[list[SightingText], msgspec.Meta(max_length=8)] = []
    hint: tuple[HintKind, SightingText, SightingText] | None = None
    prior_values: Annotated[
        list[tuple[SightingText, SightingText, PriorValueKind]], msgspec.Meta(max_length=8)
    ] = []


ToWorker = Start | Load | Run | Calls
FromWorker = Ready | NotReady | Screened | Loaded | Answer

encode = msgspec.msgpack.Encoder().encode
decode_message = msgspec.msgpack.Decoder(ToWorker).decode
_decode_reply = msgspec.msgpack.Decoder(FromWorker).decode


def to_array(tensor: Tensor) -> Array:
    """Encode a dense float tensor."""
    dtype: Literal["float64", "float32"] = "float32" if tensor.dtype == torch.float32 else "float64"
    # .clone() copies a transposed or expanded view, so that its bytes are its entries.
    data = tensor.detach().clone(memory_format=torch.contiguous_format).numpy().tobytes()
    return Array(dtype, list(tensor.shape), data)


def to_tensor(array: Array) -> Tensor:
    """Decode an array; raise WireError if its bytes do not fit its shape."""
    dtype = DTYPES[array.dtype]
    if len(array.data) != math.prod(array.shape) * dtype.itemsize:
        raise WireError("an array's bytes do not fit its shape")
    if not array.data:
        try:
            return torch.empty(array.shape, dtype=dtype)
        except RuntimeError as error:  # no entries, but dimensions whose product overflows
            raise WireError("an array of an impossible shape") from error
    return torch.frombuffer(bytearray(array.data), dtype=dtype).reshape(array.shape)


def encoded_call(number: int, call: Call) -> EncodedCall:
    """Encode a call."""
    arrays = {name: to_array(tensor) for name, tensor in call.tensors.items()}
    return EncodedCall(number, call.function, arrays, dict(call.settings))


def call_of(ask: EncodedCall) -> Call:
    """Decode a call."""
    tensors = {name: to_tensor(array) for name, array in ask.arrays.items()}
    return Call(ask.function, tensors, ask.settings)


def answer_of(number: int, outcome: Outcome) -> Answer:
    """Encode an outcome."""
    arrays = [to_array(tensor) for tensor in outcome.tensors]
    sightings = pairs_of(outcome.sightings)
    changed_inputs = list(outcome.changed_inputs)
    hint = (h.kind, *_cut(h.name, h.where)) if (h := outcome.hint) else None
    detail, where = outcome.detail[:TEXT_LENGTH], outcome.where[:TEXT_LENGTH]
    prior_values = [(*_cut(k.name, k.where), k.kind) for k in outcome.prior_values]
    return Answer(
        number,
        arrays,
        outcome.problem,
        detail,
        where,
        sightings,
        changed_inputs,
        hint,
        prior_values,
    )


def loaded_of(notes: Sequence[tuple[str, str]], files: Sequence[str]) -> Loaded:
    """Encode notes and file names, in the number and length that the schema allows."""
    short_notes = [(where[:TEXT_LENGTH], text[:TEXT_LENGTH]) for where, text in notes[:MOST_NOTES]]
    return Loaded(short_notes, [name[:TEXT_LENGTH] for name in files[:MOST_NOTES]])


def outcome_of(answer: Answer) -> Outcome:
    """Decode an outcome."""
    tensors = tuple(to_tensor(array) for array in answer.arrays)
    sightings = sightings_of(answer.sightings)
    changed_inputs = tuple(answer.changed_inputs)
    hint = Hint(*answer.hint) if answer.hint else None
    prior_values = tuple(PriorValue(*each) for each in answer.prior_values)
    return Outcome(
        tensors,
        answer.problem,
        answer.detail,
        answer.where,
        sightings,
        changed_inputs,
        hint,
        prior_values,
    )


def pairs_of(sightings: Sequence[Sighting]) -> list[tuple[str, str]]:
    """Encode sightings, with names and places cut to the length that the schema allows."""
    return [_cut(s.name, s.where) for s in sightings]


def _cut(name: str, where: str) -> tuple[str, str]:
    return name[:SIGHTING_LENGTH], where[:SIGHTING_LENGTH]


def sightings_of(pairs: Sequence[tuple[str, str]]) -> tuple[Sighting, ...]:
    """Decode sightings."""
    return tuple(Sighting(name, where) for name, where in pairs)


def reply_of(body: bytes) -> FromWorker:
    """Decode a worker's message; raise WireError if it is not a message, whatever it is."""
    try:
        reply: FromWorker = _decode_reply(body)
    # RecursionError: an unknown field before the type is skipped, however deeply it nests.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError("broke the protocol: not a message") from error
    return reply


def frame(message: ToWorker | FromWorker) -> bytes:
    """Return a message in the form in which it is sent."""
    body = encode(message)
    return HEADER.pack(len(body)) + body


class Wait(Protocol):
    """Waits until a channel can be read or written; raises whatever ends the waiting."""

    def __call__(self, channel: socket.socket, event: int) -> None:
        """Wait for select.POLLIN or select.POLLOUT."""


def send(channel: socket.socket, message: bytes, wait: Wait | None = None) -> None:
    """Send one frame; raises WireError if the other side closed, and what `wait` raises."""
    rest = memoryview(message)
    try:
        while rest:
            if wait:
                wait(channel, select.POLLOUT)
            rest = rest[channel.send(rest) :]
    except OSError as error:
        raise WireError("the other side closed") from error


def receive(channel: socket.socket, max_bytes: int, wait: Wait | None = None) -> bytes:
    """Receive the body of one frame.

    Raises WireError if the other side closed or announced more than `max_bytes`, and what `wait`
    raises.
    """
    (length,) = HEADER.unpack(_exactly(channel, HEADER.size, wait))
    if length > max_bytes:
        raise WireError(f"a frame of {length} bytes, over the limit of {max_bytes}")
    return _exactly(channel, length, wait)


def _exactly(channel: socket.socket, count: int, wait: Wait | None) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        if wait:
            wait(channel, select.POLLIN)
        try:
            part = channel.recv(min(count - len(parts), 1 << 20))
        except OSError as error:
            raise WireError("the other side closed") from error
        if not part:
            raise WireError("the other side closed")
        parts += part
    return bytes(parts)
