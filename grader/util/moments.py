"""Moments as people read them: in the moment's own time zone, with seconds and the offset."""

from datetime import datetime


def moment_text(moment: datetime) -> str:
    """Return a moment as text, such as "2026-10-31 23:59:00 +01:00"."""
    text = moment.isoformat(" ", "seconds")
    seconds = len("2026-10-31 23:59:00")
    return f"{text[:seconds]} {text[seconds:]}".rstrip()
