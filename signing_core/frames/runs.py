"""Runs of pipelines and of audit notebooks, as the audit log has them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from signing_core.frames.reading import batches
from signing_core.frames.tables import table
from signing_core.frames.types import Kind, array, frame, schema

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace

TYPES: Final = ("report.issued", "notebook.executed")
"""Events of runs: a report of the pipelines, an audit notebook."""
RUNS: Final[dict[str, Kind]] = {
    "seq": "number",
    "time": "time",
    "type": "word",
    "run": "text",
    "name": "word",
    "parameters": "text",
    "documents": "number",
    "exceptions": "number",
    "in_order": "truth",
    "statement": "text",
    "sha256": "text",
}
"""`documents` and `exceptions` are a report's, `name`, `parameters` (JSON), `in_order` and `statement` a notebook's; `sha256` is
JSON for a report of several files."""


def read(workspace: Workspace, since: datetime | None = None, until: datetime | None = None) -> pa.Table:
    """One row for each run, oldest first."""
    keys = [key for key in RUNS if key not in ("seq", "time", "type")]
    where = [table("events").columns["type"][1].in_(TYPES)]
    with batches(
        "events", workspace, columns=["seq", "time", "type"], data=keys, since=since, until=until, where=where
    ) as stream:
        found = stream.read_all()
    held = [
        found[key].combine_chunks() if key in ("seq", "time", "type") else array(kind, _values(found[key], kind))
        for key, kind in RUNS.items()
    ]
    return pa.table(held, schema=schema(RUNS))


def runs(workspace: Workspace, *, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
    """Reports of the pipelines and audit notebooks that were run, oldest first. Dtypes: `dtypes("runs")`."""
    return frame(read(workspace, since, until))


def _values(column: pa.ChunkedArray, kind: Kind) -> list[Any]:
    """Numbers and truth values came as JSON."""
    values: list[Any] = column.to_pylist()
    if kind in ("number", "truth"):
        return [None if value is None else json.loads(value) for value in values]
    return values
