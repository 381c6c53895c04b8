"""What students hand in, and what it earns: real workers, the hidden cases, the whole way."""

import pytest
from handed import PACKAGES, handed_in, module, notebook
from marked import HANDED_IN, RIGHT, grade_fixture  # noqa: F401
from worth import MAX_SCORE

from grader.homework.tasks import TASKS
from grader.rubric.cases import hidden_cases
from grader.scoring.run_cases import rounds_of, run_cases

NO_GOOGLE = (
    "ModuleNotFoundError: google is not among the packages the grader has "
    "(torch, numpy, matplotlib, IPython), and no google.py was found beside it"
)
# What earns everything, and the notes on it, by the line and how the text begins.
FULL = {
    "03_shell_line_in_py.py": [(12, NO_GOOGLE), (13, "NameError: name 'drive'")],
    "04_grad_mode_left_off.py": [],
    "05_jit_script_helper.py": [],
    "05b_torch_compile.py": [],
    "06_python_312_fstring.py": [(44, "SyntaxError: f-string: expecting '}'")],
    "07_mps_called_not_attempted.py": [(2, "the default device is mps: the grader has no GPU")],
    "07b_cuda_unguarded.py": [(2, "the default device is cuda: the grader has no GPU")],
    "12_writefile_helper.ipynb": [],
    "12b_writefile_homework.ipynb": [],
    "13_lazy_linear.py": [],
    "q01_cell_magic_time.ipynb": [],
    "q02_indented_magic.ipynb": [],
    "q03_assigned_magic.ipynb": [],
    "q04_help_mark.ipynb": [],
    "q05_capture.ipynb": [],
    "q06_line_magic_time.ipynb": [],
}


@pytest.mark.parametrize("name", FULL)
def test_right_work_earns_everything(grade, name):
    result = grade(handed_in(HANDED_IN / name))
    assert result.points == MAX_SCORE, result.messages
    expected = [(f"{name}, line {line}", text) for line, text in FULL[name]]
    assert [where for where, _ in result.notes] == [where for where, _ in expected]
    for (_, told), (_, begins) in zip(result.notes, expected, strict=True):
        assert told.startswith(begins)


@pytest.mark.parametrize("folder", ["02_helper_module_beside", "02b_split_over_modules"])
def test_files_beside_each_other_earn_everything(grade, folder):
    files = {path.name: handed_in(path) for path in (HANDED_IN / folder).iterdir()}
    result = grade(files.pop("homework.py"), *files.values())
    assert (result.points, result.notes) == (MAX_SCORE, [])


def cut(name: str) -> str:
    """Return the source of a function of the right answer."""
    start = RIGHT.index(f"def {name}(")
    return RIGHT[start : RIGHT.index("\n\n", start)] + "\n\n"


HEAD = RIGHT[: RIGHT.index("def forward(")]
GRADIENTS = "".join(map(cut, ("back", "grad_w1", "grad_b1", "grad_w2", "grad_b2")))
NET = RIGHT[RIGHT.index("class Net") :]

