"""Until when each document's archive time-stamp is proof, kept from night to night (`time_stamps.parquet`).

What a time-stamp is made with never changes; only whether its algorithms still count does. So a file is read once, and whoever
wants to know what is due, or when it will be, asks this table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from signing_core.bulk import results
from signing_core.bulk.time_stamps import FOR_EVER, TimeStamp
from signing_core.errors import StorageError
from signing_core.policy import Algorithm, Policy

SCHEMA: Final = pa.schema(
    [
        ("document_id", pa.string()),
        ("sha256", pa.string()),
        ("certificate_ends", pa.timestamp("us", tz="UTC")),
        ("imprint", pa.string()),
        ("algorithms", pa.list_(pa.string())),
        ("proof_until", pa.timestamp("us", tz="UTC")),
        ("problem", pa.string()),
    ]
)
"""A row for each completed document, by id. `sha256` is of its newest file, with the time-stamp that counts; `proof_until` is under the
policy of the file's context; `problem` says why it could not be renewed when it was due."""


class Known:
    """What the table of the last time says, asked for document after document, by id: it is read once, as a stream."""

    def __init__(self, file: Path) -> None:
        self._rows = _rows(file)
        self._row = next(self._rows, None)

    def of(self, document_id: str, sha256: str) -> TimeStamp | None:
        while self._row is not None and self._row["document_id"] < document_id:
            self._row = next(self._rows, None)
        row = self._row
        if row is None or (row["document_id"], row["sha256"]) != (document_id, sha256) or not row["imprint"]:
            return None
        algorithms = tuple(Algorithm(**json.loads(one)) for one in row["algorithms"])
        return TimeStamp(row["certificate_ends"] or FOR_EVER, row["imprint"], algorithms)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from results.rows_in(file, ["document_id", "sha256", "certificate_ends", "imprint", "algorithms"])
    except StorageError:
        return  # a damaged file, which is about to be replaced


def row(document_id: str, sha256: str, stamp: TimeStamp | None, policy: Policy, problem: str | None) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "sha256": sha256,
        "certificate_ends": _or_null(stamp.certificate_ends) if stamp else None,
        "imprint": stamp.imprint if stamp else None,
        "algorithms": [json.dumps(asdict(one)) for one in stamp.algorithms] if stamp else [],
        "proof_until": _or_null(stamp.proof_until(policy)) if stamp else None,
        "problem": problem,
    }


def _or_null(at: datetime) -> datetime | None:
    return None if at == FOR_EVER else at
