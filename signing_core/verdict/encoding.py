"""How the parts of a verdict are written as JSON values: times as RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def rfc3339(time: datetime | None) -> str | None:
    """`2026-01-31T12:00:00Z`, with fractions of a second only where there are any."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def time_of(text: str | None) -> datetime | None:
    """The time that `rfc3339` wrote."""
    return datetime.fromisoformat(text) if text is not None else None
