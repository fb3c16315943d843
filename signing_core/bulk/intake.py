"""The intake: what has arrived, and which documents of our own were completed, becomes batches of up to 5,000.

A batch is written to the ledger before anybody hears of it, so a process that is killed in between loses none: whoever asks
for the batches after the last one it knows gets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from signing_core.bulk.files import chunks
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.watched import Watched
from signing_core.flow import Status
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, documents
from signing_core.storage.workspace import Workspace

LARGEST: Final = 5_000
"""Documents in a batch: minutes of work, so that what a killed run loses and what one machine takes on stay small."""
GATHER: Final = timedelta(hours=1)
"""Completed documents wait this long for others, or a busy day would make hundreds of small batches."""

_MARGIN: Final = timedelta(days=1)
_COMPLETED: Final = "document.completed"


def take_in(workspace: Workspace, ledger: Ledger, watched: Watched, *, largest: int = LARGEST) -> list[Batch]:
    """Make batches of the files that are new, or were changed, in the watched place."""
    now = workspace.clock()
    day = now.astimezone(workspace.zone).date()
    unknown = sorted(ledger.unknown_files(watched.listing(now)))
    return [ledger.add_files(some, day=day, now=now) for some in chunks(unknown, largest)]


def take_completed(
    workspace: Workspace, ledger: Ledger, *, largest: int = LARGEST, gather: timedelta = GATHER
) -> list[Batch]:
    """Make batches of our own documents that were completed and are in none yet.

    They gather until there are `largest` of them, or the first has waited for `gather`.
    """
    now = workspace.clock()
    day = now.astimezone(workspace.zone).date()
    made: list[Batch] = []
    waiting = list(_completed(workspace, ledger, gather))
    for some in chunks(waiting, largest):
        if len(some) == largest or any(now - at >= gather for _, at in some):
            made.append(ledger.add_documents([one for one, _ in some], day=day, now=now))
    return made


def _completed(workspace: Workspace, ledger: Ledger, gather: timedelta) -> Iterator[tuple[str, datetime]]:
    """Documents that registry or audit log call completed, with the time of that, oldest first.

    Both are asked, so that a row that was changed in the registry keeps no document from being checked.
    """
    registry = sa.select(documents.c.id, sa.func.coalesce(documents.c.completed_at, documents.c.updated_at)).where(
        documents.c.status == str(Status.COMPLETED)
    )
    log = sa.select(audit_events.c.document_id, audit_events.c.time).where(audit_events.c.type == _COMPLETED)
    last = ledger.last_made("archive")
    if last is not None:
        # Whatever was completed longer before the last batch than documents wait is in one; the rest of the archive need
        # not be listed every few seconds. A day for clocks and for transactions that took their time.
        since = last - gather - _MARGIN
        registry = registry.where(sa.or_(documents.c.completed_at >= since, documents.c.completed_at.is_(None)))
        log = log.where(audit_events.c.time >= since)
    completed: dict[str, datetime] = {}
    with reading(workspace.engine) as connection:
        for query in (registry, log):
            completed |= {document_id: at for document_id, at in connection.execute(query) if document_id is not None}
    waiting = sorted(completed.items(), key=lambda one: (one[1], one[0]))
    new = set(ledger.unknown_documents(completed))
    yield from (one for one in waiting if one[0] in new)
