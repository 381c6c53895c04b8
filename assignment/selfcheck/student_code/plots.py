"""Let nothing draw or wait: names are all that counts of a plotting cell."""

import sys

PYPLOT = "matplotlib.pyplot"


def show_nothing() -> None:
    """Have pyplot, once it is imported, show nothing and pause for nothing."""
    pyplot = sys.modules.get(PYPLOT)
    for name in ("show", "pause", "draw", "ion", "ioff") if pyplot else ():
        setattr(pyplot, name, _nothing)


def _nothing(*args: object, **kwargs: object) -> None:
    return None
