"""Confirmation codes: six random digits, stored as an HMAC with a key that is not in the database.

A million codes are tried in a second by whoever holds a plain hash, hence the key. The HMAC covers what the code was
sent for: document, role, browser session, the SHA-256 of the document as it was shown, and the challenge. A code
confirms nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from typing import Final

from signing_core.delivery.secrecy import CODES, derive

CODE_LENGTH: Final = 6


def new_code(
    server_key: bytes, *, document_id: str, role: str, session_hash: str, document_sha256: str, challenge_id: str
) -> tuple[str, str]:
    """Six digits for the message, leading zeros included, and the hash to keep (64 hexadecimal characters)."""
    digits = f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"
    return digits, code_hash(
        server_key,
        digits,
        document_id=document_id,
        role=role,
        session_hash=session_hash,
        document_sha256=document_sha256,
        challenge_id=challenge_id,
    )


def code_hash(
    server_key: bytes,
    digits: str,
    *,
    document_id: str,
    role: str,
    session_hash: str,
    document_sha256: str,
    challenge_id: str,
) -> str:
    """HMAC-SHA-256 (RFC 2104) of the code together with everything it is bound to, in hexadecimal."""
    mac = hmac.new(derive(server_key, CODES), digestmod=hashlib.sha256)
    for part in (digits, document_id, role, session_hash, document_sha256, challenge_id):
        encoded = part.encode("utf-8", "surrogatepass")
        mac.update(len(encoded).to_bytes(4, "big") + encoded)  # lengths, so that no two bindings read the same
    return mac.hexdigest()


def code_matches(
    server_key: bytes,
    typed: str,
    expected_hash: str,
    *,
    document_id: str,
    role: str,
    session_hash: str,
    document_sha256: str,
    challenge_id: str,
) -> bool:
    """Whether a person typed the code behind `expected_hash`, compared in constant time."""
    actual = code_hash(
        server_key,
        normalise(typed) or "",
        document_id=document_id,
        role=role,
        session_hash=session_hash,
        document_sha256=document_sha256,
        challenge_id=challenge_id,
    )
    return hmac.compare_digest(actual, expected_hash)


def normalise(typed: str) -> str | None:
    """The six digits a person meant, or None: spaces and hyphens fall away, digits of every script count."""
    if len(typed) > 64:
        return None
    digits: list[str] = []
    for character in typed:
        if character.isspace() or unicodedata.category(character) in ("Pd", "Cf"):
            continue
        value = unicodedata.decimal(character, None)
        if value is None:
            return None
        digits.append(str(int(value)))
    return "".join(digits) if len(digits) == CODE_LENGTH else None


def grouped(digits: str) -> str:
    """`042 917`: as it is read aloud and remembered, in two groups of three."""
    return f"{digits[:3]} {digits[3:]}"
