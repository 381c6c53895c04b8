"""What one run of the benchmark measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import median
from typing import NamedTuple

from measure import Memory, Run

FLOOR, OURS, TWO_JOBS = "floor", "ours, 1 job", "ours, 2 jobs"
PAGES = "ours, 1 job, and pages"
PYTEST, OTTER, OTTER_LOOP, NBGRADER = "pytest", "otter run", "otter, in a loop", "nbgrader"

each: Callable[[Run], float] = attrgetter("each")


class Key(NamedTuple):
    """A tool, whether both trainings are asked for, and the submissions in its class."""

    tool: str
    training: bool
    size: int


@dataclass(frozen=True)
class Sizes:
    """Submissions in a class: of ours as it grows, of ours without and with training, of the peers.

    The first submission is not in a figure per submission: with one more of them than there are
    kinds, the figure is of each kind once.
    """

    growth: tuple[int, ...] = (10, 100, 1000, 10_000)
    ours: int = 1000
    training: int = 51
    peers: int = 6

    def key(self, tool: str, training: bool) -> Key:
        """Return where a tool's runs are found that are compared with other tools'."""
        if tool not in (FLOOR, OURS, TWO_JOBS, PAGES):
            return Key(tool, training, self.peers)
        return Key(tool, training, self.training if training else self.ours)


@dataclass(frozen=True)
class Measured:
    """All runs, a mapping a round, and what was measured beside them.

    `bare` is the seconds of an `import torch`, a round; `imports` counts ours in a class; `others`
    is how many cores were kept busy by what is not the benchmark's.
    """

    sizes: Sizes
    rounds: Sequence[Mapping[Key, Run]]
    bare: Sequence[float]
    imports: int
    memory: Memory
    others: float

    def has(self, key: Key) -> bool:
        """Return whether this was measured."""
        return key in self.rounds[0]

    def across(self, figure: Callable[[Mapping[Key, Run]], float]) -> float:
        """Return the median of what each round comes to."""
        return median(map(figure, self.rounds))

    def of(self, key: Key, figure: Callable[[Run], float] = each) -> float:
        """Return the median of the rounds' figures."""
        return self.across(lambda runs: figure(runs[key]))

    def ratio(self, key: Key, to: Key, figure: Callable[[Run], float] = each) -> float:
        """Return the median of the rounds' ratios."""
        return self.across(lambda runs: figure(runs[key]) / figure(runs[to]))
