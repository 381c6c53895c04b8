"""What a named mistake makes of a case."""

from torch import Tensor

from grader.judging.diagnosis import MistakenAnswer
from grader.student_code.contract import Call


def mistaken(call: Call) -> list[MistakenAnswer]:
    """Return what gradients are without the derivative of tanh."""
    if call.function not in ("grad_v", "grad_c"):
        return []
    given = call.tensors
    behind = (given["p"] - given["y"]) @ given["u"].T
    answers: dict[str, Tensor] = {
        "grad_v": given["x"].T @ behind,
        "grad_c": behind.sum(0, keepdim=True),
    }
    return [MistakenAnswer(("tanh_slope_left_out",), (answers[call.function],))]
