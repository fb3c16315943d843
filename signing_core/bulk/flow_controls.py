"""The controls over every document that any record of the workspace knows, running ones included."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from signing_core import controls, findings
from signing_core.bulk import results
from signing_core.bulk.reconciling import FINDING, finding_row
from signing_core.bulk.results import Results, Rows
from signing_core.storage.workspace import Workspace

SCHEMA: Final = pa.schema([("document_id", pa.string()), *((field.name, field.type) for field in FINDING)])


@dataclass(frozen=True)
class Done:
    documents: int
    findings: dict[str, int]
    """How many of each code."""


def make(workspace: Workspace, store: Results) -> Done:
    """Check all documents; write `controls.parquet`, a row for each finding, and bring the work list in line."""
    with results.only_writer(store.folder / "controls.parquet", "the controls"):
        return _make(workspace, store)


def _make(workspace: Workspace, store: Results) -> Done:
    now = workspace.clock()
    count, codes = 0, Counter[str]()
    with results.appending(store.folder / "controls.parquet", SCHEMA, {"at": now.isoformat()}) as writer:
        rows = Rows(writer, SCHEMA)
        for ids in controls.in_parts(workspace):
            looked = list(controls.look(workspace, ids, now=now, part="flow"))
            count += len(looked)
            for finding in (finding for one in looked for finding in one.findings):
                rows.add({"document_id": finding.document_id, **finding_row(finding)})
                codes[finding.code] += 1
            findings.record_looked(workspace, looked, now)
        rows.flush()
    return Done(count, dict(sorted(codes.items())))
