"""Times as systems write them."""

import re
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def moment(text: str) -> datetime | None:
    """Parse a time with its zone; return None if it has none. Examples:

    "2026-10-01 09:30:00.123456789 Z", "2026-10-01 09:30:00.123456 Europe/Berlin",
    "2026-10-01 09:30:00-0400 America/New_York"
    """
    day, _, rest = text.partition(" ")
    clock, _, zone = rest.partition(" ")
    zone = "UTC" if zone in ("Z", "UTC") else zone
    with suppress(ValueError):
        if offset := re.fullmatch(r"(\S{8})([+-]\d\d:?\d\d)", clock):
            return datetime.fromisoformat(f"{day}T{offset[1]}{offset[2]}")
        if re.fullmatch(r"[+-]\d\d:?\d\d", zone):
            return datetime.fromisoformat(f"{day}T{clock[:15]}{zone}")
        with suppress(ZoneInfoNotFoundError, OSError):
            return datetime.fromisoformat(f"{day}T{clock[:15]}").replace(tzinfo=ZoneInfo(zone))
    return None


def iso(text: str) -> datetime | None:
    """Parse an ISO 8601 time, with or without a zone; return None if it is invalid."""
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None
