"""Personal data beside the log: salted commitments inside, values outside, so that erasing keeps every proof valid.

The commitment is SHA-256(salt || canonical JSON of the value), the salt 32 random bytes of its own for every value. With
salt and value anybody can open a commitment; once both are erased it is a random number, even for somebody who guesses
the value.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from signing_core.storage import schema


@dataclass(frozen=True, slots=True)
class Personal:
    """A personal value that belongs to another role than the event's `about` or `actor`."""

    role: str
    value: Any


@dataclass(frozen=True, slots=True)
class Kept:
    """One value with its salt, as kept beside the log."""

    commitment: str
    salt: bytes
    value: str
    """Canonical JSON."""
    document_id: str | None
    role: str | None


def keep(value: Any, *, document_id: str | None, role: str | None) -> Kept:
    """Commit to `value` under a new salt."""
    if isinstance(value, Personal):
        value, role = value.value, value.role
    text = rfc8785.dumps(value)
    salt = secrets.token_bytes(32)
    return Kept(commit(salt, text), salt, text.decode(), document_id, role)


def commit(salt: bytes, canonical_value: bytes) -> str:
    """The commitment, in hexadecimal."""
    return hashlib.sha256(salt + canonical_value).hexdigest()


def opened(connection: sa.Connection, document_id: str) -> dict[str, Any]:
    """The document's personal values by commitment; those that were erased, or are not what was committed to, are left out."""
    table = schema.personal_data
    rows = connection.execute(
        sa.select(table.c.commitment, table.c.salt, table.c.value).where(
            table.c.document_id == document_id, table.c.salt.is_not(None), table.c.value.is_not(None)
        )
    )
    return {
        commitment: json.loads(value) for commitment, salt, value in rows if commit(salt, value.encode()) == commitment
    }


def reveal(data: Any, values: dict[str, Any]) -> Any:
    """An event's data with every commitment in `values` replaced by its value, and the others by None ("erased")."""
    if isinstance(data, dict):
        if data.keys() == {"commitment"}:
            return values.get(data["commitment"])
        return {key: reveal(value, values) for key, value in data.items()}
    if isinstance(data, list):
        return [reveal(value, values) for value in data]
    return data


def erase(connection: sa.Connection, document_id: str, role: str, *, now: datetime) -> int:
    """Erase the salts and values kept for one role of a document; returns how many were still there."""
    table = schema.personal_data
    return connection.execute(
        sa.update(table)
        .where(table.c.document_id == document_id, table.c.role == role, table.c.salt.is_not(None))
        .values(salt=None, value=None, erased_at=now)
    ).rowcount
