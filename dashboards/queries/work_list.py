"""The work list of findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashboards.queries.searching import like
from dashboards.queries.values import UNDECIDED
from signing_core.access import Access, Right
from signing_core.storage.database import reading
from signing_core.storage.identifiers import is_id
from signing_core.storage.schema import documents, findings


@dataclass(frozen=True)
class FindingFilters:
    state: str = "live"
    """`live` (open or proposed), `open`, `proposed`, `closed`."""
    severity: str | None = None
    code: str | None = None
    assignee: str | None = None
    text: str = ""
    """A document id, or a part of a document's title."""
    gone: bool = False
    """Also those that are no longer found."""


def find_findings(
    access: Access, filters: FindingFilters, *, page: int = 1, size: int = 25
) -> tuple[list[sa.Row[Any]], int]:
    """One page of the work list with the documents' titles, the worst and oldest first; and how many there are."""
    access.require(Right.SEE_FINDINGS)
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.state == "live":
        conditions.append(findings.c.state.in_(UNDECIDED))
    else:
        conditions.append(findings.c.state == filters.state)
    if filters.severity:
        conditions.append(findings.c.severity == filters.severity)
    if filters.code:
        conditions.append(findings.c.code == filters.code)
    if filters.assignee:
        conditions.append(findings.c.assignee == filters.assignee)
    text = filters.text.strip()
    if is_id(text.upper()):
        conditions.append(findings.c.document_id == text.upper())
    elif text:
        conditions.append(like(access, documents.c.title, text))
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
        counted = sa.select(sa.func.count()).select_from(findings)
        if text:
            counted = counted.join(documents, documents.c.id == findings.c.document_id, isouter=True)
        total = connection.execute(counted.where(*conditions)).scalar_one()
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
