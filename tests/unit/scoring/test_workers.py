"""Workers: real processes, and what it costs them to hang, die, flood, waste or lie."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
import torch
from handed import PACKAGES, module, notebook, round_of

from grader.confined import wire
from grader.confined.devices import NO_GPU
from grader.confined.limits import Limits
from grader.homework.cases import draw_parameters
from grader.homework.tasks import TASKS
from grader.rubric import Rubric
from grader.rubric.draw import Draw
from grader.scoring.workers import Worker, Zygote
from grader.student_code.contract import Call, Note, Outcome, Problem
from grader.student_code.loading import WAITED
from grader.util.clocks import OutOfTime, ProcessClock, Watchdog

HONEST = "import torch\ndef grad_w1(x, y, params, hs, y_pred):\n    return params.w1 * 2\n"


@pytest.fixture
def limits(rubric: Rubric) -> Limits:
    """Production's limits, with less time."""
    return msgspec.structs.replace(
        rubric.limits,
        statement_seconds=0.3,
        load_seconds=0.6,
        call_seconds=0.4,
        training_seconds=0.4,
        grace_seconds=0.6,
        total_seconds=10.0,
    )


def call(function: str = "grad_w1") -> Call:
    draw = Draw(1, "test")
    params = draw_parameters(draw, 4, 3, "row")
    given = {"x": draw.normal(4, 1), "y": draw.normal(4, 1), **params._asdict()}
    return Call(function, {**given, "hs": draw.normal(4, 3), "y_pred": draw.normal(4, 1)})


def ask(worker: Worker, question: Call, number: int = 1) -> Outcome:
    """Ask one call in a round of its own."""
    (outcome,) = worker.ask(round_of(number, question))
    return outcome


def asked(zygote: Zygote, limits: Limits, source: str) -> Outcome:
    """Load a module in a worker and ask it grad_w1."""
    with zygote.fork_worker(limits) as worker:
        worker.load(module(source), [], PACKAGES, TASKS)
        return ask(worker, call())


def gradient(body: str) -> str:
    return f"{HONEST}import os, sys, time\ndef grad_w1(x, y, params, hs, y_pred):\n    {body}\n"


def test_tensors_come_back_bit_for_bit(zygote, limits):
    outcome = asked(zygote, limits, HONEST)
    (returned,) = outcome.tensors
    assert torch.equal(returned, call().tensors["w1"] * 2)
    assert returned.dtype == torch.float64


RETURNS = [
    ("return params.w1.float()", (1, 3), torch.float32),
    ("return (params.w1.T).T", (1, 3), torch.float64),
    ("return params.w2.T", (1, 3), torch.float64),
    ("return torch.zeros(()).double()", (), torch.float64),
    ("return torch.zeros(0, 3).double()", (0, 3), torch.float64),
    ("return params.w1[:, ::2]", (1, 2), torch.float64),
    ("return params.w1.requires_grad_()", (1, 3), torch.float64),
    ("return torch.nn.Parameter(params.w1)", (1, 3), torch.float64),
    ("return torch.zeros(1, 1).double().expand(50, 30)", (50, 30), torch.float64),
]


@pytest.mark.parametrize(("body", "shape", "dtype"), RETURNS)
def test_any_dense_float_tensor_comes_back(zygote, limits, body, shape, dtype):
    (returned,) = asked(zygote, limits, gradient(body)).tensors
    assert (returned.shape, returned.dtype) == (shape, dtype)


LATE = (
    "class Late(torch.Tensor):\n"
    "    reads = 0\n"
    "    @classmethod\n"
    "    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
    "        Late.reads += 1\n"
    "        return super().__torch_function__(func, types, args, kwargs)\n"
    "def grad_w1(x, y, params, hs, y_pred):\n"
    "    return (params.w1 * 2).as_subclass(Late)\n"
    "def grad_w2(x, y, params, hs, y_pred):\n"
    "    raise ValueError(Late.reads)\n"
)


