"""The state that a submission shares with its worker: put back before each question."""

import math
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from handed import PACKAGES, module, round_of
from marked import RIGHT, grade_fixture  # noqa: F401
from worth import MAX_SCORE

from grader.homework.tasks import TASKS
from grader.student_code.contract import Call
from grader.student_code.loading import load
from grader.student_code.state import OWNERS, PARTS, State, kept

MODE = "torch.overrides.TorchFunctionMode"
DISPATCH = "torch.utils._python_dispatch.TorchDispatchMode"
# By part: a source that leaves it changed, and what tells its state.
LEFT = {
    "forward mode": (
        "torch.autograd.forward_ad.enter_dual_level()", "torch.autograd.forward_ad._current_level",
    ),
    "profiler": (
        "torch.autograd.profiler.profile().__enter__()",
        "'KINETO' in str(torch._C._autograd._profiler_type())",
    ),
    "grad mode": ("torch.set_grad_enabled(False)", "torch.is_grad_enabled()"),
    "inference mode": (
        "mode = torch.inference_mode()\nmode.__enter__()", "torch.is_inference_mode_enabled()",
    ),
    "default dtype": ("torch.set_default_dtype(torch.float16)", "torch.get_default_dtype()"),
    "default device": ("torch.set_default_device('meta')", "torch.get_default_device()"),
    "function modes": (
        f"class Mode({MODE}):\n"
        "    def __torch_function__(self, *given):\n        raise ValueError\nMode().__enter__()",
        "torch._C._len_torch_function_stack()",
    ),
    "dispatch modes": (
        f"import torch.utils._python_dispatch\nclass Other({DISPATCH}):\n"
        "    def __torch_dispatch__(self, *given):\n        raise ValueError\nOther().__enter__()",
        "torch._C._len_torch_dispatch_stack()",
    ),
    "deterministic algorithms": (
        "torch.use_deterministic_algorithms(True)", "torch.are_deterministic_algorithms_enabled()",
    ),
    "anomaly mode": ("torch.autograd.set_detect_anomaly(True)", "torch.is_anomaly_enabled()"),
    "hooks of saved tensors": (
        "def same(x):\n    return x\n"
        "torch.autograd.graph.saved_tensors_hooks(same, same).__enter__()",
        "torch._C._autograd._top_saved_tensors_default_hooks(True)",
    ),
    "threads": ("torch.set_num_threads(3)", "torch.get_num_threads()"),
    "streams": (
        "import sys\nsys.stdout.close()\nsys.stderr = open('log', 'w')\nsys.stdin = None",
        "[s and s.closed for s in (sys.stdin, sys.stdout, sys.stderr)]",
    ),
    "numpy's errors": ("import numpy as np\nnp.seterr(all='raise')", "np.geterr()"),
    "warnings": (
        "import warnings\nwarnings.simplefilter('error')", "[f[0] for f in warnings.filters][:2]",
    ),
    "recursion limit": ("import sys\nsys.setrecursionlimit(90)", "sys.getrecursionlimit()"),
    "folder": ("import os\nos.makedirs('in', exist_ok=True)\nos.chdir('in')", "os.getcwd()[-4:]"),
    "path": ("import sys\nsys.path[:] = []", "len(sys.path)"),
    "locale": (
        "import locale\nlocale.setlocale(locale.LC_ALL, 'C')", "locale.setlocale(locale.LC_ALL)",
    ),
}  # fmt: skip
TELLS = "import locale, os, sys, warnings\nimport numpy as np\nimport torch\n"


@pytest.fixture
def here() -> Iterator[None]:
    """Leave this process as it was."""
    with kept():
        yield


def test_each_part_of_the_table_is_tried():
    assert LEFT.keys() == {part.name for part in PARTS}


def told(zygote, rubric, source: str) -> list[str]:
    """Return what forward tells at first, and after a call of grad_w1."""
    given = {name: torch.ones(1, 1).double() for name in ("x", "w1", "b1", "w2", "b2")}
    forward = Call("forward", given)
    gradient = Call("grad_w1", given | dict.fromkeys(("y", "hs", "y_pred"), given["x"]))
    with zygote.fork_worker(rubric.limits) as worker:
        assert worker.load(module(source), [], PACKAGES, TASKS) == []
        questions = [round_of(1, forward), round_of(2, gradient), round_of(3, forward)]
        answers = [worker.ask(question)[0] for question in questions]
    return [answers[0].detail, answers[2].detail]


@pytest.mark.parametrize("name", LEFT)
def test_each_part_is_put_back_before_a_question(zygote, rubric, name):
    source, expression = LEFT[name]
    tell = f"def forward(x, params):\n    raise ValueError(repr({expression}))\n"
    change = f"def grad_w1(*given):\n    exec({source!r}, globals())\n"
    as_it_was, _ = told(zygote, rubric, f"{TELLS}{tell}")
    left = told(zygote, rubric, f"{TELLS}{source}\n{change}{tell}")
    assert left == [as_it_was, as_it_was]


@pytest.mark.parametrize("name", LEFT)
def test_right_work_that_leaves_it_changed_earns_everything(grade, name):
    assert grade(module(f"{RIGHT}\n\n{LEFT[name][0]}\n")).points == MAX_SCORE


REPLACED = {
    "torch.relu": torch,
    "torch.sigmoid": torch,
    "torch.stack": torch,
    "torch.nn.Linear": torch.nn,
    "torch.nn.functional.mse_loss": torch.nn.functional,
    "torch.Tensor.backward": torch.Tensor,
    "torch.Tensor.sum": torch.Tensor,
    "np.seterr": np,
    "math.isfinite": math,
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_in_a_library_is_put_back_and_what_is_added_stays(here, name):
    before = eval(name, {"torch": torch, "np": np, "math": math})
    load(module(f"import math\n{TELLS}{name} = None\ntorch.mine = 3"), [], PACKAGES, TASKS).forget()
    assert eval(name, {"torch": torch, "np": np, "math": math}) is before
    assert vars(torch).pop("mine") == 3
    assert REPLACED[name] in OWNERS


def test_right_work_that_replaces_what_the_worker_calls_earns_everything(grade):
    replaced = "".join(f"{name} = None\n" for name in REPLACED if name != "torch.sigmoid")
    assert grade(module(f"{RIGHT}\n\nimport math\n{TELLS}{replaced}")).points == MAX_SCORE


def test_right_work_that_clears_the_modules_earns_everything(grade):
    cleared = "import sys\nsys.modules.clear()\nsys.meta_path.clear()\n"
    assert grade(module(f"{RIGHT}\n\n{cleared}")).points == MAX_SCORE


def test_float64_by_default_stays():
    """Functions may count on it: the homework's own numbers are float64."""
    with kept():
        source = "import torch\ntorch.set_default_dtype(torch.float64)"
        load(module(source), [], PACKAGES, TASKS).forget()
        assert torch.get_default_dtype() is torch.float64


def test_a_fresh_state_does_without_what_is_left_on_now():
    with kept():
        torch.set_grad_enabled(False)
        torch.set_default_device("meta")
        State.fresh().put_back()
        assert torch.is_grad_enabled()
        assert torch.get_default_device() == torch.device("cpu")


def test_a_stream_that_is_closed_is_another_ones_business(here, capsys):
    """The self-check still has to print its report."""
    load(module("import sys\nsys.stdout.close()\nsys.stderr.close()"), [], PACKAGES, TASKS).forget()
    print("printed")
    assert capsys.readouterr().out == "printed\n"
    assert not sys.stderr.closed
    assert warnings.filters
