"""Create very many objects at a time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause Python's garbage collector, which would scan the growing set of objects repeatedly.

    Reference counting still frees objects that are no longer needed, except those in cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
