"""The controls over every document of the workspace, running ones included."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from signing_core import findings
from signing_core.bulk import results
from signing_core.bulk.reconciling import FINDING, finding_row
from signing_core.bulk.results import Results, Rows
from signing_core.controls import check, histories, log_rules
from signing_core.controls.catalogue import FLOW
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

SCHEMA: Final = pa.schema([("document_id", pa.string()), *((field.name, field.type) for field in FINDING)])
_TOGETHER: Final = 400


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
    count, codes, last = 0, Counter[str](), ""
    with results.appending(store.folder / "controls.parquet", SCHEMA, {"at": now.isoformat()}) as writer:
        rows = Rows(writer, SCHEMA)
        while ids := _ids_after(workspace, last):
            last = ids[-1]
            count += len(ids)
            found = [finding for history in histories(workspace, ids) for finding in check(history, now)]
            for finding in found:
                rows.add({"document_id": finding.document_id, **finding_row(finding)})
                codes[finding.code] += 1
            findings.record_of_some(workspace, found, ids, now, codes={*FLOW, *log_rules.CODES})
        rows.flush()
    return Done(count, dict(sorted(codes.items())))


def _ids_after(workspace: Workspace, last: str) -> list[str]:
    query = sa.select(documents.c.id).where(documents.c.id > last).order_by(documents.c.id).limit(_TOGETHER)
    with reading(workspace.engine) as connection:
        return list(connection.execute(query).scalars())
