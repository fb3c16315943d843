"""Keys derived from the workspace's server key, one for each use (HKDF, RFC 5869)."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CODES: Final = b"sealtrail/delivery/codes/1"
OUTBOX: Final = b"sealtrail/delivery/outbox/1"


def derive(server_key: bytes, use: bytes) -> bytes:
    """32 bytes for one use, from the 32 bytes of the server key."""
    if len(server_key) != 32:
        raise ValueError("the server key has 32 bytes")
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=use).derive(server_key)
