"""What X.509 certificates are for: which extended key usages sign documents (RFC 5280, 4.2.1.12; RFC 9336).

A certificate without the extension is for everything that its key usage allows. One that has it is for what it names and nothing
else, critical or not. Purposes that are not listed here sign no documents: what an issuer meant by them is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ExtendedKeyUsage:
    """One row of the table."""

    oid: str
    name: str
    documents: bool
    """Whether a certificate with it may sign documents, whatever else it is for."""
    source: str


TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"

EXTENDED_KEY_USAGES: Final = (
    ExtendedKeyUsage("1.3.6.1.5.5.7.3.36", "document signing", True, "RFC 9336"),
    ExtendedKeyUsage(
        "1.3.6.1.5.5.7.3.4", "email protection", True, "RFC 5280; what most issuers of signers' certificates use"
    ),
    ExtendedKeyUsage("1.2.840.113583.1.1.5", "Adobe authentic documents", True, "Adobe, AATL technical requirements"),
    ExtendedKeyUsage(
        "1.3.6.1.4.1.311.10.3.12", "Microsoft document signing", True, "Microsoft, szOID_KP_DOCUMENT_SIGNING"
    ),
    ExtendedKeyUsage("2.5.29.37.0", "any", True, "RFC 5280"),
    ExtendedKeyUsage("1.3.6.1.5.5.7.3.1", "TLS server", False, "RFC 5280"),
    ExtendedKeyUsage("1.3.6.1.5.5.7.3.2", "TLS client", False, "RFC 5280"),
    ExtendedKeyUsage("1.3.6.1.5.5.7.3.3", "code signing", False, "RFC 5280"),
    ExtendedKeyUsage(TIME_STAMPING, "time-stamping", False, "RFC 5280; RFC 3161, 2.3"),
    ExtendedKeyUsage(OCSP_SIGNING, "OCSP signing", False, "RFC 5280; RFC 6960, 4.2.2.2"),
)
SIGN_DOCUMENTS: Final = frozenset(row.oid for row in EXTENDED_KEY_USAGES if row.documents)
_NAMES: Final = {row.oid: row.name for row in EXTENDED_KEY_USAGES}


def named(oid: str) -> str:
    """What people call a purpose; its object identifier when it is not listed."""
    return _NAMES.get(oid, oid)


def markdown() -> str:
    """The table of docs/verification.md."""
    lines = ["| extended key usage | object identifier | signs documents | source |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.oid} | {'yes' if row.documents else 'no'} | {row.source} |" for row in EXTENDED_KEY_USAGES
    ]
    return "\n".join(lines)
