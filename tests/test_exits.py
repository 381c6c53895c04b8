"""How a command ends: what a user can mend is a line each, all else a fault of the grader."""

import errno
import inspect
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from conftest import GRADER, ROOT
from times import PATIENCE

import grader
from grader import errors, exits
from grader.errors import UserError
from grader.exits import DONE, FAULT, FAULT_TEXT, UNUSABLE, exit_code_of
from grader.rubric import RUBRIC_FILE

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
    assert exit_code_of(raising(error), kept="; kept") == UNUSABLE
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
    (("validate",), ("rubric", "load_rubric")),
    (("rubric",), ("rubric", "load_rubric")),
    (("export", "--to", "csv", "--out", "out"), ("exporting", "export")),
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


# The tree


ALEMBICS = "grader.gradebook.migrations.env"  # which it executes, and nobody imports


def exceptions_of_the_trusted_side() -> set[type[Exception]]:
    """Return the exceptions that the grader defines, but for those beside student code."""
    found = set()
    for module in pkgutil.walk_packages(grader.__path__, "grader."):
        if not module.name.startswith(("grader.confined", ALEMBICS)):
            members = inspect.getmembers(import_module(module.name), inspect.isclass)
            found |= {
                each
                for _, each in members
                if issubclass(each, Exception) and each.__module__ == module.name
            }
    return found


# Nothing a user can mend, or caught where it belongs.
INNER = {"OutOfTime", "ScorerFailed", "WorkerNotReady", "ZygoteDied"}


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
    assert Path(exits.__file__).parent in exits.OURS
    assert any(Path(pytest.__file__).resolve().is_relative_to(folder) for folder in exits.OURS)
    assert not any(Path(sys.executable).is_relative_to(folder) for folder in exits.OURS)
