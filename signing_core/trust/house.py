"""A house: a company that signs with Sealtrail, with all public parts that were ever its own, and what each is for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from signing_core.keys.headed_pem import PublicPurpose

Purpose: TypeAlias = PublicPurpose

KEY_LENGTH = 32
"""Octets of a raw Ed25519 public key (RFC 8032); every X.509 certificate is longer."""

ED25519 = bytes.fromhex("302a300506032b6570032100")
"""How the DER SubjectPublicKeyInfo of an Ed25519 key begins (RFC 8410)."""

_CHANGE_OVER = timedelta(hours=1)
"""How long work that began with a former key may go on with it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One X.509 certificate or public key."""

    purpose: Purpose | None
    """None: nobody said; see `TrustStore`."""
    content: bytes
    """DER of an X.509 certificate, or the 32 octets of an Ed25519 public key."""
    used_from: datetime | None = None
    """When it was first used; it was used until the next one of its purpose was."""
    voucher: bytes | None = None
    """A company CA's signature over what is said of it: see `trust.vouching`."""

    @property
    def is_key(self) -> bool:
        return len(self.content) == KEY_LENGTH

    @property
    def der(self) -> bytes:
        """Of the X.509 certificate, or the SubjectPublicKeyInfo."""
        return ED25519 + self.content if self.is_key else self.content

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


@dataclass(frozen=True, slots=True)
class House:
    """`parts` newest first. A part is never taken away: what was signed with it has to stay provable."""

    id: str
    """A hash of its first company CA's key, kept by all that succeeds it. Empty: parts that nobody said a house of."""
    name: str
    parts: tuple[Part, ...]

    def of(self, *purposes: Purpose | None) -> tuple[bytes, ...]:
        """The contents of these purposes, newest first."""
        return tuple(part.content for part in self.parts if part.purpose in purposes)

    def fingerprints(self, *purposes: Purpose | None) -> frozenset[bytes]:
        """SHA-256 of each of these."""
        return frozenset(part.sha256 for part in self.parts if part.purpose in purposes)

    def retired(self, content: bytes, at: datetime) -> datetime | None:
        """When the next one of its purpose took its place, if that was well before `at`; None when it was in use then."""
        for purpose in {part.purpose for part in self.parts if part.content == content}:
            for part, until in self.used(purpose) if purpose else ():
                if part.content == content and until is not None and at > until + _CHANGE_OVER:
                    return until
        return None

    def used(self, purpose: Purpose) -> Iterator[tuple[Part, datetime | None]]:
        """Each part of a purpose, newest first, with the time from when on the next one was used; None for that in use."""
        until: datetime | None = None
        for part in self.parts:
            if part.purpose == purpose:
                yield part, until
                until = part.used_from
