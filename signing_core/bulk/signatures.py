"""The signature verdicts of a batch: each different file once, in worker processes, and nothing that was done before.

A verdict is taken over when it was made of the same bytes (SHA-256), under the same rules (policy, trust, code) and not longer
ago than `oldest`. What is done is kept in parts of a few hundred documents, so a run that is killed goes on after its last part.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from signing_core.bulk import results
from signing_core.bulk.files import chunks, local_files
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.desk import judging
from signing_core.policy import Policy
from signing_core.storage.workspace import Workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Limits, Rules, verify_many
from signing_core.verification.journal import rules_digest
from signing_core.verification.reports import parquet as verdict_parquet

SCHEMA: Final = verdict_parquet.SCHEMA.append(pa.field("rules", pa.string()))
"""The keys of the contract, and `rules`: what the verdict was made under."""
PART: Final = 250
"""Documents that a killed run loses at most."""
OLDEST: Final = timedelta(days=30)
"""X.509 certificates run out and are revoked: even the same bytes are judged again after this time."""


@dataclass(frozen=True)
class Work:
    """How a batch is judged."""

    policy: Policy = field(default_factory=Policy)
    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    oldest: timedelta = OLDEST


@dataclass(frozen=True)
class Done:
    table: pa.Table
    judged: int
    """Documents judged now; the others were taken over."""
    rules: str


def rules_id(rules: Rules) -> str:
    """A name for everything but the time that a verdict depends on besides the bytes."""
    return hashlib.sha256(f"{rules_digest(rules)} {results.code_version()}".encode()).hexdigest()[:16]


def make(workspace: Workspace, store: Results, watched: Watched, key: str, work: Work) -> Done:
    """Judge the files of the batch's inventory and write `signatures.parquet`, a row for each different file."""
    now = workspace.clock()
    rules = Rules(at=now, policy=work.policy, trust=judging.trust_of(workspace))
    name = rules_id(rules)
    wanted = _wanted(store, key)
    parts = store.batch(key) / "parts"
    known = _known([store.of(key, "signatures"), *sorted(parts.glob("signatures-*.parquet"))], name, now - work.oldest)
    missing = [row for row in wanted if row["sha256"] not in known.hashes]
    made = _Parts(parts, name)
    for verdict in _judged(workspace, watched, key, missing, rules, work):
        made.add(verdict)
    made.flush()
    table = _in_order([known.table, *made.tables], [row["sha256"] for row in wanted])
    results.write(store.of(key, "signatures"), table, {"batch": key, "rules": name, "policy": rules.policy.id})
    for part in parts.glob("signatures-*.parquet"):
        part.unlink()
    return Done(table, len(missing), name)


def _wanted(store: Results, key: str) -> list[dict[str, Any]]:
    """One row of the inventory for each different file that is there."""
    columns = ["name", "expected_sha256", "sha256", "state"]
    rows = results.rows_of(store.of(key, "inventory"), columns)
    return list({row["sha256"]: row for row in reversed(rows) if row["state"] == "present"}.values())[::-1]


@dataclass(frozen=True)
class _Known:
    table: pa.Table
    hashes: frozenset[str]


def _known(files: Iterable[Path], rules: str, since: datetime) -> _Known:
    """Verdicts made earlier that still count, each file once, the newest kept."""
    tables = [pq.read_table(file) for file in files if file.is_file()]
    rows: dict[str, tuple[int, int]] = {}
    for number, table in enumerate(tables):
        columns = (table.column(name).to_pylist() for name in ("sha256", "rules", "at"))
        for index, (sha256, under, at) in enumerate(zip(*columns, strict=True)):
            if sha256 is not None and under == rules and at >= since:
                rows[sha256] = (number, index)
    kept = [
        table.take(pa.array([index for number, index in rows.values() if number == which], pa.int64()))
        for which, table in enumerate(tables)
    ]
    table = pa.concat_tables([SCHEMA.empty_table(), *(one.cast(SCHEMA) for one in kept)])
    return _Known(table, frozenset(rows))


def _judged(
    workspace: Workspace, watched: Watched, key: str, rows: Sequence[dict[str, Any]], rules: Rules, work: Work
) -> Iterator[DocumentVerdict]:
    kind = "inbox" if "/inbox-" in key else "archive"
    with ExitStack() as open_files:

        def paths() -> Iterator[Path]:
            for some in chunks(rows, PART):
                wanted = [(row["name"], row["expected_sha256"]) for row in some]
                found = open_files.enter_context(local_files(workspace, watched, kind, wanted))
                yield from (path or Path(os.devnull) for path in found)

        yield from verify_many(paths(), rules, jobs=work.jobs, limits=work.limits)


class _Parts:
    """Verdicts put away as they come."""

    def __init__(self, folder: Path, rules: str) -> None:
        self._folder = folder
        self._rules = rules
        self._waiting: list[DocumentVerdict] = []
        self._number = len(list(folder.glob("signatures-*.parquet")))
        self.tables: list[pa.Table] = []

    def add(self, verdict: DocumentVerdict) -> None:
        self._waiting.append(verdict)
        if len(self._waiting) >= PART:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        table = _table(self._waiting, self._rules)
        results.write(self._folder / f"signatures-{self._number:05d}.parquet", table, {"rules": self._rules})
        self.tables.append(table)
        self._number += 1
        self._waiting = []


def _table(verdicts: Iterable[DocumentVerdict], rules: str) -> pa.Table:
    stream = io.BytesIO()
    writer = verdict_parquet.ParquetWriter(stream)
    count = 0
    for verdict in verdicts:
        writer.write(verdict)
        count += 1
    writer.close()
    stream.seek(0)
    table = pq.read_table(stream)
    return table.append_column(SCHEMA.field("rules"), pa.array([rules] * count, pa.string())).cast(SCHEMA)


def _in_order(tables: Sequence[pa.Table], hashes: Sequence[str]) -> pa.Table:
    whole = pa.concat_tables(tables)
    where = {sha256: index for index, sha256 in enumerate(whole.column("sha256").to_pylist())}
    # A file that changed after the inventory has a verdict under another hash: it stays out, and a check finds the gap.
    return whole.take(pa.array([where[sha256] for sha256 in hashes if sha256 in where], pa.int64()))
