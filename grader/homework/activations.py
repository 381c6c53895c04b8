"""The activations available for the hidden layer: activations.toml, read and evaluated.

An expression in that file is Python over torch, in `h` (before the activation) or in `hs` (after
it). The same text appears in the solution and in mutants, and is evaluated for the reference.
"""

from functools import cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, cast

import msgspec

from grader.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

ACTIVATIONS_FILE = Path(__file__).with_name("activations.toml")


class Activation(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """One activation; activations.toml explains each field."""

    name: str
    call: str
    slope: str
    inverse: str
    hs_range: tuple[float, float]
    symbol: str
    definition_tex: list[str]
    derivation_tex: list[str]
    slope_tex: str
    value_slope_tex: str
    range_tex: str
    max_slope_tex: str
    slips: dict[str, str]
    overflowing: str | None = None

    def of(self, h: "Tensor") -> "Tensor":
        """Return hs, entry by entry, equation (1.3)."""
        return evaluate(f"{self.call}(h)", h=h)

    def slope_at(self, hs: "Tensor") -> "Tensor":
        """Return the derivative at the h whose value is hs, equation (2.3)."""
        return evaluate(self.slope, hs=hs)

    def inverse_of(self, hs: "Tensor") -> "Tensor":
        """Return the h whose value is hs."""
        return evaluate(self.inverse, hs=hs)


def evaluate(code: str, **tensors: "Tensor") -> "Tensor":
    """Return the value of an expression from the grader's own files."""
    import torch  # not above: the coordinating process reads rubrics without torch

    return cast("Tensor", eval(_compiled(code), {"torch": torch}, tensors))


@cache
def _compiled(code: str) -> CodeType:
    return compile(code, "activations.toml", "eval")


@cache
def activations() -> dict[str, Activation]:
    """Return all activations by name; raise msgspec.ValidationError if the file is malformed."""
    tables = msgspec.toml.decode(ACTIVATIONS_FILE.read_bytes())
    return msgspec.convert(
        {name: {"name": name, **table} for name, table in tables.items()}, dict[str, Activation]
    )


def activation_called(name: str) -> Activation:
    """Return the activation of this name; raise UserError, listing the names, if none has it."""
    by_name = activations()
    if name not in by_name:
        raise UserError(f"no activation is called {name!r}; choose from {', '.join(by_name)}")
    return by_name[name]
