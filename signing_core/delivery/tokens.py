"""Link tokens: 256 random bits in the URL, their SHA-256 in the database.

A token has all the entropy of its hash, so a plain hash suffices: there is nothing to guess, and whoever reads the
database cannot open a link.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

TOKEN_LENGTH: Final = 43
"""Characters of a token: 32 bytes in URL-safe base64 (RFC 4648, section 5) without padding."""

_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")


def new_token() -> tuple[str, str]:
    """A new token and its hash: the text for the link, 64 hexadecimal characters for the table `links`."""
    text = secrets.token_urlsafe(32)
    return text, hash_token(text)


def hash_token(text: str) -> str:
    """SHA-256 of a token in lower-case hexadecimal. Any text may be asked for; what is no token is found nowhere."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(text: str) -> bool:
    """Whether `text` has the form of a token: a page may refuse everything else without asking the database."""
    return _TOKEN.fullmatch(text) is not None
