"""What verification says: frozen values with the keys of the published contract, and how they fold.

Nothing is judged here. `signing_core.verification` finds facts and builds these; `fold` makes one answer of many by the
one rule that a document is as good as its worst signature or document time-stamp. Terms are those of ETSI EN 319 102-1
(V1.3.1), clause 5.1.3.

Every `to_json` gives exactly the keys of the contract, times as RFC 3339 in UTC.
"""

from __future__ import annotations

from signing_core.verdict.document import SCHEMA_VERSION, CertificateVerdict, DocumentVerdict, PolicyReference, summary
from signing_core.verdict.encoding import Json, rfc3339
from signing_core.verdict.finding import Finding
from signing_core.verdict.folding import Folded, fold, worst_integrity
from signing_core.verdict.reasons import by_use
from signing_core.verdict.signature import SignatureVerdict, SigningCertificate, TimeAuthority
from signing_core.verdict.terms import (
    AuditLogState,
    Changes,
    Coverage,
    Ended,
    Indication,
    Integrity,
    Kind,
    Level,
    PrefixState,
    QrState,
    RegistryState,
    Revocation,
    Severity,
    SubIndication,
    TimeAxis,
    Trust,
)

__all__ = [
    "SCHEMA_VERSION",
    "AuditLogState",
    "CertificateVerdict",
    "Changes",
    "Coverage",
    "DocumentVerdict",
    "Ended",
    "Finding",
    "Folded",
    "Indication",
    "Integrity",
    "Json",
    "Kind",
    "Level",
    "PolicyReference",
    "PrefixState",
    "QrState",
    "RegistryState",
    "Revocation",
    "Severity",
    "SignatureVerdict",
    "SigningCertificate",
    "SubIndication",
    "TimeAuthority",
    "TimeAxis",
    "Trust",
    "by_use",
    "fold",
    "rfc3339",
    "summary",
    "worst_integrity",
]
