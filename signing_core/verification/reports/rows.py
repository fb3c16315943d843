"""One row for each document: what CSV and the HTML page show."""

from __future__ import annotations

import csv
import io
from typing import IO, Any, Final

from signing_core.verdict import DocumentVerdict, rfc3339

COLUMNS: Final = (
    "path",
    "sha256",
    "size",
    "pages",
    "encrypted",
    "document_id",
    "integrity",
    "trust",
    "time",
    "indication",
    "sub_indication",
    "signatures",
    "document_time_stamps",
    "signers",
    "levels",
    "first_proven_time",
    "certificate_present",
    "sealed_by_us",
    "house",
    "qr",
    "prefix",
    "registry",
    "audit_log",
    "errors",
    "warnings",
    "at",
    "policy",
    "policy_sha256",
    "tool_version",
    "elapsed_ms",
)


def _codes(verdict: DocumentVerdict, severity: str) -> str:
    return " ".join(dict.fromkeys(f.code for f in verdict.all_findings if f.severity == severity))


def row(verdict: DocumentVerdict) -> dict[str, Any]:
    """Values by the names of `COLUMNS`; what is unknown is None."""
    signed = [signature for signature in verdict.signatures if signature.kind == "signature"]
    proven = [s.proven_time for s in verdict.signatures if s.proven_time]
    return {
        "path": verdict.path,
        "sha256": verdict.sha256,
        "size": verdict.size,
        "pages": verdict.pages,
        "encrypted": verdict.encrypted,
        "document_id": verdict.document_id,
        "integrity": str(verdict.integrity),
        "trust": str(verdict.trust) if verdict.trust else None,
        "time": str(verdict.time) if verdict.time else None,
        "indication": str(verdict.indication) if verdict.indication else None,
        "sub_indication": str(verdict.sub_indication) if verdict.sub_indication else None,
        "signatures": len(signed),
        "document_time_stamps": len(verdict.signatures) - len(signed),
        "signers": "; ".join(s.signer or "?" for s in signed),
        "levels": " ".join(s.level or "-" for s in signed),
        "first_proven_time": rfc3339(min(proven, default=None)),
        "certificate_present": verdict.certificate.present,
        "sealed_by_us": verdict.certificate.sealed_by_us,
        "house": verdict.certificate.house,
        "qr": verdict.certificate.qr,
        "prefix": verdict.certificate.prefix,
        "registry": verdict.registry,
        "audit_log": verdict.audit_log,
        "errors": _codes(verdict, "error"),
        "warnings": _codes(verdict, "warning"),
        "at": rfc3339(verdict.at),
        "policy": verdict.policy.id,
        "policy_sha256": verdict.policy.sha256,
        "tool_version": verdict.tool_version,
        "elapsed_ms": verdict.elapsed_ms,
    }


class CsvWriter:
    """RFC 4180, UTF-8. A text that a spreadsheet would take for a formula gets an apostrophe in front."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._put(COLUMNS)

    def write(self, verdict: DocumentVerdict) -> None:
        self._put(csv_cell(value) for value in row(verdict).values())

    def close(self) -> None:
        self._stream.flush()

    def _put(self, cells: Any) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerow(cells)
        self._stream.write(text.getvalue().encode("utf-8", "backslashreplace"))
        self._stream.flush()


def csv_cell(value: Any) -> str:
    """As it may stand in a table for spreadsheets."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return "'" + text if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
