"""What the pages ask of the database. Every query carries what the person may see, and pages in SQL.

Searching is by what the text looks like: a document or certificate id, a SHA-256, a contact, else a part of a title or of a
party's name. The two that have to look at every row read an index that holds nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from signing_core.access import Access, Right
from signing_core.audit_log import events as audit
from signing_core.flow import Status
from signing_core.flow.values import ENDED
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import (
    anchors,
    audit_events,
    checkpoints,
    document_files,
    document_parties,
    documents,
    findings,
    outbox,
    parties,
    visits,
)

MOST_COUNTED: Final = 10_000
"""A text search counts no further; the page says `more than`."""
OPEN: Final = tuple(str(status) for status in Status if status not in ENDED)
SORTS: Final = ("newest", "oldest", "updated", "title", "expiring")
_STUCK_AFTER: Final = timedelta(hours=1)
_SHOWN: Final = (
    documents.c.id,
    documents.c.title,
    documents.c.status,
    documents.c.language,
    documents.c.author,
    documents.c.pages,
    documents.c.created_at,
    documents.c.updated_at,
    documents.c.expires_at,
    documents.c.completed_at,
    documents.c.certificate_id,
    documents.c.final_sha256,
    documents.c.final_length,
)


@dataclass(frozen=True)
class Filters:
    text: str = ""
    status: str | None = None
    """A status, or `open` for all that have not ended."""
    findings: bool = False
    """Only documents with findings that are not closed."""
    language: str | None = None
    since: datetime | None = None
    """Created at or after; aware."""
    until: datetime | None = None
    """Created before; aware."""
    sort: str = "newest"


@dataclass(frozen=True)
class DocumentRow:
    """A line of the list."""

    id: str
    title: str
    status: str
    language: str
    author: str
    first_party: str | None
    client: str | None
    pages: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    completed_at: datetime | None
    certificate_id: str | None
    final_sha256: str | None
    final_length: int | None
    open_findings: int = 0
    worst: str | None = None
    """Severity of the worst open finding."""
    last_verdict: str | None = None
    """Integrity as of the last verification in the audit log; None when it was never verified since."""


@dataclass(frozen=True)
class Found:
    rows: tuple[DocumentRow, ...]
    total: int
    more: bool
    """Whether there are more than `total`."""


def search(access: Access, filters: Filters, *, page: int = 1, size: int = 25) -> Found:
    """One page of the documents that the person sees, counted from 1."""
    access.require(Right.SEE_OWN)
    condition = _condition(access, filters)
    with reading(access.workspace.engine) as connection:
        total, more = _count(connection, condition, filters)
        ids = _ids(connection, condition, filters.sort, size, max(0, page - 1) * size)
        rows = _rows(connection, access, ids)
    return Found(rows, total, more)


def matching(access: Access, filters: Filters, *, most: int) -> tuple[DocumentRow, ...]:
    """All that match, up to `most`: what an export holds."""
    access.require(Right.SEE_OWN)
    with reading(access.workspace.engine) as connection:
        ids = _ids(connection, _condition(access, filters), filters.sort, most, 0)
        found: list[DocumentRow] = []
        for start in range(0, len(ids), 500):
            found += _rows(connection, access, ids[start : start + 500])
    return tuple(found)


def _condition(access: Access, filters: Filters) -> list[sa.ColumnElement[bool]]:
    conditions = [access.visible()]
    if filters.status == "open":
        conditions.append(documents.c.status.in_(OPEN))
    elif filters.status:
        conditions.append(documents.c.status == filters.status)
    if filters.language:
        conditions.append(documents.c.language == filters.language)
    if filters.since:
        conditions.append(documents.c.created_at >= filters.since)
    if filters.until:
        conditions.append(documents.c.created_at < filters.until)
    if filters.findings and access.may(Right.SEE_FINDINGS):
        query = sa.select(findings.c.document_id).where(findings.c.state != "closed", findings.c.gone_at.is_(None))
        conditions.append(documents.c.id.in_(query))
    if filters.text.strip():
        conditions.append(_matches(access, filters.text.strip()))
    return conditions


def _matches(access: Access, text: str) -> sa.ColumnElement[bool]:
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        stored = sa.select(document_files.c.document_id).where(document_files.c.sha256 == text.lower())
        return documents.c.id.in_(stored)
    if re.fullmatch(r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}", text):
        return sa.or_(documents.c.id == text.upper(), documents.c.certificate_id == text.upper())
    if "@" in text or re.fullmatch(r"\+[\d ]{5,}", text):
        contact = text.replace(" ", "") if text.startswith("+") else text
        reached = sa.select(document_parties.c.document_id).where(document_parties.c.contact == contact)
        return documents.c.id.in_(reached)
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"
    sqlite = access.workspace.engine.dialect.name == "sqlite"

    def like(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        # SQLite's LIKE takes no notice of case by itself, and is three times as fast as lower() on both sides.
        return column.like(pattern, escape="\\") if sqlite else column.ilike(pattern, escape="\\")

    titled, named = documents.alias(), document_parties.alias()
    return documents.c.id.in_(
        sa.union(
            sa.select(titled.c.id).where(like(titled.c.title)),
            sa.select(named.c.document_id).where(like(named.c.name)),
        )
    )


def _count(
    connection: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], filters: Filters
) -> tuple[int, bool]:
    if not filters.text.strip():
        query = sa.select(sa.func.count()).select_from(documents).where(*conditions)
        return int(connection.execute(query).scalar_one()), False
    some = sa.select(documents.c.id).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    counted = int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    return min(counted, MOST_COUNTED), counted > MOST_COUNTED


def _ids(
    connection: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], sort: str, size: int, offset: int
) -> list[str]:
    order: dict[str, tuple[sa.ColumnElement[Any], ...]] = {
        "newest": (documents.c.id.desc(),),
        "oldest": (documents.c.id,),
        "updated": (documents.c.updated_at.desc(),),
        "title": (documents.c.title, documents.c.id),
        "expiring": (documents.c.expires_at,),
    }
    query = sa.select(documents.c.id).where(*conditions).order_by(*order.get(sort, order["newest"]))
    if sort == "expiring":
        query = query.where(documents.c.status.in_(OPEN), documents.c.expires_at.is_not(None))
    return list(connection.execute(query.limit(size).offset(offset)).scalars())


def _rows(connection: sa.Connection, access: Access, ids: Sequence[str]) -> tuple[DocumentRow, ...]:
    if not ids:
        return ()
    rows = {row.id: row for row in connection.execute(sa.select(*_SHOWN).where(documents.c.id.in_(ids)))}
    people: dict[tuple[str, str], str] = {}
    query = sa.select(document_parties.c.document_id, document_parties.c.role, document_parties.c.name)
    for row in connection.execute(query.where(document_parties.c.document_id.in_(ids))):
        people[row.document_id, row.role] = row.name
    weights = {}
    if access.may(Right.SEE_FINDINGS):
        for row in connection.execute(
            sa.select(findings.c.document_id, findings.c.severity).where(
                findings.c.document_id.in_(ids), findings.c.state != "closed", findings.c.gone_at.is_(None)
            )
        ):
            weights.setdefault(row.document_id, []).append(row.severity)
    verdicts = _last_verdicts(connection, ids)
    return tuple(
        DocumentRow(
            **rows[one]._mapping,
            first_party=people.get((one, "first-party")),
            client=people.get((one, "client")),
            open_findings=len(weights.get(one, ())),
            worst=_worst(weights.get(one, ())),
            last_verdict=verdicts.get(one),
        )
        for one in ids
        if one in rows
    )


def _worst(severities: Sequence[str]) -> str | None:
    return next((one for one in ("error", "warning", "info") if one in severities), None)


def _last_verdicts(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    query = audit.EVENTS.where(audit_events.c.document_id.in_(ids), audit_events.c.type == "document.verified")
    found: dict[str, str] = {}
    for event in audit.select(connection, query):
        found[str(event.document_id)] = str(event.data.get("integrity"))
    return found


# Today


@dataclass(frozen=True)
class Today:
    by_status: dict[str, int]
    findings_open: dict[str, int]
    """By severity."""
    findings_new: dict[str, int]
    """By severity: first seen since the last visit."""
    proposed: int
    """Findings that wait for a second person."""
    stuck: tuple[DocumentRow, ...]
    expiring: tuple[DocumentRow, ...]
    undelivered: int


def today(access: Access, *, since: datetime | None, within: timedelta = timedelta(days=3), most: int = 8) -> Today:
    """What needs somebody now."""
    access.require(Right.SEE_OWN)
    now = access.workspace.clock()
    with reading(access.workspace.engine) as connection:
        by_status = _pairs(
            connection,
            sa.select(documents.c.status, sa.func.count()).where(access.visible()).group_by(documents.c.status),
        )
        open_, new, proposed = {}, {}, 0
        if access.may(Right.SEE_FINDINGS):
            live = (findings.c.state != "closed", findings.c.gone_at.is_(None))
            counted = sa.select(findings.c.severity, sa.func.count()).where(*live).group_by(findings.c.severity)
            open_ = _pairs(connection, counted)
            new = _pairs(connection, counted.where(findings.c.first_seen_at > since)) if since else dict(open_)
            waiting = sa.select(sa.func.count()).select_from(findings).where(findings.c.state == "proposed")
            proposed = int(connection.execute(waiting).scalar_one())
        stuck = connection.execute(
            sa.select(documents.c.id)
            .where(
                access.visible(),
                documents.c.status.in_([str(Status.SIGNING), str(Status.SEALING)]),
                documents.c.updated_at < now - _STUCK_AFTER,
            )
            .order_by(documents.c.updated_at)
            .limit(most)
        ).scalars()
        expiring = connection.execute(
            sa.select(documents.c.id)
            .where(
                access.visible(),
                documents.c.expires_at >= now,
                documents.c.expires_at < now + within,
                documents.c.status.in_([str(Status.AWAITING_FIRST_PARTY), str(Status.AWAITING_CLIENT)]),
            )
            .order_by(documents.c.expires_at)
            .limit(most)
        ).scalars()
        failed = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state.in_(["failed", "uncertain"]))
        return Today(
            by_status,
            open_,
            new,
            proposed,
            _rows(connection, access, list(stuck)),
            _rows(connection, access, list(expiring)),
            int(connection.execute(failed).scalar_one()) if access.may(Right.SEE_ALL) else 0,
        )


def visit(access: Access, *, quiet: timedelta = timedelta(hours=4)) -> datetime | None:
    """Note that the person is here; returns when it was here before. A visit goes on while it is not away for `quiet`."""
    now = access.workspace.clock()
    subject = access.person.subject
    with reading(access.workspace.engine) as connection:
        row = connection.execute(sa.select(visits).where(visits.c.subject == subject)).one_or_none()
    if row is not None and now - row.at < timedelta(minutes=5):
        return row.before  # type: ignore[no-any-return]
    with writing(access.workspace.engine) as connection:
        if row is None:
            connection.execute(sa.insert(visits).values(subject=subject, at=now, before=None))
            return None
        before = row.at if now - row.at >= quiet else row.before
        connection.execute(sa.update(visits).where(visits.c.subject == subject).values(at=now, before=before))
    return before  # type: ignore[no-any-return]


def verdicts_by_day(access: Access, *, days: int = 30, most: int = 20_000) -> list[tuple[str, str, int]]:
    """(day, integrity, number) of the verifications in the audit log; the newest `most` of them."""
    access.require(Right.SEE_FINDINGS)
    start = access.workspace.clock() - timedelta(days=days)
    newest = (
        sa.select(audit_events.c.time, audit_events.c.body)
        .where(audit_events.c.type == "document.verified", audit_events.c.time >= start)
        .order_by(audit_events.c.time.desc())
        .limit(most)
    )
    counts: dict[tuple[str, str], int] = {}
    with reading(access.workspace.engine) as connection:
        for time, body in connection.execute(newest):
            found = re.search(rb'"integrity":"([a-z]+)"', body)
            key = (time.strftime("%Y-%m-%d"), found[1].decode() if found else "unknown")
            counts[key] = counts.get(key, 0) + 1
    return [(day, integrity, number) for (day, integrity), number in sorted(counts.items())]


def signing_times(access: Access, *, most: int = 2_000) -> list[tuple[datetime, float]]:
    """(completed, hours from creation to completion) of the newest completed documents."""
    access.require(Right.SEE_OWN)
    query = (
        sa.select(documents.c.completed_at, documents.c.created_at)
        .where(access.visible(), documents.c.completed_at.is_not(None))
        .order_by(documents.c.completed_at.desc())
        .limit(most)
    )
    with reading(access.workspace.engine) as connection:
        return [(done, (done - made).total_seconds() / 3600) for done, made in connection.execute(query)]


# Findings


@dataclass(frozen=True)
class FindingFilters:
    state: str = "live"
    """`live` (open or proposed), `open`, `proposed`, `closed`."""
    severity: str | None = None
    code: str | None = None
    assignee: str | None = None
    text: str = ""
    """A document id."""
    gone: bool = False
    """Also those that are no longer found."""


def find_findings(
    access: Access, filters: FindingFilters, *, page: int = 1, size: int = 25
) -> tuple[list[sa.Row[Any]], int]:
    """One page of the work list with the documents' titles, the worst and oldest first; and how many there are."""
    access.require(Right.SEE_FINDINGS)
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.state == "live":
        conditions.append(findings.c.state.in_(["open", "proposed"]))
    else:
        conditions.append(findings.c.state == filters.state)
    if filters.severity:
        conditions.append(findings.c.severity == filters.severity)
    if filters.code:
        conditions.append(findings.c.code == filters.code)
    if filters.assignee:
        conditions.append(findings.c.assignee == filters.assignee)
    if filters.text.strip():
        conditions.append(findings.c.document_id == filters.text.strip().upper())
    if not filters.gone:
        conditions.append(findings.c.gone_at.is_(None))
    rank = sa.case({"error": 0, "warning": 1}, value=findings.c.severity, else_=2)
    query = (
        sa.select(findings, documents.c.title)
        .join(documents, documents.c.id == findings.c.document_id, isouter=True)
        .where(*conditions)
        .order_by(rank, findings.c.first_seen_at, findings.c.id)
    )
    with reading(access.workspace.engine) as connection:
        total = connection.execute(sa.select(sa.func.count()).select_from(findings).where(*conditions)).scalar_one()
        return list(connection.execute(query.limit(size).offset((page - 1) * size))), int(total)


