"""Moments as people read them, in whatever zone they are in: with the seconds and the offset."""

from datetime import datetime


def moment_text(moment: datetime) -> str:
    """Return a moment, like "2026-10-31 23:59:00 +01:00"."""
    text = moment.isoformat(" ", "seconds")
    seconds = len("2026-10-31 23:59:00")
    return f"{text[:seconds]} {text[seconds:]}".rstrip()
