"""The verdict on a criterion, without words and without torch."""

from dataclasses import dataclass

from .messages import ENGLISH, Reason

NO_ERROR = -17  # the power of ten below float64's resolution


@dataclass(frozen=True)
class ErrorMap:
    """Where a tensor differs: for each entry, the power of ten of its relative error, rounded down.

    Errors are relative to the largest expected entry. NO_ERROR is the least; None means that the
    answer is not finite. Neither the answer nor the expected values can be inferred from it.
    """

    tensor: str
    decades: list[list[int | None]]


@dataclass(frozen=True)
class Verdict:
    """What a criterion earns and why.

    `diagnosis` names the mistake if it was recognised (two are joined by "+"), and `map` shows
    where the answer differs. `error` is the worst relative error (None if nothing could be
    compared), and `loss` the final mean squared error of a training criterion.
    """

    criterion: str
    points: float
    max_points: float
    reasons: tuple[Reason, ...]
    error: float | None = None
    diagnosis: str | None = None
    loss: float | None = None
    map: ErrorMap | None = None

    @property
    def message(self) -> str:
        """The reasons in English."""
        return ENGLISH.of(*self.reasons)
