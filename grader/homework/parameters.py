"""The parameters of the two-layer network."""

from typing import NamedTuple

from torch import Tensor

from grader.student_code.contract import Call


class Parameters(NamedTuple):
    """Weights and biases, equations (1.2) and (1.4).

    Shapes: w1 (D, H), w2 (H, O); b1 (N, H) and b2 (N, O) with one bias per sample,
    b1 (1, H) and b2 (1, O) with one row that all samples share.
    """

    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor

    @classmethod
    def of(cls, call: Call) -> "Parameters":
        """Return the parameters of a call."""
        return cls(*call.take(cls._fields))
