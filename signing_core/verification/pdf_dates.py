"""Dates as PDF writes them (ISO 32000-2, 7.9.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_FARTHEST_OFFSET: Final = timedelta(hours=14)
_DATE: Final = re.compile(
    r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:(Z)|([+-])(\d\d)'?(\d\d)?'?)?", re.ASCII
)


def parse_date(text: str | None) -> datetime | None:
    """A PDF date (ISO 32000-2, 7.9.4) in UTC; without an offset it is taken as UTC. None when it is none."""
    found = _DATE.match(text.strip()) if text else None
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    try:
        moment = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, min(second or 0, 59), tzinfo=UTC)
        if found[8]:
            offset = timedelta(hours=int(found[9]), minutes=int(found[10] or 0))
            moment += offset if found[8] == "-" else -offset
        return moment
    except (ValueError, OverflowError):
        return None


def farthest_off(text: str | None) -> timedelta:
    """How far off what `parse_date` says may be: a date without an offset is local time somewhere."""
    found = _DATE.match(text.strip()) if text else None
    local = found is not None and not (found[7] or found[8]) and parse_date(text) is not None
    return _FARTHEST_OFFSET if local else timedelta()
