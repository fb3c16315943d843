"""Which file and which document is in which batch: the intake's memory, so that nothing is taken in twice or forgotten.

A small SQLite file of its own beside the results. Only the intake writes it; the steps of a batch read it.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

from signing_core.errors import UsageError

Kind = Literal["inbox", "archive"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batches (
  number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, made_at TEXT NOT NULL,
  documents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  path TEXT NOT NULL, size INTEGER NOT NULL, changed TEXT NOT NULL, batch INTEGER NOT NULL REFERENCES batches,
  PRIMARY KEY (path, size, changed)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_batch ON files (batch, path);
CREATE TABLE IF NOT EXISTS documents (
  id TEXT PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batches) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_batch ON documents (batch, id);
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
"""


@dataclass(frozen=True, order=True)
class SeenFile:
    """A file as it was listed. `changed` is whatever its store gives for that: a time, an ETag."""

    path: str
    size: int
    changed: str


@dataclass(frozen=True)
class Batch:
    number: int
    """In the order in which they were made, from 1."""
    key: str
    """`2026-11-25/inbox-003`: day, kind, number within the day."""
    kind: Kind
    made_at: datetime
    documents: int


class Ledger:
    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, timeout=30, isolation_level=None)
        # Not WAL, which keeps its index in memory that hosts do not share: the folder may be on a file system that several see.
        # A file of before that another process has open changes over at a later opening.
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.executescript(_SCHEMA)
        if self._connection.execute("SELECT 1 FROM identity").fetchone() is None:
            one = "INSERT INTO identity SELECT ? WHERE NOT EXISTS (SELECT 1 FROM identity)"
            self._connection.execute(one, (uuid.uuid4().hex,))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def identity(self) -> str:
        """Tells this ledger from that of another workspace, whose batches have the same keys: 32 hexadecimal digits."""
        return str(self._connection.execute("SELECT id FROM identity").fetchone()[0])

    def unknown_files(self, seen: Iterable[SeenFile]) -> Iterator[SeenFile]:
        """Those that are in no batch as they are now: new ones, and known ones that were changed."""
        query = "SELECT 1 FROM files WHERE path = ? AND size = ? AND changed = ?"
        for file in seen:
            if self._connection.execute(query, (file.path, file.size, file.changed)).fetchone() is None:
                yield file

    def unknown_documents(self, ids: Iterable[str]) -> Iterator[str]:
        for document_id in ids:
            if self._connection.execute("SELECT 1 FROM documents WHERE id = ?", (document_id,)).fetchone() is None:
                yield document_id

    def add_files(self, files: Sequence[SeenFile], *, day: date, now: datetime) -> Batch:
        """A batch of these files, all or none."""
        with self._writing():
            batch = self._new_batch("inbox", len(files), day, now)
            rows = [(file.path, file.size, file.changed, batch.number) for file in files]
            self._connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", rows)
        return batch

    def add_documents(self, ids: Sequence[str], *, day: date, now: datetime) -> Batch:
        with self._writing():
            batch = self._new_batch("archive", len(ids), day, now)
            self._connection.executemany("INSERT INTO documents VALUES (?, ?)", [(one, batch.number) for one in ids])
        return batch

    def batches(self, after: int = 0) -> list[Batch]:
        """Those made after the one with this number, oldest first."""
        query = "SELECT number, key, kind, made_at, documents FROM batches WHERE number > ? ORDER BY number"
        return [_batch(row) for row in self._connection.execute(query, (after,))]

    def batch(self, key: str) -> Batch:
        """Raises `UsageError` for an unknown one."""
        query = "SELECT number, key, kind, made_at, documents FROM batches WHERE key = ?"
        row = self._connection.execute(query, (key,)).fetchone()
        if row is None:
            raise UsageError(f"There is no batch {key}; the intake makes them from what arrives.")
        return _batch(row)

    def last_made(self, kind: Kind) -> datetime | None:
        """When the newest batch of that kind was made."""
        query = "SELECT made_at FROM batches WHERE kind = ? ORDER BY number DESC LIMIT 1"
        row = self._connection.execute(query, (kind,)).fetchone()
        return datetime.fromisoformat(row[0]) if row else None

    def files(self, batch: Batch) -> list[SeenFile]:
        query = "SELECT path, size, changed FROM files WHERE batch = ? ORDER BY path, changed"
        return [SeenFile(*row) for row in self._connection.execute(query, (batch.number,))]

    def documents(self, batch: Batch) -> list[str]:
        query = "SELECT id FROM documents WHERE batch = ? ORDER BY id"
        return [row[0] for row in self._connection.execute(query, (batch.number,))]

    def _new_batch(self, kind: Kind, documents: int, day: date, now: datetime) -> Batch:
        prefix = f"{day.isoformat()}/{kind}-"
        last = self._connection.execute(
            "SELECT max(CAST(substr(key, ?) AS INTEGER)) FROM batches WHERE key LIKE ?", (len(prefix) + 1, prefix + "%")
        ).fetchone()[0]
        key = f"{prefix}{(last or 0) + 1:03d}"
        cursor = self._connection.execute(
            "INSERT INTO batches (key, kind, made_at, documents) VALUES (?, ?, ?, ?)",
            (key, kind, now.isoformat(), documents),
        )
        return Batch(int(cursor.lastrowid or 0), key, kind, now, documents)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _batch(row: tuple[int, str, Kind, str, int]) -> Batch:
    number, key, kind, made_at, documents = row
    return Batch(number, key, kind, datetime.fromisoformat(made_at), documents)