def test_a_subclass_runs_no_code_of_its_own_when_the_answer_is_sent(zygote, limits):
    with zygote.fork_worker(limits) as worker:
        worker.load(module(HONEST + LATE), [], PACKAGES, TASKS)
        (returned,) = ask(worker, call()).tensors
        assert torch.equal(returned, call().tensors["w1"] * 2)
        assert ask(worker, call("grad_w2"), 2).detail == "ValueError: 0"


NOT_TENSORS = [
    ("return None", "grad_w1 returned NoneType, not a torch.Tensor"),
    ("return [1.0]", "returned list"),
    ("return params.w1.numpy()", "returned ndarray"),
    ("return (params.w1,)", "returned tuple"),
    ("return params.w1.int()", "torch.int32"),
    ("return params.w1.bool()", "torch.bool"),
    ("return params.w1.to(torch.complex128)", "torch.complex128"),
    ("return params.w1.half()", "torch.float16"),
    ("return params.w1.to_sparse()", "not dense on the CPU"),
    ("return params.w1.to('meta')", "not dense on the CPU"),
    ("return torch.zeros(1).double().expand(10**6, 10**6)", "far too large"),
    ("yield params.w1", "returned generator"),
    ("return type('Lazy', (), {'__class__': torch.Tensor})()", "returned Lazy"),
]


@pytest.mark.parametrize(("body", "says"), NOT_TENSORS)
def test_what_is_no_tensor_is_named(zygote, limits, body, says):
    outcome = asked(zygote, limits, gradient(body))
    assert outcome.problem is Problem.BAD_RETURN
    assert says in outcome.detail


PROBLEMS = [
    ("raise NotImplementedError('TODO 2')", Problem.NOT_ATTEMPTED, "TODO 2"),
    ("return x @ y", Problem.RAISED, "RuntimeError"),
    ("return 1 / 0", Problem.RAISED, "ZeroDivisionError: division by zero"),
    ("sys.exit(0)", Problem.RAISED, "SystemExit"),
    ("return grad_w1(x, y, params, hs, y_pred)", Problem.RAISED, "RecursionError"),
    ("raise KeyboardInterrupt", Problem.RAISED, "KeyboardInterrupt"),
    ("raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})", Problem.RAISED, "E"),
    ("raise ValueError('\\x1b[31m\\ud800 red')", Problem.RAISED, "ValueError: [31m? red"),
    ("raise ValueError('x' * 10**6)", Problem.RAISED, "ValueError: xxx"),
    ("while True: pass", Problem.TIMEOUT, "more processor time than 4 training runs"),
    ("time.sleep(60)", Problem.WAITED, "waited too long"),
    ("torch.zeros(10**10)", Problem.RAISED, "RuntimeError"),
    ("return bytearray(10**11)", Problem.RAISED, "MemoryError"),
    ("os._exit(0)", Problem.CRASHED, "the other side closed"),
    ("os.abort()", Problem.CRASHED, "killed by SIGABRT"),
    ("import ctypes; ctypes.string_at(0)", Problem.CRASHED, "killed by SIGSEGV"),
]


@pytest.mark.parametrize(("body", "problem", "says"), PROBLEMS)
def test_what_goes_wrong_in_a_call_is_named(zygote, limits, body, problem, says):
    outcome = asked(zygote, limits, gradient(body))
    assert (outcome.problem, outcome.tensors) == (problem, ())
    assert says in outcome.detail.replace("  ", " ")
    assert len(outcome.detail) <= 500


def test_a_problem_has_its_line(zygote, limits):
    assert asked(zygote, limits, gradient("return 1 / 0")).where == "homework.py, line 6"


