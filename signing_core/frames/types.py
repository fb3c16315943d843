"""The types of columns: how they are in Arrow, and in pandas."""

from __future__ import annotations

from typing import Any, Final, Literal

import pandas as pd
import pyarrow as pa

Kind = Literal["text", "word", "number", "truth", "time", "hash", "json"]

ARROW: Final[dict[Kind, pa.DataType]] = {
    "text": pa.string(),
    "word": pa.dictionary(pa.int32(), pa.string()),
    "number": pa.int64(),
    "truth": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "hash": pa.string(),
    "json": pa.string(),
}
DTYPES: Final[dict[Kind, str]] = {
    "text": "str",
    "word": "category",
    "number": "Int64",
    "truth": "boolean",
    "time": "datetime64[us, UTC]",
    "hash": "str",
    "json": "str",
}
_MAPPED: Final = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(na_value=float("nan")),
}


def schema(columns: dict[str, Kind]) -> pa.Schema:
    return pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])


def array(kind: Kind, values: Any) -> pa.Array:
    """Values as the database's driver gives them: times as ISO text without zone (UTC) or aware, hashes as bytes or text."""
    if kind == "time":
        if any(isinstance(value, str) for value in values):
            return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(ARROW["time"])
        return pa.array(values, ARROW["time"])
    if kind == "hash":
        values = [value.hex() if isinstance(value, (bytes, memoryview)) else value for value in values]
    if kind == "json":
        return pa.array(values, pa.binary()).cast(pa.string())
    if kind == "word":
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, ARROW[kind])


def frame(table: pa.Table) -> pd.DataFrame:
    """The table in pandas, with the dtypes of `DTYPES`; uses the table up."""
    made: pd.DataFrame = table.unify_dictionaries().to_pandas(
        types_mapper=_MAPPED.get, split_blocks=True, self_destruct=True
    )
    return made
