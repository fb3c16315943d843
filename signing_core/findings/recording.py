"""From what the controls find to rows of the work list: the same finding found again stays one row with its decision."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from signing_core import controls
from signing_core.audit_log import events as audit
from signing_core.controls import ControlFinding
from signing_core.storage.database import reading, writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.schema import findings
from signing_core.storage.workspace import Workspace

_CHUNK: Final = 200
"""Documents looked at, and findings recorded, at once."""
_EACH_EVENT: Final = frozenset(("code-confirmed-late", "consent-too-late", "consent-without-code", "event-changed"))
"""Codes of a document that can be found more than once in it: what was decided on one event says nothing of another."""
_AS_IT_SAYS: Final = frozenset(
    ("batch-stopped", "file-differs-from-log", "registry-differs-from-log", "stored-file-changed")
)
"""Codes whose sentence says what is the case: why a batch stopped, which other file there is. Counts and times in it do not matter."""
_NUMBER: Final = re.compile(r"\b\d+\b")

Standing = Literal["open", "proposed", "accepted", "fixed", "false-alarm"]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What one look of all controls changed in the work list."""

    documents: int
    found: int
    new: int
    reopened: int
    gone: int


def refresh(
    workspace: Workspace,
    document_ids: Sequence[str] | None = None,
    *,
    printed: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Refreshed:
    """Let all controls look at these documents, or at all that any record knows, and bring the work list in line.

    `printed` also sets every certificate again to compare it (40 ms a document); `progress` is called with documents done
    and documents in all.
    """
    now = workspace.clock()
    if document_ids is None:
        document_ids = controls.population(workspace)
    sums = [0, 0, 0, 0]
    for start in range(0, len(document_ids), _CHUNK):
        part = document_ids[start : start + _CHUNK]
        looked: list[controls.Looked] = []
        for number, one in enumerate(controls.look(workspace, part, now=now, printed=lambda _: printed), start + 1):
            looked.append(one)
            if progress is not None:
                progress(number, len(document_ids))
        sums = [a + b for a, b in zip(sums, record_looked(workspace, looked, now), strict=True)]
    return Refreshed(len(document_ids), *sums)


def record_looked(workspace: Workspace, looked: Sequence[controls.Looked], now: datetime) -> tuple[int, int, int, int]:
    """Bring the work list in line with what the driver of the controls saw; returns what `record` returns."""
    sums = (0, 0, 0, 0)
    for codes, group in controls.by_codes(looked):
        found = [finding for one in group for finding in one.findings]
        done = record_of_some(workspace, found, [one.document_id for one in group], now, codes=codes)
        sums = (sums[0] + done[0], sums[1] + done[1], sums[2] + done[2], sums[3] + done[3])
    return sums


def record(
    connection: sa.Connection,
    found: Iterable[ControlFinding],
    document_ids: Iterable[str] | None,
    now: datetime,
    *,
    codes: Collection[str] | None = None,
    looked_at: Callable[[ControlFinding], datetime] | None = None,
) -> tuple[int, int, int, int]:
    """Record what was found; returns how many findings there were, and how many are new, reopened and gone.

    `document_ids` and `codes` say where was looked and for what (None: everywhere, for everything): a finding in there
    that is not among `found` is gone; it keeps its row and says since when. A finding that was closed as fixed and is
    found again is open again; one that was accepted or called a false alarm stays closed. A row
    has the message of what was found last; a closed one keeps that of what was decided on. `looked_at` says when was looked
    for a finding, where that was not now: what was decided since then stands.
    """
    seen: dict[str, ControlFinding] = {}
    for one in found:
        seen.setdefault(key_of(one), one)
    scope = _scope(connection, document_ids, codes)
    known = scope | _by_key(connection, seen.keys() - scope.keys())
    new = reopened = 0
    for key, one in seen.items():
        row = known.get(key)
        if row is None:
            connection.execute(sa.insert(findings).values(id=new_id(now), **_columns(key, one, now)))
            new += 1
            continue
        looked = looked_at(one) if looked_at else now
        changes: dict[str, Any] = {"last_seen_at": max(row.last_seen_at, looked), "evidence": list(one.evidence)}
        if row.state != "closed":
            changes["message"] = one.message
        if row.gone_at is not None and row.gone_at <= looked:
            changes["gone_at"] = None
        if row.state == "closed" and row.disposition == "fixed" and row.closed_at <= looked:
            reopened += 1
            changes |= {"state": "open", "version": row.version + 1, "disposition": None, "closed_at": None}
            changes["message"] = one.message
            audit.append(
                connection,
                type="finding.reopened",
                time=now,
                document_id=row.document_id,
                actor="system",
                data={"finding": row.id, "code": row.code},
            )
        connection.execute(sa.update(findings).where(findings.c.id == row.id).values(**changes))
    gone = [row.id for key, row in scope.items() if key not in seen and row.gone_at is None]
    for some in _chunks(gone):
        connection.execute(sa.update(findings).where(findings.c.id.in_(some)).values(gone_at=now))
    return len(seen), new, reopened, len(gone)


def record_of_some(
    workspace: Workspace,
    found: Sequence[ControlFinding],
    document_ids: Sequence[str],
    now: datetime,
    *,
    codes: Collection[str],
) -> tuple[int, int, int, int]:
    """`record` in a transaction of its own, which is not begun where nothing was found and nothing is gone: one can write at a
    time, and who signs would wait for a look at everything in which all is well."""
    if not found:
        with reading(workspace.engine) as connection:
            if all(row.gone_at is not None for row in _scope(connection, document_ids, codes).values()):
                return 0, 0, 0, 0
    with writing(workspace.engine) as connection:
        return record(connection, found, document_ids, now, codes=codes)


def record_of_all(
    workspace: Workspace,
    found: Iterable[ControlFinding],
    now: datetime,
    *,
    codes: Collection[str],
    looked_at: Callable[[ControlFinding], datetime],
) -> None:
    """Record what was found in the whole workspace, a few hundred findings in a transaction: nobody who signs waits for thousands.

    `codes` are those that were looked for everywhere: a finding of theirs that is not among `found` is gone.
    """
    seen: dict[str, ControlFinding] = {}
    for one in found:
        seen.setdefault(key_of(one), one)
    for keys in _chunks(list(seen)):
        with writing(workspace.engine) as connection:
            record(connection, [seen[key] for key in keys], None, now, codes=(), looked_at=looked_at)
    with reading(workspace.engine) as connection:
        there = findings.c.code.in_(codes) & findings.c.gone_at.is_(None)
        rows = connection.execute(sa.select(findings.c.id, findings.c.key).where(there)).all()
    for ids in _chunks([row.id for row in rows if row.key not in seen]):
        with writing(workspace.engine) as connection:
            connection.execute(sa.update(findings).where(findings.c.id.in_(ids)).values(gone_at=now))


def standing(connection: sa.Connection, found: Iterable[ControlFinding]) -> dict[str, Standing]:
    """What stands about each of these findings, by `key_of`; one that is not on the work list is missing."""
    rows = _by_key(connection, {key_of(one) for one in found})
    return {key: row.disposition if row.state == "closed" else row.state for key, row in rows.items()}


def key_of(one: ControlFinding) -> str:
    """Of the same thing, so that a decision on one is none on another.

    A document's state of affairs goes on while events are added to it, so its events do not tell findings apart, except for the codes
    of which each event is an occurrence of its own. What is of no document is told apart by all that it names. Where the same thing
    can be wrong in another way, the way counts too.
    """
    own = one.document_id is None or one.code in _EACH_EVENT
    things = [text for text in one.evidence if own or not text.startswith("event ")]
    subject = things or ([] if one.evidence else [one.message])
    if one.code in _AS_IT_SAYS:
        subject = [*subject, _NUMBER.sub("#", one.message)]
    return hashlib.sha256(json.dumps([one.code, one.document_id, subject]).encode()).hexdigest()


def _scope(
    connection: sa.Connection, document_ids: Iterable[str] | None, codes: Collection[str] | None
) -> dict[str, sa.Row[Any]]:
    query = sa.select(findings)
    if codes is not None:
        query = query.where(findings.c.code.in_(codes))
    if document_ids is None:
        return {row.key: row for row in connection.execute(query)}
    return {
        row.key: row
        for some in _chunks(list(document_ids))
        for row in connection.execute(query.where(findings.c.document_id.in_(some)))
    }


def _by_key(connection: sa.Connection, keys: Collection[str]) -> dict[str, sa.Row[Any]]:
    return {
        row.key: row
        for some in _chunks(list(keys))
        for row in connection.execute(sa.select(findings).where(findings.c.key.in_(some)))
    }


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _columns(key: str, one: ControlFinding, now: datetime) -> dict[str, Any]:
    return {
        "key": key,
        "code": one.code,
        "severity": one.severity,
        "team": one.owner,
        "document_id": one.document_id,
        "message": one.message,
        "evidence": list(one.evidence),
        "first_seen_at": now,
        "last_seen_at": now,
        "state": "open",
        "version": 0,
    }
