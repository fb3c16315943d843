"""Which file and which document is in which batch: the intake's memory, so that nothing is taken in twice or forgotten.

A small SQLite file of its own beside the results. Only the intake writes it; the steps of a batch read it. A batch grows by
additions, which are numbered: who knows the last of them that it heard of hears of all that came later. One in which files are
withdrawn is numbered among them.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

from signing_core.errors import StorageError, UsageError

Kind = Literal["inbox", "archive"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batches (
  number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, made_at TEXT NOT NULL,
  documents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS additions (
  number INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES batches, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS additions_batch ON additions (batch, number);
CREATE TABLE IF NOT EXISTS files (
  path TEXT NOT NULL, size INTEGER NOT NULL, changed TEXT NOT NULL, addition INTEGER NOT NULL, withdrawn INTEGER,
  PRIMARY KEY (path, size, changed)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_addition ON files (addition, path);
CREATE TABLE IF NOT EXISTS documents (
  id TEXT PRIMARY KEY, addition INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_addition ON documents (addition, id);
CREATE TABLE IF NOT EXISTS left_out (name TEXT PRIMARY KEY, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
"""
_FROM_BEFORE: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS additions (
  number INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES batches, at TEXT NOT NULL);
INSERT INTO additions SELECT number, number, made_at FROM batches;
ALTER TABLE files RENAME COLUMN batch TO addition;
ALTER TABLE files ADD COLUMN withdrawn INTEGER;
ALTER TABLE documents RENAME COLUMN batch TO addition;
DROP INDEX files_batch;
DROP INDEX documents_batch;
COMMIT;
"""
"""A ledger of the time when a batch never grew: each is one addition of the same number."""
_BATCH: Final = """
SELECT b.number, b.key, b.kind, b.made_at, b.documents, (SELECT max(number) FROM additions WHERE batch = b.number)
FROM batches b
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
    """In the order in which they were begun, from 1."""
    key: str
    """`2026-11-25/inbox-003`: day, kind, number within the day."""
    kind: Kind
    made_at: datetime
    documents: int
    last: int
    """The number of its newest addition."""


@dataclass(frozen=True)
class Size:
    """When a batch is closed, so that the next is begun: with `largest` documents, or with its day unless it has fewer than
    `fewest`, or with its month."""

    largest: int = 5_000
    fewest: int = 500

    def room(self, batch: Batch, day: date) -> int:
        """How many more documents may come into it on that day."""
        begun = date.fromisoformat(batch.key.partition("/")[0])
        small = batch.documents < self.fewest and (begun.year, begun.month) == (day.year, day.month)
        return max(0, self.largest - batch.documents) if begun == day or small else 0


SIZE: Final = Size()
"""Minutes of work at most, so that what a killed run loses stays small; and not a batch for every handful of files, for each is a
run in every night to come."""


_Share = tuple[int, Sequence[str]]
"""The number of an addition, and the names that come with it."""


