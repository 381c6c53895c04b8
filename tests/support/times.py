"""Time in tests on a machine that may be slow or busy: cost of an action, time to wait."""

import time
from collections.abc import Callable
from functools import cache

# Seconds until a test gives up waiting; only a fault takes this long.
PATIENCE = 600.0


def effort(action: Callable[[], object]) -> float:
    """Return an action's processor time here, in units of about 0.05 s for this machine."""
    return _seconds(action) / _unit()


@cache
def _unit() -> float:
    """Return the shortest time for adding a million squares here, in seconds."""
    return min(_seconds(lambda: sum(n * n for n in range(1_000_000))) for _ in range(3))


def _seconds(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started
