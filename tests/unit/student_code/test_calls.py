"""Calls to functions that take their parameters apart and return one tensor."""

from types import SimpleNamespace

import torch

from grader.source.tasks import Question, Tasks
from grader.student_code.calls import HANDLERS
from grader.student_code.contract import Call

# A line through the origin: no other parameter, and the mean of squares as its loss.
TASKS = Tasks(
    parameters=("a",),
    questions=(
        Question("line", "forward", ("v", "a"), ("r",)),
        Question("grad_a", "gradient", ("v", "t", "a", "r"), ("grad_a",), "a"),
        Question("train", "descent", run="train", uses=("line", "grad_a")),
    ),
    criteria=(),
)


def line(v, a):
    return v * a


def grad_a(v, t, a, r):
    assert torch.equal(r, v * a)
    return 2 * ((r - t) * v).mean()


LOADED = SimpleNamespace(tasks=TASKS, namespace={"line": line, "grad_a": grad_a})
V = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
START = torch.tensor(0.0, dtype=torch.float64)


def test_the_one_tensor_of_forward_comes_alone():
    (r,) = HANDLERS["forward"](Call("line", {"v": V, "a": START + 2}), LOADED)
    assert torch.equal(r, V * 2)


def test_training_gives_each_function_the_parameters_of_its_step():
    settings = {"steps": 100.0, "sampled_every": 10.0, "step": 0.1}
    call = Call("train", {"v": V, "t": 3 * V, "a": START}, settings)
    last, passed = HANDLERS["descent"](call, LOADED)
    assert abs(float(last) - 3) < 1e-9
    assert len(passed) == 11