def test_where_a_loop_was_when_its_time_was_over_is_not_told(zygote, limits):
    """It is another line on every run, and the same submission gets the same record."""
    loop = "def spin():\n    while True:\n        x = 1\n        x += 1\n"
    source = f"{loop}\n\nspin()\n{gradient('spin()')}"
    with zygote.fork_worker(limits) as worker:
        (note,) = worker.load(module(source), [], PACKAGES, TASKS)
        assert note.where == "homework.py, line 7"
        outcome = ask(worker, call())
    assert (outcome.problem, outcome.where) == (Problem.TIMEOUT, "")


def test_a_call_that_takes_too_long_costs_that_call_only(zygote, limits):
    source = gradient("while True: pass") + "def grad_w2(*given):\n    return given[2].w2\n"
    with zygote.fork_worker(limits) as worker:
        worker.load(module(source), [], PACKAGES, TASKS)
        assert ask(worker, call()).problem is Problem.TIMEOUT
        assert ask(worker, call("grad_w2"), 2).problem is None


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="waiting is not counted here")
def test_four_busy_loops_on_the_same_processor_cost_an_answer_nothing(limits):
    """It computes for less than its limit, and takes more than that by a clock on the wall."""
    computes = "end = time.process_time() + 0.25\n    while time.process_time() < end: pass\n"
    cpu = min(os.sched_getaffinity(0))
    zygote = Zygote.fork()
    zygote.cpus = [cpu]
    loops = [  # in sessions of their own, each of which may have as much as the worker's
        subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
        for _ in range(4)
    ]
    try:
        for loop in loops:
            os.sched_setaffinity(loop.pid, {cpu})
        with zygote.fork_worker(limits) as worker:
            worker.load(module(gradient(computes + "    return params.w1")), [], PACKAGES, TASKS)
            started = time.monotonic()
            assert ask(worker, call()).problem is None
            assert time.monotonic() - started > limits.call_seconds
            assert not worker.waited
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
        zygote.close()


DEAF = (
    "import signal\n"
    "    for name in (signal.SIGALRM, signal.SIGPROF):\n"
    "        signal.signal(name, signal.SIG_IGN)\n"
    "    while True:\n"
    "        {}"
)
LOOPS, SLEEPS = DEAF.format("pass"), DEAF.format("time.sleep(60)")
OVER = "used more processor time than {} training runs of the reference solution"
KILLED = [
    (LOOPS, Problem.TIMEOUT, f"{OVER.format(4)}, and could not be interrupted"),
    (SLEEPS, Problem.WAITED, f"{WAITED}, and could not be interrupted"),
]


@pytest.mark.parametrize(("body", "problem", "says"), KILLED)
def test_what_is_deaf_to_its_limit_is_killed_from_outside(zygote, limits, body, problem, says):
    with zygote.fork_worker(limits) as worker:
        worker.load(module(gradient(body)), [], PACKAGES, TASKS)
        assert ask(worker, call()) == Outcome(problem=problem, detail=says)
        assert ask(worker, call(), 2).problem is problem
        assert worker.waited == (problem is Problem.WAITED)


def test_the_limit_of_a_whole_submission_ends_a_worker_by_itself(zygote, limits):
    tight = msgspec.structs.replace(limits, total_seconds=1.0, call_seconds=8.0)
    outcome = asked(zygote, tight, gradient(LOOPS))
    says = f"with what ran before it, {OVER.format(10)}"
    assert outcome == Outcome(problem=Problem.TIMEOUT, detail=says)


def test_a_dead_worker_answers_every_later_call_with_its_death(zygote, limits):
    with zygote.fork_worker(limits) as worker:
        worker.load(module(gradient("os._exit(3)")), [], PACKAGES, TASKS)
        first, second = ask(worker, call()), ask(worker, call("grad_w2"), 2)
        assert first == second
        assert first.problem is Problem.CRASHED


