"""From the results of all batches to the exceptions and the counts of a run.

DuckDB reads the Parquet files and hands over only the rows that are not in order, so memory does not grow with the archive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
import pyarrow as pa

from signing_core.bulk import checks, log_state, results
from signing_core.bulk.checks import BOUNDS, Bounds
from signing_core.bulk.exceptions import Case, Cases
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.results import Results

_STEPS: Final = ("inventory", "signatures", "certificates", "registry", "reconciliation")
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
    files = {name: store.folder / f"{name}.parquet" for name in (_CONTROLS, _LOG)}
    batches = ledger.batches()
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
        _views(database, store, believed)
        _files(database, found.cases)
        _archive(database, found.cases)
        _not_reconciled(database, found.cases, {key for key in believed if store.of(key, "reconciliation").is_file()})
        _duplicates(database, found.cases)
        found.counts = _counts(database)
    _controls(store, found)
    _log(store, found)
    return found


def _left_behind(store: Results, batch: Batch, now: datetime, *, under_way: bool) -> str | None:
    """Why the results of a batch are not those of the last night: a step that fails leaves what it made before."""
    inventory = results.context_of(store.of(batch.key, "inventory")).get("at")
    looked = datetime.fromisoformat(inventory) if inventory else batch.made_at
    missing = [step for step in _STEPS if not store.of(batch.key, step).is_file()]
    old = [step for step in _STEPS[1:] if step not in missing and not _of_inventory(store, batch.key, step, inventory)]
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
    return all(store.of(key, step).is_file() and _of_inventory(store, key, step, inventory) for step in _STEPS[1:])


def _of_inventory(store: Results, key: str, step: str, inventory: str | None) -> bool:
    return results.context_of(store.of(key, step)).get("inventory") == inventory


def _policy(store: Results, key: str) -> set[tuple[str, str]]:
    """Under which policy a batch's verdicts were made: its id and SHA-256."""
    policy = results.context_of(store.of(key, "signatures")).get("policy")
    return {(policy["id"], policy["sha256"])} if policy else set()


def _views(database: duckdb.DuckDBPyConnection, store: Results, keys: list[str]) -> None:
    """A view for each kind over the batches that count, with the batch's key; empty ones where there is nothing."""
    for step, schema in _schemas().items():
        files = [str(store.of(key, step)) for key in keys if store.of(key, step).is_file()]
        # The first has every column and no row: there may be no file yet, or only such as an earlier version wrote.
        empty = schema.empty_table().append_column("filename", pa.array([], pa.string()))
        database.from_arrow(empty).create_view(f"no_{step}")
        query = f"SELECT * FROM no_{step}"  # noqa: S608
        if files:
            database.read_parquet(files, filename=True, union_by_name=True).create_view(f"all_{step}")
            query += f" UNION ALL BY NAME SELECT * FROM all_{step}"  # noqa: S608
        query = f"SELECT *, regexp_extract(filename, '([^/]+/[^/]+)/[^/]+$', 1) AS key FROM ({query})"  # noqa: S608
        database.sql(query).create_view(step)


def _schemas() -> dict[str, Any]:
    from signing_core.bulk import certificates, inventory, reconciling, registry, signatures

    modules = (inventory, signatures, certificates, registry, reconciling)
    return {step: module.SCHEMA for step, module in zip(_STEPS, modules, strict=True)}


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict[str, Any]]:
    cursor = database.cursor()
    cursor.execute(query)
    names = [column[0] for column in cursor.description or ()]
    while some := cursor.fetchmany(1_000):
        yield from (dict(zip(names, row, strict=True)) for row in some)


# --- Files that came in ---


