"""What registry and audit log of the workspace say of each file of a batch; asked anew in every run."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from signing_core.bulk import results
from signing_core.bulk.results import Results
from signing_core.desk.judging import LogView, Registry
from signing_core.storage.workspace import Workspace

SCHEMA: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("name", pa.string()),
        ("sha256", pa.string()),
        ("document_id", pa.string()),
        ("registry", pa.string()),
        ("audit_log", pa.string()),
    ]
)


def make(workspace: Workspace, store: Results, key: str) -> pa.Table:
    """Look up every file of the inventory and write `registry.parquet`."""
    with store.locked(key, "registry"):
        return _make(workspace, store, key)


def _make(workspace: Workspace, store: Results, key: str) -> pa.Table:
    named = {
        row["sha256"]: row["document_id"]
        for row in results.rows_of(store.of(key, "signatures"), ["sha256", "document_id"])
    }
    registry, log = Registry(workspace), LogView(workspace)
    rows: list[dict[str, Any]] = []
    for item in results.rows_of(store.of(key, "inventory")):
        sha256 = item["sha256"]
        if sha256 is None:
            continue
        document_id = item["document_id"] or named.get(sha256)
        found = registry.lookup(sha256, document_id)
        # Of an archive batch, the document is ours whatever has become of its row in the registry.
        ours = document_id is not None and (found != "unknown" or item["document_id"] is not None)
        rows.append(
            {
                "batch": key,
                "name": item["name"],
                "sha256": sha256,
                "document_id": document_id if ours else None,
                "registry": found,
                "audit_log": log.inclusion(document_id, sha256) if ours and document_id else None,
            }
        )
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    results.write(store.of(key, "registry"), table, store.made_of(key))
    return table
