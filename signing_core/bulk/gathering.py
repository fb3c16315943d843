"""From the results of all batches to the exceptions and the counts of a run.

DuckDB reads the Parquet files and hands over only the rows that are not in order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import duckdb

from signing_core.bulk import checks, log_state, results
from signing_core.bulk.batch_views import STEPS, make_views
from signing_core.bulk.checks import BOUNDS, Bounds
from signing_core.bulk.document_cases import TIME_STAMPS, add_documents, add_not_reconciled, add_time_stamps
from signing_core.bulk.exceptions import Case, Cases
from signing_core.bulk.file_cases import add_duplicates, add_files
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.results import Results

_CONTROLS: Final = "controls"
_LOG: Final = "audit_log"
"""Results of the whole workspace, by the names of their files."""
_NIGHTLY: Final = timedelta(hours=26)
"""A day, and two hours for a night that took its time."""


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
    believed: list[str] = []
    files = {name: store.folder / f"{name}.parquet" for name in (_CONTROLS, _LOG, TIME_STAMPS)}
    batches = [batch for batch in ledger.batches() if batch.documents]  # of others all was withdrawn
    files |= {batch.key: store.of(batch.key, "inventory") for batch in batches}
    for source, file in files.items():
        if at := results.context_of(file).get("at"):
            found.cases.made_at[source] = datetime.fromisoformat(at)
    for batch in batches:
        stopped = checks.problem(store, ledger, batch.key, bounds)
        if not stopped:
            believed.append(batch.key)
            stopped = _left_behind(store, batch, now, under_way=batch.key in under_way)
        if stopped:
            found.cases.add(batch.key, "batch-stopped", stopped, batch=batch.key, evidence=[f"batch {batch.key}"])
        read_with = results.context_of(files[batch.key]).get("addition")
        done = read_with == batch.last and _is_whole(store, batch.key)
        found.batches[batch.key] = "stopped" if stopped else "finished" if done else "waiting"
        found.policies |= _policy(store, batch.key)
    for name, why in ledger.left_out().items():
        found.cases.add(name, "file-left-out", why, files=[name], evidence=[f"file {name}"])
    with duckdb.connect() as database:
        make_views(database, store, believed)
        add_files(database, found.cases)
        add_documents(database, found.cases)
        add_not_reconciled(
            database, found.cases, {key for key in believed if store.of(key, "reconciliation").is_file()}
        )
        add_duplicates(database, found.cases)
        add_time_stamps(database, store, found.cases, now)
        found.counts = _counts(database)
    _controls(store, found)
    _log(store, found)
    return found


def _left_behind(store: Results, batch: Batch, now: datetime, *, under_way: bool) -> str | None:
    """Why the results of a batch are not those of the last night: a step that fails leaves what it made before."""
    inventory = results.context_of(store.of(batch.key, "inventory")).get("at")
    looked = datetime.fromisoformat(inventory) if inventory else batch.made_at
    missing = [step for step in STEPS if not store.of(batch.key, step).is_file()]
    old = [step for step in STEPS[1:] if step not in missing and not _of_inventory(store, batch.key, step, inventory)]
    late = now - looked > _NIGHTLY
    if old and (late or not under_way):
        return f"Of the files as they were read at {looked:%Y-%m-%d %H:%M} UTC there is no new {', no new '.join(old)}: that step failed."
    if not late:
        return None
    if missing:
        return f"It came in at {batch.made_at:%Y-%m-%d %H:%M} UTC and has no {', no '.join(missing)} yet."
    return f"Its files were read last at {looked:%Y-%m-%d %H:%M} UTC; every night was to look at them anew."


def _is_whole(store: Results, key: str) -> bool:
    inventory = results.context_of(store.of(key, "inventory")).get("at")
    return all(store.of(key, step).is_file() and _of_inventory(store, key, step, inventory) for step in STEPS[1:])


def _of_inventory(store: Results, key: str, step: str, inventory: str | None) -> bool:
    return results.context_of(store.of(key, step)).get("inventory") == inventory


def _policy(store: Results, key: str) -> set[tuple[str, str]]:
    """Under which policy a batch's verdicts were made: its id and SHA-256."""
    policy = results.context_of(store.of(key, "signatures")).get("policy")
    return {(policy["id"], policy["sha256"])} if policy else set()


def _controls(store: Results, found: Gathered) -> None:
    for row in results.rows_of(store.folder / f"{_CONTROLS}.parquet"):
        one = row["document_id"]
        found.cases.add(one, row["code"], row["message"], document_id=one, evidence=row["evidence"], source=_CONTROLS)


def _log(store: Results, found: Gathered) -> None:
    for one in log_state.findings_of(store):
        subject = one.document_id or "audit-log"
        found.cases.add(subject, one.code, one.message, document_id=one.document_id, evidence=one.evidence, source=_LOG)


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
