"""What verification says: frozen values with the keys of the published contract, and how they fold.

Nothing is judged here. `signing_core.verification` finds facts and builds these; `fold` makes one answer of many by the
one rule that a document is as good as its worst signature or document time-stamp. Terms are those of ETSI EN 319 102-1
(V1.3.1), clause 5.1.3.

Every `to_json` gives exactly the keys of the contract, times as RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal

SCHEMA_VERSION: Final = 1

Json = dict[str, Any]


class Integrity(StrEnum):
    """Whether the document is what was signed."""

    UNSIGNED = "unsigned"
    INTACT = "intact"
    INDETERMINATE = "indeterminate"
    ALTERED = "altered"


class Trust(StrEnum):
    """Whether the signer's X.509 certificate leads to an anchor that was given."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"
    """No anchors were given."""


class TimeAxis(StrEnum):
    PROVEN = "proven"
    """By a valid time-stamp."""
    CLAIMED = "claimed"
    INCONSISTENT = "inconsistent"
    """Times contradict each other: a time-stamp before the X.509 certificate's life, revisions out of order."""


class Indication(StrEnum):
    """ETSI EN 319 102-1, table 5."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """ETSI EN 319 102-1, table 6."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    CUSTOM = "CUSTOM"


Severity = Literal["error", "warning", "info"]
Level = Literal["B-B", "B-T", "B-LT", "B-LTA"]
Kind = Literal["signature", "document-timestamp"]
Coverage = Literal["whole-file", "whole-revision", "partial", "invalid"]
Changes = Literal["none", "permitted", "forbidden", "unknown"]
Revocation = Literal["good", "revoked", "unknown"]
QrState = Literal["valid", "invalid", "foreign", "absent", "unreadable"]
PrefixState = Literal["match", "mismatch", "not-checked"]
RegistryState = Literal["known", "prefix", "unknown", "mismatch"]
AuditLogState = Literal["included", "missing", "inconsistent"]


def rfc3339(time: datetime | None) -> str | None:
    """`2026-01-31T12:00:00Z`, with fractions of a second only where there are any."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation. `code` is stable and documented in docs/findings.md."""

    code: str
    severity: Severity
    message: str
    field: str | None = None
    """Signature field, or form field, that it is about."""
    revision: int | None = None
    """Counted from 1."""
    page: int | None = None
    """Counted from 1."""

    def to_json(self) -> Json:
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "field": self.field,
            "revision": self.revision,
            "page": self.page,
        }

    @classmethod
    def from_json(cls, content: Json) -> Finding:
        return cls(**content)


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
    """Digest and signature value; None when they could not be computed."""
    coverage: Coverage
    changes: Changes
    revocation: Revocation
    trust: Trust
    indication: Indication
    sub_indication: SubIndication | None
    findings: tuple[Finding, ...] = ()

    @property
    def integrity(self) -> Integrity:
        """Its part of the document's integrity: the rows of the truth table."""
        return integrity_of(self)

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
                "claimed_time": _time(content["claimed_time"]),
                "proven_time": _time(content["proven_time"]),
                "time_authority": TimeAuthority(**authority) if authority else None,
                "byte_range": tuple(byte_range) if byte_range is not None else None,
                "trust": Trust(content["trust"]),
                "indication": Indication(content["indication"]),
                "sub_indication": SubIndication(sub_indication) if sub_indication else None,
                "findings": tuple(Finding.from_json(finding) for finding in content["findings"]),
            }
        )


@dataclass(frozen=True, slots=True)
class CertificateVerdict:
    """The authenticity certificate: the page of ours, not an X.509 certificate."""

    present: bool = False
    sealed_by_us: bool | None = None
    """None when there is no such page, or nothing was given to know our seal by."""
    qr: QrState = "absent"
    prefix: PrefixState = "not-checked"

    def to_json(self) -> Json:
        return {"present": self.present, "sealed_by_us": self.sealed_by_us, "qr": self.qr, "prefix": self.prefix}