def finding(access: Access, finding_id: str) -> sa.Row[Any] | None:
    access.require(Right.SEE_FINDINGS)
    query = sa.select(findings, documents.c.title).join(
        documents, documents.c.id == findings.c.document_id, isouter=True
    )
    with reading(access.workspace.engine) as connection:
        return connection.execute(query.where(findings.c.id == finding_id)).one_or_none()


def findings_of(access: Access, document_id: str) -> list[sa.Row[Any]]:
    """All findings of a document that the person sees, the newest first."""
    if not access.may(Right.SEE_FINDINGS):
        return []
    query = sa.select(findings).where(findings.c.document_id == document_id).order_by(findings.c.first_seen_at.desc())
    with reading(access.workspace.engine) as connection:
        return list(connection.execute(query))


def findings_by_code(access: Access) -> list[tuple[str, str, int]]:
    """(code, severity, number) of what is open."""
    access.require(Right.SEE_FINDINGS)
    query = (
        sa.select(findings.c.code, findings.c.severity, sa.func.count())
        .where(findings.c.state != "closed", findings.c.gone_at.is_(None))
        .group_by(findings.c.code, findings.c.severity)
    )
    with reading(access.workspace.engine) as connection:
        return [(code, severity, number) for code, severity, number in connection.execute(query)]


