"""Where results are: one folder in the workspace, one Parquet file for each batch and kind.

::

    results/
      intake.sqlite                        which file and document is in which batch
      batches/2026-11-25/inbox-003/        inventory, signatures, certificates, registry, reconciliation .parquet
        parts/                             what an interrupted step has done so far
      controls.parquet, audit_log.parquet, time_stamps.parquet   of the whole workspace
      exceptions.parquet                   of the newest report
      reports/20261125T020000.123Z-ab12cd34/   report.html, report.pdf, exceptions.parquet, summary.json

A file appears only when it is whole, so that a reader sees the old or the new one. No two batches write the same place, and of
the runs of one batch one at a time is in a step that keeps parts (`Results.locked`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from signing_core.errors import ConcurrentChange, StorageError, UsageError
from signing_core.storage.durable import sync_folder
from signing_core.storage.locks import file_lock
from signing_core.verification.reports.interface import atomic

_KEY: Final = re.compile(r"\d{4}-\d{2}-\d{2}/(inbox|archive)-\d{3,}")
_CONTEXT: Final = b"sealtrail"
_AT_ONCE: Final = 500
_ROWS: Final = 5_000
"""Rows of a row group where a file is written as it comes."""
WAIT: Final = 4 * 3600.0
"""Seconds. The lock ends with the process that holds it, so what is waited for is work, at most a large batch."""


@dataclass(frozen=True)
class Results:
    folder: Path

    def batch(self, key: str) -> Path:
        """The folder of a batch such as `2026-11-25/inbox-003`. Raises `UsageError` for anything else."""
        if not _KEY.fullmatch(key):
            raise UsageError(f"{key} is not the key of a batch; keys are like 2026-11-25/inbox-003.")
        return self.folder / "batches" / key

    def of(self, key: str, kind: str) -> Path:
        return self.batch(key) / f"{kind}.parquet"

    def made_of(self, key: str) -> dict[str, Any]:
        """For the context of what is made from a batch's inventory: the batch, and of which inventory it is.

        A step that fails leaves what it made the last time; by this the report tells the one from the other.
        """
        return {"batch": key, "inventory": context_of(self.of(key, "inventory")).get("at")}

    @contextmanager
    def locked(self, key: str, kind: str) -> Iterator[None]:
        """Be the only run that makes this kind of a batch's results: from reading what is there to the end of writing.

        Another run waits and then takes over what the first has done. Not reentrant. Raises `ConcurrentChange` after `WAIT`.
        """
        with only_writer(self.of(key, kind), f"the {kind} of batch {key}"):
            yield

    def withdrawals(self, key: str) -> list[Path]:
        """The lists of the files that were withdrawn from a batch: evidence, which nothing makes anew."""
        return sorted(self.batch(key).glob("withdrawn-*.parquet"))


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold the file `lock` alone for the block, waiting for whoever has it. Raises `ConcurrentChange` after `WAIT`."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(lock, WAIT) as held:
        if not held:
            hours = f"{WAIT / 3600:g} hours"
            raise ConcurrentChange(f"Another run has been working on {what} for {hours}; end it or wait for it.")
        yield


@contextmanager
def only_writer(file: Path, what: str) -> Iterator[None]:
    """Be alone in writing `file`; what runs that were killed while they wrote it have left beside it is removed."""
    with alone(file.with_name(f".{file.stem}.lock"), what):
        clear_unfinished(file)
        yield


def clear_unfinished(file: Path) -> None:
    """The caller is the only one who writes `file`."""
    for left in file.parent.glob(f".{file.name}.*"):
        left.unlink(missing_ok=True)


def write(file: Path, table: pa.Table, context: Mapping[str, Any] | None = None) -> None:
    """Write a table, whole or not at all. `context` says what it was made under and comes back from `context_of`."""
    with appending(file, table.schema, context) as writer:
        writer.write_table(table)


@contextmanager
def appending(file: Path, schema: pa.Schema, context: Mapping[str, Any] | None = None) -> Iterator[pq.ParquetWriter]:
    """A Parquet file written piece by piece, in its place only at the end of the block."""
    file.parent.mkdir(parents=True, exist_ok=True)
    held = {_CONTEXT: json.dumps(context or {}, sort_keys=True).encode()}
    with atomic(file) as stream, pq.ParquetWriter(stream, schema.with_metadata(held), compression="zstd") as writer:
        yield writer
    sync_folder(file.parent)


class Rows:
    """Rows gathered for a writer, so that memory stays flat however many there are."""

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._writer = writer
        self._schema = schema
        self._waiting: list[Mapping[str, Any]] = []
        self.count = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self._waiting.append(row)
        self.count += 1
        if len(self._waiting) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema))
            self._waiting = []


def context_of(file: Path) -> dict[str, Any]:
    """What a file was made under; empty when it is not there or not ours."""
    try:
        metadata = pq.read_schema(file).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return {}
    found: dict[str, Any] = json.loads(metadata.get(_CONTEXT, b"{}"))
    return found


def rows_of(file: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a file as plain values; none when it is not there."""
    return list(rows_in(file, columns))


def rows_in(file: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The same one after the other, a few hundred of them in memory."""
    for table in tables_in(file, _AT_ONCE, columns):
        yield from table.to_pylist()


def tables_in(file: Path, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """A file in tables of up to so many rows; none when it is not there. Raises `StorageError` for a damaged one."""
    if not file.is_file():
        return
    try:
        with pq.ParquetFile(file) as source:
            for batch in source.iter_batches(rows, columns=list(columns) if columns else None):
                yield pa.Table.from_batches([batch])
    except (OSError, pa.ArrowException) as error:
        raise StorageError(
            f"{file} cannot be read or is damaged; remove it, and the next run makes it anew."
        ) from error


def whole(file: Path) -> bool:
    """Whether it is there and has the end of a file of results. Each appears whole; a disk or a hand can damage it later."""
    try:
        pq.read_metadata(file)
    except (OSError, pa.ArrowException):
        return False
    return True
