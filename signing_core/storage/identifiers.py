"""Identifiers of rows: 26 characters of Crockford's base 32, time first, so that they sort by when they were made.

The layout is ULID's: 48 bits of milliseconds since 1970, 80 random bits. They are names, not secrets.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new_id(now: datetime) -> str:
    """A new identifier, made at `now` (aware)."""
    value = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str) -> bool:
    """Whether `text` could be one."""
    return _ID.fullmatch(text) is not None
