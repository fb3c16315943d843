"""Numbers over time, for the plots."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboards.queries.values import UNDECIDED
from signing_core.access import Access, Right
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, documents, findings


def verdicts_by_day(access: Access, *, days: int = 30) -> list[tuple[str, str, int]]:
    """(day, integrity, number) of the verifications in the audit log."""
    access.require(Right.SEE_FINDINGS)
    start = access.workspace.clock() - timedelta(days=days)
    earlier = (
        sa.select(audit_events.c.seq).where(audit_events.c.time < start).order_by(audit_events.c.time.desc()).limit(1)
    )
    counts: dict[tuple[str, str], int] = {}
    with reading(access.workspace.engine) as connection:
        # The log grows with time, so the number of an event bounds what the index on the type has to find.
        after = connection.execute(earlier).scalar()
        query = sa.select(audit_events.c.time, audit_events.c.body).where(
            audit_events.c.type == "document.verified", audit_events.c.seq > (-1 if after is None else after)
        )
        for time, body in connection.execute(query):
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


def findings_by_code(access: Access) -> list[tuple[str, str, int]]:
    """(code, severity, number) of what is open."""
    access.require(Right.SEE_FINDINGS)
    query = (
        sa.select(findings.c.code, findings.c.severity, sa.func.count())
        .where(findings.c.state.in_(UNDECIDED), findings.c.gone_at.is_(None))
        .group_by(findings.c.code, findings.c.severity)
    )
    with reading(access.workspace.engine) as connection:
        return [(code, severity, number) for code, severity, number in connection.execute(query)]