# A main file, and those beside it.
TOGETHER = {
    "a package, and a helper of its own": [
        module("from net.layers import *\nfrom net import gradients as g\n"
               "from net.gradients import grad_w1, grad_b1, grad_w2, grad_b2\n"),
        module("from .layers import Net\n", "net/__init__.py"),
        module(HEAD + cut("forward") + NET, "net/layers.py"),
        module("from . import layers\nfrom .layers import Net as Other\n" + HEAD + GRADIENTS,
               "net/gradients.py"),
    ],
    "a folder without __init__.py, by importlib": [
        module("import importlib\nfrom parts.one import *\n"
               "two = importlib.import_module('parts.two')\n"
               "for name in ('grad_w1', 'grad_b1', 'grad_w2', 'grad_b2'):\n"
               "    globals()[name] = getattr(two, name)\n"),
        module(HEAD + cut("forward") + NET, "parts/one.py"),
        module(HEAD + GRADIENTS, "parts/two.py"),
    ],
    "files that import each other": [
        module(HEAD + "import other\n" + cut("forward") + NET + "from other import *\n"),
        module("import homework\n" + HEAD + GRADIENTS, "other.py"),
    ],
    "a main file in a folder, its helper beside it": [
        module("from utils import *\n" + NET, "work/homework.py"),
        module(HEAD + cut("forward") + GRADIENTS, "work/utils.py"),
        module("raise ValueError\n", "utils.py"),
    ],
    "a helper in a folder on the path": [
        module("import sys\nsys.path.append('./src')\nfrom helper import *\n"),
        module(RIGHT, "src/helper.py"),
    ],
    "a notebook that runs another": [
        notebook("%run other.ipynb\n", NET),
        notebook(HEAD, cut("forward"), GRADIENTS, name="other.ipynb"),
    ],
    "a notebook that runs a module": [notebook("%run ./part.py\n"), module(RIGHT, "part.py")],
    "a module as nbconvert writes it": [
        module(f"get_ipython().run_cell_magic('time', '', {RIGHT!r})\n"
               "get_ipython().run_line_magic('matplotlib', 'inline')\n"
               "get_ipython().system('pip install x')\n"),
    ],
    "a timed cell inside an if": [
        module(f"if True:\n    get_ipython().run_cell_magic('time', '', {RIGHT!r})\n"),
    ],
    "cells that write a file in parts": [
        notebook("%%writefile part.py\n" + HEAD + cut("forward"),
                 "%%writefile -a part.py\n" + GRADIENTS + NET,
                 "from part import *\n"),
    ],
    "modules that are half notebooks": [module("%%time\n!pip install x\n" + RIGHT + "\nNet?\n")],
    "the handout's own check": [module("from selfcheck import check\n" + RIGHT + "check()\n")],
    "packages that are not there, one of them needed": [
        module("try:\n    import scipy\nexcept ImportError:\n    scipy = None\n" + RIGHT)
    ],
    "a lazy name": [module(RIGHT + "forward = torch.compile(forward)\n")],
    "its own float64": [
        module("import torch\ntorch.set_default_dtype(torch.float64)\n"
               + RIGHT.replace("hs @ params", "hs @ torch.eye(hs.shape[1]) @ params"))
    ],
}  # fmt: skip


