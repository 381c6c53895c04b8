"""Make revision_0002.db and the table of its class, as the last grader of that revision wrote them.

git worktree add OLD fce0211
PYTHONPATH=OLD python tests/old_gradebooks/make_revision_0002.py tests/old_gradebooks
"""

import shutil
import sys
import tempfile
from pathlib import Path

from make_schema_1 import SUBMISSIONS, grader, hand_in

FIRST = {
    "ada": "sign_of_w1.py",
    "bob": "half_finished.py",
    "chen": "report_in_one_script.py",
    "dora": "syntax_error.py",
}
NAME = "revision_0002"


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for name, submission in FIRST.items():
            hand_in(work, f"{name}/homework.py", (SUBMISSIONS / submission).read_bytes(), -1)
        hand_in(work, "finn/homework.ipynb", b'{"cells": [', -1)
        grader(work, "grade", "class", "--out", "results", "--no-pages")
        by_hand = ("bob", "50", "--why", "an oral exam", "--who", "dr. x")
        grader(work, "override", *by_hand, "--results", "results")
        shutil.copy(work / "results" / "gradebook.db", folder / f"{NAME}.db")
        shutil.copy(work / "results" / "grades.csv", folder / f"{NAME}.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
