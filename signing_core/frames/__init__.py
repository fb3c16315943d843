"""Tables of a workspace as pandas DataFrames and DuckDB relations. The only place in the core where pandas is imported.

::

    from signing_core import Workspace, frames

    workspace = Workspace.open("/srv/sealtrail")
    since, until = frames.period("2026-11", workspace.zone)
    documents = frames.documents(workspace, since=since, until=until)
    failures = frames.events(workspace, types=["code.wrong"], data=["role"])
    for chunk in frames.chunks("events", workspace): ...     # flat memory, however many events
    with frames.database(workspace, ["events", "documents"]) as connection:
        connection.sql("SELECT type, count(*) FROM events GROUP BY 1").df()

What columns there are and of which type says `frames.dtypes(name)`: texts are `str`, words from a small set `category`,
whole numbers that may be missing `Int64`, truth values that may be missing `boolean`, and every time is
`datetime64[us, UTC]`. Hashes are hexadecimal. Periods are half open: from `since` to before `until`, both aware.
"""

from signing_core.frames.describing import dtypes, listing
from signing_core.frames.periods import period
from signing_core.frames.reading import (
    batches,
    checkpoints,
    chunks,
    documents,
    events,
    files,
    findings,
    messages,
    parties,
)
from signing_core.frames.relations import database, relation, verdict_relation
from signing_core.frames.runs import runs
from signing_core.frames.verdicts import read_verdicts, verdict_batches, verdict_findings, verdicts

__all__ = [
    "batches",
    "checkpoints",
    "chunks",
    "database",
    "documents",
    "dtypes",
    "events",
    "files",
    "findings",
    "listing",
    "messages",
    "parties",
    "period",
    "read_verdicts",
    "relation",
    "runs",
    "verdict_batches",
    "verdict_findings",
    "verdict_relation",
    "verdicts",
]