IN_SRC = module(RIGHT, "hw/src/helper.py")
WITH_CHILD = f"import builtins\nbuiltins.sigmoid = torch.sigmoid\n{RIGHT}".replace(
    "import builtins", "import torch, builtins", 1
).replace("torch.sigmoid(x", "sigmoid(x")
ON_DISK = {
    "a file that is opened": [
        module("exec(open('utils.py').read())\n"), module(RIGHT, "utils.py"),
    ],
    "a file that runpy runs": [
        module("import runpy\nglobals().update(runpy.run_path('utils.py', run_name='x'))\n"),
        module("from inner import *\n" + RIGHT, "utils.py"), module("", "inner.py"),
    ],
    "a file by its location": [
        module("import importlib.util\n"
               "spec = importlib.util.spec_from_file_location('mine', 'parts/utils.py')\n"
               "mine = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(mine)\n"
               "globals().update({k: v for k, v in vars(mine).items() if k[0] != '_'})\n"),
        module(RIGHT, "parts/utils.py"),
    ],
    "a file by importlib's loader": [
        module("from importlib.machinery import SourceFileLoader\n"
               "mine = SourceFileLoader('mine', 'utils.py').load_module()\n"
               "globals().update({k: v for k, v in vars(mine).items() if k[0] != '_'})\n"),
        module(RIGHT, "utils.py"),
    ],
    "a written cell that is opened": [
        notebook("%%writefile part.py\n" + RIGHT, "exec(open('part.py').read())"),
    ],
    "a module that is written": [
        module(f"with open('mine.py', 'w') as file:\n    file.write({RIGHT!r})\n"
               "from mine import *\n"),
    ],
    "a package that is written": [
        module(f"import os\nos.mkdir('mine')\nopen('mine/__init__.py', 'w').close()\n"
               f"with open('mine/all.py', 'w') as file:\n    file.write({RIGHT!r})\n"
               "from mine.all import *\n"),
    ],
    "a notebook in a folder, '../src' on the path": [
        notebook("import sys\nsys.path.append('../src')\nfrom helper import *\n",
                 name="hw/work/homework.ipynb"), IN_SRC, module("1 / 0", "a/helper.py"),
    ],
    "a notebook in a folder, '..' on the path": [
        notebook("import sys\nsys.path.append('..')\nfrom src.helper import *\n",
                 name="hw/work/homework.ipynb"), IN_SRC, module("1 / 0", "a/src/helper.py"),
    ],
    "a path that is made of __file__": [
        module("import sys\nfrom pathlib import Path\n"
               "sys.path.append(str(Path(__file__).resolve().parents[1] / 'src'))\n"
               "from helper import *\n", "hw/work/homework.py"),
        IN_SRC, module("1 / 0", "a/helper.py"),
    ],
    "a folder that is changed to": [
        notebook("%cd ../src\nfrom helper import *\n", name="hw/work/homework.ipynb"),
        IN_SRC, module("1 / 0", "a/helper.py"),
    ],
    "a folder that os changes to": [
        module("import os\nos.chdir('hw/src')\nfrom helper import *\n"),
        IN_SRC, module("1 / 0", "a/helper.py"),
    ],
    "a notebook that runs another in its folder": [
        notebook("%run other.ipynb\n", name="work/homework.ipynb"),
        notebook(RIGHT, name="work/other.ipynb"),
    ],
    "the only file of a name": [module("from helper import *\n"), IN_SRC],
    "the only file of a name in a package": [
        module("from src.helper import *\n"), IN_SRC, module("1 / 0", "a/helper.py"),
    ],
    "a copy": [module("from helper import *\n"), module(RIGHT, "helper (1).py")],
    "Jupyter's copy": [module("from helper import *\n"), module(RIGHT, "a/helper-Copy1.py")],
    "another ending, and capitals": [
        module("from helper import *\n"), module(RIGHT, "Helper.PY.txt"),
    ],
    "a module that is loaded again": [
        notebook("%%writefile part.py\nforward = 1\n", "import part, importlib\n",
                 "%%writefile part.py\n" + RIGHT,
                 "assert importlib.reload(part) is part\nfrom part import *"),
    ],
    "a module that is written again": [
        module("import part\nfrom importlib import reload\n"
               f"with open('part.py', 'w') as file:\n    file.write({RIGHT!r})\n"
               "reload(part)\nfrom part import *\n"),
        module("forward = 1\n", "part.py"),
    ],
    "a name among builtins": [module(WITH_CHILD)],
    "builtins that are away": [
        module(RIGHT + "import builtins\nbuiltins.len = builtins.isinstance = None\n"),
    ],
    "arguments of the work itself: its name": [
        module("import sys\nassert sys.argv == ['homework.py'], sys.argv\n" + RIGHT),
    ],
    "arguments of a run": [
        notebook("import sys\nbefore = sys.argv\n%run part.py --n 3 'a b'\n"
                 "assert sys.argv is before and n == ['part.py', '--n', '3', 'a b'], n\n"),
        module("import sys\nn = sys.argv\n" + RIGHT, "part.py"),
    ],
}  # fmt: skip
TOGETHER |= ON_DISK


@pytest.mark.parametrize("files", TOGETHER.values(), ids=TOGETHER.keys())
def test_what_was_handed_in_together_works_together(grade, files):
    result = grade(*files)
    assert (result.points, result.notes) == (MAX_SCORE, []), result.messages


