"""Time in tests, on a machine that may be slow or busy: what something costs, how long to wait."""

import time
from collections.abc import Callable
from functools import cache

# Seconds until a test gives up on what should come by itself: only a fault takes so many.
PATIENCE = 600.0


def effort(action: Callable[[], object]) -> float:
    """Return its processor time in this process, in units of this machine's own of some 0.05 s."""
    return _seconds(action) / _unit()


@cache
def _unit() -> float:
    """Return what adding a million squares takes here, at its quickest."""
    return min(_seconds(lambda: sum(n * n for n in range(1_000_000))) for _ in range(3))


def _seconds(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started
