"""The list of documents: searched, filtered, counted, paged in SQL. Every query carries what the person may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from dashboards.queries.searching import contains, exactly, newest_matches
from dashboards.queries.values import UNDECIDED
from signing_core.access import Access, Right
from signing_core.audit_log import events as audit
from signing_core.flow import Status
from signing_core.flow.values import ENDED
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, document_parties, documents, findings

MOST_COUNTED: Final = 10_000
"""What filters find is counted no further, and paged no further; the page says `more than`."""
MOST_MATCHED: Final = 1_000
"""The same for a part of a title or of a name."""
OPEN: Final = tuple(str(status) for status in Status if status not in ENDED)
SORTS: Final = ("newest", "oldest", "updated", "title", "expiring")
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
    start = max(0, page - 1) * size
    with reading(access.workspace.engine) as connection:
        text = filters.text.strip()
        if text and exactly(text) is None:
            ids = _with_text(connection, access, filters, MOST_MATCHED + 1)
            total, more = min(len(ids), MOST_MATCHED), len(ids) > MOST_MATCHED
            ids = ids[:MOST_MATCHED][start : start + size]
        else:
            total, more = _count(connection, access, filters)
            ids = _ids(connection, access, filters, size, start, walk=more)
        rows = rows_of(connection, access, ids)
    return Found(rows, total, more)


def matching(access: Access, filters: Filters, *, most: int) -> tuple[DocumentRow, ...]:
    """All that match, up to `most`: what an export holds."""
    access.require(Right.SEE_OWN)
    with reading(access.workspace.engine) as connection:
        text = filters.text.strip()
        if text and exactly(text) is None:
            ids = _with_text(connection, access, filters, most)
        else:
            ids = _ids(connection, access, filters, most, 0, walk=_count(connection, access, filters)[1])
        found: list[DocumentRow] = []
        for start in range(0, len(ids), 500):
            found += rows_of(connection, access, ids[start : start + 500])
    return tuple(found)


def _conditions(access: Access, filters: Filters, *, walk: bool = False) -> list[sa.ColumnElement[bool]]:
    """All conditions but the one on a part of a text. `walk`: they are to be tested row by row in the order that is asked
    for, because so many documents fulfil them that finding all of these and sorting them takes longer."""
    conditions = [] if access.may(Right.SEE_ALL) else [access.visible()]
    status = documents.c.status + "" if walk else documents.c.status  # no index is taken for an expression
    if filters.status == "open":
        conditions.append(status.in_(OPEN))
    elif filters.status:
        conditions.append(status == filters.status)
    if filters.sort == "expiring":
        conditions += [documents.c.status.in_(OPEN), documents.c.expires_at.is_not(None)]
    if filters.language:
        conditions.append((documents.c.language + "" if walk else documents.c.language) == filters.language)
    if filters.since:
        conditions.append(documents.c.created_at >= filters.since)
    if filters.until:
        conditions.append(documents.c.created_at < filters.until)
    if filters.findings and access.may(Right.SEE_FINDINGS):
        query = sa.select(findings.c.document_id).where(findings.c.state.in_(UNDECIDED), findings.c.gone_at.is_(None))
        conditions.append(documents.c.id.in_(query))
    exact = exactly(filters.text.strip())
    if exact is not None:
        conditions.append(exact)
    return conditions


def _with_text(connection: sa.Connection, access: Access, filters: Filters, most: int) -> list[str]:
    """Ids of the documents with the text, in the order asked for, up to `most`."""
    text = filters.text.strip()
    matches = newest_matches(connection, access, text, most)
    query = sa.select(documents.c.id).order_by(*_order(filters.sort)).limit(most)
    if len(matches) < most:
        return list(
            connection.execute(query.where(documents.c.id.in_(matches), *_conditions(access, filters))).scalars()
        )
    conditions = _conditions(access, filters, walk=True)
    if filters.sort == "newest" and len(conditions) == (not access.may(Right.SEE_ALL)):
        return matches
    return list(connection.execute(query.where(*conditions, contains(access, text))).scalars())


def _count(connection: sa.Connection, access: Access, filters: Filters) -> tuple[int, bool]:
    """How many there are; and whether there are more, because counting ended at `MOST_COUNTED`."""
    conditions = _conditions(access, filters)
    if not conditions:
        return int(connection.execute(sa.select(sa.func.count()).select_from(documents)).scalar_one()), False
    some = sa.select(documents.c.id).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    counted = int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    return min(counted, MOST_COUNTED), counted > MOST_COUNTED


def _ids(
    connection: sa.Connection, access: Access, filters: Filters, size: int, start: int, *, walk: bool
) -> list[str]:
    # What expires next is found among the few that are open; walking would meet all that have ended first.
    conditions = _conditions(access, filters, walk=walk and filters.sort != "expiring")
    query = sa.select(documents.c.id).where(*conditions).order_by(*_order(filters.sort))
    return list(connection.execute(query.limit(size).offset(start)).scalars())


def _order(sort: str) -> tuple[sa.ColumnElement[Any], ...]:
    order: dict[str, tuple[sa.ColumnElement[Any], ...]] = {
        "oldest": (documents.c.id.asc(),),
        "updated": (documents.c.updated_at.desc(),),
        "title": (documents.c.title.asc(), documents.c.id.asc()),
        "expiring": (documents.c.expires_at.asc(),),
    }
    return order.get(sort, (documents.c.id.desc(),))


def rows_of(connection: sa.Connection, access: Access, ids: Sequence[str]) -> tuple[DocumentRow, ...]:
    if not ids:
        return ()
    rows = {row.id: row for row in connection.execute(sa.select(*_SHOWN).where(documents.c.id.in_(ids)))}
    people: dict[tuple[str, str], str] = {}
    query = sa.select(document_parties.c.document_id, document_parties.c.role, document_parties.c.name)
    for row in connection.execute(query.where(document_parties.c.document_id.in_(ids))):
        people[row.document_id, row.role] = row.name
    weights: dict[str, list[str]] = {}
    if access.may(Right.SEE_FINDINGS):
        for found in connection.execute(
            sa.select(findings.c.document_id, findings.c.severity).where(
                findings.c.document_id.in_(ids), findings.c.state.in_(UNDECIDED), findings.c.gone_at.is_(None)
            )
        ):
            weights.setdefault(found.document_id, []).append(found.severity)
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
    # The type as an expression: the index on it would find every verification ever made.
    verified = audit_events.c.type + "" == "document.verified"
    found: dict[str, str] = {}
    for event in audit.select(connection, audit.EVENTS.where(audit_events.c.document_id.in_(ids), verified)):
        found[str(event.document_id)] = str(event.data.get("integrity"))
    return found
