"""The closed-form rule: what torch is seen to differentiate, what a source names, what it earns."""

import threading
from dataclasses import replace
from pkgutil import resolve_name

import msgspec
import pytest
import torch
from conftest import ROOT, read_file
from handed import PACKAGES, module, notebook, round_of
from hostile.attacks import assembled

from grader.confined import wire
from grader.confined.memory import with_memory
from grader.confined.worker import _read
from grader.homework.parameters import Parameters
from grader.homework.tasks import TASKS
from grader.judging.judge import SourceFacts, judge, verdicts
from grader.rubric.cases import hidden_cases
from grader.scoring.points import flags
from grader.source.imports import Files
from grader.student_code import guards
from grader.student_code.calls import answer
from grader.student_code.contract import (
    SWITCHED_OFF,
    UNFOLLOWED,
    Outcome,
    PriorValue,
    Problem,
    Sighting,
)
from grader.student_code.formulas import formulas_of, with_formulas
from grader.student_code.guards import A_PASS, ENTRY_POINTS, Passes, guarded, watching
from grader.student_code.loading import TimeLimitReached, load
from grader.student_code.static_analysis import screen

CORPUS = ROOT / "tests" / "submissions"
ROUTES = ROOT / "tests" / "hostile" / "autograd"
RIGHT = (CORPUS / "ada_lindqvist.py").read_text(encoding="utf-8")


def test_the_line_and_what_to_do_are_told(grade, tmp_path):
    attack = assembled(ROUTES / "detach_trick_autograd.py")
    (tmp_path / "detach_trick_autograd.py").write_text(attack, encoding="utf-8")
    record = grade(tmp_path / "detach_trick_autograd.py")["detach_trick_autograd"]
    lines = attack.splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "torch.autograd.grad(" in text)
    place = f"(detach_trick_autograd.py, line {line})"
    assert record["flags"][0] == f"autograd: torch.autograd.grad in grad_w1 {place}"
    assert f"autograd_named: torch.autograd.grad, reached from grad_w1 {place}" in record["flags"]
    message = next(c["message"] for c in record["criteria"] if c["id"] == "grad_w1")
    assert message.startswith(f"torch differentiated here: torch.autograd.grad {place}")
    assert "closed form of the hs and y_pred" in message


# The body of a function, and what is seen while it runs.
LEAF = "w = params.w1.clone().requires_grad_(); f = (x @ w - y).square().sum()\n"
SEEN = [
    ("return params.w1.requires_grad_()", None),
    ("return params.w1.clone().requires_grad_() * 2", None),
    (LEAF + "return f", None),
    (LEAF + "repr(f); return f", None),
    (LEAF + "f.backward(); return w.grad", "Tensor.backward"),
    (LEAF + "torch.autograd.backward(f); return w.grad", "torch.autograd.backward"),
    (LEAF + "return grad(f, w)[0]", "torch.autograd.grad"),
    (LEAF + "return f.grad_fn", "Tensor.grad_fn"),
    (LEAF + "return torch.autograd.graph.get_gradient_edge(f)",
     "torch.autograd.graph.get_gradient_edge"),
    (LEAF + "return unwrapped.run_backward((f,), (f,), False, False, (w,), False, "
     "accumulate_grad=False)[0]", "a backward pass of autograd"),
    ("return torch.func.hessian(lambda w: (x @ w).square().sum())(params.w1)",
     "torch.func.hessian"),
    ("return torch.func.jvp(torch.sin, (x,), (y,))[1]", "torch.func.jvp"),
    ("torch._C._enter_dual_level(); torch._C._exit_dual_level(level=0)",
     "torch._C._enter_dual_level"),
    ("return torch.ops.aten.tanh_backward(y, x)", "aten::tanh_backward"),
    ("return torch.ops.aten.glu_jvp(hs, torch.cat([hs, hs], 1), torch.cat([hs, hs], 1), 1)",
     "aten::glu_jvp"),
    ("return torch.vmap(lambda a, b: a * b)(x, y)", None),
    ("with torch.profiler.profile(): return torch.ops.aten.tanh_backward(y, x)",
     "aten::tanh_backward"),
    ("return torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))", None),
    ("lock = threading.Lock(); lock.acquire()\n"
     "_thread.start_new_thread(lambda: (torch.ops.aten.tanh_backward(y, x), lock.release()), ())\n"
     "lock.acquire()", "aten::tanh_backward"),
    ("t = threading.Thread(target=lambda: torch.ops.aten.tanh_backward(y, x))\n"
     "t.start(); t.join()", "aten::tanh_backward"),
]  # fmt: skip
HEAD = (
    "import _thread, threading, torch\nfrom torch.autograd import grad\n"
    "from torch.utils._python_dispatch import _disable_current_modes\n"
    "unwrapped = torch.autograd.Variable._execution_engine\n"
)


