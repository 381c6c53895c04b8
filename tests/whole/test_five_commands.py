"""The manual's five commands: another homework is made, validated, released, solved and graded."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from conftest import GRADER, ROOT
from shorter import shorten
from worth import MAX_SCORE, out_of

from grader.rubric import load_rubric


def shown_in_the_manual() -> list[str]:
    """Return the commands of the manual's section on variants."""
    page = (ROOT / "docs" / "another-homework.md").read_text(encoding="utf-8")
    return page.split("```sh\n")[1].split("```")[0].splitlines()


def write_shorter_grader(folder: Path) -> Path:
    """Write the package, but for what shorter.py cuts; return the folder that it lies in."""
    shutil.copytree(ROOT / "grader", folder / "grader", ignore=shutil.ignore_patterns("*.pyc"))
    (folder / "LICENSE").symlink_to(ROOT / "LICENSE")
    shorten(folder / "grader")
    return folder


def test_the_five_commands_of_the_manual_make_and_grade_a_variant(tmp_path):
    commands = shown_in_the_manual()
    words = ("new-variant", "validate", "release", "selfcheck", "grade")
    assert [word in command for word, command in zip(words, commands, strict=True)] == [True] * 5
    environment = {
        **os.environ,
        "PATH": f"{GRADER.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(write_shorter_grader(tmp_path / "shorter")),
    }
    script = "\n".join(f"{command}\necho ======" for command in commands)  # in one shell, as typed
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr)
    said = done.stdout.split("======\n")
    assert "holds: all 4 right runs" in said[0]
    assert re.search(r"\d+ graded, 0 lost other points than they should", said[1])
    assert "holds: all 6 right runs" in said[1]
    assert out_of(MAX_SCORE) in said[3]
    (record,) = (tmp_path / "waves" / "results").glob("*/result.json")
    assert json.loads(record.read_bytes())["score"] == MAX_SCORE
    rubric = load_rubric(tmp_path / "waves" / "rubric.toml")
    assert (rubric.homework.activation, rubric.homework.n_hidden) == ("tanh", 32)
    handout = (tmp_path / "waves" / "assignment" / "README.md").read_text(encoding="utf-8")
    assert r"\cos" in handout
    assert "sigmoid" not in handout.casefold()
