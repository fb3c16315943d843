"""Identifiers of messages: ULIDs, 26 characters that sort by the time they were made."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: datetime) -> str:
    """48 bits of milliseconds, 80 random bits, in Crockford's base 32."""
    number = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
