"""How a submission's files run: get_ipython, imports, limits, in this process and in a worker."""

import sys
from pathlib import Path

import msgspec
import pytest
from handed import PACKAGES, module, notebook

from grader.homework.tasks import TASKS
from grader.source.files import File
from grader.student_code.loading import LoadBudget, Program, load


def names(loaded: Program, *wanted: str) -> list[object]:
    return [loaded.namespace.get(name) for name in wanted]


# A cell; what it leaves in x; the notes' texts.
MAGICS = [
    ("%time x = 1", 1, []),
    ("x = %time 2 + 1", 3, []),
    ("x = 0\n%timeit -n 10 -r2 y = x", 0, []),
    ("%%timeit\nx = 1\n", None, []),
    ("%%time\nx = 1", 1, []),
    ("%%prun -l 3\nx = 1", 1, []),
    ("%%capture out --no-stderr\nprint(3)\nx = out", "", []),
    ("%%capture\nx = 1", 1, []),
    ("%%capture out\ny = 1\nout.show()\nx = out.stdout + out.stderr", "", []),
    ("%%time\n%%capture\nx = 1", 1, []),
    ("for x in range(3):\n    %time y = x\nx = y", 2, []),
    ("x = !ls -l", [], []),
    ("x = %env", None, []),
    ("%load_ext autoreload\n%autoreload 2\n%cd ..\n%pip install y\n!rm -r .\nx = 1", 1, []),
    ("x = 1\nx?\n?x\nprint??", 1, []),
    ("%%html\n<p>x = 2</p>", None, []),
    ("%%bash\nexit 3", None, []),
    ("%%nobody_has_this\nx = 3", 3, []),
    ("get_ipython().magic('time x = 4')", 4, []),
    ("ip = get_ipython()\nip.run_cell_magic('time', '', 'x = 4\\ny = 5')", 4, []),
    ("from IPython import get_ipython\nget_ipython().run_line_magic('time', 'x = 5')", 5, []),
    ("get_ipython().events.register\nx = 1", 1, ["AttributeError: 'function' object has no"]),
    ("from IPython.display import display\ndisplay(1)\nx = 1", 1, []),
    ("%time x = 1 / 0\nx = 1", 1, ["ZeroDivisionError: division by zero"]),
    ("%run nothing.py\nx = 1", 1, ["FileNotFoundError: no nothing.py was found"]),
    ("%run beside -i --fast\nx = given", 3, []),
    ("%run -n 'beside.py' 7\nx = given", 3, []),
    ("%%file mine.py\nx = 6\n", None, []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "value", "texts"), MAGICS)
@pytest.mark.parametrize("kind", [notebook, module])
def test_get_ipython_runs_what_python_there_is(kind, source, value, texts):
    loaded = load(kind(source), [module("given = 3\n", "beside.py")], PACKAGES, TASKS)
    (x,) = names(loaded, "x")
    assert str(x) == "" if value == "" else x == value
    assert [note.text[: len(text)] for note, text in zip(loaded.notes, texts, strict=True)] == texts
    loaded.forget()


PLACES = [
    ("y = 1\n%time 1 / 0", "cell 1, line 2"),
    ("if True:\n    %time y = 1; 1 / 0", "cell 1, line 2"),
    ("get_ipython().run_cell_magic('time', '', 'a = 1\\n1 / 0')", "cell 1, line 1"),
    ("\n%%time\n\n1 / 0", "cell 1, line 4"),
    ("%run beside.ipynb", "beside.ipynb, cell 1, line 2"),
    ("import broken", "broken.py, line 3"),
    ("from folder import broken", "folder/broken.py, line 1"),
    ("%%writefile new.py\n\n1 / 0", ""),
]


@pytest.mark.parametrize(("source", "place"), PLACES)
def test_a_note_names_the_students_own_place(source, place):
    beside = [
        notebook("\n1 / 0", name="beside.ipynb"),
        module("\n\n1 / 0", "broken.py"),
        module("1 / 0", "folder/broken.py"),
    ]
    loaded = load(notebook(source), beside, PACKAGES, TASKS)
    assert [note.where for note in loaded.notes] == ([place] if place else [])
    loaded.forget()


