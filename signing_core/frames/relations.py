"""The same tables as DuckDB relations, lazy from there on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from signing_core.frames import runs
from signing_core.frames.reading import batches
from signing_core.frames.tables import TABLES
from signing_core.frames.verdicts import verdict_batches
from signing_core.verdict import DocumentVerdict

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace


def relation(
    name: str, workspace: Workspace, connection: duckdb.DuckDBPyConnection, **options: Any
) -> duckdb.DuckDBPyRelation:
    """A table, or `runs`, as a DuckDB relation. Its rows stream into a table of the connection's database, which is packed in
    memory, or in its file if it has one. `options` are those of `batches`; for `runs` they are `since` and `until`.
    """
    if name == "runs":
        return _streamed(name, runs.read(workspace, **options).to_reader(), connection)
    with batches(name, workspace, **options) as stream:
        return _streamed(name, stream, connection)


def verdict_relation(
    found: Iterable[DocumentVerdict], connection: duckdb.DuckDBPyConnection
) -> duckdb.DuckDBPyRelation:
    """Verdicts, such as those of `read_verdicts`, as the relation `verdicts` with the columns of `frames.verdicts`."""
    return _streamed("verdicts", verdict_batches(found), connection)


def database(workspace: Workspace, names: Sequence[str] | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB database in memory with the named tables, by default all, `runs` included. Times are shown in UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in names if names is not None else (*TABLES, "runs"):
        relation(name, workspace, connection)
    return connection


def _streamed(
    name: str, stream: pa.RecordBatchReader, connection: duckdb.DuckDBPyConnection
) -> duckdb.DuckDBPyRelation:
    connection.register("incoming", stream)
    try:
        connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM incoming')  # noqa: S608  name is one of ours
    finally:
        connection.unregister("incoming")
    return connection.table(name)