def _files(database: duckdb.DuckDBPyConnection, cases: Cases) -> None:
    gone = "SELECT key, name, state FROM inventory WHERE state <> 'present' AND document_id IS NULL ORDER BY name"
    for row in _rows(database, gone):
        message = "It cannot be read." if row["state"] == "unreadable" else "It is not where it was."
        cases.add(
            row["name"], "file-gone", message, files=[row["name"]], batch=row["key"], evidence=[f"file {row['name']}"]
        )
    replaced = """
        SELECT key, name, sha256, first_sha256, first_seen FROM inventory
        WHERE document_id IS NULL AND sha256 <> first_sha256 ORDER BY name"""
    for row in _rows(database, replaced):
        message = f"When it came in, at {row['first_seen']:%Y-%m-%d %H:%M} UTC, its SHA-256 was {row['first_sha256']}."
        evidence = [f"file {row['sha256']}", f"file {row['first_sha256']}"]
        cases.add(row["sha256"], "file-replaced", message, files=[row["name"]], batch=row["key"], evidence=evidence)
    bad = """
        SELECT i.key, i.name, i.sha256, s.integrity, s.indication, s.sub_indication, s.encrypted, s.trust, s.findings,
               s.signatures, s.certificate
        FROM inventory i JOIN signatures s ON s.key = i.key AND s.sha256 = i.sha256
        WHERE i.document_id IS NULL AND NOT (s.integrity = 'intact' AND coalesce(s.indication = 'TOTAL-PASSED', false))
        ORDER BY i.name"""
    for row in _rows(database, bad):
        code = _code_of(row)
        evidence = [f"file {row['sha256']}"]
        cases.add(row["sha256"], code, said(row), files=[row["name"]], batch=row["key"], evidence=evidence)
    other = """
        SELECT i.key, i.name, i.sha256, r.document_id, r.registry, r.audit_log
        FROM inventory i JOIN registry r ON r.key = i.key AND r.name = i.name
        WHERE i.document_id IS NULL AND r.registry = 'mismatch'"""
    for row in _rows(database, other):
        message = f"It names document {row['document_id']} and is none of that document's files."
        evidence = [f"file {row['sha256']}"]
        name = row["name"]
        cases.add(row["sha256"], "file-not-the-registered", message, files=[name], batch=row["key"], evidence=evidence)


def _code_of(row: dict[str, Any]) -> str:
    """What a verdict that is not in order is called: the cause that its reader can act on."""
    if row["integrity"] == "unsigned":
        return "file-unsigned"
    if row["encrypted"] and row["integrity"] == "indeterminate":
        return "file-encrypted"
    signatures = row["signatures"] or []
    broken = any(s["intact"] is False or s["changes"] == "forbidden" for s in signatures)
    foreign = row["trust"] == "untrusted" or row["sub_indication"] == "NO_CERTIFICATE_CHAIN_FOUND"
    if not broken and foreign and not row["certificate"]["sealed_by_us"]:
        return "file-foreign"
    if row["integrity"] == "altered":
        return "file-altered"
    sub_indication = row["sub_indication"] or ""
    if sub_indication.startswith("REVOKED"):
        return "file-revoked-certificate"
    if sub_indication in ("EXPIRED", "NOT_YET_VALID") or sub_indication.startswith("OUT_OF_BOUNDS"):
        return "file-expired-certificate"
    return "file-not-judged"


def said(row: dict[str, Any]) -> str:
    """A verdict in a line: the axes, then what was found."""
    found = [*(row["findings"] or []), *(f for s in row["signatures"] or [] for f in s["findings"] or [])]
    worst = [f["message"] for f in found if f["severity"] == "error"] or [
        f["message"] for f in found if f["severity"] == "warning"
    ]
    axes = " / ".join(str(row[name]) for name in ("integrity", "indication", "sub_indication") if row[name])
    return f"{axes}. {' '.join(dict.fromkeys(worst[:3]))}".strip()


