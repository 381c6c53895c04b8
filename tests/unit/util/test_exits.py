"""How a command ends: what a user can mend is a line each, all else a fault of the grader."""

import errno
import inspect
import os
import pkgutil
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import GRADER, ROOT, run_grader
from leftovers import assert_no_process, children, descendants, orphans_are_ours
from times import PATIENCE

import grader
from grader import errors
from grader.errors import UserError
from grader.gradebook import Gradebook, default_url
from grader.rubric import RUBRIC_FILE
from grader.util import exits
from grader.util.exits import DONE, FAULT, FAULT_TEXT, UNUSABLE, exit_code_of

SOLUTION = ROOT / "solution" / "homework.py"


def raising(error: BaseException):
    def run() -> int:
        raise error

    return run


USERS = [
    (UserError("a: is wrong"), ["a: is wrong"]),
    (UserError("a: is wrong\nb: is missing"), ["a: is wrong", "b: is missing"]),
    (PermissionError(errno.EACCES, "Not allowed", "out/x"), ["out/x: Not allowed; kept"]),
    (FileNotFoundError(errno.ENOENT, "Not there", Path("x.toml")), ["x.toml: Not there; kept"]),
    (OSError(errno.ENOSPC, "No space left on device"), ["results: No space left on device; kept"]),
]  # fmt: skip


@pytest.mark.parametrize(("error", "lines"), USERS, ids=repr)
def test_what_a_user_can_mend_is_a_line_for_each_problem(capsys, error, lines):
    assert exit_code_of(raising(error), remark="; kept") == UNUSABLE
    assert capsys.readouterr() == ("", "".join(f"grader: {line}\n" for line in lines))


FAULTS = [
    ValueError("of the inside"),
    KeyError("grad_w3"),
    ImportError("no module of ours"),
    AssertionError(),
    FileNotFoundError(errno.ENOENT, "No such file or directory", str(RUBRIC_FILE)),
    FileNotFoundError(errno.ENOENT, "No such file or directory", os.__file__),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
]


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_whatever_else_is_a_traceback_and_said_to_be_a_fault_of_the_grader(capsys, error):
    assert exit_code_of(raising(error)) == FAULT == 70
    out, said = capsys.readouterr()
    assert out == ""
    first, *_, cause, last = said.splitlines()
    assert first == "Traceback (most recent call last):"
    assert cause.startswith(type(error).__name__)
    assert last == f"grader: {FAULT_TEXT}"