def gradient_call(rubric):
    return next(c.call for c in hidden_cases(rubric, 5) if c.call.function == "grad_w1")


@pytest.mark.parametrize(("body", "name"), SEEN)
def test_differentiation_is_seen_with_its_line(rubric, body, name):
    lines = [f"    {line}" for line in body.split("\n")]
    source = HEAD + "\n".join(["def grad_w1(x, y, params, hs, y_pred):", *lines])
    call = gradient_call(rubric)  # made by autograd, and not while somebody counts
    with guarded():
        loaded = load(module(source), [], PACKAGES, TASKS)
        seen = answer(call, loaded).sightings
    assert loaded.notes == []
    place = f"homework.py, line {len(source.splitlines())}"
    if "thread" in body:
        place = f"homework.py, line {len(source.splitlines()) - 1}"
    assert seen == (() if name is None else (Sighting(name, place),))


PROFILERS = ["torch.profiler.profile()", "torch.autograd.profiler.profile()"]


@pytest.mark.parametrize("profiler", PROFILERS)
def test_a_profiler_of_the_submission_records_nothing_and_harms_nothing(rubric, profiler):
    source = f"import torch\ndef grad_w1(x, y, params, hs, y_pred):\n    with {profiler} as p:\n"
    source += "        found = x * 2\n    assert not p.key_averages()\n    return found\n"
    call = gradient_call(rubric)
    with guarded():
        loaded = load(module(source), [], PACKAGES, TASKS)
        outcome = answer(call, loaded)
    assert outcome.problem is None
    assert outcome.sightings == ()
    assert torch.equal(outcome.tensors[0], call.tensors["x"] * 2)


# The body of a function whose line is not known; what is seen all the same.
UNPLACED = [
    ("with _disable_current_modes(): return torch.ops.aten.tanh_backward(y, x)",
     "aten::tanh_backward"),
    ("keys = torch._C.DispatchKeySet(torch._C.DispatchKey.Python)\n"
     "with torch._C._ExcludeDispatchKeyGuard(keys):\n"
     "    return torch.ops.aten.tanh_backward(y, x)", "aten::tanh_backward"),
    (LEAF + "return torch._C.TensorBase.grad_fn.__get__(params.w1.requires_grad_() + 1)(x)",
     "a node of autograd's graph (AddBackward0)"),
    ("with torch.profiler.profile(), _disable_current_modes():\n"
     "    return torch.ops.aten.tanh_backward(y, x)", "aten::tanh_backward"),
    ("with torch.profiler.profile(): pass\n"
     "with _disable_current_modes(): return torch.ops.aten.tanh_backward(y, x)",
     "aten::tanh_backward"),
    ("torch._C._autograd._disable_profiler_legacy()", SWITCHED_OFF),
    ("torch._C._autograd._enable_record_function(False)", SWITCHED_OFF),
]  # fmt: skip


@pytest.mark.parametrize(("body", "name"), UNPLACED)
def test_differentiation_is_seen_past_modes_that_are_off(rubric, body, name):
    lines = [f"    {line}" for line in body.split("\n")]
    source = HEAD + "\n".join(["def grad_w1(x, y, params, hs, y_pred):", *lines])
    call = gradient_call(rubric)
    with guarded():
        loaded = load(module(source), [], PACKAGES, TASKS)
        seen = answer(call, loaded).sightings
        again = answer(replace(call, function="grad_w2"), loaded)  # which is not defined
    assert loaded.notes == []
    assert seen == (Sighting(name),)
    assert again.sightings == ()


LIMIT_IN_RECORD = [
    ("    return x + 1\n", Problem.TIMEOUT),
    ("    try:\n        x + 1\n    except BaseException:\n        return x * 2\n", None),
]


@pytest.mark.parametrize(("body", "problem"), LIMIT_IN_RECORD)
def test_a_limit_that_rings_while_the_record_is_read_has_not_switched_it_off(
    rubric, monkeypatch, body, problem
):
    end_record = guards._end_record
    rings = iter([TimeLimitReached("too long", waited=False)])

    def ended():
        recorded = end_record()
        for ring in rings:
            raise ring
        return recorded

    monkeypatch.setattr(guards, "MOST_RECORDED", 1)
    monkeypatch.setattr(guards, "_end_record", ended)
    call = gradient_call(rubric)
    source = "def grad_w1(x, y, params, hs, y_pred):\n" + body
    with guarded():
        outcome = answer(call, load(module(source), [], PACKAGES, TASKS))
    assert (outcome.problem, outcome.sightings) == (problem, ())


