"""Every key of the house over time: in use and former, from when until when."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.errors import KeyUnavailable
from signing_core.keys.settings import PURPOSES, STATEMENTS, Place, Purpose, Statement

if TYPE_CHECKING:
    from signing_core.keys.ring import KeyRing

State = Literal["in-use", "former", "unreadable"]


@dataclass(frozen=True, slots=True)
class Key:
    purpose: Purpose | Statement
    state: State
    """`former`: it signs no more, and what it signed stays provable. A former CA goes on issuing its CRLs."""
    place: Place | None
    """Who certified it and where it rests; None of former ones."""
    id: str
    """The serial number of the X.509 certificate, or the key id (COSE `kid`), in hexadecimal."""
    name: str | None
    """The subject; None for a key without an X.509 certificate."""
    sha256: str | None
    """Of the X.509 certificate."""
    used_from: datetime | None
    used_until: datetime | None
    """When the next one took its place; None of the one in use."""
    ends: datetime | None
    """Of the X.509 certificate."""
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.purpose,
            "state": self.state,
            "place": self.place,
            "id": self.id,
            "name": self.name,
            "sha256": self.sha256,
            "used_from": self.used_from and self.used_from.isoformat(),
            "used_until": self.used_until and self.used_until.isoformat(),
            "valid_until": self.ends and self.ends.isoformat(),
            "problem": self.problem,
        }


def timeline(ring: KeyRing) -> list[Key]:
    """By purpose, the newest first. A key that cannot be read is in it, with what is the matter."""
    found: list[Key] = []
    for purpose in PURPOSES:
        found += _with_certificates(ring, purpose)
    for statement in STATEMENTS:
        found += _without(ring, statement)
    return found


def _with_certificates(ring: KeyRing, purpose: Purpose) -> list[Key]:
    try:
        current, problem = ring.certificate(purpose), None
    except KeyUnavailable as error:
        current, problem = None, str(error)
    published = [ca.certificate for ca in ring.cas] if purpose == "ca" and current else ring.certificates(purpose)
    rows, until, used_from = [], None, ring.used_from(purpose)
    if current is None:
        rows.append(Key(purpose, "unreadable", None, "", None, None, None, None, None, problem))
    for certificate in published:
        start = used_from.get(certificate.public_bytes(Encoding.DER))
        rows.append(
            Key(
                purpose,
                "in-use" if certificate == current else "former",
                ring.place(purpose) if certificate == current else None,
                f"{certificate.serial_number:x}",
                certificate.subject.rfc4514_string(),
                hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
                start,
                until,
                certificate.not_valid_after_utc,
            )
        )
        until = start
    return rows


def _without(ring: KeyRing, statement: Statement) -> list[Key]:
    try:
        current, problem = getattr(ring, statement).key_id, None
    except KeyUnavailable as error:
        current, problem = None, str(error)
    place: Place = "token" if statement in ring.settings.tokens else "company"
    rows = []
    if current is None:
        rows.append(Key(statement, "unreadable", None, "", None, None, None, None, None, problem))
    until = None
    for encoded, start in ring.used_from(statement).items():
        key_id = hashlib.sha256(encoded).digest()[:8]
        used = key_id == current
        rows.append(
            Key(
                statement,
                "in-use" if used else "former",
                place if used else None,
                key_id.hex(),
                None,
                None,
                start,
                until,
                None,
            )
        )
        until = start
    return rows