@pytest.mark.parametrize("passing", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_an_interrupt_and_an_exit_go_on(passing):
    with pytest.raises(type(passing)):
        exit_code_of(raising(passing))


def test_a_command_that_ends_by_itself_keeps_its_code(capsys):
    assert [exit_code_of(lambda code=code: code) for code in (DONE, 1, 3)] == [DONE, 1, 3]
    assert capsys.readouterr() == ("", "")


# In real processes: sitecustomize puts the fault in before the grader starts.

FAULTY = """
import grader.{module}
def faulty(*given, **more):
    raise ValueError("of the inside")
grader.{module}.{function} = faulty
"""
COMMANDS = [
    (("grade", SOLUTION, "--out", "out"), ("submissions.discover", "discover")),
    (("validate",), ("commands.validation", "load_rubric")),
    (("rubric",), ("rubric", "load_rubric")),
    (("export", "--to", "csv", "--out", "out"), ("commands.export", "export")),
    (("check", SOLUTION), ("rubric", "load_rubric")),
]


@pytest.mark.parametrize(("command", "place"), COMMANDS, ids=[c[0][0] for c in COMMANDS])
def test_a_value_error_of_the_inside_is_not_told_as_the_users(tmp_path, command, place):
    module, function = place
    folder = tmp_path / "first"
    folder.mkdir()
    text = FAULTY.format(module=module, function=function)
    (folder / "sitecustomize.py").write_text(text)
    done = subprocess.run(
        [str(GRADER), *map(str, command)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == FAULT, done.stderr
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "ValueError: of the inside\n" in done.stderr
    assert done.stderr.splitlines()[-1] == f"grader: {FAULT_TEXT}"
    assert not (tmp_path / "out").exists()


# Signals


HANGS = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass\n"
SENT = [
    (signal.SIGTERM,),
    (signal.SIGHUP,),
    (signal.SIGINT,),
    (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGTERM),
]


def until(has_come: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait for what a process that runs is about to do."""
    deadline = time.monotonic() + PATIENCE
    while not has_come():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def started(*command: object, **more: Any) -> subprocess.Popen[str]:
    """Start a grader in a group of its own."""
    return subprocess.Popen(
        [str(GRADER), *map(str, command)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0, **more,
    )  # fmt: skip


def class_that_hangs(folder: Path, *hanging: str) -> Path:
    """Write a right submission, which is graded first, and those that take long."""
    folder.mkdir()
    shutil.copy(SOLUTION, folder / "a_good.py")
    for name in hanging:
        (folder / f"{name}.py").write_text(HANGS)
    return folder


def rows_of(results: Path) -> list[str]:
    return (results / "grades.csv").read_text(encoding="utf-8-sig").splitlines()[1:]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: "_".join(each.name for each in sent))
def test_a_signal_that_asks_for_an_end_leaves_what_was_graded(tmp_path, untrained, sent):
    """Sent to all processes of the group, as a terminal or a batch system does."""
    out = tmp_path / "out"
    hanging = [f"{letter}_hangs" for letter in "uvwxyz"]  # so that it goes on when this test looks
    others = children(os.getpid())
    with orphans_are_ours():
        process = started(
            "grade", class_that_hangs(tmp_path / "class", *hanging), "--out", out,
            "--jobs", 1, "--rubric", untrained,
        )  # fmt: skip
        until((out / "a_good" / "result.json").exists, process)
        for number in sent:
            os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=PATIENCE)
        assert_no_process(others)
    assert process.returncode in {128 + number for number in sent}
    (line,) = errors.splitlines()
    assert re.fullmatch(rf"grader: interrupted: [0-6] of 7 graded, kept in {out}", line)
    assert len(rows_of(out)) >= 1
    with Gradebook(default_url(out)) as book:
        assert len(rows_of(out)) == len(book.finals())


@pytest.fixture(scope="module")
def graded_although_it_hangs(tmp_path_factory, untrained) -> Path:
    """Return results of a class of which one hangs, which takes its time; not to be changed."""
    folder = tmp_path_factory.mktemp("hangs")
    hangs, out = class_that_hangs(folder / "class", "y_hangs"), folder / "out"
    graded = run_grader("grade", hangs, "--out", out, "--rubric", untrained, "--no-pages")
    assert graded.returncode == 0
    return out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_signal_that_ends_regrade_leaves_tables_that_are_true(
    tmp_path, graded_although_it_hangs, number
):
    out = Path(shutil.copytree(graded_although_it_hangs, tmp_path / "out"))
    (out / "grades.csv").unlink()
    process = started("regrade", "--all", "--results", out, "--jobs", 1)
    until(lambda: descendants(process.pid, 4), process)  # a worker is there
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (128 + number, "grader: interrupted\n")
    assert len(rows_of(out)) == 2


def test_what_nohup_lets_live_lives(tmp_path, untrained):
    out = tmp_path / "out"
    process = started(
        "grade", SOLUTION, "--out", out, "--rubric", untrained,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    until(lambda: descendants(process.pid, 3), process)
    os.killpg(process.pid, signal.SIGHUP)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")


# Standard streams

LOST = "grader: standard output: No space left on device; not all was printed\n"
STREAMS = [
    # redirection, exit code of a command that is done, what is told
    (">/dev/full", UNUSABLE, LOST),
    (">&-", DONE, ""),
    ("2>&-", DONE, ""),
    ("<&-", DONE, ""),
    ("<&- >&- 2>&-", DONE, ""),
    (">/dev/full 2>/dev/full", UNUSABLE, ""),
    ("| head -1 >/dev/null", DONE, ""),
]


def in_shell(command: str, redirection: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    text = f"set -o pipefail; {shlex.quote(str(GRADER))} {command} {redirection}"
    return subprocess.run(
        ["bash", "-c", text], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize(("redirection", "status", "told"), STREAMS)
def test_a_stream_that_takes_nothing_ends_no_command(tmp_path, redirection, status, told):
    done = in_shell("rubric", redirection, tmp_path)
    assert (done.returncode, done.stderr) == (status, told)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("redirection", "status", "told"), [STREAMS[0], STREAMS[4], STREAMS[6]], ids=repr
)
def test_results_are_whole_whatever_becomes_of_what_is_printed(
    tmp_path, untrained, redirection, status, told, form
):
    command = f"grade {SOLUTION} --out out --rubric {untrained} --no-pages --format {form}"
    done = in_shell(command, redirection, tmp_path)
    assert (done.returncode, done.stderr) == (status, told)
    assert len(rows_of(tmp_path / "out")) == 1
    assert (tmp_path / "out" / "solution" / "result.json").exists()


def test_an_error_that_nobody_can_read_is_the_exit_code_alone(tmp_path):
    for redirection in ("2>&-", "2>/dev/full", ">&- 2>&-"):
        done = in_shell("settings nowhere", redirection, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (UNUSABLE, "", "")


# Names

LONG = "A" * 300
DEEP = "A/" * 3000
NAMES = [LONG, DEEP, "no\nsuch", "no\x1b[31msuch", "no\rsuch", os.fsdecode(b"no\xffsuch")]
NAMING = [
    ("grade", "{}", "--out", "out"),
    ("check", "{}"),
    ("settings", "{}"),
    ("export", "{}", "--to", "csv", "--out", "out"),
    ("regrade", "{}", "--results", "out"),
    ("history", "{}", "--results", "out"),
]


@pytest.mark.parametrize("name", NAMES, ids=["long", "deep", "newline", "escape", "return", "byte"])
def test_a_name_that_cannot_be_is_told_in_letters_that_print(warm, tmp_path, name):
    """One line, or as many as it has itself."""
    for command in NAMING:
        done = warm.run(*(word.format(name) for word in command), cwd=tmp_path)
        assert done.returncode == UNUSABLE, (command, done.stderr)
        lines = done.stderr.splitlines()
        assert 1 <= len(lines) <= 1 + name.count("\n")
        assert all(line.startswith("grader: ") and line.isprintable() for line in lines)
    assert list(tmp_path.iterdir()) == []


# The tree


# What runs beside student code; what Alembic executes, and nobody imports; a zip file's, and main.
BESIDE_STUDENTS = (
    "grader.confined",
    "grader.student_code",
    "grader.gradebook.migrations.env",
    "grader.authoring.converters.files",
    "grader.__main__",
)


def exceptions_of_the_trusted_side() -> set[type[Exception]]:
    """Return the exceptions that the grader defines, but for those beside student code."""
    found = set()
    for module in pkgutil.walk_packages(grader.__path__, "grader."):
        if not module.name.startswith(BESIDE_STUDENTS):
            members = inspect.getmembers(import_module(module.name), inspect.isclass)
            found |= {
                each
                for _, each in members
                if issubclass(each, Exception) and each.__module__ == module.name
            }
    return found


# Nothing a user can mend, or caught where it belongs.
INNER = {"Lost", "OutOfTime", "ScorerFailed", "Untransformed", "WorkerNotReady", "ZygoteDied"}


def test_every_exception_of_the_grader_is_in_the_tree():
    users = {
        each.__name__
        for each in exceptions_of_the_trusted_side()
        if issubclass(each, UserError) and not each.__name__.startswith("_")
    }
    others = {each.__name__ for each in exceptions_of_the_trusted_side()} - users
    assert {name for name in others if not name.startswith("_")} == INNER
    drawn = errors.__doc__ or ""
    assert {name for name in users if name not in drawn} == set()


def test_files_of_the_grader_and_of_python_are_ours():
    assert Path(grader.__file__).parent in exits.OURS
    assert any(Path(pytest.__file__).resolve().is_relative_to(folder) for folder in exits.OURS)
    assert not any(Path(sys.executable).is_relative_to(folder) for folder in exits.OURS)
