"""What students read of errors in calls: what honest ones need, and nothing of hidden inputs."""

import base64
import math
import random
import re

import pytest
import torch
from handed import module, notebook

from grader.homework.tasks import TASKS
from grader.scoring.redaction import Redactor
from grader.student_code.contract import Hint, Outcome, Problem, Sighting

SOURCE = """import torch

def grad_w1(x, y, params, hs, y_pred):
    return helper_that_sums_over_all_the_rows_and_columns(x)

raise ValueError("形狀不對")
"""
MAIN = module(SOURCE)
BESIDE = [notebook("a = 1", "%%writefile made.py\nb = 1\nc = 2", name="more.ipynb")]
NOTES = [("homework.py, line 6", "ValueError: 形狀不對 1.2345678")]
REDACTOR = Redactor(MAIN, BESIDE, TASKS, NOTES)

# Errors of honest work, as students are told them: whole.
WHOLE = [
    "NameError: name 'sigmoid' is not defined",
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (100x1 and 20x1)",
    "RuntimeError: The size of tensor a (12) must match the size of tensor b (20) at non-singleton "
    "dimension 1",
    "RuntimeError: expected m1 and m2 to have the same dtype, but got: double != float",
    "TypeError: grad_w1() takes 4 positional arguments but 5 were given",
    "ValueError: operands could not be broadcast together with shapes (7,3) (3,7)",
    "AttributeError: 'Parameters' object has no attribute 'helper_that_sums_over_all_the_rows_and_"
    "columns'",
    "IndexError: index 3 is out of bounds for dimension 1 with size 3",
    "TypeError: unsupported operand type(s) for @: 'Tensor' and 'float'",
    "KeyError: 'hs'",
    "ZeroDivisionError: division by zero",
    "ValueError: 形狀不對",
    "NameError: name 'helper_that_sums_over_all_the_rows_and_columns' is not defined",
    "grad_w1 returned a tensor of torch.float32, not of torch.float64",
    "grad_b1 returned shape (1, 20) for a parameter of (100, 20)",
    "forward must return two tensors, (hs, y_pred)",
    "killed by SIGSEGV",
    "broke the protocol: spoke out of turn",
    "broke the protocol: another message",
    "Net is a network, an object of Sequential, and not the class that makes one",
    "forward (hs) returned tuple, not a torch.Tensor",
    "grad_w1 returned a tensor that is not dense on the CPU",
    "grad_w1 returned a tensor of shape (900, 900), far too large",
    "Net's hidden.weight has shape (20, 1), not (7, 3)",
    "Net has no hidden.weight; it must be an nn.Linear layer with a bias",
    'NotImplementedError: Module [Net] is missing the required "forward" function',
]


@pytest.mark.parametrize("text", WHOLE)
def test_what_honest_errors_say_is_whole(text):
    assert REDACTOR.error(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "aten::_scaled_dot_product_fused_attention_overrideable_backward",
        "aten::smooth_l1_loss_backward",
        "torch.autograd.grad",
    ],
)
def test_what_was_seen_is_named_whole(name):
    assert REDACTOR.text(name) == name


CUT = [
    ("RuntimeError: [[0.123456], [-1.5e-07]]", "RuntimeError: [[…]]"),
    ("RuntimeError: 0.5", "RuntimeError: …"),
    ("RuntimeError: .5 5e3 1_0 12345", "RuntimeError: …"),
    ("KeyError: tensor([[ 0.1234],\n        [-0.5678]], dtype=torch.float64)",
     "KeyError: tensor([[ …]], dtype=torch.float64)"),
    ("NameError: name 'v0d523412_1d049781'", "NameError: name '…d…'"),
    ("ValueError: 3fe5a1b2 2vR4aBc9x/Zk12q7", "ValueError: …"),
    ("ValueError: " + "ab" * 31, "ValueError: …"),
    ("ValueError: 形狀對", "ValueError: …"),
    ("ValueError: 形狀不對 \u4e00\u4e8c", "ValueError: 形狀不對 …"),
    ("ValueError: " + " ".join("1" * 20), "ValueError: " + "1 " * 12 + "…"),
    ("ValueError: " + "tensor " * 100, ("ValueError: " + "tensor " * 100)[:117] + "…"),
    ("ValueError: kqzvb wmxyt", "ValueError: …"),
    ("ValueError: import def return raise sums", "ValueError: import def return raise …"),
    ("ValueError: helper_that_sums_over_all_the_rows_and_columns grad_w1 import torch x y raise",
     "ValueError: helper_that_sums_over_all_the_rows_and_columns grad_w1 import torch x y raise"),
    ("IndexError: index 1234 is out of bounds", "IndexError: index … is out of bounds"),
    ("ValueError: \u0663\u0664\u0665 \uff11\uff12", "ValueError: …"),  # digits of other alphabets
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), CUT)
def test_what_could_be_data_is_left_out(text, told):
    assert REDACTOR.error(text) == told


