"""Verdicts and their findings as frames: from memory, or from the Parquet files that runs and commands wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from signing_core.frames.types import Kind, array, frame, schema
from signing_core.verdict import DocumentVerdict, rfc3339

VERDICTS: Final[dict[str, Kind]] = {
    "document_id": "text",
    "path": "text",
    "sha256": "hash",
    "size": "number",
    "pages": "number",
    "encrypted": "truth",
    "integrity": "word",
    "trust": "word",
    "time": "word",
    "indication": "word",
    "sub_indication": "word",
    "signatures": "number",
    "certificate": "truth",
    "sealed_by_us": "truth",
    "house": "text",
    "qr": "word",
    "prefix": "word",
    "registry": "word",
    "audit_log": "word",
    "in_order": "truth",
    "code": "word",
    "reason": "text",
    "at": "time",
    "policy": "word",
}
"""`certificate`: whether there is an authenticity certificate; `code` and `reason`: of the first reason."""
FINDINGS: Final[dict[str, Kind]] = {
    "document_id": "text",
    "path": "text",
    "sha256": "hash",
    "signature": "text",
    "code": "word",
    "severity": "word",
    "message": "text",
    "field": "text",
    "revision": "number",
    "page": "number",
}
"""`signature`: the fields of the signature that it is about; missing for a finding about the file."""


def verdicts(found: Iterable[DocumentVerdict]) -> pd.DataFrame:
    """A row for each verdict."""
    return _frame(VERDICTS, (_verdict(one) for one in found))


def verdict_findings(found: Iterable[DocumentVerdict]) -> pd.DataFrame:
    """A row for each finding of the verdicts, about the file or about one of its signatures."""
    return _frame(FINDINGS, (row for one in found for row in _findings(one)))


def verdict_batches(found: Iterable[DocumentVerdict], *, rows: int = 10_000) -> pa.RecordBatchReader:
    """The columns of `verdicts` as a stream of Arrow batches, for results that do not fit into memory."""
    return pa.RecordBatchReader.from_batches(schema(VERDICTS), _batches(VERDICTS, map(_verdict, found), rows))


def read_verdicts(files: Iterable[Path]) -> Iterator[DocumentVerdict]:
    """The verdicts of Parquet files, a few at a time: `sorted(folder.glob("batches/*/*/signatures.parquet"))`."""
    keys = {field.name for field in _contract()}
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=1_000):
                for row in batch.to_pylist():
                    yield DocumentVerdict.from_json(_as_json({key: row[key] for key in row if key in keys}))


def _contract() -> pa.Schema:
    from signing_core.verification.reports.parquet import SCHEMA

    return SCHEMA


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    return rfc3339(value) if isinstance(value, datetime) else value


def _frame(columns: dict[str, Kind], rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    return frame(pa.Table.from_batches([_batch(columns, list(rows))]))


def _batches(columns: dict[str, Kind], rows: Iterable[tuple[Any, ...]], size: int) -> Iterator[pa.RecordBatch]:
    remaining = iter(rows)
    while some := list(islice(remaining, size)):
        yield _batch(columns, some)


def _batch(columns: dict[str, Kind], rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    held = list(zip(*rows, strict=True)) or [() for _ in columns]
    arrays = [array(kind, values) for kind, values in zip(columns.values(), held, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(columns))


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _verdict(one: DocumentVerdict) -> tuple[Any, ...]:
    page, reason = one.certificate, one.reason
    return (
        one.document_id,
        one.path,
        one.sha256,
        one.size,
        one.pages,
        one.encrypted,
        _word(one.integrity),
        _word(one.trust),
        _word(one.time),
        _word(one.indication),
        _word(one.sub_indication),
        len(one.signatures),
        page.present,
        page.sealed_by_us,
        page.house,
        page.qr,
        page.prefix,
        one.registry,
        one.audit_log,
        one.in_order,
        reason.code if reason else None,
        one.why,
        one.at,
        one.policy.id,
    )


def _findings(one: DocumentVerdict) -> Iterator[tuple[Any, ...]]:
    parts = [(None, one.findings), *((", ".join(part.fields), part.findings) for part in one.signatures)]
    for signature, found in parts:
        for each in found:
            about = (one.document_id, one.path, one.sha256, signature)
            yield (*about, each.code, each.severity, each.message, each.field, each.revision, each.page)
