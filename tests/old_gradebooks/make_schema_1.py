"""Make schema_1.db: a class's gradebook as the last grader without migrations wrote it.

git worktree add OLD 7b024a9
PYTHONPATH=OLD python tests/old_gradebooks/make_schema_1.py tests/old_gradebooks/schema_1.db
"""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

SUBMISSIONS = Path(__file__).parents[1] / "submissions"
DUE = datetime(2026, 10, 31, 22, 59, tzinfo=UTC)
RUBRIC = Path(__file__).with_name("rubric.toml")
FIRST = {
    "ada": "sign_of_w1.py",
    "bob": "ada_lindqvist.py",
    "chen": "gbk_comments.py",
    "dora": "syntax_error.py",
    "eve": "biases_left_out.py",
}
OVERRIDES = [
    ("bob", "50", "--why", "an oral exam"),
    ("bob", "--withdraw", "--why", "of another bob"),
    ("chen", "7", "--criterion", "grad_w2", "--why", "a typo"),
    ("ada", "--late-days", "1", "--why", "was ill"),
]


def main(made: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, submission in FIRST.items():
            hand_in(work, f"{name}/homework.py", (SUBMISSIONS / submission).read_bytes(), -1)
        hand_in(work, "finn/homework.ipynb", b'{"cells": [', -1)
        grade(work, seed=11)
        override(work, *OVERRIDES[0])
        override(work, *OVERRIDES[1])
        grade(work, seed=12)
        override(work, *OVERRIDES[2])
        # The same bytes as bob's: they share one grading.
        hand_in(work, "ada/homework.py", (SUBMISSIONS / FIRST["bob"]).read_bytes(), 2.5)
        grade(work, seed=12)
        override(work, *OVERRIDES[3])
        shutil.copy(work / "results" / "gradebook.db", made)


def hand_in(work: Path, name: str, content: bytes, days_late: float) -> None:
    path = work / "class" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    handed_in = (DUE + timedelta(days=days_late)).timestamp()
    os.utime(path, (handed_in, handed_in))


def grade(work: Path, *, seed: int) -> None:
    where = ("--out", "results", "--rubric", str(RUBRIC), "--no-pages")
    grader(work, "grade", "class", *where, "--seed", str(seed))


def override(work: Path, *what: str) -> None:
    where = ("--results", "results", "--rubric", str(RUBRIC))
    grader(work, "override", *what, "--who", "dr. x", *where)


def grader(work: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "grader", *arguments], check=True, cwd=work)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
