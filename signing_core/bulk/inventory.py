"""The inventory of a batch: every file with its size and SHA-256, read now, and when it was first seen."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from signing_core.bulk import results
from signing_core.bulk.files import chunks, local_files
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.controls.history import renewed_files
from signing_core.errors import StorageError
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

SCHEMA: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("position", pa.int32()),
        ("name", pa.string()),
        ("document_id", pa.string()),
        ("expected_sha256", pa.string()),
        ("sha256", pa.string()),
        ("first_sha256", pa.string()),
        ("size", pa.int64()),
        ("state", pa.string()),
        ("first_seen", pa.timestamp("us", tz="UTC")),
    ]
)
"""`document_id` and `expected_sha256` (of the registry: the completed file, or the newest with a renewed time-stamp) only for our own; `first_sha256`
of a file that came in: when it was read first; `state`: present, missing, unreadable."""

_TOGETHER: Final = 100
"""Files fetched at once from a bucket."""


@dataclass(frozen=True)
class Item:
    name: str
    """Path in the watched place, or the document's id."""
    first_seen: datetime
    document_id: str | None = None
    expected_sha256: str | None = None
    first_sha256: str | None = None


def items(workspace: Workspace, store: Results, ledger: Ledger, batch: Batch) -> list[Item]:
    """What the intake put into the batch."""
    contents = ledger.contents(batch)
    if batch.kind == "inbox":
        before = first_read(store.of(batch.key, "inventory"))
        return [Item(name, at, first_sha256=before.get((name, at))) for name, at in contents.items()]
    ids = list(contents)
    registry: dict[str, str | None] = {}
    with reading(workspace.engine) as connection:
        for some in chunks(ids, 400):
            query = sa.select(documents.c.id, documents.c.final_sha256).where(documents.c.id.in_(some))
            registry |= {row.id: row.final_sha256 for row in connection.execute(query)}
            # What is proven by a renewed archive time-stamp is proven by that file alone.
            registry |= {one: files[-1] for one, files in renewed_files(connection, some).items()}
    return [Item(one, at, document_id=one, expected_sha256=registry.get(one)) for one, at in contents.items()]


def first_read(file: Path) -> dict[tuple[str, datetime], str]:
    """What each file was when it was read first, from the inventory of the last time; by name and by when it came in, for one that
    was withdrawn and comes again is another."""
    columns = {"name", "first_seen", "sha256", "first_sha256"}
    try:
        rows = results.rows_of(file, sorted(columns & set(pq.read_schema(file).names)))
    except (OSError, pa.ArrowInvalid, StorageError):
        return {}  # none yet, or a damaged one, which is about to be replaced
    found = (((row["name"], row["first_seen"]), row.get("first_sha256") or row["sha256"]) for row in rows)
    return {key: sha256 for key, sha256 in found if sha256 is not None}


def make(workspace: Workspace, store: Results, ledger: Ledger, watched: Watched, key: str) -> pa.Table:
    """Read every file of the batch and write `inventory.parquet`; returns it.

    Raises `ConcurrentChange` when another run of the batch does not come to its end.
    """
    # One run at a time, or an inventory that was begun earlier could take the place of a newer one.
    with store.locked(key, "inventory"):
        batch = ledger.batch(key)
        context = {"batch": key, "addition": batch.last, "at": workspace.clock().isoformat()}
        rows = list(_rows(workspace, watched, batch, items(workspace, store, ledger, batch)))
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        results.write(store.of(key, "inventory"), table, context)
    return table


def _rows(workspace: Workspace, watched: Watched, batch: Batch, expected: Sequence[Item]) -> Iterator[dict[str, Any]]:
    position = 0
    for some in chunks(expected, _TOGETHER):
        with local_files(workspace, watched, batch.kind, [(one.name, one.expected_sha256) for one in some]) as paths:
            for item, path in zip(some, paths, strict=True):
                yield _row(batch, position, item, path)
                position += 1


def _row(batch: Batch, position: int, item: Item, path: Path | None) -> dict[str, Any]:
    sha256, size, state = None, None, "missing"
    if path is not None:
        try:
            with open(path, "rb", opener=_opened) as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                size, state = stream.tell(), "present"
        except FileNotFoundError:
            pass
        except OSError:
            state = "unreadable"
    return {
        "batch": batch.key,
        "position": position,
        "name": item.name,
        "document_id": item.document_id,
        "expected_sha256": item.expected_sha256,
        "sha256": sha256,
        "first_sha256": None if item.document_id else item.first_sha256 or sha256,
        "size": size,
        "state": state,
        "first_seen": item.first_seen,
    }


def _opened(path: str, _: int) -> int:
    """A regular file and nothing else: what somebody put into its place since it was listed must not be waited for, nor lead
    elsewhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return descriptor
