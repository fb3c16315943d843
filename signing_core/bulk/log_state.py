"""The audit log as the nightly run sees it: full replay, consistency with the last run's checkpoint, age of the last anchor.

The last run's checkpoint is kept with the results, outside the database: whoever rewrites the log and its checkpoints there is
found by the copy here. (The signer's own memory and outside anchors say the same with more weight; `sealtrail audit verify` asks
them, and so does the replay.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from signing_core.audit_log import events, notes, proofs, verification
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.findings import Finding
from signing_core.audit_log.log import AuditLog, Kept
from signing_core.audit_log.notes import NoteInvalid
from signing_core.bulk import log_nightly, results
from signing_core.bulk.log_findings import OF_ONE_EVENT, LogFinding, attributed
from signing_core.bulk.results import Results
from signing_core.errors import SealtrailError
from signing_core.storage.database import reading
from signing_core.storage.durable import write_file
from signing_core.storage.schema import audit_events, checkpoints
from signing_core.storage.workspace import Workspace

_OLDEST_ANCHOR: Final = timedelta(hours=26)
"""A day, and two hours for a run that waited."""
SCHEMA: Final = pa.schema(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("message", pa.string()),
        ("seq", pa.int64()),
        ("document_id", pa.string()),
        ("previous", pa.int64()),
    ]
)
"""`document_id` is that of the event `seq` where the finding is about this one event, not a size of the tree; `previous` is the event
before it of the same document, where the chain is broken."""


def replay(workspace: Workspace, store: Results, *, jobs: int = 1) -> verification.Report:
    """Recompute the whole log and write `audit_log.parquet`, a row for each finding.

    Stored files are left to the reconciliation of the batches.
    """
    report = verification.verify(workspace, files=False, jobs=jobs)
    with reading(workspace.engine) as connection:
        rows = [{**finding.to_json(), **_event_of(connection, finding)} for finding in report.findings]
        sound = _sound(connection, report)
    context = {
        "at": workspace.clock().isoformat(),
        "events": report.events,
        "checkpoints": report.checkpoints,
        "anchors": report.anchors,
        "unprotected": report.unprotected,
        "sound": sound,
    }
    file = store.folder / "audit_log.parquet"
    with results.only_writer(file, "the findings of the audit log"):
        results.write(file, pa.Table.from_pylist(rows, schema=SCHEMA), context)
    return report


def _event_of(connection: sa.Connection, finding: Finding) -> dict[str, Any]:
    """Only columns are read: the body is what may be damaged."""
    if finding.seq is None or finding.code not in OF_ONE_EVENT:
        return {"document_id": None, "previous": None}
    numbers, owner = audit_events.c.seq, audit_events.c.document_id
    document = connection.scalar(sa.select(owner).where(numbers == finding.seq))
    previous = None
    if finding.code == "chain-broken" and document is not None:
        before = sa.select(sa.func.max(numbers)).where(owner == document, numbers < finding.seq)
        previous = connection.scalar(before)
    return {"document_id": document, "previous": previous}


def _sound(connection: sa.Connection, report: verification.Report) -> int:
    """Events under the largest checkpoint that the replay found good; 0 when it could not read all."""
    codes = {finding.code for finding in report.findings}
    if "unreadable" in codes:
        return 0
    bad = {finding.seq for finding in report.findings if finding.code.startswith("checkpoint-")}
    sizes = connection.scalars(sa.select(checkpoints.c.size)).all()
    return max(
        (size for size in sizes if isinstance(size, int) and size <= report.events and size not in bad), default=0
    )


def findings_of(store: Results) -> Iterator[LogFinding]:
    """What the last full replay found, each with the document that it is about, or none; and the nightly looks since."""
    file = store.folder / "audit_log.parquet"
    yield from attributed(results.rows_of(file), int(results.context_of(file).get("sound") or 0))
    yield from log_nightly.findings_of(store)


@dataclass(frozen=True)
class Consistency:
    """The log now against the checkpoint that the last run kept."""

    size: int
    """Events now."""
    before: int | None
    """Events under the kept checkpoint; None when there is none yet."""
    problem: str | None
    """One sentence; None when the log continues the checkpoint."""


def consistency(workspace: Workspace, store: Results) -> Consistency:
    """Compare the log with the kept checkpoint: its signature, its size, its root as it is recomputed from the nodes now.

    After a declared loss the log goes on under another origin, and there is nothing to compare with until the next run.
    What was found is kept for the report.
    """
    found = _compared(workspace, store)
    # The kept checkpoint stays until the log continues it: that it does not is one state of affairs, however the log grows.
    place = "untrusted" if found.before is None else str(found.before)
    evidence = (f"log kept-checkpoint {place}",)
    problems = [LogFinding(None, "log-inconsistent", found.problem, evidence)] if found.problem else []
    log_nightly.keep(store, "log_consistency", workspace.clock(), problems)
    return found


def _compared(workspace: Workspace, store: Results) -> Consistency:
    log = AuditLog(workspace)
    with reading(workspace.engine) as connection:
        size = events.size(connection)
        kept = _kept_file(store)
        if not kept.is_file():
            return Consistency(size, None, None)
        try:
            note = notes.parse(json.loads(kept.read_text())["note"])
            checkpoint = Checkpoint.of(note)
            notes.verified(note, [one for one in log.verifiers() if one.name == checkpoint.origin])
        except (NoteInvalid, ValueError, KeyError, TypeError) as error:
            return Consistency(size, None, f"The checkpoint kept in {kept} cannot be trusted: {error}.")
        if checkpoint.origin != log.origin:
            return Consistency(size, None, None)
        if checkpoint.size > size:
            problem = f"The last run saw {checkpoint.size} events, and now there are {size}."
            return Consistency(size, checkpoint.size, problem)
        if checkpoint.size and proofs.root(connection, checkpoint.size) != checkpoint.root:
            problem = f"The first {checkpoint.size} events are not those of the last run."
            return Consistency(size, checkpoint.size, problem)
    return Consistency(size, checkpoint.size, None)


@dataclass(frozen=True)
class Anchored:
    size: int
    kept: Kept


def anchor(workspace: Workspace, store: Results) -> Anchored:
    """Sign the log, have it anchored, and keep the checkpoint for the next run.

    Raises `LogInconsistent`, and the first problem when no anchor at all could be had.
    """
    log = AuditLog(workspace)
    issued = log.checkpoint()
    kept = log.checkpoint_and_anchor()
    held = {"note": str(issued.note), "kept_at": workspace.clock().isoformat()}
    with results.only_writer(_kept_file(store), "the kept checkpoint"):
        write_file(_kept_file(store), json.dumps(held).encode())
    look_at_protection(workspace, store)  # what was old before is not any more
    if kept.problems and not kept.anchors:
        raise kept.problems[0]
    return Anchored(issued.checkpoint.size, kept)


def protection(workspace: Workspace) -> dict[str, Any]:
    """How far the log is protected from outside, as JSON values, and `age`: of the first unprotected event, in hours."""
    try:
        state = AuditLog(workspace).protection()
    except SealtrailError as error:
        return {"problem": str(error)}
    return {
        "events": state.size,
        "signed": state.signed,
        "anchored": state.anchored,
        "anchored_at": state.anchored_at and state.anchored_at.isoformat(),
        "by": state.by,
        "unprotected": state.unprotected,
        "age_hours": _hours(workspace.clock() - state.unprotected_since) if state.unprotected_since else 0.0,
    }


def look_at_protection(workspace: Workspace, store: Results) -> tuple[dict[str, Any], str | None]:
    """`protection`, and in a sentence what is wrong with it. It is kept for the report where somebody outside is to anchor."""
    state = protection(workspace)
    problem: str | None = state.get("problem")
    if problem is None and state["age_hours"] > _hours(_OLDEST_ANCHOR):
        problem = f"{state['unprotected']} events have no outside anchor, the first since {state['age_hours']} hours."
    found = [LogFinding(None, "log-remark", problem, ("log anchor-old",))] if problem else []
    log_nightly.keep(store, "log_protection", workspace.clock(), found if _anchored_outside(workspace) else [])
    return state, problem


def _anchored_outside(workspace: Workspace) -> bool:
    """Whether a time-stamp authority of somebody else, or a witness, is set."""
    try:
        return bool(workspace.settings.audit_log.witnesses) or not workspace.time_stamps.embedded
    except SealtrailError:
        return True  # one is set, and wrong


def _hours(age: timedelta) -> float:
    return round(age.total_seconds() / 3600, 2)


def _kept_file(store: Results) -> Path:
    return store.folder / "last-checkpoint.json"


def replay_problem(store: Results) -> str | None:
    """What the last full replay found wrong, in a sentence; None when it found nothing, or there was none yet."""
    errors = [row for row in results.rows_of(store.folder / "audit_log.parquet") if row["severity"] == "error"]
    if not errors:
        return None
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    return f"{errors[0]['message']}{more}"


def replayed_at(store: Results) -> datetime | None:
    """When the log was last replayed in full."""
    at = results.context_of(store.folder / "audit_log.parquet").get("at")
    return datetime.fromisoformat(at) if at else None
