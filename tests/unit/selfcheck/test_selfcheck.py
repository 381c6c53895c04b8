"""The self-check as a student uses it: in a terminal, watching a file, and in a notebook."""

import contextlib
import json
import os
import pty
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, run_grader
from nbclient import NotebookClient
from selfchecks import SelfChecks
from times import PATIENCE
from worth import MAX_SCORE, MAX_UNTRAINED, out_of, worth

from grader.homework.tasks import TASKS
from grader.judging.messages import LANGUAGES, Reason, Texts
from grader.judging.verdicts import NO_ERROR, ErrorMap, Verdict
from grader.rubric.cases import hidden_cases, public_cases
from grader.selfcheck.report import Look, Report, columns, cut, wrapped

MODULE = (ROOT / "solution" / "homework.py").read_text(encoding="utf-8")
STUB = (ROOT / "assignment" / "homework.py").read_text(encoding="utf-8")
REFUSED = """
import sys
refused = ('grader', 'rich', 'jinja2', 'babel', 'msgspec', 'IPython', 'nbformat')
sys.modules.update(dict.fromkeys(refused))
"""
WRONG_W1 = MODULE.replace("return x.T @ back", "return -x.T @ back")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A student's copy of the assignment, where the grader and its libraries cannot be imported."""
    copied = Path(shutil.copytree(ROOT / "assignment", tmp_path / "assignment"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(REFUSED)
    return copied


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(folder), "PYTHONPATH": str(folder.parent / "site"), **more}


@pytest.fixture(scope="module")
def check() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run the self-check in a student's folder, with variables of the environment."""
    with contextlib.closing(SelfChecks(REFUSED)) as checks:
        yield lambda folder, *arguments, **more: checks.run(
            folder, arguments, HOME=str(folder), **more
        )


class Watching:
    """A self-check that watches, and what it has written."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "selfcheck", "homework.py", "--watch"]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.text = ""

    def until(self, said: str) -> str:
        """Return what is written up to `said`, and take it away."""
        ends = time.monotonic() + PATIENCE
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while said not in self.text:
                assert selector.select(max(0, ends - time.monotonic())), self.text
                read = os.read(self.process.stdout.fileno(), 65536)
                assert read, f"it ended: {self.text}"
                self.text += read.decode()
        before, found, self.text = self.text.partition(said)
        return before + found


@pytest.fixture
def watching(folder) -> Iterator[Watching]:
    (folder / "homework.py").write_text(STUB)
    started = Watching(folder)
    yield started
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.process.pid, signal.SIGINT)
    assert started.process.wait(PATIENCE) == 0
    started.process.stdout.close()


def replace(path: Path, content: str) -> None:
    """Save as vim and PyCharm do: another file takes the name."""
    other = path.with_suffix(".new")
    other.write_text(content)
    other.replace(path)


def test_watch_checks_at_each_save_whatever_the_file_does(folder, watching):
    path = folder / "homework.py"
    assert "NEXT: TODO 1, forward.values" in watching.until("Watching homework.py")
    replace(path, WRONG_W1)
    assert "NEXT: TODO 2, grad_w1" in watching.until("Watching homework.py")
    path.write_text("import os\nos._exit(7)\n")
    assert "exit code 7" in watching.until("Watching homework.py")
    path.write_text("def forward(:\n")
    assert "homework.py, line 1: SyntaxError" in watching.until("Watching homework.py")
    path.unlink()
    watching.until("homework.py is not there; waiting for it")
    path.write_text("print('it hangs', flush=True)\nwhile True:\n    pass\n")
    watching.until("it hangs")
    replace(path, MODULE)  # a save during a check
    assert out_of(MAX_SCORE) in watching.until("Watching homework.py")


def test_a_file_saved_in_two_writes_is_checked_whole_in_the_end(folder, watching):
    watching.until("Watching homework.py")
    with (folder / "homework.py").open("w") as file:
        file.write(MODULE[:2000])
        file.flush()
        file.write(MODULE[2000:])
    watching.until(out_of(MAX_SCORE))


def test_a_check_that_takes_too_long_ends_and_says_where(folder):
    (folder / "homework.py").write_text("x = 1\nwhile True:\n    x = 1\n")
    (folder / "temporary").mkdir()
    command = [sys.executable, "-m", "selfcheck", "homework.py", "--when-told", "1"]
    done = subprocess.run(
        command,
        input="now\n",
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder, TMPDIR=str(folder / "temporary")),
        timeout=PATIENCE,
    )
    assert done.returncode == 3
    assert not list((folder / "temporary").glob("selfcheck-*"))
    assert re.search(r"took longer than 1 s .*\(homework.py, line [23]\)", done.stdout)


def test_the_next_thing_comes_first_with_its_place_and_what_to_read(check, folder):
    (folder / "homework.py").write_text(WRONG_W1)
    done = check(folder, "homework.py")
    line = WRONG_W1.split("def grad_w1")[0].count("\n") + 1
    lines = done.stdout.splitlines()
    lost = worth("grad_w1") / 2
    points = f"{MAX_UNTRAINED - lost:g} of {MAX_UNTRAINED:g} points before training"
    assert f"] 8 of 9 right, {points}" in lines[0]
    # Training with that gradient fails, too.
    score = MAX_SCORE - lost - worth("train.manual")
    assert lines[-1].split() == ["public", "cases", out_of(score)]
    assert lines[2] == "NEXT: TODO 2, grad_w1"
    assert f"  where: homework.py, line {line}" in lines
    assert "  read: equation (3.6), which you derive; section 4 of the handout" in lines
    assert done.returncode == 1
    assert "\033" not in done.stdout


def on_a_terminal(folder: Path, *arguments: str, **more: str) -> str:
    """Return what a self-check writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "selfcheck", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(folder, **more), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux's way to say that nobody writes there any more
        while read := os.read(ours, 65536):
            written += read
    os.close(ours)
    assert process.wait(PATIENCE) == 1, written
    return written.decode()


@pytest.mark.parametrize(("no_colour", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_is_written_to_in_colour_but_not_under_no_color(folder, no_colour, coloured):
    (folder / "homework.py").write_text(WRONG_W1)
    shown = on_a_terminal(folder, "homework.py", "--only", "grad_w1", **no_colour)
    assert "NEXT: TODO 2, grad_w1" in shown
    assert ("\033[1mNEXT: TODO 2, grad_w1\033[0m" in shown) == coloured
    assert ("\033" in shown) == coloured


@pytest.mark.parametrize(
    ("language", "says"), [("en", "All is right."), ("zh_Hans", "全部正确"), ("zh-TW", "全部正確")]
)
def test_the_students_folder_alone_speaks_each_language(check, folder, language, says):
    (folder / "homework.py").write_text(MODULE)
    done = check(folder, "homework.py", "--lang", language)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout


def test_an_unknown_language_is_one_line(check, folder):
    done = check(folder, "homework.py", "--lang", "fr")
    assert done.returncode == 2
    assert done.stderr == "no language is called 'fr'; choose from en, zh_Hans, zh_Hant\n"


def test_grader_check_shows_what_the_self_check_shows(check, folder):
    (folder / "homework.py").write_text(WRONG_W1)
    ours = run_grader("check", folder / "homework.py", "--only", "grad_w1", "--lang", "en")
    assert ours.stdout == check(folder, "homework.py", "--only", "grad_w1").stdout


def test_public_cases_share_no_tensor_with_hidden_ones(rubric):
    """Training is the report's own run, on its own x."""
    assert rubric.public_cases.seed != rubric.cases.seed

    def tensors(cases):
        return {
            (tuple(t.shape), tuple(t.flatten().tolist()))
            for case in cases
            if not case.criterion.startswith("train.")
            for name, t in [*case.call.tensors.items(), *enumerate(case.expected)]
            if t.unique().numel() > 2  # the saturated ones are all +-1 or +-1000
        }

    assert tensors(public_cases(rubric))
    assert tensors(public_cases(rubric)) & tensors(hidden_cases(rubric, rubric.cases.seed)) == set()


def test_each_criterion_has_its_task_and_comes_after_what_it_needs(rubric):
    assert TASKS.by_id.keys() == rubric.points.keys()
    for task in TASKS.criteria:
        defined = STUB.split(f"def {task.name}(" if task.name != "Net" else "class Net(")[1]
        assert task.todo[:6] in defined.split("NotImplementedError")[1][:20]
    order = list(rubric.points)
    needs = {"grad_b1.row": "grad_b1.sample", "grad_b2.row": "grad_b2.sample", "train.net": "net"}
    needs |= {"forward.stable": "forward.values"}
    assert all(order.index(needed) < order.index(name) for name, needed in needs.items())
    assert order[-2:] == ["train.manual", "train.net"]


WRAPPED = [
    ("one two three", 7, ["one two", "three"]),
    ("梯度没有求和，请看讲义", 12, ["梯度没有求", "和，请看讲义"]),  # noqa: RUF001
    ("沒有對各列加總。", 14, ["沒有對各列加", "總。"]),
    ("grad_w1 的形狀", 10, ["grad_w1 的", "形狀"]),
]


@pytest.mark.parametrize(("text", "width", "lines"), WRAPPED)
def test_text_is_wrapped_by_its_width_in_columns(text, width, lines):
    assert wrapped(text, width) == lines
    assert all(columns(line) <= width for line in lines)


def test_a_line_is_cut_by_its_width_in_columns():
    assert cut("梯度没有求和", 12) == "梯度没有求和"
    assert cut("梯度没有求和", 11) == "梯度没有..."


HELPED = MODULE.replace("hs = torch.sigmoid(h)", "hs = squashed(h)")


def test_files_that_are_needed_are_named_where_the_work_is_handed_in(check, folder):
    (folder / "homework.py").write_text(f"from utils import squashed\n{HELPED}")
    (folder / "utils.py").write_text(
        "import torch\n\ndef squashed(h):\n    return torch.sigmoid(h)\n"
    )
    (folder / "other.py").write_text("x = 1\n")
    done = check(folder, "homework.py", COLUMNS="400")
    assert "Hand in this file together with utils.py, which it needs." in done.stdout
    (folder / "homework.py").write_text(MODULE)
    done = check(folder, "homework.py", COLUMNS="400")
    assert "Hand in this one file." in done.stdout


OPENS = "exec(open('../src/utils.py').read())\nimport sys\nsys.path.append('../src')\nimport more\n"


def test_what_is_opened_is_what_would_be_handed_in_and_nothing_is_left(check, folder):
    for name in ("src", "work", "temporary"):
        (folder / name).mkdir()
    (folder / "work" / "config.json").write_text("{}")
    (folder / "src" / "utils.py").write_text(f"import more\n{MODULE}")
    (folder / "src" / "more.py").write_text("open('mine.txt', 'w').close()\n")
    (folder / "work" / "homework.py").write_text(f"{OPENS}open('config.json')\n")
    before = sorted(folder.rglob("*.*"))
    done = check(folder, "work/homework.py", COLUMNS="400", TMPDIR=str(folder / "temporary"))
    assert "All is right." in done.stdout, done.stdout
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("! ")]
    assert note.endswith("FileNotFoundError: [Errno 2] No such file or directory: 'config.json'")
    assert [path for path in sorted(folder.rglob("*.*")) if path.suffix != ".pyc"] == [
        path for path in before if path.suffix != ".pyc"
    ]


def test_another_python_is_told_before_all_is_right(check, folder):
    path = folder / "selfcheck" / "public_cases.json"
    stored = json.loads(path.read_text())
    stored["software"]["python"] = "3.9"
    path.write_text(json.dumps(stored))
    (folder / "homework.py").write_text(MODULE)
    before, _, _ = check(folder, "homework.py", COLUMNS="400").stdout.rpartition("All is right.")
    assert "You are graded by Python 3.9, and this is Python" in before


def test_a_package_that_the_grader_lacks_fails_as_it_does_there(check, folder):
    (folder / "homework.py").write_text(f"import msgspec\nimport scipy\n{MODULE}")
    done = check(folder, "homework.py")
    assert "scipy is not among the packages the grader has (torch, numpy" in done.stdout


def test_what_does_not_parse_comes_first_where_it_hides_what_is_asked(check, folder):
    (folder / "homework.py").write_text("def forward(x, params:\n    return x\n")
    assert "NEXT: homework.py, line 1\n" in check(folder, "homework.py").stdout


def test_an_answer_in_a_markdown_cell_is_told_with_its_cell(check, folder):
    first, last = MODULE.split("# %% grad_w2")
    cells = [nbformat.v4.new_code_cell(first), nbformat.v4.new_markdown_cell(last)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "mine.ipynb")
    done = check(folder, "mine.ipynb", COLUMNS="400")
    place = "cell 2, which defines it, is a Markdown cell; change it to Code"
    assert f"grad_w2 is not defined: {place}" in done.stdout


def test_a_loop_without_end_costs_its_function_alone(check, folder):
    looping = MODULE.replace("    return x.T @ back", "    while True:\n        pass")
    (folder / "homework.py").write_text(looping)
    done = check(folder, "homework.py", "--only", "grad_w1", COLUMNS="400")
    assert "grad_w1 used more processor time than 30 training runs of the reference" in done.stdout
    assert done.returncode == 1


def test_html_is_escaped_and_draws_where_a_gradient_differs():
    errors = ErrorMap("grad_w1", [[0, NO_ERROR, None]])
    raised = Reason("raised", {"function": "grad_w1", "detail": "<script>", "place": ""})
    for language in LANGUAGES:
        look = Look(Texts(language))
        html = Report(
            [Verdict("grad_w1", 0, 14, (raised,), map=errors)], TASKS, {}, look
        )._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert all(f">{cell}</td>" in html for cell in ("0", "nan"))


def test_a_notebook_shows_the_result_once_as_html_and_as_text(tmp_path):
    folder = Path(shutil.copytree(ROOT / "assignment", tmp_path / "assignment"))
    cells = [MODULE.replace("return x.T @ back", "return -x.T @ back")]
    cells.append("from selfcheck import check\ncheck('grad_w1', lang='zh_Hant')")
    cells.append("check()")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(
        notebook, timeout=int(PATIENCE), resources={"metadata": {"path": folder}}
    ).execute()
    ((shown,), (all_shown,)) = [cell.outputs for cell in notebook.cells[1:]]
    assert "下一步：TODO 2，grad_w1" in shown.data["text/html"]  # noqa: RUF001
    assert "下一步：TODO 2，grad_w1" in shown.data["text/plain"]  # noqa: RUF001
    assert "In [1], line" in shown.data["text/html"]
    assert "NEXT: TODO 2, grad_w1" in all_shown.data["text/html"]
    assert "train.net" in all_shown.data["text/html"]
    assert "final loss" in all_shown.data["text/html"]  # the display was updated after training