# The worker's own channel is the only socket it holds.
CHANNEL = (
    "import os, stat\n"
    "def is_socket(n):\n"
    "    try:\n"
    "        return stat.S_ISSOCK(os.fstat(n).st_mode)\n"
    "    except OSError:\n"
    "        return False\n"
    "channel = next(n for n in range(64) if is_socket(n))\n"
)

LIES = [
    ("os.write(channel, b'\\0' * 65536)", "broke the protocol"),
    ("os.write(channel, b'\\xff' * 64)", "a frame of 4294967295 bytes, over the limit"),
    ("os.write(channel, b'\\0\\0\\0\\1x')", "broke the protocol"),
    ("os.write(channel, b'\\0\\0\\0\\x40half'); os._exit(0)", "the other side closed"),
    ("os.write(channel, b'\\0\\0\\0\\x05\\x81\\xa4type')", "broke the protocol"),
]


@pytest.mark.parametrize(("lie", "says"), LIES)
def test_a_forged_frame_costs_the_forger(zygote, limits, lie, says):
    outcome = asked(zygote, limits, CHANNEL + gradient(lie))
    assert outcome.problem is Problem.CRASHED
    assert says in outcome.detail


def test_a_frame_sent_ahead_of_its_call_costs_the_forger(zygote, limits):
    forged = (
        "import msgspec, struct, threading\n"
        "body = msgspec.msgpack.encode({'type': 'Answer', 'number': 2})\n"
        "def grad_w1(*given):\n"
        "    frame = struct.pack('>I', len(body)) + body\n"
        "    threading.Timer(0.05, os.write, (channel, frame)).start()\n"
        "    return given[2].w1\n"
    )
    with zygote.fork_worker(limits) as worker:
        worker.load(module(CHANNEL + forged), [], [*PACKAGES, "msgspec"], TASKS)
        assert ask(worker, call()).problem is None
        deadline = time.monotonic() + 5
        while not worker._spoke_unasked() and time.monotonic() < deadline:
            pass
        outcome = ask(worker, call(), 2)
    assert outcome.problem is Problem.CRASHED
    assert "spoke out of turn" in outcome.detail


@pytest.mark.parametrize("sent", [b"\0\0\0\4four", b"\0\0\0\4fou", b"\0", b""])
def test_what_arrived_in_time_counts_though_looked_at_late(sent):
    """No seconds are left at the first look; a whole answer is taken without one."""
    clock = ProcessClock((1 << 22) + 1)  # no process has this id
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        watch = Watchdog(clock, computing=0.0, sleeping=0.0, grace=0.0)
        if sent.endswith(b"four"):
            assert wire.receive(ours, 100, watch) == b"four"
        else:
            with pytest.raises(OutOfTime) as raised:
                wire.receive(ours, 100, watch)
            assert raised.value.waited


def test_a_module_that_hangs_while_loading_leaves_the_names_before_and_after(zygote, limits):
    source = "while True: pass\n" + HONEST + "while True: pass\nz = 1\n"
    with zygote.fork_worker(limits) as worker:
        notes = worker.load(module(source), [], PACKAGES, TASKS)
        assert [note.where for note in notes] == ["homework.py, line 1", "homework.py, line 5"]
        assert all("TimeLimitReached" in note.text for note in notes)
        assert ask(worker, call()).problem is None


def loaded(worker: Worker, *cells: str) -> list[Note]:
    notes = worker.load(notebook(*cells), [], PACKAGES, TASKS)
    assert isinstance(notes, list)
    return notes


def test_a_notebook_goes_on_past_a_cell_that_raises(zygote, limits):
    with zygote.fork_worker(limits) as worker:
        notes = loaded(worker, "1 / 0", "def broken(:", HONEST, "raise SystemExit", "undefined")
        assert notes == [
            Note("cell 1, line 1", "ZeroDivisionError: division by zero"),
            Note("cell 2, line 1", "SyntaxError: invalid syntax"),
            Note("cell 4, line 1", "SystemExit"),
            Note("cell 5, line 1", "NameError: name 'undefined' is not defined"),
        ]
        assert ask(worker, call()).problem is None


