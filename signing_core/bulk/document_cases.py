"""Exceptions in our own documents: stored file, registry, log, mail and certificate held against each other; time-stamps that end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from signing_core.bulk.batch_views import rows
from signing_core.bulk.checks import NO_END
from signing_core.bulk.exceptions import Cases
from signing_core.bulk.file_cases import said
from signing_core.bulk.results import Results

TIME_STAMPS: Final = "time_stamps"
"""The table of the renewal, and findings from it."""
_SOON: Final = timedelta(days=30)
"""Renewal begins 90 days before the end: then it did not work for two months."""


def add_documents(database: duckdb.DuckDBPyConnection, cases: Cases) -> None:
    def add(row: dict[str, Any], code: str, message: str, evidence: list[str] | None = None) -> None:
        one = row["document_id"]
        cases.add(one, code, message, document_id=one, batch=row["key"], evidence=evidence or ())

    query = "SELECT key, document_id, unnest(findings) AS found FROM reconciliation WHERE NOT in_order"
    for row in rows(database, query):
        found = row["found"]
        add(row, found["code"], found["message"], found["evidence"])
    query = """
        SELECT i.key, i.document_id, i.sha256, s.integrity, s.indication, s.sub_indication, s.findings, s.signatures
        FROM inventory i JOIN signatures s ON s.key = i.key AND s.sha256 = i.sha256
        WHERE i.document_id IS NOT NULL
          AND NOT (s.integrity = 'intact' AND coalesce(s.indication = 'TOTAL-PASSED', false))"""
    for row in rows(database, query):
        ended = NO_END.isdisjoint(one["code"] for one in row["findings"] or [])
        add(row, "stored-file-fails" if ended else "stored-file-not-judged", said(row), [f"object {row['sha256']}"])
    query = """
        SELECT i.key, i.document_id, i.sha256, c.state
        FROM inventory i JOIN certificates c ON c.key = i.key AND c.sha256 = i.sha256
          JOIN signatures s ON s.key = i.key AND s.sha256 = i.sha256
        WHERE i.document_id IS NOT NULL AND c.state <> 'valid'
          AND NOT (c.state = 'none' AND s.integrity = 'indeterminate')"""
    for row in rows(database, query):
        message = f"Its authenticity certificate is: {row['state']}."
        add(row, "certificate-differs", message, [f"object {row['sha256']}"])
    query = """
        SELECT i.key, r.document_id, r.registry, r.audit_log
        FROM inventory i JOIN registry r ON r.key = i.key AND r.name = i.name AND r.sha256 = i.sha256
        WHERE i.document_id IS NOT NULL AND r.document_id IS NOT NULL
          AND (r.registry <> 'known' OR coalesce(r.audit_log, 'missing') <> 'included')"""
    for row in rows(database, query):
        if row["registry"] != "known":
            add(row, "not-in-registry", f"The registry says: {row['registry']}.")
        if row["audit_log"] != "included":
            add(row, "log-disagrees", f"The audit log says: {row['audit_log']}.")


def add_not_reconciled(database: duckdb.DuckDBPyConnection, cases: Cases, reconciled: Callable[[str], bool]) -> None:
    """No document leaves the archive's checks unseen, whatever was done to its row in the registry.

    `reconciled` says of a batch whether its reconciliation is of its inventory: before that, the new ones of a batch that has grown
    are only waiting.
    """
    left_out = """
        SELECT i.key, list(i.document_id ORDER BY i.document_id) AS ids FROM inventory i
        ANTI JOIN reconciliation r ON r.key = i.key AND r.document_id = i.document_id
        WHERE i.document_id IS NOT NULL GROUP BY i.key ORDER BY i.key"""
    for row in list(rows(database, left_out)):
        for one in row["ids"] if reconciled(row["key"]) else ():
            message = "It is in the batch and was not reconciled: nothing calls it completed any more."
            cases.add(one, "not-in-registry", message, document_id=one, batch=row["key"])


def add_time_stamps(database: duckdb.DuckDBPyConnection, store: Results, cases: Cases, now: datetime) -> None:
    """Archive time-stamps that should have been renewed by now."""
    file = store.folder / f"{TIME_STAMPS}.parquet"
    if not file.is_file():
        return
    database.read_parquet(str(file)).create_view(TIME_STAMPS)
    query = f"SELECT * FROM {TIME_STAMPS} WHERE proof_until < $until ORDER BY document_id"  # noqa: S608
    for row in rows(database, query, until=now + _SOON):
        one, ended = row["document_id"], row["proof_until"] <= now
        message = f"It proves until {row['proof_until']:%Y-%m-%d %H:%M} UTC. {row['problem'] or ''}".strip()
        code = "time-stamp-ended" if ended else "time-stamp-ends"
        evidence = [f"object {row['sha256']}"]
        cases.add(one, code, message, document_id=one, evidence=evidence, source=TIME_STAMPS)