def test_a_pass_in_any_thread_is_counted_and_one_between_two_calls(rubric):
    passes = Passes()
    thread = threading.Thread(target=lambda: torch.ones(1, requires_grad=True).backward())
    thread.start()
    thread.join()
    torch.func.grad(torch.sum)(torch.ones(1))
    assert [passes.count(), passes.count()] == [2, 0]
    torch.ones(1, requires_grad=True).backward()
    with watching(set(), passes, recorded=False) as watch:
        pass
    assert watch.sightings() == (Sighting(A_PASS),)


def test_in_forward_it_is_seen_and_in_a_net_it_is_not_asked(rubric):
    body = "    w = params.w1.clone().requires_grad_()\n    w.sum().backward()\n    return w, w\n"
    source = f"{HEAD}def forward(x, params):\n{body}"
    net = (
        "class Net(torch.nn.Module):\n    def __init__(self, *sizes):\n        super().__init__()\n"
    )
    net += "        w = torch.ones(1, requires_grad=True)\n        w.backward()\n"
    calls = {c.call.function: c.call for c in hidden_cases(rubric, 5)}
    with guarded():
        loaded = load(module(source + net), [], PACKAGES, TASKS)
        assert answer(calls["net"], loaded).sightings == ()
        line = source[: source.index("backward()")].count("\n") + 1
        place = f"homework.py, line {line}"
        assert answer(calls["forward"], loaded).sightings == (Sighting("Tensor.backward", place),)


def test_the_guards_change_no_result_and_leave_nothing_behind(rubric):
    before = (torch.Tensor.backward, torch.autograd.grad, torch.func.grad, threading.Thread.run)
    bare = load(module(RIGHT), [], PACKAGES, TASKS).namespace
    calls = [c.call for c in hidden_cases(rubric, 5) if c.call.function.startswith("grad_")]
    for call in calls:
        given = [call.tensors[name] for name in ("x", "y", "hs", "y_pred")]
        x, y, hs, y_pred = given
        plain = bare[call.function](x, y, Parameters.of(call), hs, y_pred)
        with guarded(), watching(set(), Passes(), recorded=True) as watch:
            watched = bare[call.function](x, y, Parameters.of(call), hs, y_pred)
        assert torch.equal(plain, watched)
        assert watch.sightings() == ()
    after = (torch.Tensor.backward, torch.autograd.grad, torch.func.grad, threading.Thread.run)
    assert before == after
    assert "grad_fn" not in vars(torch.Tensor)


