"""Keep plotting cells from drawing or waiting: only the names they define count."""

import sys

PYPLOT = "matplotlib.pyplot"


def show_nothing() -> None:
    """Make pyplot, once it is imported, show nothing and never pause."""
    pyplot = sys.modules.get(PYPLOT)
    for name in ("show", "pause", "draw", "ion", "ioff") if pyplot else ():
        setattr(pyplot, name, _nothing)


def _nothing(*args: object, **kwargs: object) -> None:
    return None
