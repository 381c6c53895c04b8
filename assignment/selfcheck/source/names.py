"""The names that a submission is asked to define, and the words for a fault that hides them."""

from typing import Literal

Gradient = Literal["grad_w1", "grad_b1", "grad_w2", "grad_b2"]
GRADIENTS: tuple[Gradient, ...] = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")
ASKED = ("forward", *GRADIENTS, "Net")
# The whole of the error, in place of the several that Python has for it.
TOO_DEEP = "nested too deeply for Python to read"
