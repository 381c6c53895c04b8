"""The results of training on many seeds: whether a pass mark tells right from wrong."""

from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that was trained, and what all its runs `must` do, if anything."""

    id: str
    what: str
    must: Literal["pass", "fail"] | None = None


@dataclass(frozen=True)
class Measurement:
    """The final losses of one network's runs, in the order of the seeds, as loss / Var(y).

    A run that diverged has infinity.
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
        """The median of the shares."""
        return median(self.shares)