# Audit log


def log_page(
    access: Access, *, type: str | None = None, before: int | None = None, size: int = 50
) -> list[audit.Event]:
    """Events, the newest first, those before the sequence number `before`."""
    access.require(Right.SEE_LOG)
    query = audit.EVENTS.order_by(None).order_by(audit_events.c.seq.desc()).limit(size)
    if type:
        query = query.where(audit_events.c.type == type)
    if before is not None:
        query = query.where(audit_events.c.seq < before)
    with reading(access.workspace.engine) as connection:
        return list(audit.select(connection, query))


def checkpoint_rows(access: Access, *, most: int = 20) -> list[sa.Row[Any]]:
    access.require(Right.SEE_LOG)
    query = sa.select(checkpoints).order_by(checkpoints.c.created_at.desc()).limit(most)
    with reading(access.workspace.engine) as connection:
        return list(connection.execute(query))


def anchor_rows(access: Access, *, most: int = 20) -> list[sa.Row[Any]]:
    access.require(Right.SEE_LOG)
    columns = (anchors.c.size, anchors.c.kind, anchors.c.by, anchors.c.created_at)
    query = sa.select(*columns).order_by(anchors.c.created_at.desc()).limit(most)
    with reading(access.workspace.engine) as connection:
        return list(connection.execute(query))


