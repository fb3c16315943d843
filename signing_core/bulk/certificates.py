"""The authenticity certificates of a batch: whether there is one, whose seal it is, whether the QR code is ours and fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import pyarrow as pa

from signing_core.bulk import results
from signing_core.bulk.results import Results

State = Literal["valid", "none", "foreign", "not-checked", "wrong"]

SCHEMA: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("sha256", pa.string()),
        ("document_id", pa.string()),
        ("present", pa.bool_()),
        ("sealed_by_us", pa.bool_()),
        ("house", pa.string()),
        ("qr", pa.string()),
        ("prefix", pa.string()),
        ("state", pa.string()),
    ]
)


def make(store: Results, key: str) -> pa.Table:
    """Fold the certificate's part of each verdict and write `certificates.parquet`."""
    with store.locked(key, "certificates"):
        return _make(store, key)


def _make(store: Results, key: str) -> pa.Table:
    verdicts = results.rows_of(store.of(key, "signatures"), ["sha256", "document_id", "certificate"])
    rows = [
        {
            "batch": key,
            "sha256": verdict["sha256"],
            "document_id": verdict["document_id"],
            **verdict["certificate"],
            "state": state_of(verdict["certificate"]),
        }
        for verdict in verdicts
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    results.write(store.of(key, "certificates"), table, results.context_of(store.of(key, "signatures")))
    return table


def state_of(certificate: Mapping[str, Any]) -> State:
    """`valid` needs all three: our seal, our QR code, and the prefix that it names. `foreign`: another house's."""
    if not certificate["present"]:
        return "none"
    if certificate["sealed_by_us"] is False:
        return "foreign" if certificate["house"] or certificate["qr"] in ("foreign", "absent") else "wrong"
    if certificate["qr"] == "invalid" or certificate["prefix"] == "mismatch":
        return "wrong"
    if certificate["sealed_by_us"] and certificate["qr"] in ("foreign", "absent"):
        return "wrong"  # our seal on a page that shows no code of ours
    if certificate["sealed_by_us"] and certificate["qr"] == "valid" and certificate["prefix"] == "match":
        return "valid"
    return "not-checked"