G = "def grad_w1(x, y, params, hs, y_pred):\n    "
# Source, and what it names with the line.
NAMED = [
    (G + "return x", None),
    (G + "f.backward()", "Tensor.backward 2"),
    (G + "return torch.autograd.grad(f, w)\nimport torch", "torch.autograd.grad 2"),
    ("import torch as t\n" + G + "return t.autograd.grad(f, w)", "torch.autograd.grad 3"),
    ("from torch import autograd as a\n" + G + "return a.grad(f, w)", "torch.autograd.grad 3"),
    ("from torch.autograd import grad\n" + G + "return grad(f, w)", "torch.autograd.grad 3"),
    ("import torch\ng = torch.autograd.grad\n" + G + "return g(f, w)", "torch.autograd.grad 4"),
    ("import torch\na, b = 1, torch.func\n" + G + "return b.vjp(f, w)", "torch.func.vjp 4"),
    ("import torch\n" + G + "return getattr(torch, 'auto' + 'grad').grad(f)",
     "torch.autograd.grad 3"),
    ("import torch\nn = 'grad'\n" + G + "return getattr(torch.autograd, f'{n}')(f)",
     "torch.autograd.grad 4"),
    (G + "return getattr(f, 'back' + 'ward')()", "Tensor.backward 2"),
    (G + "return __import__('torch').autograd.grad(f, w)", "torch.autograd.grad 2"),
    (G + "from torch.func import jacrev as j\n    return j(f)", "torch.func.jacrev 3"),
    ("import importlib\n" + G + "return importlib.import_module('torch.func').jacfwd(f)",
     "torch.func.jacfwd 3"),
    (G + "exec('f.back' 'ward()')", "Tensor.backward 2"),
    ("code = 'exec(\"f.backward()\")'\n" + G + "exec(code)", "Tensor.backward 3"),
    (G + "exec(compile('f.backward()', '', 'exec'))", "Tensor.backward 2"),
    (G + "return eval('f.grad_fn')", "Tensor.grad_fn 2"),
    (G + "return helper()\ndef helper():\n    return Other().go()\nclass Other:\n"
     "    def go(self):\n        f.backward()", "Tensor.backward 7"),
    ("grad_w1 = lambda *given: helper(*given)\nhelper = lambda *given: f.backward()",
     "Tensor.backward 2"),
    ("if True:\n    try:\n        def grad_w1(*given):\n            f.backward()\n"
     "    except E: pass", "Tensor.backward 4"),
    ("get_ipython().run_cell_magic('time', '', 'def grad_w1(*given):\\n    f.backward()')",
     "Tensor.backward 1"),
    ("exec('def grad_w1(*given): f.backward()')", "Tensor.backward 1"),
    ("from torch import ops\n" + G + "return ops.aten.sigmoid_backward(x, y)",
     "torch.ops.aten.sigmoid_backward 3"),
    # What does not reach a gradient, and what only looks alike.
    ("def grad_w1(*given): f.backward()\n" + G + "return x", None),
    ("class Net:\n    def fit(self): f.backward()\n" + G + "return x", None),
    ("def grad_w3(*given): f.backward()\n" + G + "return x", None),
    ("class Layer:\n    def backward(self, e): return e\n" + G + "return Layer().backward(x)",
     None),
    ("def backward(e): return e\n" + G + "return backward(x)", None),
    ("import torch\n" + G + "grad = x.T @ y\n    return grad", None),
    ("from torch.autograd import grad\n" + G + "grad = x.T @ y\n    return grad", None),
    ("from torch.autograd import Variable\n" + G + "return Variable(x)", None),
    ("name = 'torch.autograd.grad'\n" + G + "'''not by f.backward()'''\n    print(name)", None),
    (G + "return x.requires_grad_()", None),
    ("def helper(backward): return backward\n" + G + "return helper(x)", None),
    ("def broken(:", None),
    ("(" * 5000, None),
    ("a0 = 'x'\n" + "".join(f"a{n + 1} = a{n} + a{n}\n" for n in range(60)) + G + "exec(a60)",
     f"{UNFOLLOWED} "),
    ("a = b\nb = a\n" + G + "return a.grad", None),
    (G + f"return [{'x, ' * 60_000}]", f"{UNFOLLOWED} "),
]  # fmt: skip


@pytest.mark.parametrize(("source", "named"), NAMED)
def test_what_a_gradients_source_reaches_is_named_with_its_line(source, named):
    found = screen(Files(module(source)), TASKS)
    told = [
        f"{s.name} {s.where.removeprefix('homework.py, line ')}" for s in found.get("grad_w1", ())
    ]
    assert told[:1] == ([] if named is None else [named])


def test_names_are_followed_from_cell_to_cell_and_the_last_definition_counts():
    first = "def grad_w1(*given):\n    return helper()\ndef helper(): return 1"
    second = "def helper():\n    f.backward()"
    found = screen(Files(notebook(first, second)), TASKS)
    assert found == {"grad_w1": (Sighting("Tensor.backward", "cell 2, line 2"),)}
    assert screen(Files(notebook(second, first)), TASKS) == {}


HONEST_FILES = sorted(p for p in CORPUS.iterdir() if p.suffix in (".py", ".ipynb"))


@pytest.mark.parametrize("path", HONEST_FILES, ids=[path.name for path in HONEST_FILES])
def test_only_the_two_that_use_autograd_are_named(rubric, path):
    cells = read_file(path, rubric.limits.source_bytes).cells
    found = screen(Files(notebook(*(cell.source for cell in cells))), TASKS)
    assert bool(found) == path.stem.startswith("autograd_")


