"""Who may read what is written: by what is in it, and for the group by the umask."""

import os
import stat
from pathlib import Path

import pytest

from grader.util.atomic import EVERYBODY, STAFF, write_atomically

SEED = 20261001202610012026100120261001
UMASKS = [
    (0o022, 0o640, 0o644),
    (0o002, 0o660, 0o664),
    (0o077, 0o600, 0o600),
    (0o000, 0o660, 0o666),
]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("umask", "staff", "page"), UMASKS)
def test_a_file_is_made_for_whom_it_is_as_far_as_the_umask_says(tmp_path, umask, staff, page):
    before = os.umask(umask)
    try:
        for _ in range(2):  # what stands there already is replaced
            write_atomically(tmp_path / "marks", "x")
            write_atomically(tmp_path / "page", "x", EVERYBODY)
    finally:
        os.umask(before)
    assert (mode_of(tmp_path / "marks"), mode_of(tmp_path / "page")) == (staff, page)


MODES = {
    "gradebook.db": STAFF,
    "grades.csv": STAFF,
    "index.html": STAFF,
    "marks.csv": STAFF,
    "ada/result.json": STAFF,
    "ada/feedback.html": EVERYBODY,
}


def test_results_are_for_the_staff_but_for_the_students_pages(warm, tmp_path):
    (tmp_path / "ada.py").write_text("x = 1\n")
    (tmp_path / "ben.py").write_text("x = 2\n")
    out = tmp_path / "out"
    for command in (
        ("grade", tmp_path / "ada.py", tmp_path / "ben.py", "--out", out),
        ("export", out, "--to", "csv", "--out", out / "marks.csv"),
    ):
        done = warm.run(*command)
        assert done.returncode == 0, done.stderr
    others = {name for name in MODES if (out / name).exists() and mode_of(out / name) & 0o007}
    assert others == {name for name, mode in MODES.items() if mode == EVERYBODY}


def test_the_solution_is_not_for_everybody(warm, tmp_path):
    root = tmp_path / "root"
    assert warm.run("release", "--root", root, "--out", tmp_path / "dist").returncode == 0
    assert mode_of(root / "solution" / "homework.py") & 0o007 == 0
    assert mode_of(root / "assignment" / "homework.py") & 0o004
    for target in ("otter", "nbgrader"):
        warm.run("convert", "--to", target, "--seed", SEED, "--out", tmp_path / target)
        files = [path for path in (tmp_path / target).rglob("*") if path.is_file()]
        assert len(files) >= 2
        assert not any(mode_of(path) & 0o007 for path in files)
    warm.run("autograder", "gradescope", "--seed", SEED, "--out", tmp_path / "a.zip")
    assert mode_of(tmp_path / "a.zip") & 0o007 == 0
