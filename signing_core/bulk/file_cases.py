"""Exceptions in files that came in: what their verdicts say, named by the cause that a reader can act on."""

from __future__ import annotations

from typing import Any

import duckdb

from signing_core.bulk.batch_views import rows
from signing_core.bulk.exceptions import Cases
from signing_core.verdict import Finding, Integrity, by_use


def add_files(database: duckdb.DuckDBPyConnection, cases: Cases) -> None:
    gone = "SELECT key, name, state FROM inventory WHERE state <> 'present' AND document_id IS NULL ORDER BY name"
    for row in rows(database, gone):
        message = "It cannot be read." if row["state"] == "unreadable" else "It is not where it was."
        cases.add(
            row["name"], "file-gone", message, files=[row["name"]], batch=row["key"], evidence=[f"file {row['name']}"]
        )
    replaced = """
        SELECT key, name, sha256, first_sha256, first_seen FROM inventory
        WHERE document_id IS NULL AND sha256 <> first_sha256 ORDER BY name"""
    for row in rows(database, replaced):
        message = f"When it came in, at {row['first_seen']:%Y-%m-%d %H:%M} UTC, its SHA-256 was {row['first_sha256']}."
        evidence = [f"file {row['sha256']}", f"file {row['first_sha256']}"]
        cases.add(row["sha256"], "file-replaced", message, files=[row["name"]], batch=row["key"], evidence=evidence)
    bad = """
        SELECT i.key, i.name, i.sha256, s.integrity, s.indication, s.sub_indication, s.encrypted, s.trust, s.findings,
               s.signatures, s.certificate
        FROM inventory i JOIN signatures s ON s.key = i.key AND s.sha256 = i.sha256
        WHERE i.document_id IS NULL AND NOT (s.integrity = 'intact' AND coalesce(s.indication = 'TOTAL-PASSED', false))
        ORDER BY i.name"""
    for row in rows(database, bad):
        code = code_of(row)
        evidence = [f"file {row['sha256']}"]
        cases.add(row["sha256"], code, said(row), files=[row["name"]], batch=row["key"], evidence=evidence)
    other = """
        SELECT i.key, i.name, i.sha256, r.document_id, r.registry, r.audit_log
        FROM inventory i JOIN registry r ON r.key = i.key AND r.name = i.name AND r.sha256 = i.sha256
        WHERE i.document_id IS NULL AND r.registry = 'mismatch'"""
    for row in rows(database, other):
        message = f"It names document {row['document_id']} and is none of that document's files."
        evidence = [f"file {row['sha256']}"]
        name = row["name"]
        cases.add(row["sha256"], "file-not-the-registered", message, files=[name], batch=row["key"], evidence=evidence)


def code_of(row: dict[str, Any]) -> str:
    """What a verdict that is not in order is called: the cause that its reader can act on."""
    if row["integrity"] == "unsigned":
        return "file-unsigned"
    if row["encrypted"] and row["integrity"] == "indeterminate":
        return "file-encrypted"
    signatures = row["signatures"] or []
    broken = any(s["intact"] is False or s["changes"] == "forbidden" for s in signatures)
    foreign = row["trust"] == "untrusted" or row["sub_indication"] == "NO_CERTIFICATE_CHAIN_FOUND"
    if not broken and foreign and not row["certificate"]["sealed_by_us"]:
        return "file-foreign"
    if row["integrity"] == "altered":
        return "file-altered"
    sub_indication = row["sub_indication"] or ""
    if sub_indication.startswith("REVOKED"):
        return "file-revoked-certificate"
    if sub_indication in ("EXPIRED", "NOT_YET_VALID") or sub_indication.startswith("OUT_OF_BOUNDS"):
        return "file-expired-certificate"
    return "file-not-judged"


def said(row: dict[str, Any]) -> str:
    """A verdict in a line: the axes, then what was found, the reason first."""
    found = [*(row["findings"] or []), *(f for s in row["signatures"] or [] for f in s["findings"] or [])]
    ordered = by_use(map(Finding.from_json, found), Integrity(row["integrity"]))
    graver = [finding for finding in ordered if finding.severity != "info"]
    messages = dict.fromkeys(finding.message for finding in graver if finding.severity == graver[0].severity)
    axes = " / ".join(str(row[name]) for name in ("integrity", "indication", "sub_indication") if row[name])
    return f"{axes}. {' '.join([*messages][:3])}".strip()


def add_duplicates(database: duckdb.DuckDBPyConnection, cases: Cases) -> None:
    query = """
        SELECT sha256, list(DISTINCT name ORDER BY name) AS names, list(DISTINCT key ORDER BY key) AS keys
        FROM inventory WHERE document_id IS NULL AND sha256 IS NOT NULL
        GROUP BY sha256 HAVING count(DISTINCT name) > 1 ORDER BY sha256"""
    for row in rows(database, query):
        message = f"{len(row['names'])} files are the same."
        for key in row["keys"]:
            evidence = [f"file {row['sha256']}"]
            cases.add(row["sha256"], "duplicate-file", message, files=row["names"], batch=key, evidence=evidence)