def test_magics_do_nothing_but_timed_python_runs(zygote, limits):
    cell = (
        "get_ipython().run_line_magic('matplotlib', 'inline')\n"
        "files = get_ipython().getoutput('ls')\n"
        "get_ipython().system('touch /tmp/never')\n"
        "get_ipython().run_line_magic('time', 'factor = 2 + len(files)')\n"
        "display('shown')\n"
    )
    source = "def grad_w1(*given):\n    return given[2].w1 * factor\n"
    with zygote.fork_worker(limits) as worker:
        assert loaded(worker, cell, source) == []
        (returned,) = ask(worker, call()).tensors
    assert torch.equal(returned, call().tensors["w1"] * 2)
    assert not Path("/tmp/never").exists()


def test_plotting_is_headless_and_showing_costs_nothing(zygote, limits):
    plotting = (
        "import matplotlib.pyplot as plt\n"
        "plt.ion()\n"
        "for t in range(20):\n"
        "    plt.plot([1, 2]); plt.draw(); plt.pause(10); plt.show()\n"
        "plt.ioff()\n"
    )
    with zygote.fork_worker(limits) as worker:
        assert loaded(worker, plotting) == []


ENVIRONMENT = sorted(["HOME", "LOGNAME", "TMPDIR", "USER", *NO_GPU])
MODULES = [
    ("from __future__ import annotations\ndef f(x: undefined): ...\n", []),
    ("if __name__ == '__main__':\n    raise ValueError\n", []),
    (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int' = 1\n"
        "from typing import NamedTuple\nclass B(NamedTuple):\n    y: int\n",
        [],
    ),
    ("print('x' * 10**7)\nimport sys\nsys.stderr.write('y' * 10**7)\n", []),
    ("input()\n", ["EOFError: EOF when reading a line"]),
    (
        "import no_such_module\n",
        [
            "ModuleNotFoundError: no_such_module is not among the packages the grader has "
            "(torch, numpy, matplotlib, IPython), and no no_such_module.py was found beside it"
        ],
    ),
    ("open('figure.png', 'w').write('in a folder of its own')\n", []),
    (
        "f = open('big', 'wb', 0)\nf.write(bytes(10**8))\nf.write(b'x')\n",
        ["OSError: [Errno 27] File too large"],
    ),
    (f"import os\nassert sorted(os.environ) == {ENVIRONMENT}\n", []),
    ("import torch\nassert torch.get_num_threads() == 1\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "texts"), MODULES)
def test_modules_as_students_write_them(zygote, limits, source, texts):
    with zygote.fork_worker(limits) as worker:
        notes = worker.load(module(source), [], PACKAGES, TASKS)
        assert [note.text for note in notes] == texts


def test_a_worker_leaves_no_process_and_no_file(zygote, limits):
    source = HONEST + "import os\nwhere = os.getcwd()\npid = os.getpid()\nopen('x', 'w')\n"
    tell = "def grad_w2(*given):\n    raise ValueError(f'{pid} {where} {len(os.listdir())}')\n"
    with zygote.fork_worker(limits) as worker:
        worker.load(module(source + tell), [], PACKAGES, TASKS)
        pid, folder, files = ask(worker, call("grad_w2")).detail.split()[1:]
        assert os.path.exists(f"/proc/{pid}")
        assert files == "2"  # x, and what was handed in
    with zygote.fork_worker(limits):
        pass  # the end of the one before is waited for when the next one's is asked for
    assert not os.path.exists(f"/proc/{pid}")
    assert os.listdir(folder) == []


def test_a_zygote_leaves_no_process_and_no_folder(limits, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    zygote = Zygote.fork()
    with zygote.fork_worker(limits):
        assert len(list(tmp_path.iterdir())) == 1
    zygote.close()
    assert list(tmp_path.iterdir()) == []
