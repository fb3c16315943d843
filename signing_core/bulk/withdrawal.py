"""Files that came in and were taken away on purpose: they leave their batch, and what they were stays on record.

Without that they would be missing in every night to come, and a batch of which most is gone would be stopped for ever. Only what is
not there can be withdrawn; a list of it is kept with the batch's results, and the list's hash is in the audit log.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from signing_core.audit_log import events
from signing_core.bulk import results
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.errors import UsageError
from signing_core.storage.database import writing
from signing_core.storage.workspace import Workspace

WITHDRAWN: Final = "files.withdrawn"
SCHEMA: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("name", pa.string()),
        ("first_sha256", pa.string()),
        ("first_seen", pa.timestamp("us", tz="UTC")),
        ("withdrawn_at", pa.timestamp("us", tz="UTC")),
        ("by", pa.string()),
        ("reason", pa.string()),
    ]
)
"""`first_sha256` is what the file was when it was read first; null when it was gone before."""


@dataclass(frozen=True)
class Withdrawn:
    names: list[str]
    file: Path | None
    """The list of them; None when none was missing."""
    left: int
    """Files that are still in the batch."""


def withdraw(
    workspace: Workspace, store: Results, ledger: Ledger, watched: Watched, key: str, *, by: str, reason: str
) -> Withdrawn:
    """Take the missing files out of a batch of files that came in.

    Raises `UsageError` for another batch, without a name or a reason, or when the watched place is not there; `ConcurrentChange`.
    """
    if not by.strip() or not reason.strip():
        raise UsageError("Say who withdraws the files and why: `by` and `reason`.")
    if ledger.batch(key).kind != "inbox":
        raise UsageError(
            f"{key} is a batch of our own documents: these are restored from a backup, and never withdrawn."
        )
    with store.locked(key, "inventory"):
        batch = ledger.batch(key)
        contents = ledger.contents(batch)
        before = {row["name"]: row for row in results.rows_of(store.of(key, "inventory"))}
        missing = watched.missing(contents)
        if not missing:
            return Withdrawn([], None, len(contents))
        now = workspace.clock()
        rows: list[dict[str, Any]] = [
            {
                "batch": key,
                "name": name,
                "first_sha256": before.get(name, {}).get("first_sha256"),
                "first_seen": contents[name],
                "withdrawn_at": now,
                "by": by.strip(),
                "reason": reason.strip(),
            }
            for name in missing
        ]
        file = store.batch(key) / f"withdrawn-{batch.last:06d}.parquet"
        results.write(file, pa.Table.from_pylist(rows, schema=SCHEMA), {"at": now.isoformat()})
        data = {"batch": key, "files": len(missing), "list": hashlib.sha256(file.read_bytes()).hexdigest()}
        with writing(workspace.engine) as connection:
            events.append(connection, type=WITHDRAWN, time=now, actor="operator", data=data)
        ledger.withdraw(batch, missing, now=now)
    return Withdrawn(missing, file, len(contents) - len(missing))
