"""The bytes a worker sends back: whatever they are, they cost the worker and never the grader.

The test plays the worker over a real socket pair. A stub of the zygote answers how it ended.
"""

import contextlib
import json
import math
import socket
import struct
import threading
from collections.abc import Callable
from typing import get_args

import hypothesis.strategies as st
import msgspec
import pytest
import torch
from handed import PACKAGES, module, round_of
from hypothesis import example, given, settings
from times import PATIENCE

from grader.confined import wire
from grader.homework.activations import activation_called
from grader.homework.parameters import Parameters
from grader.homework.reference import Reference
from grader.homework.tasks import TASKS
from grader.judging.judge import Case, SourceFacts, judge_training
from grader.results.record import CriterionResult
from grader.rubric import load_rubric
from grader.rubric.cases import hidden_cases
from grader.rubric.draw import Draw
from grader.scoring.points import score
from grader.scoring.workers import Worker, WorkerNotReady
from grader.student_code.contract import Call, Hint, HintKind, Note, Outcome, Problem, Sighting

RUBRIC = load_rubric()
reference = Reference(activation_called(RUBRIC.homework.activation))
CASES = hidden_cases(RUBRIC, 5)
MARKING = RUBRIC.marking()
LIMITS = msgspec.structs.replace(RUBRIC.limits, frame_bytes=1 << 20)
IMPATIENT = msgspec.structs.replace(
    LIMITS, load_seconds=0.05, import_seconds=0.05, call_seconds=0.1, grace_seconds=0.1
)


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def pack(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


NO_PROCESS = (1 << 22) + 1  # more than the kernel's largest process id
READY = frame(wire.encode(wire.Ready({}, NO_PROCESS)))
SCREENED = frame(wire.encode(wire.Screened({})))
LOADED = frame(wire.encode(wire.Loaded([])))


def play(channel: socket.socket, replies: list[list[bytes]]) -> None:
    """Answer each message with the pieces of the next reply, and close after the last."""
    with channel:
        try:
            for pieces in replies:
                wire.receive(channel, 1 << 30)
                for piece in pieces:
                    channel.sendall(piece)
        except (OSError, wire.WireError):
            pass  # the grader has had enough


def converse(*replies: list[bytes]) -> tuple[list[Note] | Outcome, list[Outcome]]:
    """Take a worker that sends these replies, and then closes, through a load and two calls."""
    ours, theirs = socket.socketpair()
    player = threading.Thread(target=play, args=(theirs, list(replies)))
    player.start()
    try:
        with Worker(ours, LIMITS, None, lambda wait: 0) as worker:
            worker.begin()
            notes = worker.load(module("x = 1"), [], PACKAGES, TASKS)
            return notes, [worker.ask(round_of(n, call()))[0] for n in (1, 2)]
    finally:
        ours.close()
        player.join(timeout=PATIENCE)
        assert not player.is_alive()


def call() -> Call:
    draw = Draw(1, "fuzz")
    return Call("grad_w1", {"x": draw.normal(2, 1)})


def assert_harmless(notes: list[Note] | Outcome, outcomes: list[Outcome]) -> None:
    """Whatever was sent, what comes of it can be judged, recorded and shown."""
    texts = [] if isinstance(notes, Outcome) else [t for n in notes for t in (n.where, n.text)]
    for outcome in [*outcomes, *([notes] if isinstance(notes, Outcome) else [])]:
        assert outcome.problem is None or isinstance(outcome.problem, Problem)
        assert all(isinstance(tensor, torch.Tensor) for tensor in outcome.tensors)
        texts += [outcome.detail, outcome.where]
        texts += [text for s in outcome.sightings for text in (s.name, s.where)]
    assert all(text.isprintable() and len(text) <= 600 for text in texts)


def answer(**changed: object) -> bytes:
    """Return an answer to the first call, as a map, with fields changed or added."""
    return pack({"type": "Answer", "number": 1, **changed})


def array(shape: list[int], data: bytes = b"", dtype: str = "float64") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data": data}


def string(text: bytes) -> bytes:
    return b"\xda" + struct.pack(">H", len(text)) + text


def before_type(value: bytes) -> bytes:
    """Return a message whose type comes after a field that nobody knows."""
    return b"\x82" + string(b"x") + value + string(b"type") + string(b"Answer")


HUGE = b"\xff\xff\xff\xff"
# A body, and what is said of it. Bodies only: their frames are right.
BODIES = [
    (b"", "not a message"),
    (b"\xc1", "not a message"),
    (b"\xdd" + HUGE, "not a message"),  # an array of 2**32 elements in 5 bytes
    (b"\xdf" + HUGE, "not a message"),
    (b"\xc6" + HUGE, "not a message"),
    (b"\xdb" + HUGE, "not a message"),
    (before_type(b"\x91" * 500_000 + b"\xc0"), "not a message"),
    (before_type(b"\x81\xc0" * 250_000 + b"\xc0"), "not a message"),
    (before_type(b"\xdd" + HUGE), "not a message"),
    (pack({"type": "Ready", "layers": [""] * 200_000}), "not a message"),
    (pack({"type": "Screened", "sightings": {"forward": []}}), "another message"),
    (pack({"type": "Screened", "sightings": {"grad_w1": [("", "")] * 9}}), "not a message"),
    (pack({"type": "Screened", "sightings": {}}), "another message"),
    (answer(hint=["near", "x" * 201, ""]), "not a message"),
    (answer(hint=["far", "", ""]), "not a message"),
    (answer(hint=["near", ""]), "not a message"),
    (pack({"type": "Loaded", "notes": [("", "")] * 200_000}), "not a message"),
    (pack({"type": "Loaded", "notes": []}), "another message"),
    (pack({"type": "Start"}), "not a message"),
    (pack({"type": "Answer"}), "not a message"),
    (pack(["Answer", 1]), "not a message"),
    (answer(number=2), "an answer to another call"),
    (answer(number=0), "an answer to another call"),
    (answer(number=-1), "an answer to another call"),
    (answer(number=2**64 - 1), "an answer to another call"),
    (answer(number=1.5), "not a message"),
    (answer(number=True), "not a message"),
    (answer(number=math.nan), "not a message"),
    (answer(extra=1), "not a message"),
    (answer(sightings=[("x", "y")] * 9), "not a message"),
    (answer(sightings=[("x" * 201, "y")]), "not a message"),
    (answer(sightings=[("x",)]), "not a message"),
    (answer(problem="rich"), "not a message"),
    (answer(detail="x" * 601), "not a message"),
    (answer(detail=b"bytes"), "not a message"),
    (answer().replace(b"Answer", b"\xff\xfe\xed\xa0\x80\xff"), "not a message"),
    (answer(arrays=[array([1], bytes(8))] * 9), "not a message"),
    (answer(arrays=[array([1] * 9, bytes(8))]), "not a message"),
    (answer(arrays=[array([-1], bytes(8))]), "not a message"),
    (answer(arrays=[array([10**6 + 1])]), "not a message"),
    (answer(arrays=[array([1], bytes(16), "complex128")]), "not a message"),
    (answer(arrays=[array([2], bytes(8))]), "do not fit"),
    (answer(arrays=[array([2], bytes(8), "float32")]), None),
    (answer(arrays=[array([2], bytes(8), "float64")]), "do not fit"),
    (answer(arrays=[array([10**6] * 8, bytes(8))]), "do not fit"),
    (answer(arrays=[array([0] + [10**6] * 7)]), "impossible shape"),
    (answer(arrays=[array([10**6] * 7 + [0])]), "impossible shape"),
    (answer(arrays=[array([0] * 8)]), None),
    (answer(arrays=[array([], bytes(8))]), None),
    (answer(arrays=[array([1], b"\xff" * 8)]), None),
    (answer(problem="crashed", detail="\x1b[31m\u202e\0red", where="\n"), None),
]


@pytest.mark.parametrize(("body", "says"), BODIES)
def test_a_body_is_an_answer_or_ends_the_worker(body, says):
    notes, outcomes = converse([READY], [SCREENED], [LOADED], [frame(body)], [frame(body)])
    assert notes == []
    assert_harmless(notes, outcomes)
    if says:
        assert outcomes[0].problem is Problem.CRASHED
        assert says in outcomes[0].detail
        assert outcomes[1] == outcomes[0]
    else:
        assert "protocol" not in outcomes[0].detail


FRAMES: list[tuple[Callable[[bytes], list[bytes]], str]] = [
    (lambda whole: [], "the other side closed"),
    (lambda whole: [whole[:2]], "the other side closed"),
    (lambda whole: [whole[:-1]], "the other side closed"),
    (lambda whole: [HUGE, bytes(64)], "over the limit"),
    (lambda whole: [bytes(4)], "not a message"),
    (lambda whole: [whole, whole], "out of turn"),  # the second is for a call to come
    (lambda whole: [whole, b"\0"], "out of turn"),
]


@pytest.mark.parametrize(("pieces", "says"), FRAMES)
def test_a_frame_is_whole_and_alone_or_ends_the_worker(pieces, says):
    sent = b"".join(pieces(frame(answer())))
    notes, outcomes = converse([READY], [SCREENED], [LOADED], [sent])
    assert_harmless(notes, outcomes)
    assert outcomes[1].problem is Problem.CRASHED
    assert any(says in outcome.detail for outcome in outcomes)


def test_an_answer_split_at_every_byte_is_the_answer():
    body = answer(arrays=[array([1, 2], struct.pack("<2d", 1.0, 2.0))])
    whole = frame(body)
    _, outcomes = converse([READY], [SCREENED], [LOADED], [bytes([byte]) for byte in whole])
    assert torch.equal(outcomes[0].tensors[0], torch.tensor([[1.0, 2.0]], dtype=torch.float64))
    for cut in range(len(whole)):  # and cut off there, it is none
        _, outcomes = converse([READY], [SCREENED], [LOADED], [whole[:cut]])
        assert outcomes[0].problem is Problem.CRASHED


@pytest.mark.parametrize("sent", [b"", LOADED[:2], LOADED[:-1]])
def test_a_worker_that_goes_silent_within_a_frame_is_out_of_time(sent):
    ours, theirs = socket.socketpair()
    with theirs:
        player = threading.Thread(target=play, args=(theirs.dup(), [[READY], [SCREENED], [sent]]))
        player.start()
        with Worker(ours, IMPATIENT, None, lambda wait: 0) as worker:
            worker.begin()
            outcome = worker.load(module("x = 1"), [], PACKAGES, TASKS)
        player.join(timeout=PATIENCE)
    assert outcome.problem is Problem.WAITED
    assert outcome.detail.endswith("could not be interrupted")


def test_a_worker_that_does_not_read_is_out_of_time():
    ours, theirs = socket.socketpair()
    with theirs:
        player = threading.Thread(target=play, args=(theirs.dup(), [[READY]]))
        player.start()
        with Worker(ours, IMPATIENT, None, lambda wait: 0) as worker:
            worker.begin()
            player.join(timeout=PATIENCE)
            source = "x" * 2**23  # more than the socket holds
            outcome = worker.load(module(source), [], PACKAGES, TASKS)
    assert outcome.problem is Problem.WAITED
    assert outcome.detail.endswith("could not be interrupted")


@pytest.mark.parametrize("early", [LOADED, b"\0", frame(answer())])
def test_what_is_sent_before_it_is_asked_ends_the_worker(early):
    notes, outcomes = converse([READY + early], [SCREENED], [LOADED], [frame(answer())])
    assert isinstance(notes, Outcome)
    assert notes.problem is Problem.CRASHED
    assert "out of turn" in notes.detail
    assert outcomes == [notes, notes]


msgpack_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.binary()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab"), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
SIGHTINGS = st.lists(st.tuples(st.text("a\x1b"), st.text("b\n")), max_size=9)
near_misses = st.fixed_dictionaries(
    {"type": st.sampled_from(["Answer", "Loaded", "Screened", "Ready"])},
    optional={
        "number": st.integers(0, 3) | msgpack_values,
        "arrays": st.lists(
            st.fixed_dictionaries(
                {
                    "dtype": st.sampled_from(["float64", "float32", "float16"]),
                    "shape": st.lists(st.sampled_from([0, 1, 2, 3, 10**6]), max_size=8),
                    "data": st.binary(max_size=48),
                }
            ),
            max_size=3,
        )
        | msgpack_values,
        "problem": st.sampled_from([None, *(problem.value for problem in Problem)]),
        "detail": st.text(st.characters(exclude_categories=["Cs"])),
        "notes": st.lists(st.tuples(st.text("a\n\x1b"), st.text("b\x7f"))) | msgpack_values,
        "missing": st.dictionaries(st.text("abc"), st.text("abc")) | msgpack_values,
        "sightings": st.dictionaries(st.sampled_from(TASKS.gradients), SIGHTINGS)
        | SIGHTINGS
        | msgpack_values,
    },
).map(pack)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a valid frame with a few bytes replaced, dropped or put in."""
    data = bytearray(frame(answer(arrays=[array([1, 2], bytes(16))], detail="text")))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


sent = st.binary(max_size=200) | near_misses.map(frame) | mutated() | st.binary().map(frame)


@settings(max_examples=400)
@given(
    before=st.sampled_from([[[READY]], [[READY], [SCREENED]], [[READY], [SCREENED], [LOADED]]]),
    sent=sent,
)
def test_whatever_is_sent_nothing_is_raised(before, sent):
    assert_harmless(*converse(*before, [sent]))


@pytest.mark.parametrize(
    "sent", [b"", b"\0\0\0\1x", LOADED, frame(wire.encode(wire.NotReady("no memory")))]
)
def test_a_worker_that_is_not_ready_is_no_fault_of_a_submission(sent):
    with pytest.raises(WorkerNotReady):
        converse([sent])


@settings(max_examples=500)
@given(near_misses | st.binary() | mutated() | msgpack_values.map(pack))
@example(before_type(b"\x91" * 100_000))
def test_a_body_decodes_to_a_message_or_a_wire_error(body):
    # Anything but a WireError fails the test, and so does a message that is none.
    with contextlib.suppress(wire.WireError):
        message = wire.reply_of(body)
        assert isinstance(message, wire.FromWorker)
        if isinstance(message, wire.Answer):
            outcome = wire.outcome_of(message)
            assert [list(t.shape) for t in outcome.tensors] == [a.shape for a in message.arrays]


def trained(case: Case) -> tuple[torch.Tensor, ...]:
    """Return parameters that pass a training case."""
    params, x, y = Parameters.of(case.call), case.call.tensors["x"], case.call.tensors["y"]
    for _ in range(2000):
        moves = reference.gradients(x, y, params, *reference.forward(x, params))
        params = Parameters(*(p - 0.002 * g for p, g in zip(params, moves, strict=True)))
    return tuple(params)


TRAINED = {case.criterion: trained(case) for case in CASES if not case.expected}


def right(case: Case) -> tuple[torch.Tensor, ...]:
    return case.expected or TRAINED[case.criterion]


def bits(data: bytes, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor of these bytes, repeated as often as it takes: NaN, denormals and all."""
    size = shape.numel() * dtype.itemsize
    return torch.frombuffer(bytearray((data * size)[:size]), dtype=dtype).reshape(shape)


@st.composite
def tensors(draw: st.DrawFn, case: Case) -> tuple[torch.Tensor, ...]:
    """Draw an answer to a case: mostly of the right shapes, with any bits at all."""
    wanted = right(case)
    answered = []
    for tensor in wanted:
        dtype = draw(st.sampled_from([torch.float64, torch.float32]))
        kind = draw(st.sampled_from(["right", "entry", "bits", "scaled", "shape"]))
        value = tensor.clone()
        if kind == "entry":
            value.view(-1)[draw(st.integers(0, value.numel() - 1))] = draw(st.floats())
        elif kind == "bits":
            value = bits(draw(st.binary(min_size=1, max_size=8)), value.shape, dtype)
        elif kind == "scaled":
            value = value * draw(st.floats())
        elif kind == "shape":
            value = torch.zeros(draw(st.lists(st.integers(0, 3), max_size=8)))
        answered.append(value.to(dtype))
    count = draw(st.sampled_from([len(answered)] * 8 + [0, 1]))
    return tuple(answered[:count])


AUTOGRAD = Sighting("torch.autograd.grad", "homework.py, line 1")


@st.composite
def interviews(draw: st.DrawFn) -> list[Outcome]:
    """Draw an outcome for every case; a good part of them right."""
    outcomes = []
    for case in CASES:
        kind = draw(st.sampled_from(["right", "right", "right", "seen", "tensors", "problem"]))
        if kind == "right":
            outcomes.append(Outcome(right(case)))
        elif kind == "seen" and case.call.function in TASKS.gradients:
            outcomes.append(Outcome(right(case), sightings=(AUTOGRAD,)))
        elif kind == "tensors":
            outcomes.append(Outcome(draw(tensors(case))))
        else:
            problem = draw(st.sampled_from(list(Problem)))
            hint = draw(st.sampled_from([None, *get_args(HintKind)]))
            text = draw(st.text(max_size=5))
            hinted = Hint(hint, text, text) if hint else None
            outcomes.append(Outcome(problem=problem, detail=text, hint=hinted))
    return outcomes


def is_right(case: Case, outcome: Outcome) -> bool:
    """Tell, without the judge, whether an answer is what full points ask for."""
    if outcome.problem or outcome.sightings:
        return False
    asked = case.expected or tuple(Parameters.of(case.call))
    if [tensor.shape for tensor in outcome.tensors] != [tensor.shape for tensor in asked]:
        return False
    answered = [tensor.double() for tensor in outcome.tensors]
    if case.expected:
        pairs = zip(answered, asked, strict=True)
        return all((got - want).abs().max() <= 1e-12 * want.abs().max() for got, want in pairs)
    x, y = case.call.tensors["x"], case.call.tensors["y"]
    loss = float((y - reference.forward(x, Parameters(*answered))[1]).square().mean())
    return loss <= RUBRIC.training.pass_fraction * float(y.var(correction=0))


@settings(max_examples=150)
@given(interviews(), st.sampled_from([{}, {"grad_w1": (AUTOGRAD,), "grad_b2": (AUTOGRAD,)}]))
def test_any_outcomes_come_to_points_that_they_earn(outcomes, named):
    verdicts = score(CASES, outcomes, MARKING, SourceFacts(sightings=named))
    assert [verdict.criterion for verdict in verdicts] == list(MARKING.points)
    for verdict in verdicts:
        assert 0 <= verdict.points <= verdict.max_points
        for number in (verdict.points, verdict.error, verdict.loss):
            assert number is None or math.isfinite(number)
        assert len(verdict.message) <= 1000  # of which a submission writes 500 at the most
        encoded = CriterionResult(
            verdict.criterion, verdict.points, verdict.max_points, verdict.error,
            verdict.message, verdict.diagnosis,
        )  # fmt: skip
        json.loads(msgspec.json.encode(encoded))
        if verdict.points == verdict.max_points:
            answered = [
                (case, outcome)
                for case, outcome in zip(CASES, outcomes, strict=True)
                if case.criterion == verdict.criterion
            ]
            assert all(is_right(case, outcome) for case, outcome in answered)


def test_right_outcomes_earn_everything():
    verdicts = score(CASES, [Outcome(right(case)) for case in CASES], MARKING, SourceFacts())
    assert sum(verdict.points for verdict in verdicts) == RUBRIC.max_score


def test_an_enormous_loss_is_told_in_few_digits():
    (case,) = (case for case in CASES if case.criterion == "train.net")
    outcome = Outcome(tuple(tensor * 1e150 for tensor in right(case)))
    verdict = judge_training(case, outcome, MARKING)
    assert verdict.points == 0
    assert verdict.loss > 1e290
    assert len(verdict.message) < 80
