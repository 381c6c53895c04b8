"""The names that a submission is asked to define."""

from typing import Literal

Gradient = Literal["grad_w1", "grad_b1", "grad_w2", "grad_b2"]
GRADIENTS: tuple[Gradient, ...] = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")
ASKED = ("forward", *GRADIENTS, "Net")
