"""What columns there are, and a frame as a table to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from signing_core.display import Listing
from signing_core.frames.runs import RUNS
from signing_core.frames.tables import table
from signing_core.frames.types import DTYPES, Kind
from signing_core.frames.verdicts import FINDINGS, VERDICTS

_MADE: Final[Mapping[str, Mapping[str, Kind]]] = {"runs": RUNS, "verdicts": VERDICTS, "verdict_findings": FINDINGS}


def dtypes(name: str) -> dict[str, str]:
    """The pandas dtype of every column of a table, of `runs`, `verdicts` or `verdict_findings`; those that come only when they
    are named included."""
    columns = _MADE[name] if name in _MADE else {key: kind for key, (kind, _) in table(name).columns.items()}
    return {key: DTYPES[kind] for key, kind in columns.items()}


def listing(frame: pd.DataFrame, *, caption: str = "", limit: int = 100) -> Listing:
    """The frame as a table for a notebook's readers: nothing cut off, what is missing said. The index is left out."""
    values = [[_value(one) for one in frame[name].tolist()] for name in frame.columns]
    rows = list(zip(*values, strict=True)) if values else []
    return Listing([str(name).replace("_", " ") for name in frame.columns], rows, caption, limit)


def _value(value: Any) -> object:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