@dataclass(frozen=True, slots=True)
class PolicyReference:
    id: str
    sha256: str

    def to_json(self) -> Json:
        return {"id": self.id, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class DocumentVerdict:
    """Everything known about one document: the object that `sealtrail verify --format jsonl` writes."""

    tool_version: str
    policy: PolicyReference
    at: datetime
    path: str | None
    sha256: str | None
    size: int | None
    pages: int | None
    encrypted: bool
    document_id: str | None
    integrity: Integrity
    trust: Trust | None
    time: TimeAxis | None
    indication: Indication | None
    sub_indication: SubIndication | None
    signatures: tuple[SignatureVerdict, ...] = ()
    certificate: CertificateVerdict = CertificateVerdict()
    registry: RegistryState | None = None
    audit_log: AuditLogState | None = None
    findings: tuple[Finding, ...] = ()
    elapsed_ms: float | None = None

    @property
    def in_order(self) -> bool:
        """`intact` and, where anchors were given, `TOTAL-PASSED`: what exit status 0 asks of every document."""
        if self.integrity is not Integrity.INTACT:
            return False
        return self.trust is Trust.UNKNOWN or self.indication is Indication.TOTAL_PASSED

    @property
    def reason(self) -> Finding | None:
        """The first of its gravest findings, the file's own before those of its signatures; None with neither error nor warning."""
        found = (*self.findings, *(finding for signature in self.signatures for finding in signature.findings))
        for severity in ("error", "warning"):
            for finding in found:
                if finding.severity == severity:
                    return finding
        return None

    def __repr__(self) -> str:
        from signing_core.display import verdicts

        return verdicts.plain(self)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from signing_core.display import verdicts

        return verdicts.html(self)

    def to_json(self) -> Json:
        return {
            "schema_version": SCHEMA_VERSION,
            "tool_version": self.tool_version,
            "policy": self.policy.to_json(),
            "at": rfc3339(self.at),
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
            "pages": self.pages,
            "encrypted": self.encrypted,
            "document_id": self.document_id,
            "integrity": str(self.integrity),
            "trust": str(self.trust) if self.trust else None,
            "time": str(self.time) if self.time else None,
            "indication": str(self.indication) if self.indication else None,
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "signatures": [signature.to_json() for signature in self.signatures],
            "certificate": self.certificate.to_json(),
            "registry": self.registry,
            "audit_log": self.audit_log,
            "findings": [finding.to_json() for finding in self.findings],
            "elapsed_ms": self.elapsed_ms,
        }

    @classmethod
    def from_json(cls, content: Json) -> DocumentVerdict:
        """The verdict that `to_json` wrote. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        if content["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"a verdict of schema version {content['schema_version']}, not {SCHEMA_VERSION}")
        trust, time = content["trust"], content["time"]
        indication, sub_indication = content["indication"], content["sub_indication"]
        return cls(
            **{key: value for key, value in content.items() if key != "schema_version"}
            | {
                "policy": PolicyReference(**content["policy"]),
                "at": datetime.fromisoformat(content["at"]),
                "integrity": Integrity(content["integrity"]),
                "trust": Trust(trust) if trust else None,
                "time": TimeAxis(time) if time else None,
                "indication": Indication(indication) if indication else None,
                "sub_indication": SubIndication(sub_indication) if sub_indication else None,
                "signatures": tuple(SignatureVerdict.from_json(signature) for signature in content["signatures"]),
                "certificate": CertificateVerdict(**content["certificate"]),
                "findings": tuple(Finding.from_json(finding) for finding in content["findings"]),
            }
        )


# --- Folding ---

_INTEGRITY_RANK: Final = {
    Integrity.ALTERED: 3,
    Integrity.INDETERMINATE: 2,
    Integrity.INTACT: 1,
    Integrity.UNSIGNED: 0,
}
_INDICATION_RANK: Final = {Indication.TOTAL_FAILED: 2, Indication.INDETERMINATE: 1, Indication.TOTAL_PASSED: 0}

_BROKEN: Final = frozenset(
    {SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE, SubIndication.FORMAT_FAILURE},
)
"""The ways of failing that say something about the document's bytes; REVOKED, EXPIRED and NOT_YET_VALID do not."""


def integrity_of(signature: SignatureVerdict) -> Integrity:
    """The truth table's first column for one signature: bytes, coverage and changes alone, no trust and no time."""
    failed = signature.indication is Indication.TOTAL_FAILED and signature.sub_indication in _BROKEN
    if (
        failed
        or signature.intact is False
        or signature.coverage in ("partial", "invalid")
        or signature.changes == "forbidden"
    ):
        return Integrity.ALTERED
    if signature.intact is None or signature.changes == "unknown":
        return Integrity.INDETERMINATE
    return Integrity.INTACT


def worst_integrity(values: Iterable[Integrity]) -> Integrity:
    """`altered` beats `indeterminate` beats `intact`; nothing at all is `unsigned`."""
    return max(values, key=_INTEGRITY_RANK.__getitem__, default=Integrity.UNSIGNED)


def worst_indication(
    values: Iterable[tuple[Indication, SubIndication | None]],
) -> tuple[Indication | None, SubIndication | None]:
    """The first of the worst, so that the sub-indication names the earliest signature that is to blame."""
    worst: tuple[Indication | None, SubIndication | None] = (None, None)
    rank = -1
    for indication, sub_indication in values:
        if _INDICATION_RANK[indication] > rank:
            worst, rank = (indication, sub_indication), _INDICATION_RANK[indication]
    return worst


def fold_trust(values: Iterable[Trust]) -> Trust | None:
    """`untrusted` beats `unknown` beats `trusted`; None when there is nothing to trust."""
    seen = set(values)
    for value in (Trust.UNTRUSTED, Trust.UNKNOWN, Trust.TRUSTED):
        if value in seen:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Folded:
    """What becomes of a document's signatures together."""

    integrity: Integrity
    trust: Trust | None
    indication: Indication | None
    sub_indication: SubIndication | None


def fold(signatures: Iterable[SignatureVerdict], *, document: Integrity = Integrity.UNSIGNED) -> Folded:
    """A document is as good as its worst signature or document time-stamp.

    `document` is what the file itself, apart from any one signature, adds: `altered` for unexplained bytes or a
    mismatching authenticity certificate, `indeterminate` when it could not be read. It is no better than the signatures
    and no reason to call an unsigned file signed.
    """
    signatures = tuple(signatures)
    integrity = worst_integrity([s.integrity for s in signatures] + [document])
    indication, sub_indication = worst_indication((s.indication, s.sub_indication) for s in signatures)
    if integrity is Integrity.ALTERED and indication is not Indication.TOTAL_FAILED:
        indication, sub_indication = Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE
    elif integrity is Integrity.INDETERMINATE and indication in (None, Indication.TOTAL_PASSED):
        indication, sub_indication = Indication.INDETERMINATE, SubIndication.SIGNED_DATA_NOT_FOUND
    return Folded(integrity, fold_trust(s.trust for s in signatures), indication, sub_indication)


def summary(verdicts: Iterable[DocumentVerdict]) -> Mapping[str, int]:
    """How many documents of each integrity."""
    counts = dict.fromkeys((str(value) for value in Integrity), 0)
    for verdict in verdicts:
        counts[str(verdict.integrity)] += 1
    return counts
