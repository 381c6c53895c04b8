"""Check your work: `check()` in a notebook, else `python -m selfcheck FILE`."""

from .selfcheck import check

__all__ = ["check"]
