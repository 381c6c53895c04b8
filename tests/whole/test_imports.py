"""torch is imported once for a class, and not at all for one that is known."""

import subprocess
import sys

import pytest
from conftest import ROOT, run_grader
from opens import imports_of_torch

pytestmark = pytest.mark.alone

CLASS = ("ada_lindqvist.py", "sign_of_w1.py", "gbk_comments.py", "syntax_error.py")


def test_a_class_imports_torch_once_and_never_again(untrained, tmp_path):
    files = [ROOT / "tests" / "submissions" / name for name in CLASS]
    command = ["grade", *files, "--out", tmp_path, "--rubric", untrained, "--jobs", 2]
    for count in (1, 0):
        with imports_of_torch() as opens:
            done = run_grader(*command)
        assert done.returncode == 0, done.stderr
        assert opens.count == count


def test_the_count_of_imports_can_fail():
    with imports_of_torch() as opens:
        for _ in range(2):
            subprocess.run([sys.executable, "-c", "import torch"], check=True)
    assert opens.count == 2