class Ledger:
    """Raises `StorageError` for a file that is damaged or is none of SQLite's."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, timeout=30, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.OperationalError:
            self._connection.close()
            raise  # locked, full, without rights: not of the file
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StorageError(
                f"{file} is damaged ({error}); put back a copy from a backup, or move the folder {file.parent} aside: then "
                "everything is taken in and checked anew."
            ) from error

    def _prepare(self) -> None:
        # Not WAL, which keeps its index in memory that hosts do not share: the folder may be on a file system that several see.
        # A file of before that another process has open changes over at a later opening.
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = DELETE")
        if self._is_from_before():
            self._bring_up()
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

    def is_behind(self, addition: int) -> bool:
        """Whether somebody has heard of an addition of this number that the ledger does not know: it was restored from a backup."""
        return addition > self._newest_addition()

    def begin_anew(self) -> None:
        """Give it another identity, for its numbers from now on mean something else than those that were heard of before."""
        with self._writing():
            self._connection.execute("UPDATE identity SET id = ?", (uuid.uuid4().hex,))

    def unknown_files(self, seen: Iterable[SeenFile]) -> Iterator[SeenFile]:
        """Those that are in no batch as they are now: new ones, and known ones that were changed."""
        query = "SELECT 1 FROM files WHERE path = ? AND size = ? AND changed = ? AND withdrawn IS NULL"
        for file in seen:
            if self._connection.execute(query, (file.path, file.size, file.changed)).fetchone() is None:
                yield file

    def unknown_documents(self, ids: Iterable[str]) -> Iterator[str]:
        for document_id in ids:
            if self._connection.execute("SELECT 1 FROM documents WHERE id = ?", (document_id,)).fetchone() is None:
                yield document_id

    def add_files(self, files: Sequence[SeenFile], *, day: date, now: datetime, size: Size = SIZE) -> list[Batch]:
        """Put these files into batches, all or none of them; returns the batches.

        New ones go into the one that is open, or into new ones; one that is known and was changed stays in its batch.
        """
        by_path: dict[str, list[SeenFile]] = {}
        for file in files:
            by_path.setdefault(file.path, []).append(file)
        with self._writing():
            before = self._newest_addition()
            places = {path: self._place_of(path) for path in by_path}
            changed: dict[int, list[str]] = {}
            for path, batch in places.items():
                if batch is not None:
                    changed.setdefault(batch, []).append(path)
            shares: list[_Share] = [(self._new_addition(batch, now, 0), paths) for batch, paths in changed.items()]
            shares += self._shares("inbox", [path for path, batch in places.items() if batch is None], day, now, size)
            for addition, paths in shares:
                rows = [(one.path, one.size, one.changed, addition) for path in paths for one in by_path[path]]
                # In place of the same file where it was withdrawn and has come again.
                self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, NULL)", rows)
        return self.batches(after=before)

    def add_documents(self, ids: Sequence[str], *, day: date, now: datetime, size: Size = SIZE) -> list[Batch]:
        """The same for documents of our own."""
        with self._writing():
            before = self._newest_addition()
            for addition, some in self._shares("archive", ids, day, now, size):
                self._connection.executemany("INSERT INTO documents VALUES (?, ?)", [(one, addition) for one in some])
        return self.batches(after=before)

    def batches(self, after: int = 0) -> list[Batch]:
        """Those that have an addition after the one of this number, in the order of their newest."""
        query = _BATCH + "WHERE b.number IN (SELECT batch FROM additions WHERE number > ?)"  # noqa: S608
        found = self._connection.execute(query, (after,))
        return sorted((_batch(row) for row in found), key=lambda batch: batch.last)

    def batch(self, key: str) -> Batch:
        """Raises `UsageError` for an unknown one."""
        row = self._connection.execute(_BATCH + "WHERE b.key = ?", (key,)).fetchone()
        if row is None:
            raise UsageError(f"There is no batch {key}; the intake makes them from what arrives.")
        return _batch(row)

    def contents(self, batch: Batch, up_to: int | None = None) -> dict[str, datetime]:
        """The paths of its files or the ids of its documents, in order, and when each came in; as it is, or as it was when
        `up_to` was its newest addition."""
        if batch.kind == "inbox":
            names, table, kept = "path", "files", "AND (c.withdrawn IS NULL OR c.withdrawn > :up_to)"
        else:
            names, table, kept = "id", "documents", ""
        query = f"""
            SELECT c.{names}, min(a.at) FROM additions a JOIN {table} c ON c.addition = a.number
            WHERE a.batch = :batch AND a.number <= :up_to {kept} GROUP BY 1 ORDER BY 1"""  # noqa: S608
        values = {"batch": batch.number, "up_to": batch.last if up_to is None else up_to}
        rows = self._connection.execute(query, values)
        return {name: datetime.fromisoformat(at) for name, at in rows}

    def withdraw(self, batch: Batch, paths: Iterable[str], *, now: datetime) -> Batch:
        """Take files out of a batch for good, all or none of them; the batch as it is then. One that comes again is new."""
        with self._writing():
            here = self.contents(self.batch(batch.key))
            gone = [path for path in paths if path in here]
            number = self._new_addition(batch.number, now, -len(gone))
            query = "UPDATE files SET withdrawn = ? WHERE path = ? AND withdrawn IS NULL"
            self._connection.executemany(query, [(number, path) for path in gone])
        return self.batch(batch.key)

    def leave_out(self, named: Mapping[str, str]) -> None:
        """Keep what could not be taken in the last time, and why, in place of what was kept before."""
        if dict(named) != self.left_out():
            with self._writing():
                self._connection.execute("DELETE FROM left_out")
                self._connection.executemany("INSERT INTO left_out VALUES (?, ?)", list(named.items()))

    def left_out(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT name, why FROM left_out ORDER BY name").fetchall())

    def last_added(self, kind: Kind) -> datetime | None:
        """When something came into a batch of that kind last."""
        return next(self._added(kind), None)

    def added_since(self, kind: Kind, since: datetime) -> list[datetime]:
        """The times since then at which something came into batches of that kind, oldest first."""
        return sorted(set(takewhile(lambda at: at >= since, self._added(kind))))

    def _added(self, kind: Kind) -> Iterator[datetime]:
        """Newest first."""
        query = """
            SELECT a.at FROM additions a JOIN batches b ON b.number = a.batch
            WHERE b.kind = ? ORDER BY a.number DESC"""
        return (datetime.fromisoformat(at) for (at,) in self._connection.execute(query, (kind,)))

    def _place_of(self, path: str) -> int | None:
        """The number of the batch that a path is in."""
        query = """
            SELECT a.batch FROM files f JOIN additions a ON a.number = f.addition
            WHERE f.path = ? AND f.withdrawn IS NULL ORDER BY a.number DESC"""
        row = self._connection.execute(query, (path,)).fetchone()
        return int(row[0]) if row else None

    def _shares(self, kind: Kind, names: Sequence[str], day: date, now: datetime, size: Size) -> list[_Share]:
        """First what the open batch has room for."""
        shares: list[_Share] = []
        row = self._connection.execute(_BATCH + "WHERE b.kind = ? ORDER BY b.number DESC LIMIT 1", (kind,)).fetchone()
        newest = _batch(row) if row else None
        start = 0
        while start < len(names):
            room = size.room(newest, day) if newest else 0
            number = newest.number if newest and room else self._new_batch(kind, day, now)
            some = names[start : start + (room or size.largest)]
            shares.append((self._new_addition(number, now, len(some)), some))
            start += len(some)
            newest = None  # it is full, or this was all
        return shares

    def _newest_addition(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(number), 0) FROM additions").fetchone()[0])

    def _new_addition(self, batch: int, now: datetime, documents: int) -> int:
        self._connection.execute("UPDATE batches SET documents = documents + ? WHERE number = ?", (documents, batch))
        cursor = self._connection.execute("INSERT INTO additions (batch, at) VALUES (?, ?)", (batch, now.isoformat()))
        return int(cursor.lastrowid or 0)

    def _new_batch(self, kind: Kind, day: date, now: datetime) -> int:
        prefix = f"{day.isoformat()}/{kind}-"
        last = self._connection.execute(
            "SELECT max(CAST(substr(key, ?) AS INTEGER)) FROM batches WHERE key LIKE ?", (len(prefix) + 1, prefix + "%")
        ).fetchone()[0]
        cursor = self._connection.execute(
            "INSERT INTO batches (key, kind, made_at, documents) VALUES (?, ?, ?, 0)",
            (f"{prefix}{(last or 0) + 1:03d}", kind, now.isoformat()),
        )
        return int(cursor.lastrowid or 0)

    def _is_from_before(self) -> bool:
        return any(row[1] == "batch" for row in self._connection.execute("PRAGMA table_info(files)"))

    def _bring_up(self) -> None:
        try:
            self._connection.executescript(_FROM_BEFORE)
        except sqlite3.Error:
            with suppress(sqlite3.OperationalError):
                self._connection.execute("ROLLBACK")
            if self._is_from_before():  # else another process came first
                raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _batch(row: tuple[int, str, Kind, str, int, int]) -> Batch:
    number, key, kind, made_at, documents, last = row
    return Batch(number, key, kind, datetime.fromisoformat(made_at), documents, last)
