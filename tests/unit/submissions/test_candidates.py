"""Which files of a submission are graded for themselves, and which are as they were handed out."""

import json
from collections import Counter
from pathlib import Path

import lms
import pytest
from conftest import ROOT
from times import effort

from grader.homework.tasks import TASKS
from grader.rubric import load_rubric
from grader.source.read import Source, SourceCell, read
from grader.submissions.candidates import Choice, Handout, code_lines, is_handout

RUBRIC = load_rubric()
HANDOUT = Handout(RUBRIC)
CHOICE = Choice(HANDOUT.lines, TASKS, RUBRIC.spellings, RUBRIC.limits.graded_files)
SOURCE_BYTES = RUBRIC.limits.source_bytes
STUB = (ROOT / "assignment" / "homework.py").read_text(encoding="utf-8")


def is_at(path: Path) -> bool:
    return is_handout(path, SOURCE_BYTES, HANDOUT.lines)


@pytest.mark.parametrize("name", ["homework.py", "homework.ipynb", "homework.zh_Hant.ipynb"])
def test_what_is_handed_out_is_untouched(name):
    assert is_at(ROOT / "assignment" / name)
    assert not is_at(ROOT / "solution" / "homework.py")


@pytest.mark.parametrize(
    ("change", "untouched"),
    [
        (lambda text: text.replace("\n", "\r\n"), True),
        (lambda text: text + "\n\n# Ada Adams, group 3\n", True),
        (lambda text: text.replace("make_data(1)", "make_data(7)"), True),
        (lambda text: "\n".join(text.splitlines()[:60]), True),
        (lambda text: text.replace('raise NotImplementedError("TODO 4', 'print("4'), False),
        (lambda text: text + "\nx = 1\n", False),
        (lambda text: "# nothing yet\n", False),
    ],
    ids=["line ends", "comment", "numbers", "cut off", "changed", "added", "only a comment"],
)
def test_who_adds_no_line_of_code_has_changed_nothing(tmp_path, change, untouched):
    path = tmp_path / "homework.py"
    path.write_text(change(STUB), encoding="utf-8", newline="")
    assert is_at(path) == untouched


def test_what_cannot_be_read_is_not_the_handout(tmp_path):
    assert not is_at(tmp_path / "homework.py")


FORWARD = "def forward(x, params):\n    return 1, 2\n"
# The files of a submission, and its candidates in order.
CANDIDATES = {
    "the homework and a helper": ({"homework.py": FORWARD, "utils.py": "a = 1\n"}, ["homework.py"]),
    "an untouched stub": ({"homework.py": STUB, "homework (1).py": FORWARD}, ["homework (1).py"]),
    "only an untouched stub": ({"homework.py": STUB}, ["homework.py"]),
    "nothing that is asked": ({"a.py": "b = 1\n", "homework.py": STUB}, ["a.py"]),
    "several": (
        {"a.py": FORWARD, "src/homework.py": FORWARD, "homework.py": FORWARD},
        ["homework.py", "src/homework.py", "a.py"],
    ),
    "as the report is": ({"a.py": "w1_grad = 2 * x\n", "b.py": "w = 1\n"}, ["a.py"]),
    "a class": ({"a.py": "class Net(nn.Module):\n    pass\n", "b.py": "w = 1\n"}, ["a.py"]),
    "imports": ({"a.py": "from b import (forward, Net)\n", "b.py": "w = 1\n"}, ["a.py"]),
    "imports on two lines": (
        {"a.py": "from b import (\n    Net,\n)\n", "b.py": "w = 1\n"},
        ["a.py"],
    ),
    "imports all": ({"a.py": "from b import *\n", "b.py": "w = 1\n"}, ["a.py"]),
    "nbconvert": ({"a.py": 'run("x", "\\ndef grad_w1(x):")\n', "b.py": "w = 1\n"}, ["a.py"]),
    "compares only": ({"a.py": "Net == 1\n", "b.py": FORWARD}, ["b.py"]),
}


