"""No text that a student sends takes the memory or the time of a process that must not die."""

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest
from conftest import ROOT, run_grader
from times import effort

from grader.homework.tasks import TASKS
from grader.reports.feedback.source import show
from grader.rubric import load_rubric
from grader.scoring.limited_process import Allowance
from grader.scoring.reading import Reader
from grader.selfcheck.files import read_files
from grader.source.read import DEEPEST, MOST_CHARACTERS, MOST_LINES, MOST_TOKENS, Unreadable, read
from grader.submissions.candidates import Choice

RUBRIC = load_rubric()
SOURCE_BYTES = RUBRIC.limits.source_bytes
CHOICE = Choice((), TASKS, RUBRIC.spellings, RUBRIC.limits.graded_files)
HONEST = (ROOT / "tests" / "hostile" / "parts" / "honest.py").read_bytes()
SMALL = Allowance(seconds=1, memory_bytes=2**28)


def notebook(source: object, more: str = "", kind: str = "code") -> bytes:
    cell = json.dumps({"cell_type": kind, "source": source})
    code = json.dumps({"cell_type": "code", "source": "x = 1"})
    return f'{{"cells": [{code}, {cell}{more}]}}'.encode()


def cells(count: int) -> bytes:
    return notebook("x", ', {"cell_type":"code","source":"x"}' * count)


LINES = f"lines of source, the limit is {MOST_LINES}"
CHARACTERS = f"characters of source, the limit is {MOST_CHARACTERS}"
TOKENS = f"words and signs of source, the limit is {MOST_TOKENS}"
BRACKETS = f"has more than {DEEPEST} brackets open in each other: close them"
# What is sent, as a module or (with "{") a notebook, and why it is not read; None where it is.
BOUNDED: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "64 million lines": (
        lambda: b"def grad_w1(x, y, params, hs, y_pred):\n" + b"\n" * 64_000_000,
        f"is too long: 64000001 {LINES}",
    ),
    "one line of 60 MB": (lambda: b"x" * 60_000_000, f"is too long: 60000000 {CHARACTERS}"),
    "one line of 60 MB of UTF-32": (
        lambda: ("\U0001f600" + "x" * 15_000_000).encode("utf-32"),
        f"is too long: 15000001 {CHARACTERS}",
    ),
    "as many lines as may be": (lambda: b"x\n" * MOST_LINES, None),
    "one more": (lambda: b"x\n" * MOST_LINES + b"x", f"is too long: {MOST_LINES + 1} {LINES}"),
    "as many characters as may be": (lambda: b"x" * MOST_CHARACTERS, None),
    "one more character": (
        lambda: b"x" * (MOST_CHARACTERS + 1), f"is too long: {MOST_CHARACTERS + 1} {CHARACTERS}",
    ),
    "as many words as may be": (lambda: b"x " * (MOST_TOKENS - 1) + b"x", None),
    "a million and a half": (lambda: b"x+ " * 600_000, f"is too long: 1200000 {TOKENS}"),
    "brackets": (lambda: b"(" * 100_000, BRACKETS),
    "brackets of three kinds": (lambda: b"([{" * 400, BRACKETS),
    "brackets in lines of their own": (lambda: b"f(\n" * 1001, BRACKETS),
    "brackets that are closed": (lambda: b"f()\n" * 40_000, None),
    "brackets in a string": (lambda: b"x = '" + b"(" * 100_000 + b"'", None),
    "brackets in a docstring": (lambda: b'"""' + b":(\n" * 10_000 + b'"""', None),
    "brackets in comments": (lambda: b"# :(\n" * 10_000, None),
    "brackets below a docstring": (lambda: b'"""a"""\n' + b"(" * 1001, BRACKETS),
    "a million cells": (lambda: cells(1_000_000), f"is too long: 1000002 {LINES}"),
    "cells with as many lines": (lambda: cells(MOST_LINES - 2), None),
    "an output of 60 MB": (
        lambda: notebook("x", f', {{"outputs": "{"y" * 60_000_000}"}}'), None,
    ),
    "a number of 60 MB": (lambda: notebook("x", ", " + "7" * 60_000_000), None),
    "text cells of 40 MB": (lambda: notebook("a = 1\n" * 5_000_000, kind="markdown"), None),
    "deep lists": (lambda: notebook("x", ", " + "[" * 1_000_000), "its JSON is nested too deeply"),
    "deep objects": (
        lambda: notebook("x", ", " + '{"a":' * 1_000_000), "its JSON is nested too deeply",
    ),
    "six million lists": (
        lambda: notebook("x", ", [0" + ",[]" * 6_000_000 + "]"), "more than 5000000 values",
    ),
    "a string without its end": (lambda: notebook("x", ', "' + "\\" * 30_000_000), "is broken"),
}  # fmt: skip


