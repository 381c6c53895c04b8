"""The student's folder: generated, committed, whole, and without a line of the solution."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest
from conftest import GRADER, ROOT, run_grader
from selfchecks import SelfChecks
from times import PATIENCE
from worth import MAX_SCORE, out_of, worth

from grader.authoring.release import generate, release
from grader.material import rendered
from grader.material.module import BEGIN, END, HINT, stub_of
from grader.material.notebook import notebook_of
from grader.rubric import load_rubric

ASSIGNMENT = ROOT / "assignment"
MODULE = (ROOT / "solution" / "homework.py").read_text(encoding="utf-8")
MARKED = rendered("homework.py.j2", load_rubric())  # with the markers of the solution regions


def folded(text: str) -> str:
    """Return text without white space and quotes: what two spellings of a line share."""
    return re.sub(r"[\s\"'\\]", "", text)


def solution_lines() -> list[str]:
    """Return the code lines of all solution regions."""
    lines, inside = [], False
    for line in MARKED.splitlines():
        if BEGIN.match(line) or END.match(line):
            inside = not inside
        elif inside and not HINT.match(line):
            lines.append(line.strip())
    return lines


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers(v)]
    if isinstance(value, list):
        return [n for v in value for n in numbers(v)]
    return [float(value)] if isinstance(value, int | float) else []


def test_what_is_committed_is_what_generation_gives(rubric):
    generated = generate(rubric)
    for path, content in generated.items():
        if isinstance(content, bytes):
            assert (ROOT / path).read_bytes() == content, f"{path} is not up to date: make release"
            continue
        committed = (ROOT / path).read_text(encoding="utf-8")
        if path.name != "public_cases.json":
            assert committed == content, f"{path} is not up to date: make release"
            continue
        # Another processor may round the last digit of an exponential otherwise.
        ours, theirs = json.loads(content), json.loads(committed)
        assert numbers(ours) == pytest.approx(numbers(theirs), rel=1e-12, abs=1e-12, nan_ok=True)
        assert ours["marking"] == theirs["marking"]


def test_the_assignment_holds_nothing_that_is_not_generated(rubric):
    generated = {ROOT / path for path in generate(rubric)}
    present = {
        path for path in ASSIGNMENT.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert present == {path for path in generated if ASSIGNMENT in path.parents}


def test_no_line_of_a_solution_region_is_in_the_assignment():
    lines = [folded(line) for line in solution_lines()]
    assert len(lines) >= 10
    for path in sorted(ASSIGNMENT.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            text = folded(path.read_bytes().decode(errors="replace"))
            assert [line for line in lines if line in text] == [], path


def test_all_that_the_self_check_imports_travels_with_it(rubric):
    """And nothing else but Python's library and torch; the rest is asked for where it may lack."""
    package = ASSIGNMENT / "selfcheck"
    sources = {path: text for path, text in generate(rubric).items() if path.suffix == ".py"}
    travelling = {path.stem for path in sources if package == ROOT / path.parent}
    allowed = {*sys.stdlib_module_names, "torch"}
    optional = {"charset_normalizer", "IPython", "numpy"}
    for path, text in sources.items():
        if ROOT / path.parent != package:
            continue
        tree = ast.parse(text)
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top, _, module = name.partition(".")
                if top == "selfcheck":
                    assert (module or "__init__") in travelling, (path, name)
                else:
                    assert top in (allowed | optional if node not in tree.body else allowed), path


