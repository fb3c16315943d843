"""What is known about one filled signature field or one document time-stamp."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from signing_core.verdict.encoding import Json, rfc3339, time_of
from signing_core.verdict.finding import Finding
from signing_core.verdict.terms import (
    Changes,
    Coverage,
    Indication,
    Integrity,
    Kind,
    Level,
    Revocation,
    SubIndication,
    Trust,
)

_BROKEN: Final = frozenset(
    {SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE, SubIndication.FORMAT_FAILURE},
)
"""The ways of failing that say something about the document's bytes; REVOKED, EXPIRED and NOT_YET_VALID do not."""


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """The signer's X.509 certificate: SHA-256 of its DER, issuer (RFC 4514) and serial number in decimal."""

    sha256: str
    issuer: str
    serial: str

    def to_json(self) -> Json:
        return {"sha256": self.sha256, "issuer": self.issuer, "serial": self.serial}


@dataclass(frozen=True, slots=True)
class TimeAuthority:
    """Who issued the time-stamp; `embedded` when its time rests on the clock of the machine that made the document."""

    name: str
    embedded: bool

    def to_json(self) -> Json:
        return {"name": self.name, "embedded": self.embedded}


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """One filled signature field, or one document time-stamp."""

    fields: tuple[str, ...]
    """Every field it is reached through."""
    kind: Kind
    role: Literal["first-party", "client", "seal"] | None
    """In documents of ours."""
    revision: int
    """The revision that added it, counted from 1."""
    sub_filter: str | None
    level: Level | None
    """PAdES baseline level (ETSI EN 319 142-1), None when it is not of a baseline profile."""
    docmdp: int | None
    """/P of a certification signature (ISO 32000-2, 12.8.2.2)."""
    signer: str | None
    certificate: SigningCertificate | None
    claimed_time: datetime | None
    proven_time: datetime | None
    """The earliest time at which a valid time-stamp proves that it existed."""
    time_authority: TimeAuthority | None
    digest_algorithm: str | None
    signature_algorithm: str | None
    byte_range: tuple[int, ...] | None
    covered_sha256: str | None
    """SHA-256 of the covered revision, from the first byte to the last one that the byte range reaches."""
    intact: bool | None
    """Digest and signature value; None when they could not be computed, or say nothing about what was signed."""
    coverage: Coverage
    changes: Changes
    revocation: Revocation
    trust: Trust
    indication: Indication
    sub_indication: SubIndication | None
    findings: tuple[Finding, ...] = ()

    @property
    def integrity(self) -> Integrity:
        """The truth table's first column for one signature: bytes, coverage and changes alone, no trust and no time."""
        failed = self.indication is Indication.TOTAL_FAILED and self.sub_indication in _BROKEN
        if failed or self.intact is False or self.coverage in ("partial", "invalid") or self.changes == "forbidden":
            return Integrity.ALTERED
        if self.intact is None or self.changes == "unknown":
            return Integrity.INDETERMINATE
        return Integrity.INTACT

    def to_json(self) -> Json:
        return {
            "fields": list(self.fields),
            "kind": self.kind,
            "role": self.role,
            "revision": self.revision,
            "sub_filter": self.sub_filter,
            "level": self.level,
            "docmdp": self.docmdp,
            "signer": self.signer,
            "certificate": self.certificate.to_json() if self.certificate else None,
            "claimed_time": rfc3339(self.claimed_time),
            "proven_time": rfc3339(self.proven_time),
            "time_authority": self.time_authority.to_json() if self.time_authority else None,
            "digest_algorithm": self.digest_algorithm,
            "signature_algorithm": self.signature_algorithm,
            "byte_range": list(self.byte_range) if self.byte_range is not None else None,
            "covered_sha256": self.covered_sha256,
            "intact": self.intact,
            "coverage": self.coverage,
            "changes": self.changes,
            "revocation": self.revocation,
            "trust": str(self.trust),
            "indication": str(self.indication),
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, content: Json) -> SignatureVerdict:
        sub_indication, byte_range = content["sub_indication"], content["byte_range"]
        certificate, authority = content["certificate"], content["time_authority"]
        return cls(
            **content
            | {
                "fields": tuple(content["fields"]),
                "certificate": SigningCertificate(**certificate) if certificate else None,
                "claimed_time": time_of(content["claimed_time"]),
                "proven_time": time_of(content["proven_time"]),
                "time_authority": TimeAuthority(**authority) if authority else None,
                "byte_range": tuple(byte_range) if byte_range is not None else None,
                "trust": Trust(content["trust"]),
                "indication": Indication(content["indication"]),
                "sub_indication": SubIndication(sub_indication) if sub_indication else None,
                "findings": tuple(Finding.from_json(finding) for finding in content["findings"]),
            }
        )
