"""What judging a criterion comes to, without words and without torch."""

from dataclasses import dataclass

from .messages import ENGLISH, Reason

NO_ERROR = -17  # a power of ten below what float64 can tell


@dataclass(frozen=True)
class ErrorMap:
    """Where a tensor differs: by entry the power of ten of the relative error, rounded down.

    Relative to the largest expected entry; NO_ERROR at the least, None where the answer is not
    finite. Neither the answer nor what was expected can be told from it.
    """

    tensor: str
    decades: list[list[int | None]]


@dataclass(frozen=True)
class Verdict:
    """What a criterion earns and why.

    `diagnosis` names the mistake where it was recognised (two of them: joined by "+"), `map` is
    where the answer differs. `error` is the worst relative error (None where there was nothing to
    compare), `loss` the final mean squared error of a training criterion.
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