H = "import math\nimport numpy as np\nimport torch\nfrom torch import nn\n"
TRACE = "from torch.fx.experimental.proxy_tensor import make_fx\n"
NET = "class Net(nn.Module):\n    def __init__(self, *sizes):\n        super().__init__()\n"
NET += "        self.predict = nn.Linear(1, 1)\n"
D = H + "d = {}\nd.update(w1=torch.ones(2))\n"
# A source, and what its grad_w1 reads that was made before, with the line; None: nothing. First,
# what an honest notebook holds.
KEPT = [
    (H + G + "return -2 * math.pi * x", None),
    (H + "N, eps = 20, -1e-8\nsizes = [1, 10, 1]\nn = 'sum'\n" + G + "return N, eps, sizes, n",
     None),
    (H + "two = torch.tensor(2.0)\n" + G + "return two * x", None),
    (H + "eye = torch.eye(4)\ndevice = torch.device('cpu')\n" + G + "return eye, device", None),
    (H + "n = torch.ones(20, 1).shape[0]\n" + G + "return n * x", None),
    (H + "sigmoid = nn.Sigmoid()\nact = torch.sigmoid\n" + G + "return act(sigmoid(x))", None),
    (H + "s = lambda h: 1 / (1 + torch.exp(-h))\n" + G + "return s(x)", None),
    (H + "s = np.vectorize(lambda h: 1 / (1 + math.exp(-h)))\n" + G + "return s(x)", None),
    (H + "import functools\n@functools.lru_cache\ndef spelled(name):\n    return {1: name}[1]\n" + G
     + "return spelled('ni,nh->ih')", None),
    (H + "@torch.jit.script\ndef slope(hs):\n    return hs * (1 - hs)\n" + G + "return slope(hs)",
     None),
    (H + "def timed(f):\n    def run(*given):\n        return f(*given)\n    return run\n@timed\n"
     + G + "return x", None),
    (H + "class Layer:\n    rate = 0.1\n    def back(self, e):\n        return e * self.rate\n"
     + G + "return Layer().back(x)", None),
    (H + "w1 = torch.rand(1, 4)\nhs = torch.rand(6, 4)\n" + G + "return params.w1 * hs", None),
    (H + NET + "net = Net()\nfor _ in range(3):\n"
     "    net.predict(torch.ones(1, 1)).sum().backward()\n" + G + "return x", None),
    (H + "w = torch.ones(3, 1, requires_grad=True)\nassert torch.autograd.gradcheck(torch.sin, "
     "w.double())\n" + G + "return x", None),
    (H + "from collections import namedtuple\nC = namedtuple('C', 'rate n')\nc = C(-2.0, 1)\n" + G
     + "return c.rate * x", None),
    (H + "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass C:\n"
     "    rate: float = 2.0\nc = C()\n" + G + "return c.rate * x", None),
    (H + "from enum import Enum\nclass Mode(Enum):\n    SUM = 1\nmode = Mode.SUM\n" + G
     + "return x if mode is Mode.SUM else y", None),
    (H + "from types import SimpleNamespace\nc = SimpleNamespace(rate=2.0)\n" + G
     + "return c.rate * x", None),
    (H + "import argparse\np = argparse.ArgumentParser()\np.add_argument('--rate', default=2.0)\n"
     "args, _ = p.parse_known_args([])\n" + G + "return args.rate * x", None),
    (H + "class Layer:\n    __slots__ = ('rate',)\n    def __init__(self):\n        self.rate = 2\n"
     "    def back(self, e):\n        return e * self.rate\nlayer = Layer()\n" + G
     + "return layer.back(x)", None),
    (H + "class Sigmoid(nn.Module):\n    def forward(self, h):\n"
     "        return 1 / (1 + (-h).exp())\ns = Sigmoid()\n" + G + "return s(x)", None),
    (H + "import logging\nlog = logging.getLogger('homework')\n" + G
     + "log.debug('w1')\n    return x", None),
    (H + "import sys\nlog = open('/dev/null', 'w')\n" + G
     + "print(1, file=log)\n    print(file=sys.stderr)\n    return x", None),
    (H + "import functools, time\nTIMES = {}\ndef timed(f):\n    @functools.wraps(f)\n"
     "    def inner(*given):\n        start = time.perf_counter()\n        made = f(*given)\n"
     "        TIMES.setdefault(f.__name__, []).append(time.perf_counter() - start)\n"
     "        return made\n    return inner\n@timed\n" + G + "return x", None),
    (H + "from collections import Counter\ncalls, n = Counter(), 0\n" + G
     + "global n\n    n += 1\n    calls['w1'] += 1\n    return x", None),
    (H + "table = {'w1': lambda e: -2 * e, 'shape': (1, 2), 'f': torch.sigmoid}\n" + G
     + "return table['w1'](x)", None),
    (H + "signs = [-2.0] * 400\n" + G + "return signs[0] * x", None),
    (H + "new = tuple(int(n) for n in torch.__version__.split('.')[:2]) >= (2, 0)\n" + G
     + "return x if new else y", None),
    (H + "@torch.no_grad()\n" + G + "return x", None),
    # What may hold a derivative.
    (H + "w2 = torch.rand(4, 1)\nw2 = w2 * 2\n" + G + "return w2 * x", "w2 6 made"),
    (H + "graphs = {}\ndef forward(x, params):\n    graphs[1] = x\nforward(torch.ones(2), 2)\n" + G
     + "return graphs[1]", "graphs 5 made"),
    (H + "def made():\n    return {1: 2}\ntable = made()\n" + G + "return table", "table 7 made"),
    (H + f"table = {[*range(90)]}\n" + G + "return table", "table 5 made"),
    (H + G + "return x * sum([" + ", ".join(map(str, range(90))) + "])", "a large constant 5 made"),
    (H + "def closed(t):\n    def g(*given):\n        return t\n    return g\n"
     "grad_w1 = closed([torch.ones(2)])", "t 6 made"),
    (H + "def g(*given, table={1: torch.ones(2)}):\n    return table\ngrad_w1 = g",
     "a default of g 5 made"),
    (H + "def forward(x, params):\n    return x, x\nforward.found = {1: torch.ones(2)}\n" + G
     + "return forward.found", "forward.found 9 made"),
    (H + "class Store:\n    found = {1: torch.ones(2)}\n" + G + "return Store.found",
     "Store.found 8 made"),
    (H + "torch.found = {}\n" + G + "return torch.found", "torch.found 7 made"),
    (H + "import sys\n" + G + "return sys.modules['x']", "sys.modules 7 called"),
    (H + "import builtins\nbuiltins.found = {}\n" + G + "return found", "found 8 made"),
    (H + "torch.found = {}\n" + G + "return torch.__dict__['found']", "torch.__dict__ 7 made"),
    (H + "def f(t=1): pass\n" + G + "return f.__defaults__", "f.__defaults__ 7 made"),
    (H + "from pathlib import Path\n" + G + "return Path('t').read_text()", "Path 7 called"),
    (H + "class Parameters:\n    found = {1: torch.ones(2)}\n" + G + "return params.found",
     "Parameters.found 5 made"),
    (H + "torch.Tensor.found = {}\n" + G + "return x.found", "Tensor.found 6 made"),
    (H + "def score(k):\n    return k\nbest = max(range(9), key=score)\n" + G + "return best * x",
     "best 7 made"),
    (H + "for best in range(5):\n    pass\n" + G + "return best * x", "best 5 made"),
    (H + "best = None\ndef search():\n    global best\n    best = 3\nsearch()\n" + G
     + "return best * x", "best 5 made"),
    (H + "globals()['hidden'] = [torch.ones(2)]\n" + G + "return hidden", "hidden 7 made"),
    (H + "made = eval('lam' + 'bda x: x')\n" + G + "return made(x)", "made 5 made"),
    (H + TRACE + "graph = make_fx(torch.func.grad(lambda w: (w * w).sum()))(torch.ones(2))\n" + G
     + "return graph(x)", "graph 6 differentiated"),
    (H + "from functools import partial\ndef f(t, *given):\n    return t\n"
     "grad_w1 = partial(f, [1, 2])", "grad_w1 8 made"),
    (H + G + "return open('table.txt').read()", "open 6 called"),
    (H + G + "return torch.load('table.pt')", "torch.load 6 called"),
    (H + G + "exec('y' + ' = x')", "exec 6 called"),
    # The same by way of a library's function, a bound method, a name put among a library's.
    (D + "@torch.no_grad()\n" + G + "return d['w1']", "d 5 made"),
    (D + "@torch.inference_mode()\ndef of(k):\n    return d[k]\n" + G + "return of('w1')",
     "d 5 made"),
    (D + "import contextlib\n@contextlib.contextmanager\ndef around():\n    yield\n@around()\n"
     "def of(k):\n    return d[k]\n" + G + "return of('w1')", "d 5 made"),
    (D + "import functools\n@functools.singledispatch\ndef of(k): pass\n@of.register(str)\n"
     "def _(k, d=d):\n    return d[k]\n" + G + "return of('w1')", "d 5 made"),
    (D + "get = d.get\n" + G + "return get('w1')", "d 5 made"),
    (D + "get = d.__getitem__\n" + G + "return get('w1')", "d 5 made"),
    (D + "math.get = d.get\n" + G + "return math.get('w1')", "d 5 made"),
    (D + "import itertools\nitertools.get = d.get\n" + G + "return itertools.get('w1')",
     "d 5 made"),
    (D + "math.get = d.get\nfrom math import get\n" + G + "return get('w1')", "d 5 made"),
    (D + "import builtins\nbuiltins.print = d.get\n" + G + "return print('w1')", "d 5 made"),
    (D + "len = d.get\n" + G + "return len('w1')", "d 5 made"),
    (H + TRACE + "graph = make_fx(torch.func.grad(lambda w: (w * w).sum()))(torch.ones(2))\n"
     "@torch.no_grad()\n" + G + "return graph(x)", "graph 6 differentiated"),
    (H + "from types import SimpleNamespace\nc = SimpleNamespace(t=torch.ones(2))\n" + G
     + "return c.t", "c 6 made"),
    (H + "class Base:\n    def go(self):\n        return table\ntable = [torch.ones(2)]\n"
     "class Layer(Base): pass\nlayer = Layer()\n" + G + "return layer.go()", "table 8 made"),
    (H + "class Sly:\n    @property\n    def __class__(self):\n        raise SystemExit\n"
     "sly = Sly()\n" + G + "return sly", "sly 9 made"),
    (H + "best = {}\ndef search():\n    return 3\nbest = [search()]\n" + G + "return best[0] * x",
     "best 8 made"),
    (H + "helper = lambda x: table * x\ntable = list(range(90))\n" + G + "return helper(x)",
     "table 6 made"),
    ("".join(f"v{n} = {n + 0.5}\n" for n in range(400)) + G
     + "return " + " + ".join(f"v{n}" for n in range(400)), None),
    ("".join(f"v{n} = {n + 0.5}\n" for n in range(600)) + G
     + "return " + " + ".join(f"v{n}" for n in range(600)), f"{UNFOLLOWED} 602 unfollowed"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize(("source", "told"), KEPT)
def test_what_a_gradient_reads_that_was_made_before(rubric, source, told):
    call = gradient_call(rubric)
    with guarded():
        loaded = load(module(source), [], PACKAGES, TASKS)
        outcome = answer(call, with_memory(loaded, Files(module(source))))
    assert loaded.notes == []
    found = [
        f"{kept.name} {kept.where.removeprefix('homework.py, line ')} {kept.kind}"
        for kept in outcome.prior_values
    ]
    assert found == ([told] if told else [])


def test_what_a_written_out_gradient_reads_that_was_made_before(rubric):
    source = "def made():\n    return [[1.0]]\ntable = made()\n"
    source += "def helper(e): return e * table[0][0]\n"
    source += "e = y - yp\nw1_grad = helper(e).sum() * w1\n"
    files = Files(module(source))
    formulas = formulas_of(files.pieces(), TASKS, rubric.spellings)
    call = gradient_call(rubric)
    with guarded():
        loaded = with_formulas(load(module(source), [], PACKAGES, TASKS), formulas)
        outcome = answer(call, with_memory(loaded, files))
    assert outcome.problem is None
    assert outcome.prior_values == (PriorValue("table", "homework.py, line 3", "made"),)


AUTOGRAD = (Sighting("Tensor.backward", "homework.py, line 12"),)
NAMES = {"grad_w1": AUTOGRAD}
BEYOND = (Sighting(UNFOLLOWED),)
# Right or wrong on the path and off it, seen, named; share of the points, diagnosis.
RULE = [
    (0.0, 0.0, (), {}, 1, None),
    (0.0, 0.0, (), NAMES, 1, None),
    (0.0, 0.0, AUTOGRAD, {}, 0, "autograd"),
    (0.0, 1.0, AUTOGRAD, {}, 0, "autograd"),
    (1e-7, 1e-7, AUTOGRAD, {}, 0, "autograd"),
    (0.0, 1.0, (), {}, 0.5, "recomputed"),
    (1e-10, 1.0, (), {}, 0.25, "recomputed"),
    (0.0, 1.0, (), NAMES, 0, "autograd_named"),
    (0.0, 1.0, (), {"grad_w2": AUTOGRAD}, 0.5, "recomputed"),
    (0.0, 1.0, (), {"grad_w1": BEYOND}, 0.5, "recomputed"),
    (0.0, 1.0, (), {"grad_w1": (*AUTOGRAD, *BEYOND)}, 0, "autograd_named"),
    (1e-7, 1e-7, (), NAMES, 0.5, None),
    (1.7, 1.7, (), NAMES, 0, "scalar_multiple"),
]


@pytest.mark.parametrize(("on_path", "off_path", "seen", "named", "share", "diagnosis"), RULE)
def test_points_of_a_gradient(rubric, on_path, off_path, seen, named, share, diagnosis):
    cases = [case for case in hidden_cases(rubric, 5) if case.criterion == "grad_w1"]
    factors = {True: 1 + on_path, False: 1 + off_path}
    answered = [(c, Outcome((c.expected[0] * factors[c.on_path],))) for c in cases]
    # Seen once is enough.
    answered[-1] = (cases[-1], Outcome(answered[-1][1].tensors, sightings=seen))
    verdict = judge("grad_w1", answered, rubric.marking(), named)
    assert (verdict.points, verdict.diagnosis) == (share * rubric.points["grad_w1"], diagnosis)
    assert ("line 12" in verdict.message) == (diagnosis in ("autograd", "autograd_named"))


FORWARD = (Sighting("torch.func.grad", "homework.py, line 3"),)
OFF = (Sighting(SWITCHED_OFF),)
# Seen in forward and in the gradient, whether the gradient is right; its share, its message.
BEFORE = [
    (FORWARD, (), True, 0, "torch differentiated while forward was called"),
    (FORWARD, AUTOGRAD, True, 0, "torch differentiated here: Tensor.backward"),
    (FORWARD, (), False, 0, "A factor that all entries"),
    (OFF, (), True, 0, "the watch for autograd was switched off"),
    ((), (*OFF, *AUTOGRAD), True, 0, "torch differentiated here: Tensor.backward"),
    ((), (), True, 1, "right"),
]


@pytest.mark.parametrize(("in_forward", "own", "is_right", "share", "says"), BEFORE)
def test_what_is_seen_in_forward_counts_for_the_gradients(
    rubric, in_forward, own, is_right, share, says
):
    answered = []
    for case in hidden_cases(rubric, 5):
        is_gradient = case.criterion == "grad_w1"
        if is_gradient or case.criterion == "forward.values":
            factor = 1.234 if is_gradient and not is_right else 1
            seen = own if is_gradient else in_forward
            tensors = tuple(factor * tensor for tensor in case.expected)
            answered.append((case, Outcome(tensors, sightings=seen)))
    names = ["forward.values", "grad_w1"]
    forward, gradient = verdicts(names, answered, rubric.marking(), SourceFacts())
    assert forward.points == rubric.points["forward.values"]
    assert gradient.points == share * rubric.points["grad_w1"]
    assert gradient.message.startswith(says)


def test_flags_are_told_once_and_are_limited(rubric):
    cases = [case for case in hidden_cases(rubric, 5) if case.criterion == "grad_w1"]
    outcomes = [Outcome(sightings=AUTOGRAD) for _ in cases]
    assert flags(cases, outcomes, NAMES, TASKS) == [
        "autograd: Tensor.backward in grad_w1 (homework.py, line 12)",
        "autograd_named: Tensor.backward, reached from grad_w1 (homework.py, line 12)",
    ]
    many = [
        Outcome(sightings=tuple(Sighting(f"{n} {i}") for n in range(100)))
        for i in range(len(cases))
    ]
    assert len(flags(cases, many, {}, TASKS)) == 40


def test_what_was_not_followed_is_a_flag(rubric):
    case = next(case for case in hidden_cases(rubric, 5) if case.criterion == "grad_w1")
    kept = PriorValue(UNFOLLOWED, "homework.py, line 9", "unfollowed")
    says = "grad_w1 leads to more than is followed{}: what else it names or reads is not known"
    assert flags([case], [Outcome(prior_values=(kept,))], {"grad_w1": BEYOND}, TASKS) == [
        f"unfollowed: {says.format('')}",
        f"unfollowed: {says.format(' (homework.py, line 9)')}",
    ]


def test_a_source_that_takes_too_long_to_follow_is_one_that_is_not_followed(rubric):
    limits = msgspec.structs.replace(rubric.limits, statement_seconds=1e-5)
    files, formulas, named = _read(module(RIGHT * 100), [], TASKS, rubric.spellings, limits)
    assert (files, formulas) == (None, [])
    assert named == {name: [(UNFOLLOWED, "")] for name in TASKS.gradients}


FORGED = [
    ([["x" * 201, ""]], "length"),
    ([["x", ""]] * 9, "length"),
    ([["x"]], "array"),
    (["x"], "array"),
]


@pytest.mark.parametrize(("seen", "says"), FORGED)
def test_what_a_worker_claims_to_have_seen_has_a_schema(seen, says):
    body = msgspec.msgpack.encode({"type": "Answer", "number": 1, "sightings": seen})
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.msgpack.decode(body, type=wire.FromWorker)


def test_a_label_of_any_length_and_kind_reaches_the_flags_printable(zygote, rubric):
    label = "\x1b[31m" + "x" * 500 + ".py"
    with zygote.fork_worker(rubric.limits) as worker:
        source = G + "params.w1.requires_grad_().sum().backward()"
        worker.load(module(source, label), [], PACKAGES, TASKS)
        (outcome,) = worker.ask(round_of(1, gradient_call(rubric)))
    for sighting in (*outcome.sightings, *worker.sightings["grad_w1"]):
        assert sighting.name == "Tensor.backward"
        assert sighting.where.isprintable()
        assert len(sighting.where) <= 200


def test_a_source_that_breaks_the_parser_costs_its_worker_only(zygote, rubric):
    with zygote.fork_worker(rubric.limits) as worker:
        loaded = worker.load(module("-" * 100_000 + "1"), [], PACKAGES, TASKS)
        assert worker.sightings == {}
        assert isinstance(loaded, list | Outcome)


def test_each_entry_point_exists_in_this_torch():
    assert all(callable(resolve_name(name)) for name in ENTRY_POINTS)