NOT_THERE = "is not among the packages the grader has (torch, numpy, matplotlib, IPython)"
IMPORTS = [
    ("import scipy",
     [f"ModuleNotFoundError: scipy {NOT_THERE}, and no scipy.py was found beside it"]),
    ("import sympy",
     [f"ModuleNotFoundError: sympy {NOT_THERE}, and no sympy.py was found beside it"]),
    ("import importlib\nimportlib.import_module('sympy.core')",
     [f"ModuleNotFoundError: sympy {NOT_THERE}, and no sympy.py was found beside it"]),
    ("from sklearn.datasets import make_moons",
     [f"ModuleNotFoundError: sklearn {NOT_THERE}, and no sklearn.py was found beside it"]),
    ("import torch, scipy, math\nmath.pi", ["ModuleNotFoundError: scipy"]),
    ("from . import one\none.a", []),
    ("from .one import a\nfrom .pack.two import b as c\nassert (a, c) == (1, 2)", []),
    ("from .. import one", ["ImportError: attempted relative import beyond what was handed in"]),
    ("import pack.two as t\nassert t.b == 2", []),
    ("import pack.two\nassert pack.two.b == 2 and pack.a == 1", []),
    ("import pack.three", ["ModuleNotFoundError: no pack/three.py was found"]),
    ("from pack import three", ["ImportError: cannot import name 'three' from 'pack'"]),
    ("from pack import *\nassert two.b == 2", []),
    ("from one import nothing", ["ImportError: cannot import name 'nothing' from 'one'"]),
    ("import loop\nassert loop.b.a is loop", []),
    ("import homework\nassert homework.__name__ == 'homework'", []),
    ("from selfcheck import check\ncheck('grad_w1', lang='en')", []),
    ("import one, pickle\nassert pickle.loads(pickle.dumps(one.A())).b == 1", []),
    ("import inspect, one\nassert 'b = 1' in inspect.getsource(one.A)", []),
    ("from dataclasses import dataclass\n@dataclass\nclass D:\n    x: 'int' = 1\nassert D() == D()",
     []),
    ("def f():\n    import one\n    return one.a\nassert f() == 1", []),
    ("import one\n__builtins__.print\nimport builtins\nassert builtins.len([1]) == 1", []),
    ("from mpl_toolkits.mplot3d import Axes3D", []),
    ("import this_is_a_notebook", ["ModuleNotFoundError: this_is_a_notebook is not among"]),
]  # fmt: skip
BESIDE = [
    module("a = 1\nclass A:\n    b = 1\n", "one.py"),
    module("from ..one import a\n__all__ = ['two']\n", "pack/__init__.py"),
    module("import one\nb = one.a + 1\n", "pack/two.py"),
    module("import loop2 as b\n", "loop.py"),
    module("import loop as a\n", "loop2.py"),
    notebook("x = 1", name="this_is_a_notebook.ipynb"),
]


@pytest.mark.parametrize(("source", "texts"), IMPORTS)
def test_imports(source, texts):
    before = dict(sys.modules)
    loaded = load(module(source), BESIDE, PACKAGES, TASKS)
    told = [note.text for note in loaded.notes]
    assert len(told) == len(texts), told
    assert all(text.startswith(begins) for text, begins in zip(told, texts, strict=True)), told
    loaded.forget()
    assert sys.modules.get("__main__") is before["__main__"]
    own = {"homework", "one", "pack", "loop"}
    assert {name: sys.modules.get(name) for name in own} == {name: before.get(name) for name in own}


def test_files_of_a_submission_before_are_not_found():
    load(module("import one\n"), BESIDE, PACKAGES, TASKS)
    loaded = load(module("import one\n"), [], PACKAGES, TASKS)
    assert [note.text[:27] for note in loaded.notes] == ["ModuleNotFoundError: one is"]
    loaded.forget()


def test_nothing_is_read_from_the_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("utils.py").write_text("raise SystemExit\n")
    loaded = load(module("import sys\nsys.path.insert(0, '.')\nimport utils"), [], PACKAGES, TASKS)
    assert [note.text[:31] for note in loaded.notes] == ["ModuleNotFoundError: utils is n"]
    loaded.forget()


def test_what_the_packages_import_themselves_is_not_touched():
    loaded = load(module("import torch.fx.experimental.symbolic_shapes"), [], PACKAGES, TASKS)
    assert loaded.notes == []
    loaded.forget()


# Hostile folders, under limits that are a fraction of a second.
LOOP = "while True:\n    pass\n"
FOLDERS = {
    "a chain of modules, each with a loop": [
        module(f"import m{n + 1}\n{LOOP}", f"m{n}.py") for n in range(300)
    ],
    "a module of many loops": [module(LOOP * 30 + "import m1\n", "m0.py")],
    "modules that import each other for ever": [
        module("import m1\n" * 200, "m0.py"),
        module("import m0\nfrom m0 import *\n" * 200, "m1.py"),
    ],
    "a notebook that runs itself": [
        notebook("%run m0.ipynb\n", name="m0.ipynb"), module("%run m0.ipynb\n", "m0.py"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("beside", FOLDERS.values(), ids=FOLDERS.keys())
def test_a_folder_of_files_has_the_limits_of_one(zygote, rubric, beside: list[File]):
    limits = msgspec.structs.replace(
        rubric.limits, statement_seconds=0.2, import_seconds=0.5, load_seconds=0.4,
        slice_seconds=0.02, total_seconds=8.0,
    )  # fmt: skip
    with zygote.fork_worker(limits) as worker:
        notes = worker.load(
            module("import m0\nx = 1\ndef forward(): pass\n"), beside, PACKAGES, TASKS
        )
        assert worker.processor_seconds < 4
    assert isinstance(notes, list)
    assert len(notes) <= 200


def test_statements_of_a_helper_share_the_budget():
    budget = LoadBudget(0.3, 5.0, 0.5, 0.02, 0.1)
    main = module(f"import helper\nx = 1\n{LOOP}y = 2\n")
    loaded = load(main, [module(LOOP * 4 + "z = 3\n", "helper.py")], PACKAGES, TASKS, budget)
    assert [note.where for note in loaded.notes] == [
        *(f"helper.py, line {line}" for line in (1, 3, 5, 7)), "homework.py, line 3",
    ]  # fmt: skip
    assert names(loaded, "x", "y") == [1, 2]
    assert loaded.namespace["helper"].z == 3
    loaded.forget()
