"""What training comes to, measured on many seeds: whether a pass mark tells right from wrong."""

from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True)
class TrainedNetwork:
    """What was trained, and what all its runs `must` do, if anything."""

    id: str
    what: str
    must: Literal["pass", "fail"] | None = None


@dataclass(frozen=True)
class Measurement:
    """What the runs of one network ended at, in the order of the seeds: loss / Var(y).

    A run that diverged ended at infinity.
    """

    network: TrainedNetwork
    shares: tuple[float, ...]
    pass_fraction: float

    @property
    def passed(self) -> int:
        """How many runs pass."""
        return sum(share <= self.pass_fraction for share in self.shares)

    @property
    def holds(self) -> bool:
        """Whether all runs do what they must."""
        expected_passes = {"pass": len(self.shares), "fail": 0, None: self.passed}
        return self.passed == expected_passes[self.network.must]

    @property
    def median(self) -> float:
        """The share that half of the runs stay under."""
        return median(self.shares)
