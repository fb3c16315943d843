"""The results of many batches as views in DuckDB, one for each step, so that memory does not grow with the archive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import duckdb
import pyarrow as pa

from signing_core.bulk.results import Results

STEPS: Final = ("inventory", "signatures", "certificates", "registry", "reconciliation")
"""What is made of a batch, in order; the names of the views."""


def make_views(database: duckdb.DuckDBPyConnection, store: Results, keys: list[str]) -> None:
    """A view for each kind over the batches that count, with the batch's key; empty ones where there is nothing."""
    for step, schema in _schemas().items():
        files = [str(store.of(key, step)) for key in keys if store.of(key, step).is_file()]
        # The first has every column and no row: there may be no file yet, or only such as an earlier version wrote.
        empty = schema.empty_table().append_column("filename", pa.array([], pa.string()))
        database.from_arrow(empty).create_view(f"no_{step}")
        query = f"SELECT * FROM no_{step}"  # noqa: S608
        if files:
            database.read_parquet(files, filename=True, union_by_name=True).create_view(f"all_{step}")
            query += f" UNION ALL BY NAME SELECT * FROM all_{step}"  # noqa: S608
        query = f"SELECT *, regexp_extract(filename, '([^/]+/[^/]+)/[^/]+$', 1) AS key FROM ({query})"  # noqa: S608
        database.sql(query).create_view(step)


def _schemas() -> dict[str, Any]:
    from signing_core.bulk import certificates, inventory, reconciling, registry, signatures

    modules = (inventory, signatures, certificates, registry, reconciling)
    return {step: module.SCHEMA for step, module in zip(STEPS, modules, strict=True)}


def rows(database: duckdb.DuckDBPyConnection, query: str, **values: Any) -> Iterator[dict[str, Any]]:
    cursor = database.cursor()
    cursor.execute(query, values or None)
    names = [column[0] for column in cursor.description or ()]
    while some := cursor.fetchmany(1_000):
        yield from (dict(zip(names, row, strict=True)) for row in some)
