"""The audit log: its events, checkpoints and anchors."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from signing_core.access import Access, Right
from signing_core.audit_log import events as audit
from signing_core.storage.database import reading
from signing_core.storage.schema import anchors, audit_events, checkpoints


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
