"""The four-way reconciliation of a batch of our own documents, and what their certificates print against the events.

Stored bytes, registry, log and mail are compared in every run. Setting the certificate again is the costly part; its result is
taken over while the stored file, the document's events and the code are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from signing_core.bulk import results
from signing_core.bulk.files import chunks
from signing_core.bulk.results import Results
from signing_core.controls import ControlFinding, History, Reconciliation, histories, reconcile
from signing_core.storage.workspace import Workspace

FINDING: Final = pa.struct(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("owner", pa.string()),
        ("message", pa.string()),
        ("evidence", pa.list_(pa.string())),
    ]
)
SCHEMA: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("document_id", pa.string()),
        ("stored", pa.string()),
        ("registry", pa.string()),
        ("logged", pa.string()),
        ("mailed", pa.list_(pa.struct([("role", pa.string()), ("sha256", pa.string())]))),
        ("printed", pa.string()),
        ("in_order", pa.bool_()),
        ("findings", pa.list_(FINDING)),
        ("basis", pa.string()),
    ]
)
"""`basis` names what the comparison of the printed page was made from."""

_PRINTED: Final = "certificate-differs-from-log"
_TOGETHER: Final = 200


@dataclass(frozen=True)
class Done:
    table: pa.Table
    set_again: int
    """Certificates that were typeset for the comparison; the other results were taken over."""


def make(workspace: Workspace, store: Results, key: str) -> Done:
    """Reconcile the batch and write `reconciliation.parquet`; a batch of foreign files has no rows in it."""
    ids = [
        row["document_id"]
        for row in results.rows_of(store.of(key, "inventory"), ["document_id"])
        if row["document_id"] is not None
    ]
    file = store.of(key, "reconciliation")
    parts = store.batch(key) / "parts" / "reconciliation.parquet"
    before = {row["document_id"]: row for source in (file, parts) for row in results.rows_of(source)}
    rows: list[dict[str, Any]] = []
    fresh = 0
    for some in chunks(ids, _TOGETHER):
        read = {history.document_id: history for history in histories(workspace, some)}
        bases = {document_id: _basis(history) for document_id, history in read.items()}
        known = {one for one in read if before.get(one, {}).get("basis") == bases[one]}
        new = [history for one, history in read.items() if one not in known]
        fresh += len(new)
        now = workspace.clock()
        for done in reconcile(workspace, new, now=now):
            rows.append(_row(key, done, bases[done.document_id]))
        again = [history for one, history in read.items() if one in known]
        for done in reconcile(workspace, again, now=now, printed=False):
            rows.append(_row(key, done, bases[done.document_id], before[done.document_id]))
        if new and len(ids) > _TOGETHER:
            results.write(parts, pa.Table.from_pylist(rows, schema=SCHEMA), {"batch": key})
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    results.write(file, table, {"batch": key, "code": results.code_version()})
    parts.unlink(missing_ok=True)
    return Done(table, fresh)


def _basis(history: History) -> str:
    told = hashlib.sha256(f"{results.code_version()} {history.row.final_sha256} {history.row.language}".encode())
    for event in history.events:
        told.update(event.body)
    # A certificate cannot be set again once its names are erased; that changes no event.
    told.update(str(sum(value is None for value in history.opened.values())).encode())
    return told.hexdigest()


def _row(key: str, done: Reconciliation, basis: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    found = [finding_row(finding) for finding in done.findings]
    printed: str = done.printed
    if before is not None and done.stored == done.registry:
        printed = before["printed"]
        found += [finding for finding in before["findings"] if finding["code"] == _PRINTED]
    elif before is not None:
        basis = ""  # the stored file cannot be read now: look at the page again when it is back
    return {
        "batch": key,
        "document_id": done.document_id,
        "stored": done.stored,
        "registry": done.registry,
        "logged": done.logged,
        "mailed": [{"role": role, "sha256": sha256} for role, sha256 in done.mailed.items()],
        "printed": printed,
        "in_order": not found,
        "findings": found,
        "basis": basis if printed != "not-checked" else "",
    }


def finding_row(finding: ControlFinding) -> dict[str, Any]:
    values = finding.to_json()
    return {field.name: values[field.name] for field in FINDING}


def findings_of(rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Document id and finding, one after the other."""
    for row in rows:
        for finding in row["findings"]:
            yield row["document_id"], finding