def _duplicates(database: duckdb.DuckDBPyConnection, cases: Cases) -> None:
    query = """
        SELECT sha256, list(DISTINCT name ORDER BY name) AS names, list(DISTINCT key ORDER BY key) AS keys
        FROM inventory WHERE document_id IS NULL AND sha256 IS NOT NULL
        GROUP BY sha256 HAVING count(DISTINCT name) > 1 ORDER BY sha256"""
    for row in _rows(database, query):
        message = f"{len(row['names'])} files are the same."
        for key in row["keys"]:
            evidence = [f"file {row['sha256']}"]
            cases.add(row["sha256"], "duplicate-file", message, files=row["names"], batch=key, evidence=evidence)


# --- Our own documents ---


def _archive(database: duckdb.DuckDBPyConnection, cases: Cases) -> None:
    def add(row: dict[str, Any], code: str, message: str, evidence: list[str] | None = None) -> None:
        one = row["document_id"]
        cases.add(one, code, message, document_id=one, batch=row["key"], evidence=evidence or ())

    query = "SELECT key, document_id, unnest(findings) AS found FROM reconciliation WHERE NOT in_order"
    for row in _rows(database, query):
        found = row["found"]
        add(row, found["code"], found["message"], found["evidence"])
    query = """
        SELECT i.key, i.document_id, i.sha256, s.integrity, s.indication, s.sub_indication, s.findings, s.signatures
        FROM inventory i JOIN signatures s ON s.key = i.key AND s.sha256 = i.sha256
        WHERE i.document_id IS NOT NULL
          AND NOT (s.integrity = 'intact' AND coalesce(s.indication = 'TOTAL-PASSED', false))"""
    for row in _rows(database, query):
        add(row, "stored-file-fails", said(row), [f"object {row['sha256']}"])
    query = """
        SELECT i.key, i.document_id, i.sha256, c.state
        FROM inventory i JOIN certificates c ON c.key = i.key AND c.sha256 = i.sha256
          JOIN signatures s ON s.key = i.key AND s.sha256 = i.sha256
        WHERE i.document_id IS NOT NULL AND c.state <> 'valid'
          AND NOT (c.state = 'none' AND s.integrity = 'indeterminate')"""
    for row in _rows(database, query):
        message = f"Its authenticity certificate is: {row['state']}."
        add(row, "certificate-differs", message, [f"object {row['sha256']}"])
    query = """
        SELECT key, document_id, registry, audit_log FROM registry
        WHERE key LIKE '%/archive-%' AND document_id IS NOT NULL
          AND (registry <> 'known' OR coalesce(audit_log, 'missing') <> 'included')"""
    for row in _rows(database, query):
        if row["registry"] != "known":
            add(row, "not-in-registry", f"The registry says: {row['registry']}.")
        if row["audit_log"] != "included":
            add(row, "log-disagrees", f"The audit log says: {row['audit_log']}.")


def _not_reconciled(database: duckdb.DuckDBPyConnection, cases: Cases, keys: set[str]) -> None:
    """No document leaves the archive's checks unseen, whatever was done to its row in the registry."""
    left_out = """
        SELECT i.key, i.document_id FROM inventory i
        ANTI JOIN reconciliation r ON r.key = i.key AND r.document_id = i.document_id
        WHERE i.document_id IS NOT NULL ORDER BY i.document_id"""
    for row in _rows(database, left_out):
        if row["key"] in keys:
            one = row["document_id"]
            message = "It is in the batch and was not reconciled: nothing calls it completed any more."
            cases.add(one, "not-in-registry", message, document_id=one, batch=row["key"])


def _controls(store: Results, found: Gathered) -> None:
    for row in results.rows_of(store.folder / f"{_CONTROLS}.parquet"):
        one = row["document_id"]
        found.cases.add(one, row["code"], row["message"], document_id=one, evidence=row["evidence"], source=_CONTROLS)


def _log(store: Results, found: Gathered) -> None:
    for one in log_state.findings_of(store):
        subject = one.document_id or "audit-log"
        found.cases.add(subject, one.code, one.message, document_id=one.document_id, evidence=one.evidence, source=_LOG)


# --- Counts ---


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
