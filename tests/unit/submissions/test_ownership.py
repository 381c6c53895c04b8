"""What the text of a file says without being parsed: the names it defines, what it imports."""

import json
from pathlib import Path

import pytest
from times import effort

from grader.homework.tasks import TASKS
from grader.submissions.ownership import FileOutline, look_at

MODULE = """import torch, utils as u
from src.act import sigmoid
  %run other.ipynb
async def forward(x):
    return x
class Net(torch.nn.Module):
    def forward(self, x): ...
def grad_w1(x): return x
grad_b1: Tensor = x
dW2 = x
w2_grad == x
grad_b2(x, y)
forwards = Network = 1
# def grad_b2(x):
"""
ASKED = {"forward", "Net", "grad_w1", "grad_b1", "grad_w2"}
IMPORTS = {"torch", "utils", "src", "other"}
NOTEBOOK = json.dumps({"cells": [{"source": MODULE.splitlines(keepends=True)}]}, indent=1)
ONE_STRING = json.dumps({"cells": [{"source": MODULE}]})
TEXTS = {
    "module": MODULE.encode(),
    "notebook": NOTEBOOK.encode(),
    "minified": json.dumps(json.loads(NOTEBOOK), separators=(",", ":")).encode(),
    "cells_of_one_string": ONE_STRING.encode(),
    "utf_16": MODULE.encode("utf-16"),
    "utf_32": MODULE.encode("utf-32"),
    "utf_8_with_a_mark": MODULE.encode("utf-8-sig"),
    "gbk": MODULE.encode() + "# 梯度".encode("gbk"),
    "windows": MODULE.replace("\n", "\r\n").encode(),
    "mac": MODULE.replace("\n", "\r").encode(),
}


@pytest.mark.parametrize("case", TEXTS)
def test_what_a_file_says(tmp_path, case):
    path = tmp_path / "x.py"
    path.write_bytes(TEXTS[case])
    look = look_at(path, 10**6, TASKS)
    assert look.names == ASKED
    assert look.imports == IMPORTS


def test_what_cannot_be_read_says_nothing(tmp_path):
    (tmp_path / "link.py").symlink_to(__file__)
    for path in (tmp_path, tmp_path / "link.py", tmp_path / "nowhere.py", Path("/dev/zero")):
        assert look_at(path, 1000, TASKS) == FileOutline()


@pytest.mark.parametrize(
    "data", [b" " * 10**6, b"Net " * 10**5, b"import " * 10**5, b"\\n" * 10**6, b"grad_w1:" * 10**5]
)
def test_a_hostile_text_takes_no_longer(tmp_path, data):
    path = tmp_path / "x.py"
    path.write_bytes(data)
    assert effort(lambda: look_at(path, len(data), TASKS)) < 50