def test_stubs_say_which_todo_they_are():
    tree = ast.parse(stub_of(MARKED))
    raised = [
        (node.exc.func.id, node.exc.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
    ]
    todos = ["TODO 1", "TODO 2", "TODO 3", "TODO 4", "TODO 5", "TODO 6", "TODO 6"]
    assert sorted(raised) == [("NotImplementedError", f"{todo}: not written yet") for todo in todos]


def test_the_module_and_the_notebook_define_the_same():
    def definitions(source: str) -> dict[str, str]:
        kinds = (ast.FunctionDef, ast.ClassDef)
        return {n.name: ast.unparse(n) for n in ast.parse(source).body if isinstance(n, kinds)}

    helpers = {"draw", "inner", "error", "f", "df", "placed"}
    for folder, derivation in ((ASSIGNMENT, set()), (ROOT / "solution", helpers)):
        notebook = nbformat.read(folder / "homework.ipynb", as_version=4)
        code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
        in_notebook = definitions(code)
        in_module = definitions((folder / "homework.py").read_text(encoding="utf-8"))
        assert in_module.items() <= in_notebook.items()
        extra = in_notebook.keys() - in_module.keys()
        assert extra == {"compare_with_autograd", "central_differences"} | derivation


def test_notebooks_are_valid_and_have_no_outputs():
    for folder in (ASSIGNMENT, ROOT / "solution"):
        notebook = nbformat.read(folder / "homework.ipynb", as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_cells_of_the_solution_alone_are_dropped():
    tagged = {
        folder.name: [
            cell
            for cell in nbformat.read(folder / "homework.ipynb", as_version=4).cells
            if "solution" in cell.metadata.get("tags", [])
        ]
        for folder in (ASSIGNMENT, ROOT / "solution")
    }
    assert len(tagged["solution"]) == 1
    assert tagged["assignment"] == []


def test_the_handout_has_the_points_and_no_code_of_the_notebook(rubric):
    handout = (ASSIGNMENT / "README.md").read_text(encoding="utf-8")
    for name, points in rubric.points.items():
        assert f"| `{name}` | {points:g} |" in handout
    assert "```python" not in handout
    assert "Errata" in handout


REGION = "    # BEGIN SOLUTION TODO 2\n    # HINT: think\n    x = 1\n    # END SOLUTION\n"
BROKEN = [
    (REGION.replace("    # END SOLUTION\n", ""), "TODO 2 has no END SOLUTION"),
    (REGION.replace("    # BEGIN SOLUTION TODO 2\n", ""), "not in turn"),
    (REGION.replace("    # HINT: think\n", ""), "TODO 2 has no HINT"),
    (REGION.splitlines(keepends=True)[0] + REGION, "line 2: BEGIN and END SOLUTION"),
]


@pytest.mark.parametrize(("module", "says"), BROKEN)
def test_a_source_that_is_off_is_refused(module, says):
    with pytest.raises(ValueError, match=says):
        stub_of(module)


PROSE = "# A\n\n```python\n# section: one\n```\n"
OFF = [
    (PROSE, "# %% two\nx = 1\n", "no section one"),
    (PROSE, "# %% one\nx = 1\n\n# %% two\ny = 1\n", "leaves out the sections two"),
]


@pytest.mark.parametrize(("prose", "module", "says"), OFF)
def test_every_section_is_in_the_notebook_once(prose, module, says):
    with pytest.raises(ValueError, match=says):
        notebook_of(prose, module, with_solution=False)


def test_release_writes_below_the_root_it_is_given(tmp_path, rubric):
    paths = list(release(rubric, tmp_path, tmp_path / "dist"))
    parts = {path.relative_to(tmp_path).parts[0] for path in paths}
    assert parts == {"solution", "assignment", "dist"}
    assert all(path.is_file() for path in paths)


# With this nothing can be imported but the standard library and torch.
ONLY = """
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
class Only(PathFinder):
    def find_spec(name, path=None, target=None):
        if name.split('.')[0] not in {'grader', 'msgspec', 'IPython', 'nbformat', 'rich', 'jinja2',
                'babel', 'charset_normalizer', 'numpy', 'matplotlib'}:
            return PathFinder.find_spec(name, path, target)
sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Only]
"""


@pytest.fixture(scope="module")
def checks() -> Iterator[SelfChecks]:
    with closing(SelfChecks(ONLY)) as forking:
        yield forking


@pytest.fixture
def selfcheck(checks: SelfChecks, folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the self-check in a student's folder."""
    environment = {"HOME": str(folder), "COLUMNS": "400"}  # lines are not cut
    return lambda *arguments: checks.run(folder, arguments, **environment)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A student's copy of the assignment."""
    return Path(shutil.copytree(ASSIGNMENT, tmp_path / "assignment"))


@pytest.mark.parametrize("name", ["homework.py", "homework.ipynb"])
def test_the_self_check_gives_the_untouched_stub_nothing(selfcheck, folder, name):
    done = selfcheck(name)
    assert done.returncode == 1
    assert out_of(0) in done.stdout
    assert done.stdout.count("not attempted") >= 9
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["homework.py", "homework.ipynb"])
def test_the_self_check_gives_the_solution_everything(selfcheck, folder, name):
    shutil.copy(ROOT / "solution" / name, folder)
    done = selfcheck(name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert out_of(MAX_SCORE) in done.stdout


def test_the_self_check_can_be_asked_for_one_function(selfcheck, folder):
    shutil.copy(ROOT / "solution" / "homework.py", folder)
    done = selfcheck("homework.py", "--only", "grad_b1")
    assert done.returncode == 0
    assert "grad_b1.sample" in done.stdout
    assert "grad_b1.row" in done.stdout
    assert "grad_w1" not in done.stdout
    points = worth("grad_b1.sample", "grad_b1.row")
    assert out_of(points, points) in done.stdout


def test_the_self_check_names_the_mistake_as_the_grader_does(selfcheck, folder):
    right = "(-2 * (y - y_pred)).sum_to_size(params.b2.shape)"
    assert right in MODULE
    (folder / "homework.py").write_text(MODULE.replace(right, "-2 * (y - y_pred)"))
    done = selfcheck("homework.py", "--only", "grad_b2")
    assert done.returncode == 1
    assert "not summed over the" in done.stdout


# Autograd as it is, and with the given y_pred put in, by which it is right off the path too.
AUTOGRAD = """

def grad_b2(x, y, params, hs, y_pred):
    b2 = params.b2.clone().requires_grad_()
    out = hs @ params.w2 + b2
    return torch.autograd.grad((y - out%s).square().sum(), b2)[0]
"""
REPLACED = " - y_pred + out.detach()"


@pytest.mark.parametrize("put_in", ["", REPLACED])
def test_the_self_check_gives_autograd_nothing_as_the_grader_does(selfcheck, folder, put_in):
    (folder / "homework.py").write_text(MODULE + AUTOGRAD % put_in)
    done = selfcheck("homework.py", "--only", "grad_b2")
    assert done.returncode == 1
    # The next thing in full, and a line for each of the two criteria.
    assert done.stdout.count("torch differentiated here: torch.autograd.grad (homework.py") == 3
    assert out_of(0, worth("grad_b2.sample", "grad_b2.row")) in done.stdout


UNUSABLE = [
    (["missing.py"], "missing.py cannot be opened: No such file or directory"),
    (["homework.py", "--only", "grad_w3"], "nothing is called 'grad_w3'"),
]


@pytest.mark.parametrize(("arguments", "says"), UNUSABLE)
def test_the_self_check_says_what_it_cannot_do(selfcheck, arguments, says):
    done = selfcheck(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_check_in_a_notebook_sees_the_notebooks_functions(folder):
    program = MODULE + "\nimport sys\nsys.path.insert(0, '.')\n"
    program += "from selfcheck import check\ncheck('grad_w1')\n"
    (folder / "cell.py").write_text(program)
    command = [sys.executable, "-I", "cell.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=PATIENCE)
    assert "ok   grad_w1" in done.stdout
    assert out_of(worth("grad_w1"), worth("grad_w1")) in done.stdout


IN_A_NOTEBOOK = """
import sys
sys.path.insert(0, ".")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in {cells!r}:
    shell.run_cell(cell, store_history=True).raise_error()
"""


def test_check_in_a_notebook_reads_the_cells_that_ran(folder):
    """Recomputing is half right, and autograd in a cell of its own is named."""
    helper = "def differentiate(f, w):\n    return torch.autograd.grad(f, w)[0]\n"
    gradient = "def grad_b2(*given):\n    return differentiate(*given)\n"
    check = "from selfcheck import check\ncheck('grad_b2')\n"
    recomputing = (
        "def differentiate(x, y, params, hs, y_pred):\n"
        "    exact = -2 * (y - forward(x, params)[1])\n"
        "    return exact.sum_to_size(params.b2.shape)\n"
        "    return torch.autograd.grad(y, x)\n"
    )
    cells = [MODULE, helper, recomputing, gradient, check]
    program = folder / "notebook.py"
    program.write_text(IN_A_NOTEBOOK.format(cells=cells))
    command = [sys.executable, "-I", program.name]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=PATIENCE,
        env={"HOME": str(folder), "COLUMNS": "400"},
    )
    assert done.returncode == 0, done.stderr
    # The next thing in full, and a line for each of the two criteria.
    assert done.stdout.count("its code reaches torch.autograd.grad (In [3], line 4)") == 3
    assert out_of(0, worth("grad_b2.sample", "grad_b2.row")) in done.stdout


# The students' archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """The archive that `grader release` makes, beside the folder of what is in it."""
    folder = tmp_path_factory.mktemp("release")
    done = run_grader("release", "--root", folder, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder / "homework.zip"


def test_the_archive_is_the_assignment_and_nothing_else(archive):
    with ZipFile(archive) as opened:
        held = {name: opened.read(name) for name in opened.namelist()}
    assignment = archive.parent / "assignment"
    assert held == {
        f"homework/{path.relative_to(assignment)}": path.read_bytes()
        for path in assignment.rglob("*")
        if path.is_file()
    }
    assert {"homework/LICENSE", "homework/README.md", "homework/homework.ipynb"} <= held.keys()


def test_the_archive_is_the_same_to_the_byte_elsewhere(archive, tmp_path):
    command = [GRADER, "release", "--root", tmp_path, "--out", tmp_path / "dist"]
    environment = {**os.environ, "TZ": "Asia/Taipei", "PYTHONHASHSEED": "7"}
    subprocess.run(command, check=True, env=environment, umask=0o077, stdout=subprocess.DEVNULL)
    assert (tmp_path / "dist" / "homework.zip").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize("kind", ["homework.py", "homework.ipynb"])
@pytest.mark.parametrize(("filled_in", "score"), [(False, 0), (True, MAX_SCORE)])
def test_the_archive_is_graded(warm, archive, tmp_path, kind, filled_in, score):
    with ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    folder = tmp_path / "homework"
    for other in {"homework.py", "homework.ipynb", "homework.zh_Hant.ipynb"} - {kind}:
        (folder / other).unlink()
    if filled_in:
        shutil.copy(ROOT / "solution" / kind, folder)
    done = warm.run("grade", folder, "--out", tmp_path / "out", "--format", "json", "--no-pages")
    (record,) = json.loads(done.stdout)
    assert (record["status"], record["score"]) == ("graded", score)
    if not filled_in:
        assert {criterion["message"] for criterion in record["criteria"]} == {"not attempted"}
