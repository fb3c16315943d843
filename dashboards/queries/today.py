"""What needs somebody now, and what is new since the last visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from dashboards.queries.documents import DocumentRow, rows_of
from dashboards.queries.values import UNDECIDED
from signing_core.access import Access, Right
from signing_core.flow import Status
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import documents, findings, outbox, visits

_STUCK_AFTER: Final = timedelta(hours=1)


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
        by_status = _by_status(connection, access)
        open_, new, proposed = {}, {}, 0
        if access.may(Right.SEE_FINDINGS):
            live = (findings.c.state.in_(UNDECIDED), findings.c.gone_at.is_(None))
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
            rows_of(connection, access, list(stuck)),
            rows_of(connection, access, list(expiring)),
            int(connection.execute(failed).scalar_one()) if access.may(Right.SEE_ALL) else 0,
        )


def _by_status(connection: sa.Connection, access: Access) -> dict[str, int]:
    counted = sa.select(documents.c.status, sa.func.count()).group_by(documents.c.status)
    if not access.may(Right.SEE_ALL):
        return _pairs(connection, counted.where(access.visible()))
    # Nearly all are completed: the others are counted, and all together, which is quick.
    completed = str(Status.COMPLETED)
    others = [str(status) for status in Status if str(status) != completed]
    found = _pairs(connection, counted.where(documents.c.status.in_(others)))
    total = int(connection.execute(sa.select(sa.func.count()).select_from(documents)).scalar_one())
    rest = total - sum(found.values())
    return found | ({completed: rest} if rest else {})


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


def _pairs(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, int]:
    return {str(key): int(number) for key, number in connection.execute(query)}
