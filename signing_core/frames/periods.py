"""A period as people write it, and its two ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from signing_core.errors import UsageError


def period(text: str, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """`2026`, `2026-11` or `2026-11-25` in the given time zone: its begin, and its end, which no longer belongs to it.

    Both are in UTC. Raises `UsageError`.
    """
    found = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", text)
    try:
        if found is None:
            raise ValueError
        year, month, day = (int(part) if part else None for part in found.groups())
        start = datetime(year or 0, month or 1, day or 1, tzinfo=zone)
        if month is None:
            end = start.replace(year=start.year + 1)
        elif day is None:
            end = start.replace(year=start.year + month // 12, month=month % 12 + 1)
        else:
            end = datetime.fromordinal(start.toordinal() + 1).replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text} is not a period; write a year, month or day such as 2026, 2026-11 or 2026-11-25."
        ) from None
    return start.astimezone(UTC), end.astimezone(UTC)