# Directory


def directory(access: Access, text: str = "", *, page: int = 1, size: int = 25) -> tuple[list[sa.Row[Any]], int]:
    """One page of the parties and their number of documents."""
    access.require(Right.SEE_DIRECTORY)
    conditions = [parties.c.forgotten_at.is_(None)]
    if text.strip():
        columns = (parties.c.name, parties.c.organisation, parties.c.email, parties.c.phone)
        conditions.append(sa.or_(*(column.icontains(text.strip(), autoescape=True) for column in columns)))
    counted = (
        sa.select(sa.func.count())
        .select_from(document_parties)
        .where(document_parties.c.party_id == parties.c.id)
        .scalar_subquery()
    )
    query = sa.select(parties, counted.label("documents")).where(*conditions).order_by(parties.c.name, parties.c.id)
    with reading(access.workspace.engine) as connection:
        total = connection.execute(sa.select(sa.func.count()).select_from(parties).where(*conditions)).scalar_one()
        return list(connection.execute(query.limit(size).offset((page - 1) * size))), int(total)


def documents_of_party(access: Access, party_id: str, *, most: int = 50) -> tuple[DocumentRow, ...]:
    """The newest documents of a party in the directory, of those that the person sees."""
    access.require(Right.SEE_DIRECTORY)
    named = sa.select(document_parties.c.document_id).where(document_parties.c.party_id == party_id)
    query = sa.select(documents.c.id).where(access.visible(), documents.c.id.in_(named)).order_by(documents.c.id.desc())
    with reading(access.workspace.engine) as connection:
        return _rows(connection, access, list(connection.execute(query.limit(most)).scalars()))


def _pairs(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, int]:
    return {str(key): int(number) for key, number in connection.execute(query)}