def test_a_long_error_still_ends_in_that_there_is_no_gpu():
    ours = " (the grader has no GPU)"
    assert REDACTOR.error(f"RuntimeError: {'Found no driver ' * 20}{ours}").endswith(f"…{ours}")


CODES = {
    "decimals": lambda x: str(x.tolist()),
    "a tensor": str,
    "six digits": lambda x: " ".join(f"{v:.6f}" for v in x.flatten().tolist()),
    "whole numbers": lambda x: " ".join(str(int(v * 1e12)) for v in x.flatten().tolist()),
    "hexadecimal": lambda x: x.numpy().tobytes().hex(),
    "base64": lambda x: base64.b64encode(x.numpy().tobytes()).decode(),
    "floats in hexadecimal": lambda x: " ".join(map(float.hex, x.flatten().tolist())),
    "underscores": lambda x: "_".join(f"{abs(v):.9f}"[2:] for v in x.flatten().tolist()),
    "the error's name": lambda x: f"E{x.numpy().tobytes().hex()}: oh",
}


@pytest.mark.parametrize("code", CODES)
def test_numbers_that_an_error_is_made_of_are_not_told(code):
    """At the most some digits that could be of any number."""
    x = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    told = REDACTOR.error(f"ValueError: {CODES[code](x)}")
    runs = re.findall(r"\d+", told)
    assert all(len(run) <= 3 for run in runs)
    assert len(runs) <= 12
    digits = "".join(runs)
    assert not any(f"{abs(v):.4f}"[-4:] in digits for v in x.flatten().tolist())
    assert max(map(len, re.findall(r"\w+", told.removeprefix("ValueError: "))), default=0) <= 12


def test_however_an_error_is_made_it_has_room_for_few_bits():
    """The manual says so: what the characters that are told could tell at the most."""
    letters = random.Random(1).choices("abcdefghijklmnopqrstuvwxyz ", k=600)
    told = REDACTOR.error("ValueError: " + "".join(letters))
    assert len(told) * math.log2(95) < 800


PLACES = {
    "homework.py, line 4": True,
    "more.ipynb, cell 1, line 1": True,
    "made.py, line 2": True,  # a file that the submission writes
    "homework.py, line 99": False,
    "homework.py, line 0": False,
    "homework.py, line 123456789": False,
    "homework.py": False,
    "cell 1, line 1": False,  # that is what the main file's cells are called
    "0.1234, line 1": False,
    "": False,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_told_if_the_submission_has_it(place):
    assert REDACTOR.place(place) == (place if PLACES[place] else "")


HINTS = [
    (Hint("near", "helper_that_sums_over_all_the_rows_and_columns", "homework.py, line 4"), True),
    (Hint("nested", "grad_w1.x", "homework.py, line 3"), True),
    (Hint("failed", "ValueError: 形狀不對 1.2345678", "homework.py, line 6"), True),  # met at load
    (Hint("failed", "ValueError: 0.1234", "homework.py, line 6"), False),
    (Hint("near", "v0d1234", "homework.py, line 3"), False),
    (Hint("near", "grad_w1", "homework.py, line 77"), False),
    (Hint("stub_above", "", "homework.py, line 4"), True),
]


@pytest.mark.parametrize(("hint", "is_told"), HINTS)
def test_a_hint_is_told_if_the_source_bears_it_out(hint, is_told):
    outcome = REDACTOR.outcome(Outcome(problem=Problem.MISSING, detail="grad_w1", hint=hint))
    assert outcome.hint == (hint if is_told else None)


def test_all_that_a_hostile_worker_sends_is_looked_at():
    """It speaks the protocol itself, and can put any text anywhere."""
    data = "0.123456 -9.876543"
    sent = Outcome(
        problem=Problem.CRASHED, detail=data, where=f"{data}, line 3",
        sightings=(Sighting(data, data),), changed_inputs=(data, "hs"),
        hint=Hint("near", data, data),
    )  # fmt: skip
    told = REDACTOR.outcome(sent)
    assert told == Outcome(
        problem=Problem.CRASHED, detail="…", sightings=(Sighting("…"),), changed_inputs=("hs",)
    )


def test_that_time_was_up_is_our_own_word_and_whole():
    detail = "used more processor time than 31.25 training runs of the reference solution"
    outcome = REDACTOR.outcome(Outcome(problem=Problem.TIMEOUT, detail=detail))
    assert outcome.detail == detail


def test_tensors_are_as_they_came():
    tensors = (torch.ones(2, 2),)
    assert REDACTOR.outcome(Outcome(tensors)).tensors is tensors