@pytest.mark.parametrize("case", BOUNDED)
def test_text_is_bounded_and_what_is_beyond_is_told(case):
    """In a time that grows with the text: a minute for all, of which most is to make them."""
    make, why = BOUNDED[case]
    data = make()
    name = "homework.ipynb" if data.startswith(b"{") else "homework.py"
    said: list[str] = []

    def reads() -> None:
        try:
            read(name, data)
        except Unreadable as error:
            said.append(str(error))

    assert effort(reads) < 400
    if why is None:
        assert said == []
    else:
        (line,) = said
        assert line.startswith(f"{name} ")
        assert line.endswith(why) or why in line


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("homework.py", b"x\n" * (MOST_LINES + 1)),
        ("homework.ipynb", cells(MOST_LINES)),
        ("homework.py", b"(" * 2000),
        ("homework.py", b"\0" * 10),
        ("homework.ipynb", b"{"),
        ("homework.py", b"%PDF-1.4"),
    ],
    ids=["lines", "cells", "brackets", "NUL", "broken", "PDF"],
)
def test_all_commands_say_the_same_of_a_file(tmp_path, reader, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    graded = reader.read({name: data}, CHOICE).problems[name]
    with pytest.raises(Unreadable) as checked:
        read_files(path, SOURCE_BYTES, tmp_path / "elsewhere")
    with pytest.raises(Unreadable) as compared:
        reader.text_of(name, path, SOURCE_BYTES)
    with pytest.raises(Unreadable) as page:
        show(name, data, RUBRIC.pages, plain=False)
    shown = str(checked.value).removeprefix(f"{tmp_path}/")
    assert {graded, str(compared.value), str(page.value)} == {shown}


# Texts made for a regular expression of ours. To read one takes a fraction of a second, and would
# take minutes if it grew with the square of the text.
LONG = 300_000
PATTERNS = [
    "import ", "import (a ", "import a,", "from a import ", "from a import b ", "%run ", "exec ",
    "def ", "def grad_w1(", "def grad_w1(\n", "class Net ", "class Net:\n", "async def ", "\\ndef ",
    "w1_grad ", "w1_grad:", "grad_w1 :a", "grad_w1\t=", "a.b.", "a ", " ", "\t", "\n ", "\n\t\n",
    "\\", "\\\n", '"', "'", '"""', "'''", "'\\", '"""\\', "#", "# ", "f'{", "0", "0x", "1e", "9.",
    "=", "==", "a=", "a =\\\n!", "= %", "? ", "?\n", "%%", "%%time\n", "!ls\n", ">>> ", "...: ",
    "In [1]: ", "@a\n", "<<<<<<< ", "\x0c", "\u2028", "\ufeff", "\U0001f600", "é", "-", "not ",
    "a if b else ", "lambda:", "(a)", "[0]", "{}", "a.", "**", ":=", "raise ", "# coding: ",
    "# %% [markdown]\n",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["module", "code cell", "markdown cell"])
def test_no_repeated_text_takes_long_to_read(kind):
    with closing(Reader(Allowance(seconds=10, memory_bytes=2**30))) as reader:
        for pattern in PATTERNS:
            text = (pattern * LONG)[:LONG]
            data = {
                "module": text.encode(),
                "code cell": notebook(text),
                "markdown cell": notebook(text, kind="markdown"),
            }[kind]
            name = "homework.py" if kind == "module" else "homework.ipynb"
            submission = reader.read({name: data}, CHOICE)
            assert submission.certain, (pattern, submission.problems)
            assert not [why for why in submission.problems.values() if "not read" in why], pattern


NAMES = [
    "(" * 200, "a (1)" * 50, "-1" * 100, "0" * 250, "a_" * 120, "a b-" * 60, "\U0001f600" * 60,
    "%s%d{}{0}", "\\n", "..", "'", '"; rm -rf', "<b>", "=1+1", "a" * 255, "\u202e", "con",
]  # fmt: skip


def test_no_name_of_a_file_ends_the_class(warm, tmp_path, untrained):
    folder = tmp_path / "class"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        stem = (
            name.replace("/", "")[: 240 // len("\U0001f600".encode())]
            if "\U0001f600" in name
            else name
        )
        path = folder / f"{stem[:245]}.py"
        with zipfile.ZipFile(folder / f"zip{number}.zip", "w") as archive:
            archive.writestr(f"{name}.py", b"x = 1\n")
        path.write_bytes(b"x = 1\n")
    (folder / "ada.py").write_bytes(HONEST)
    done = warm.run("grade", folder, "--out", tmp_path / "out", "--rubric", untrained, "--no-pages")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out" / "ada" / "result.json").read_bytes())
    assert record["score"] == record["max_score"]


def write_newlines(path: Path) -> None:
    """Write an archive of some 60 kB whose homework.py is one def and 64 million empty lines."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(
            "homework.py", "def grad_w1(x, y, params, hs, y_pred):\n" + "\n" * 64_000_000
        )


def test_three_files_of_64_million_lines_cost_the_others_of_their_class_nothing(
    tmp_path, untrained
):
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    for name in ("mallory", "moe", "max"):
        write_newlines(folder / f"{name}.zip")
    for name in ("ada", "zoe"):
        (folder / f"{name}.py").write_bytes(HONEST)
    done = run_grader("grade", folder, "--out", out, "--jobs", 1, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    records = {
        path.parent.name: json.loads(path.read_bytes()) for path in out.glob("*/result.json")
    }
    for name in ("ada", "zoe"):
        assert (records[name]["status"], records[name]["score"]) == (
            "graded",
            records[name]["max_score"],
        )
    for name in ("mallory", "moe", "max"):
        assert records[name]["status"] == "unreadable"
        why = f"homework.py is too long: 64000001 {LINES}"
        assert {c["message"] for c in records[name]["criteria"]} == {why}
        assert why in done.stdout


# A reader that dies


def kills(files: object, choice: object) -> None:
    os.kill(os.getpid(), SIGKILL)


def computes(files: object, choice: object) -> None:
    while True:
        pass


def allocates(files: object, choice: object) -> bytes:
    return bytes(2**29)


def fails(files: object, choice: object) -> None:
    raise KeyError("cells")


LOST = [
    (kills, "ended the process that does so (SIGKILL)", "crash", False),
    (computes, "took more than 1 seconds of a processor", None, True),
    (allocates, "took more than 256 MB of memory", None, True),
    (fails, "met a fault of the grader's own (KeyError: 'cells')", None, False),
]


@pytest.mark.parametrize(("fault", "why", "smell", "certain"), LOST)
def test_a_submission_that_is_lost_is_named_and_the_next_one_is_read(
    monkeypatch, fault, why, smell, certain
):
    with closing(Reader(SMALL)) as reader:
        reader.read({}, CHOICE)  # by a process that is forked before anything is patched
        with monkeypatch.context() as patched:
            patched.setattr("grader.scoring.reading._read", fault)
            one = reader.read({"a.py": b"x = 1"}, CHOICE)
            two = reader.read({"a.py": b"x = 1", "b.py": b"y = 1"}, CHOICE)
        assert one.problems == {"a.py": f"a.py is not read: reading it {why}"}
        several = f"is not read: reading the 2 files of this submission {why}"
        assert two.problems == {name: f"{name} {several}" for name in ("a.py", "b.py")}
        assert {one.smell, two.smell, one.certain, two.certain} == {smell, certain}
        assert (one.sources, two.sources) == ((), ())
        assert [source.text for source in reader.read({"a.py": b"x = 1"}, CHOICE).sources] == [
            "x = 1"
        ]


def test_what_is_lost_while_its_owner_is_looked_for_is_told_later(monkeypatch, tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(HONEST)
    with closing(Reader(SMALL)) as reader:
        known = reader.look_at(path, SOURCE_BYTES, TASKS)
        assert known.names
        with monkeypatch.context() as patched:
            patched.setattr("grader.scoring.reading.look_at", kills)
            assert not reader.look_at(path, SOURCE_BYTES, TASKS).names
        assert reader.look_at(path, SOURCE_BYTES, TASKS) == known
