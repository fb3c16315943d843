"""What is known about one document: its signatures, its authenticity certificate, where it is on record, what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing_core.verdict.encoding import Json, rfc3339
from signing_core.verdict.finding import Finding
from signing_core.verdict.reasons import by_use
from signing_core.verdict.signature import SignatureVerdict
from signing_core.verdict.terms import (
    AuditLogState,
    Indication,
    Integrity,
    PrefixState,
    QrState,
    RegistryState,
    SubIndication,
    TimeAxis,
    Trust,
)

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class CertificateVerdict:
    """The authenticity certificate: the page of ours, not an X.509 certificate."""

    present: bool = False
    sealed_by_us: bool | None = None
    """None when there is no such page, or nothing was given to know our seal by."""
    house: str | None = None
    """The name of the house whose it is; None when that is not known."""
    qr: QrState = "absent"
    prefix: PrefixState = "not-checked"

    def to_json(self) -> Json:
        return {
            "present": self.present,
            "sealed_by_us": self.sealed_by_us,
            "house": self.house,
            "qr": self.qr,
            "prefix": self.prefix,
        }


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
    def all_findings(self) -> list[Finding]:
        """Its own and those of its signatures, each once, the reason for the verdict first."""
        inner = (finding for signature in self.signatures for finding in signature.findings)
        return by_use((*self.findings, *inner), self.integrity)

    @property
    def reason(self) -> Finding | None:
        """The finding that says most about why the verdict is what it is; None with neither error nor warning."""
        return next((finding for finding in self.all_findings if finding.severity != "info"), None)

    @property
    def why(self) -> str | None:
        """The reason in one line; of a change with its revision, and whether it came after all signatures."""
        found = self.reason
        if found is None or found.revision is None or not found.code.startswith("change-"):
            return found.message if found is not None else None
        last = max((one.revision for one in self.signatures if one.kind == "signature"), default=found.revision)
        when = ", after all had signed" if found.revision > last else ""
        return f"{found.message.rstrip('.')} (revision {found.revision}{when})."

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


def summary(verdicts: Iterable[DocumentVerdict]) -> Mapping[str, int]:
    """How many documents of each integrity."""
    counts = dict.fromkeys((str(value) for value in Integrity), 0)
    for verdict in verdicts:
        counts[str(verdict.integrity)] += 1
    return counts
