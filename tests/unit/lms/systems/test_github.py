"""GitHub: whose a clone is, and a step is shown what cost points and given no commands."""

import pytest
from exported import COMMAND, HOSTILE
from finals import mark
from lms import found_in, lay
from msgspec.structs import replace

from grader.lms.systems import github


def test_a_submission_gives_github_no_commands():
    final = mark("a\n::set-env::", 8, message=HOSTILE).final
    final = replace(final, record=replace(final.record, submission="a:,\n%.py"))
    (command,) = github.annotations([final])
    assert len(command.splitlines()) == 1
    assert command.startswith("::error file=a%3A%2C%0A%25.py,title=forward.values::</failure>%0A")
    assert "100%25 of" in command
    summary = github.summary([final])
    assert "::set-env" not in summary
    assert "<b>" not in summary.replace("\\<b", "")


PLACES = [
    ("wrong (homework.py, line 12)", "file=homework.py,line=12,"),
    ("wrong (cell 3, line 2)", "file=homework.py,title"),  # no line of the file
    ("wrong", "file=homework.py,title"),
]


@pytest.mark.parametrize(("message", "place"), PLACES)
def test_github_is_told_the_line(message, place):
    (command,) = github.annotations([mark("ada", 8, message=message).final])
    assert place in command
    assert COMMAND.fullmatch(command)


def test_classroom_folders_name_the_assignment(tmp_path, rubric):
    files = ["x-a-b/.git/config", "x-a-b/homework.py", "x-a-c/.git/config", "x-a-c/homework.py"]
    for folder in ("x-submissions", "x"):
        root = lay(tmp_path / folder, dict.fromkeys(files, ""))
        assert [s.student for s in found_in(root, rubric)] == ["a-b", "a-c"]
