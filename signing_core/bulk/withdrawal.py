"""Files that came in and were taken away on purpose: they leave their batch, and what they were stays on record.

Without that they would be missing in every night to come, and a batch of which most is gone would be stopped for ever. Only what is
not there can be withdrawn; a list of it is kept with the batch's results, and the list's hash is in the audit log. A withdrawal that
was killed is brought to its end by the next one of its batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from signing_core.audit_log import events
from signing_core.bulk import results
from signing_core.bulk.inventory import first_read
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.errors import StorageError, UsageError
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
    """The list of them, the newest when a withdrawal that was killed was brought to its end besides; None when none was missing."""
    left: int
    """Files that are still in the batch."""


def withdraw(
    workspace: Workspace, store: Results, ledger: Ledger, watched: Watched, key: str, *, by: str, reason: str
) -> Withdrawn:
    """Take the missing files out of a batch of files that came in.

    Raises `UsageError` for another batch, without a name or a reason, or when the watched place is not there; `ConcurrentChange`;
    `StorageError` for a damaged list of a withdrawal that was killed.
    """
    if not by.strip() or not reason.strip():
        raise UsageError("Say who withdraws the files and why: `by` and `reason`.")
    if ledger.batch(key).kind != "inbox":
        raise UsageError(
            f"{key} is a batch of our own documents: these are restored from a backup, and never withdrawn."
        )
    with store.locked(key, "inventory"):
        names, file = _taken_over(workspace, store, ledger, key)
        batch = ledger.batch(key)
        contents = ledger.contents(batch)
        before = first_read(store.of(key, "inventory"))
        missing = watched.missing(contents)
        if not missing:
            return Withdrawn(names, file, len(contents))
        now = workspace.clock()
        rows: list[dict[str, Any]] = [
            {
                "batch": key,
                "name": name,
                "first_sha256": before.get((name, contents[name])),
                "first_seen": contents[name],
                "withdrawn_at": now,
                "by": by.strip(),
                "reason": reason.strip(),
            }
            for name in missing
        ]
        file = _list_of(store, batch)
        results.write(file, pa.Table.from_pylist(rows, schema=SCHEMA), {"at": now.isoformat()})
        _carry_out(workspace, ledger, batch, file, missing)
    return Withdrawn(names + missing, file, len(contents) - len(missing))


def _list_of(store: Results, batch: Batch) -> Path:
    return store.batch(batch.key) / f"withdrawn-{batch.last:06d}.parquet"


def _taken_over(workspace: Workspace, store: Results, ledger: Ledger, key: str) -> tuple[list[str], Path | None]:
    """Bring to its end what was begun: a list is never written anew, for its hash may be in the log."""
    names: list[str] = []
    file: Path | None = None
    while (left := _list_of(store, batch := ledger.batch(key))).exists():
        if not results.whole(left):
            raise StorageError(
                f"The list of withdrawn files {left} cannot be read or is damaged; put back a copy from a backup, or move it aside, "
                "and withdraw the files again."
            )
        file, listed = left, [row["name"] for row in results.rows_of(left, ["name"])]
        _carry_out(workspace, ledger, batch, file, listed)
        names += listed
    return names, file


def _carry_out(workspace: Workspace, ledger: Ledger, batch: Batch, file: Path, names: list[str]) -> None:
    now = workspace.clock()
    data = {"batch": batch.key, "files": len(names), "list": hashlib.sha256(file.read_bytes()).hexdigest()}
    with writing(workspace.engine) as connection:
        if not any(event.data.get("list") == data["list"] for event in events.of_type(connection, WITHDRAWN)):
            events.append(connection, type=WITHDRAWN, time=now, actor="operator", data=data)
    ledger.withdraw(batch, names, now=now)
