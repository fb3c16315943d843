"""From the database to Arrow batches, and from these to pandas and DuckDB. Rows stream: nothing is held but what is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from signing_core.errors import UsageError
from signing_core.frames.tables import Table, table
from signing_core.frames.types import Kind, array, frame, schema
from signing_core.storage.database import reading

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace

ROWS: Final = 50_000
"""Rows of a batch."""


# --- Batches: what everything else is made of ---


def batches(
    name: str,
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    where: Sequence[sa.ColumnElement[bool]] = (),
    data: Sequence[str] = (),
    rows: int = ROWS,
) -> pa.RecordBatchReader:
    """A table as a stream of Arrow batches of `rows` rows, in its natural order; read it once, or close it.

    `columns` names columns (see `dtypes`), `data` keys of an event's data to have as columns: texts as they are, anything
    else as JSON; a personal value is the JSON of its commitment. The whole stream shows one moment of the database. Raises
    `UsageError` for unknown names and for times without an offset.
    """
    chosen = table(name)
    if data and "body" not in chosen.columns:
        raise UsageError(f"Only events have data; {name} has the columns {', '.join(chosen.columns)}.")
    wanted = chosen.chosen(tuple(columns) if columns is not None else None)
    kinds = {key: kind for key, (kind, _) in wanted.items()} | dict.fromkeys(data, "text")
    query = _query(chosen, wanted, since, until, where, with_body=bool(data))
    return pa.RecordBatchReader.from_batches(schema(kinds), _stream(workspace, query, wanted, tuple(data), kinds, rows))


def _query(
    chosen: Table,
    wanted: Mapping[str, tuple[Kind, sa.ColumnElement[Any]]],
    since: datetime | None,
    until: datetime | None,
    where: Sequence[sa.ColumnElement[bool]],
    *,
    with_body: bool,
) -> sa.Select[Any]:
    taken = [_raw(column).label(name) for name, (_, column) in wanted.items()]
    if with_body:
        taken.append(_raw(chosen.columns["body"][1]).label("all_data"))
    query = sa.select(*taken).select_from(chosen.source).order_by(*chosen.order).where(*where)
    time = chosen.columns[chosen.time][1]
    for end, condition in ((since, time.__ge__), (until, time.__lt__)):
        if end is not None:
            if end.tzinfo is None:
                raise UsageError(f"{end} has no offset; give aware times, such as those of frames.period.")
            query = query.where(condition(end))
    return query


def _raw(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """As the driver gives it: Arrow converts whole columns, SQLAlchemy every single value."""
    return sa.type_coerce(column, sa.types.NullType())


def _stream(
    workspace: Workspace,
    query: sa.Select[Any],
    wanted: Mapping[str, tuple[Kind, sa.ColumnElement[Any]]],
    data: tuple[str, ...],
    kinds: Mapping[str, Kind],
    rows: int,
) -> Iterator[pa.RecordBatch]:
    with reading(workspace.engine) as connection:
        result = connection.execution_options(stream_results=True, max_row_buffer=rows).execute(query)
        for found in result.partitions(rows):
            held = list(zip(*found, strict=True))
            arrays = [array(kind, values) for (kind, _), values in zip(wanted.values(), held, strict=False)]
            if data:
                arrays += _data(held[-1], data)
            yield pa.RecordBatch.from_arrays(arrays, schema=schema(dict(kinds)))


def _data(bodies: Iterable[bytes], keys: tuple[str, ...]) -> list[pa.Array]:
    taken: list[list[str | None]] = [[] for _ in keys]
    for body in bodies:
        content = json.loads(bytes(body)).get("data", {})
        for values, key in zip(taken, keys, strict=True):
            value = content.get(key)
            values.append(value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return [pa.array(values, pa.string()) for values in taken]


# --- pandas ---


def chunks(name: str, workspace: Workspace, *, rows: int = ROWS, **options: Any) -> Iterator[pd.DataFrame]:
    """DataFrames of `rows` rows, one after the other; `options` are those of `batches`."""
    with batches(name, workspace, rows=rows, **options) as stream:
        for batch in stream:
            yield frame(pa.Table.from_batches([batch]))


def _frame(name: str, workspace: Workspace, **options: Any) -> pd.DataFrame:
    with batches(name, workspace, **options) as stream:
        return frame(stream.read_all())


def documents(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    completed: bool = False,
) -> pd.DataFrame:
    """The documents by the time they were created; with `completed`, the completed ones by the time of completion."""
    if not completed:
        return _frame("documents", workspace, columns=columns, since=since, until=until)
    time = table("documents").columns["completed_at"][1]
    where = [time.is_not(None), *([time >= since] if since else []), *([time < until] if until else [])]
    return _frame("documents", workspace, columns=columns, where=where)


def parties(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    with_personal: bool = False,
) -> pd.DataFrame:
    """A row for each role of each document. Names and contacts come only `with_personal`: a kept copy cannot forget."""
    names = list(table("parties").columns) if with_personal and columns is None else columns
    return _frame("parties", workspace, columns=names, since=since, until=until)


def events(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    data: Sequence[str] = (),
    types: Sequence[str] | None = None,
    document_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pd.DataFrame:
    """The audit log's events, all or those of some types or of one document. `data`: see `batches`."""
    held = table("events").columns
    where: list[sa.ColumnElement[bool]] = [held["type"][1].in_(types)] if types is not None else []
    if document_id is not None:
        where.append(held["document_id"][1] == document_id)
    return _frame("events", workspace, columns=columns, data=data, where=where, since=since, until=until)


def messages(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pd.DataFrame:
    """What was sent or is to be sent, without its content."""
    return _frame("messages", workspace, columns=columns, since=since, until=until)


def findings(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pd.DataFrame:
    """The analysts' work list, by the time a finding was first seen."""
    return _frame("findings", workspace, columns=columns, since=since, until=until)


def checkpoints(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pd.DataFrame:
    """The signed states of the audit log, with how many anchors each has."""
    return _frame("checkpoints", workspace, columns=columns, since=since, until=until)


def files(
    workspace: Workspace,
    *,
    columns: Sequence[str] | None = None,
    document_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pd.DataFrame:
    """The files that were kept of the documents, one for each step of the signing, or those of one document."""
    where = [] if document_id is None else [table("files").columns["document_id"][1] == document_id]
    return _frame("files", workspace, columns=columns, where=where, since=since, until=until)
