"""From the results of all batches to the exceptions and the counts of a run.

DuckDB reads the Parquet files and hands over only the rows that are not in order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import duckdb

from signing_core.bulk import checks, log_nightly, log_state, results
from signing_core.bulk.batch_state import BatchState, state_of
from signing_core.bulk.batch_views import make_views
from signing_core.bulk.checks import BOUNDS, Bounds
from signing_core.bulk.document_cases import TIME_STAMPS, add_documents, add_not_reconciled, add_time_stamps
from signing_core.bulk.exceptions import Case, Cases
from signing_core.bulk.file_cases import add_duplicates, add_files
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results
from signing_core.controls import CATALOGUE

_CONTROLS: Final = "controls"
_LOG: Final = "audit_log"
"""Results of the whole workspace, by the names of their files."""


@dataclass
class Gathered:
    cases: Cases = field(default_factory=Cases)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By question (`files`, `integrity`, ...), then by answer."""
    batches: dict[str, str] = field(default_factory=dict)
    """Key of each batch, and `finished`, `waiting` or `stopped`."""
    policies: set[tuple[str, str]] = field(default_factory=set)
    """Id and SHA-256 of the policies under which the verdicts were made."""


def gather(
    store: Results, ledger: Ledger, now: datetime, bounds: Bounds = BOUNDS, under_way: Collection[str] = ()
) -> Gathered:
    """Everything that the newest results of all batches, the controls and the log's replay say.

    `under_way` are the keys of batches that are being worked on: what is missing there is on its way.
    """
    found = Gathered()
    believed: dict[str, BatchState] = {}
    files = {name: store.folder / f"{name}.parquet" for name in (_CONTROLS, _LOG, TIME_STAMPS)}
    all_batches = ledger.batches()
    batches = [batch for batch in all_batches if batch.documents]  # of others all was withdrawn
    files |= {batch.key: store.of(batch.key, "inventory") for batch in batches}
    for source, file in files.items():
        if at := results.context_of(file).get("at"):
            found.cases.made_at[source] = datetime.fromisoformat(at)
    for batch in batches:
        state = state_of(store, batch)
        stopped = checks.problem(store, ledger, batch.key, bounds)
        if not stopped:
            believed[batch.key] = state
            stopped = state.left_behind(now, under_way=batch.key in under_way)
        if stopped:
            found.cases.add(batch.key, "batch-stopped", stopped, batch=batch.key, evidence=[f"batch {batch.key}"])
        found.batches[batch.key] = "stopped" if stopped else "finished" if state.whole else "waiting"
        found.policies |= {state.policy} if state.policy else set()
    for batch in all_batches:
        if damaged := checks.withdrawals_whole(store, batch.key):
            subject, evidence = f"{batch.key} withdrawn", [f"batch {batch.key}"]
            found.cases.add(subject, "withdrawals-damaged", damaged, batch=batch.key, evidence=evidence, source="now")
    for name, why in ledger.left_out().items():
        found.cases.add(name, "file-left-out", why, files=[name], evidence=[f"file {name}"])

    def reconciled(key: str) -> bool:
        """Whether a reconciliation of everything in the inventory is there; a run may have made a new inventory meanwhile."""
        return believed[key] == state_of(store, believed[key].batch) and "reconciliation" in believed[key].current

    with duckdb.connect() as database:
        database.execute("SET GLOBAL TimeZone = 'UTC'")  # global: for its cursors too
        make_views(database, store, list(believed))
        add_files(database, found.cases)
        add_documents(database, found.cases)
        add_not_reconciled(database, found.cases, reconciled)
        add_duplicates(database, found.cases)
        add_time_stamps(database, store, found.cases, now)
        found.counts = _counts(database)
    _controls(store, found)
    _log(store, found)
    _remarks(store, found)
    return found


def _controls(store: Results, found: Gathered) -> None:
    for row in _controlled(store):
        if CATALOGUE[row["code"]].severity != "info":
            _add(found, row)


def _remarks(store: Results, found: Gathered) -> None:
    """Only of what is an exception anyhow: there may be one of every document, and the work list has them from the controls."""
    for row in _controlled(store):
        if row["document_id"] in found.cases and CATALOGUE[row["code"]].severity == "info":
            _add(found, row)


def _controlled(store: Results) -> Iterator[dict[str, Any]]:
    return results.rows_in(store.folder / f"{_CONTROLS}.parquet")


def _add(found: Gathered, row: dict[str, Any]) -> None:
    one = row["document_id"]
    found.cases.add(one, row["code"], row["message"], document_id=one, evidence=row["evidence"], source=_CONTROLS)


def _log(store: Results, found: Gathered) -> None:
    found.cases.made_at |= log_nightly.looked_at(store)
    for one in log_state.findings_of(store):
        subject = one.document_id or "audit-log"
        found.cases.add(
            subject, one.code, one.message, document_id=one.document_id, evidence=one.evidence, source=one.source
        )


def _counts(database: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    questions = {
        "files": "SELECT state, count(*) FROM inventory GROUP BY 1",
        "integrity": "SELECT integrity, count(*) FROM signatures GROUP BY 1",
        "indication": "SELECT coalesce(indication, 'none'), count(*) FROM signatures GROUP BY 1",
        "certificates": "SELECT state, count(*) FROM certificates GROUP BY 1",
        "registry": "SELECT registry, count(*) FROM registry GROUP BY 1",
        "audit_log": "SELECT coalesce(audit_log, 'not ours'), count(*) FROM registry GROUP BY 1",
        "reconciliation": "SELECT if(in_order, 'in order', 'not in order'), count(*) FROM reconciliation GROUP BY 1",
        "printed": "SELECT printed, count(*) FROM reconciliation GROUP BY 1",
    }
    return {name: dict(sorted(database.sql(query).fetchall())) for name, query in questions.items()}


def worst(cases: list[Case], count: int = 20) -> list[Case]:
    """The first `count` that nobody has settled yet."""
    return [case for case in cases if not case.settled][:count]