MINE = "homework.py, line"
# Added to the right answer: what is lost; a message, by criterion; the notes.
LOST = {
    "a name that is nearly right": (
        RIGHT.replace("def forward(x, params)", "def foward(x, params)"),
        {"forward.values": "forward is not defined; there is foward (homework.py, line 14)"},
    ),
    "a function inside another": (
        RIGHT.replace("def grad_w2(", "def outer():\n  def grad_w2("),
        {"grad_w2": "grad_w2 is defined inside outer (homework.py, line 29), where nothing else "
         "finds it: write it at the top level"},
    ),
    "the stub's raise above the answer": (
        RIGHT.replace("    return -2 * hs", "    raise NotImplementedError('TODO 4: not written "
                      "yet')\n    return -2 * hs"),
        {"grad_w2": "the stub's raise NotImplementedError still stands above your code "
         "(homework.py, line 29): delete it"},
    ),
    "the stub itself": (
        RIGHT.replace("    return -2 * hs.T @ (y - y_pred)", "    raise NotImplementedError('TODO 4"
                      ": not written yet')"),
        {"grad_w2": "not attempted"},
    ),
    "a NotImplementedError of another's": (
        RIGHT.replace("    return -2 * hs", "    raise NotImplementedError('later')\n    hs"),
        {"grad_w2": "grad_w2 raised NotImplementedError: later (homework.py, line 29)"},
    ),
    "a forward inside __init__": (
        RIGHT.replace("\n    def forward(self, x):\n", "        def forward(self, x):\n    "),
        {"net": 'net raised NotImplementedError: Module [Net] is missing the required "forward" '
         "function: forward is defined inside Net.__init__ (homework.py, line 39); write it beside "
         "__init__, one level less deep"},
    ),
    "a device that is not there": (
        RIGHT.replace("hs.T @ (y", "hs.T.to('cuda') @ (y"),
        {"grad_w2": "grad_w2 raised AssertionError: Torch not compiled with CUDA enabled (the "
         "grader has no GPU) (homework.py, line 29)"},
    ),
    "a network in place of its class": (
        RIGHT.partition("class Net")[0] + "Net = nn.Sequential(nn.Linear(1, 20), nn.Linear(20, 1))",
        {"net": "Net is a network, an object of Sequential, and not the class that makes one"},
    ),
    "code that does not parse": (
        RIGHT.replace("return -2 * hs.T", "return (-2 * hs.T"),
        {"grad_w2": "grad_w2 is not defined: its code does not parse (homework.py, line 29)"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOST.values(), ids=LOST.keys())
def test_what_is_wrong_is_told_as_what_it_is(grade, case):
    source, messages = case
    result = grade(module(source))
    assert {name: result.messages[name] for name in messages} == messages


DATA = "x = torch.rand(3, 1)\nparams = Parameters(*[torch.rand(1, 1)] * 4)\n"
AWAY = {
    "a gradient by its value": (
        f"{DATA}grad_w1 = grad_w1(x, x, params, x, x)\n",
        [(47, "grad_w1 was overwritten in homework.py, line 47 by a Tensor; the function from "
          "homework.py, line 22 counts")],
    ),
    "Net by a network": (
        "Net = Net(1, 20, 1)\n",
        [(45, "Net was overwritten in homework.py, line 45 by a Net; the class from homework.py, "
          "line 34 counts")],
    ),
    "a deleted name": (
        "del forward\n",
        [(45, "forward was deleted in homework.py, line 45; the function from homework.py, line "
          "14 counts")],
    ),
    "a name that is defined once more": (
        f"grad_w2 = None\n{cut('grad_w2')}", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", AWAY.values(), ids=AWAY.keys())
def test_the_last_that_can_be_called_counts(grade, case):
    tail, notes = case
    result = grade(module(f"{RIGHT}\n\n{tail}"))
    assert result.points == MAX_SCORE
    assert result.notes == [(f"homework.py, line {line}", text) for line, text in notes]


def test_a_name_that_a_file_beside_gives_away_counts_too(grade):
    helper = module(HEAD + GRADIENTS + "grad_w1 = 3\n", "helper.py")
    result = grade(module("from helper import *\n" + HEAD + cut("forward") + NET), helper)
    assert (result.points, len(result.notes)) == (MAX_SCORE, 1)


def test_a_file_called_as_a_module_of_pythons_is_not_imported(grade):
    bad = [module("raise ValueError\n", name) for name in ("torch.py", "json.py", "numpy.py")]
    result = grade(module("import json\nimport json\n" + RIGHT), *bad)
    assert result.points == MAX_SCORE
    assert [text for _, text in result.notes] == [
        "json.py is not imported: json is the name of a module of Python's own library",
        "torch.py is not imported: torch is the name of a module of a package",
    ]


def test_an_error_in_a_file_beside_has_its_place_there(grade):
    helper = module(RIGHT + "\n\n1 / 0\ndef broken(:\n", "src/utils.py")
    result = grade(module("from utils import *\n", "src/homework.py"), helper)
    assert result.points == MAX_SCORE
    assert result.notes == [
        ("src/utils.py, line 46", "SyntaxError: invalid syntax"),
        ("src/utils.py, line 45", "ZeroDivisionError: division by zero"),
    ]


CHEAT = (
    "import torch\n"
    "def g(x, y, params, hs, y_pred):\n"
    "    w = params.w1.clone().requires_grad_()\n"
    "    hidden = torch.sigmoid(x @ w + params.b1)\n"
    "    loss = (y - (hidden @ params.w2 + params.b2)).square().sum()\n"
    "    return torch.autograd.grad(loss, w)[0]\n"
)
ROUTES = [
    "from utils import g as grad_w1\n",
    "from utils import g\ndef grad_w1(*given): return g(*given)\n",
    "import utils\ndef grad_w1(*given): return utils.g(*given)\n",
    "import utils\ndef grad_w1(*given): return getattr(utils, 'g')(*given)\n",
    "from utils import *\ngrad_w1 = g\n",
    "import importlib\nm = importlib.import_module('utils')\ngrad_w1 = m.g\n",
    "get_ipython().run_line_magic('run', 'utils.py')\ngrad_w1 = g\n",
]


@pytest.mark.parametrize("route", ROUTES)
def test_autograd_in_a_file_beside_is_named_and_earns_nothing(zygote, rubric, route):
    cases = [case for case in hidden_cases(rubric, 5) if case.criterion == "grad_w1"]
    given = (module(RIGHT + "\n\n" + route), [module(CHEAT, "utils.py")], PACKAGES, TASKS)
    rest = (rounds_of(cases, TASKS), zygote, rubric.limits, rubric.spellings)
    asked = run_cases(*given, *rest)
    (sighting,) = asked.sightings["grad_w1"]
    assert (sighting.name, sighting.where) == ("torch.autograd.grad", "utils.py, line 6")
    assert all(outcome.sightings[0].where == "utils.py, line 6" for outcome in asked.outcomes)


def test_a_file_that_is_running_is_not_run_once_more_inside_itself(grade):
    other = notebook("%run homework.ipynb\n", RIGHT, name="other.ipynb")
    result = grade(notebook("%run other.ipynb\n"), other)
    assert result.points == MAX_SCORE
    assert result.notes == [
        ("other.ipynb, cell 1, line 1",
         "homework.ipynb is running already, and is not run once more inside itself"),
    ]  # fmt: skip


ELSEWHERE = ["../up.py", "/tmp/absolute.py", "a/../../up.py", "nul\0.py", "long" * 99 + ".py"]


@pytest.mark.parametrize("name", [*ELSEWHERE, "full.py"])
def test_a_file_whose_name_leads_elsewhere_or_that_has_no_room_is_only_left_out(grade, name):
    size = 40_000_000 if name == "full.py" else 1
    source = f"{RIGHT}\nimport os\nassert os.listdir() == ['homework.py'], os.listdir()\n"
    result = grade(module(source), module("#" * size, name))
    assert (result.points, result.notes) == (MAX_SCORE, [])


def test_what_was_not_handed_in_is_not_there(grade):
    result = grade(module(f"open('config.json')\n{RIGHT}"))
    assert result.points == MAX_SCORE
    assert result.notes == [
        (f"{MINE} 1", "FileNotFoundError: [Errno 2] No such file or directory: 'config.json'"),
    ]


def test_two_files_of_a_name_are_none(grade):
    two = [module(RIGHT, "a/helper.py"), module(RIGHT, "b/helper.py")]
    assert grade(module("from helper import *\n"), *two).points == 0