@pytest.mark.parametrize("case", CANDIDATES)
def test_every_file_that_may_define_something_asked_is_a_candidate(case):
    files, expected = CANDIDATES[case]
    sources = [read(name, text.encode()) for name, text in files.items()]
    assert [source.name for source in CHOICE.candidates(sources)] == expected


ALL = "".join(f"from part_{name} import {name}\n" for name in TASKS.definitions)
PARTS = {f"part_{name}.py": f"def {name}(): 1\n" for name in TASKS.definitions}
VARIANTS = {f"a{number}.py": FORWARD for number in range(8)}
# Of more files than are graded; those that are.
MOST = {
    "parts, and what joins them": ({**PARTS, "zoe.py": ALL}, "zoe.py"),
    "parts, and stars": ({**VARIANTS, "zoe.py": "from a1 import *\n"}, "zoe.py"),
    "guesses, and the work": ({**VARIANTS, "z/work.py": "".join(
        f"def {name}(): 1\n" for name in TASKS.definitions)}, "z/work.py"),
    "guesses alone": (VARIANTS, "a7.py"),
    "a name without a number": ({**VARIANTS, "z.py": FORWARD}, "z.py"),
    "versions": ({f"homework_v{number}.py": FORWARD for number in range(1, 9)}, "homework_v8.py"),
    "versions of two digits": (
        {f"homework_v{number}.py": FORWARD for number in range(2, 11)}, "homework_v10.py"),
    "dates, then versions": (
        {f"hw_11-0{day}_v{10 - day}.py": FORWARD for day in range(1, 9)}, "hw_11-08_v2.py"),
    "copies": ({f"ada ({number}).py": FORWARD for number in range(1, 12)}, "ada (11).py"),
    "in folders": ({f"v{number}/a.py": FORWARD for number in range(1, 12)}, "v11/a.py"),
    "an endless number": (
        {**VARIANTS, f"a{'9' * 5000}.py": FORWARD}, f"a{'9' * 5000}.py"),
    "guesses, called as the homework is": ({**VARIANTS, "x/homework.py": FORWARD}, "x/homework.py"),
}  # fmt: skip


@pytest.mark.parametrize("case", MOST)
def test_of_more_than_are_graded_those_with_most_come_first(case):
    files, first = MOST[case]
    found = CHOICE.candidates([read(name, text.encode()) for name, text in files.items()])
    assert len(found) == len(files) > RUBRIC.limits.graded_files
    assert found[0].name == first


@pytest.mark.parametrize("text", ["import ", "import (a ", "import (a) ", "from a import b "])
def test_a_long_line_of_imports_is_soon_looked_through(text):
    source = Source("a.py", "module", (SourceCell(1, "a.py", text * 40_000),), "")
    assert effort(lambda: CHOICE.candidates([source])) < 40


def test_lines_are_compared_without_indentation_comments_and_numbers():
    assert code_lines("  a = 12\n\n# b\n\tc\r\n") == {"a = 0", "c"}


def test_twenty_files_are_no_twenty_guesses(warm, untrained, tmp_path):
    """The right one is the oldest: it is not graded; page, record and screen say so."""
    right = (ROOT / "tests" / "submissions" / "gbk_comments.py").read_bytes()
    wrong = right.replace(b"def grad_w2", b"def grad_w3")
    folder, out = tmp_path / "class" / "ada", tmp_path / "out"
    lms.lay(folder.parent, {"ben/homework.py": "x = 1\n"})
    folder.mkdir()
    for number in range(1, 20):
        (folder / f"h{number:02}.py").write_bytes(wrong + f"\nx = {number}\n".encode())
    (folder / "h00.py").write_bytes(right)
    done = warm.run("grade", folder.parent, "--out", out, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    result = out / "ada" / "result.json"
    record = json.loads(result.read_bytes())
    roles = Counter(file["role"] for file in record["files"])
    assert roles == {"counts": 1, "graded": 4, "left_out": 15}
    assert record["submission"] == "h19.py"
    (line,) = [line for line in done.stdout.splitlines() if "left_out" in line]
    assert "at most 5 files" in line
    assert "left out: ada (15); " in line
    page = (result.parent / "feedback.html").read_text(encoding="utf-8")
    assert page.count("not graded: too many files define what is asked") == 15
