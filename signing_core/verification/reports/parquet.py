"""The verdicts as a Parquet file: the keys of the contract, signatures and findings as nested lists."""

from __future__ import annotations

from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from signing_core.verdict import DocumentVerdict, Json

_BATCH: Final = 1_000
"""Documents in one row group."""

_TIME: Final = pa.timestamp("us", tz="UTC")
_FINDING: Final = pa.struct(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("message", pa.string()),
        ("field", pa.string()),
        ("revision", pa.int32()),
        ("page", pa.int32()),
    ]
)
_SIGNATURE: Final = pa.struct(
    [
        ("fields", pa.list_(pa.string())),
        ("kind", pa.string()),
        ("role", pa.string()),
        ("revision", pa.int32()),
        ("sub_filter", pa.string()),
        ("level", pa.string()),
        ("docmdp", pa.int32()),
        ("signer", pa.string()),
        ("certificate", pa.struct([("sha256", pa.string()), ("issuer", pa.string()), ("serial", pa.string())])),
        ("claimed_time", _TIME),
        ("proven_time", _TIME),
        ("time_authority", pa.struct([("name", pa.string()), ("embedded", pa.bool_())])),
        ("digest_algorithm", pa.string()),
        ("signature_algorithm", pa.string()),
        ("byte_range", pa.list_(pa.int64())),
        ("covered_sha256", pa.string()),
        ("intact", pa.bool_()),
        ("coverage", pa.string()),
        ("changes", pa.string()),
        ("revocation", pa.string()),
        ("trust", pa.string()),
        ("indication", pa.string()),
        ("sub_indication", pa.string()),
        ("findings", pa.list_(_FINDING)),
    ]
)
SCHEMA: Final = pa.schema(
    [
        ("schema_version", pa.int32()),
        ("tool_version", pa.string()),
        ("policy", pa.struct([("id", pa.string()), ("sha256", pa.string())])),
        ("at", _TIME),
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("size", pa.int64()),
        ("pages", pa.int32()),
        ("encrypted", pa.bool_()),
        ("document_id", pa.string()),
        ("integrity", pa.string()),
        ("trust", pa.string()),
        ("time", pa.string()),
        ("indication", pa.string()),
        ("sub_indication", pa.string()),
        ("signatures", pa.list_(_SIGNATURE)),
        (
            "certificate",
            pa.struct(
                [
                    ("present", pa.bool_()),
                    ("sealed_by_us", pa.bool_()),
                    ("house", pa.string()),
                    ("qr", pa.string()),
                    ("prefix", pa.string()),
                ]
            ),
        ),
        ("registry", pa.string()),
        ("audit_log", pa.string()),
        ("findings", pa.list_(_FINDING)),
        ("elapsed_ms", pa.float64()),
    ]
)


class ParquetWriter:
    def __init__(self, stream: IO[bytes]) -> None:
        self._writer = pq.ParquetWriter(stream, SCHEMA, compression="zstd")
        self._waiting: list[Json] = []

    def write(self, verdict: DocumentVerdict) -> None:
        self._waiting.append(_typed(verdict))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_pylist(self._waiting, schema=SCHEMA))
            self._waiting = []


def _typed(verdict: DocumentVerdict) -> Json:
    """Like `to_json`, times as times and every text as UTF-8."""
    content = verdict.to_json() | {"at": verdict.at}
    for entry, signature in zip(content["signatures"], verdict.signatures, strict=True):
        entry["claimed_time"], entry["proven_time"] = signature.claimed_time, signature.proven_time
    cleaned: Json = _clean(content)
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
