"""The intake: what has arrived, and which documents of our own were completed, becomes batches of up to 5,000.

A batch is open for more until it is full or its day is over, so a night has few batches to look at however slowly files drip in.
It is written to the ledger before anybody hears of it, so a process that is killed in between loses nothing: whoever asks for what
was added after the last that it knows gets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from signing_core.bulk.files import chunks
from signing_core.bulk.ledger import SIZE, Batch, Ledger, SeenFile, Size
from signing_core.bulk.watched import LeftOut, Watched
from signing_core.errors import UsageError
from signing_core.flow import Status
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, documents
from signing_core.storage.workspace import Workspace

GATHER: Final = timedelta(hours=1)
"""Completed documents wait this long for others, or a busy day would make hundreds of runs."""
PATIENCE: Final = timedelta(minutes=1)
"""New files wait this long after the last that were taken in, for each time of the last hour that some were: whoever drops a file
sees its verdict soon, and what comes in a steady stream is taken in together, about eight times in an hour."""

_HOUR: Final = timedelta(hours=1)
_MARGIN: Final = timedelta(days=1)
_COMPLETED: Final = "document.completed"


def take_in(
    workspace: Workspace, ledger: Ledger, watched: Watched, *, size: Size = SIZE, patience: timedelta = PATIENCE
) -> list[Batch]:
    """Put the files that are new, or were changed, in the watched place into batches; returns these.

    What cannot be taken in is kept in the ledger with the reason, and does not stop the rest.
    """
    now = workspace.clock()
    left_out: dict[str, str] = {}
    unknown = sorted(ledger.unknown_files(_seen(watched, now, left_out)))
    ledger.leave_out(left_out)
    recent = [at for at in ledger.added_since("inbox", now - _HOUR) if at <= now]  # a clock may have been set back
    if not unknown or (recent and len(unknown) < size.largest and now < recent[-1] + patience * len(recent)):
        return []
    return ledger.add_files(unknown, day=_day(workspace, now), now=now, size=size)


def take_completed(
    workspace: Workspace, ledger: Ledger, *, size: Size = SIZE, gather: timedelta = GATHER
) -> list[Batch]:
    """Put our own documents that were completed and are in no batch yet into batches; returns these.

    They gather until a batch can be filled with them, or the first has waited for `gather`.
    """
    now = workspace.clock()
    ready: list[str] = []
    for some in chunks(list(_completed(workspace, ledger, gather)), size.largest):
        if len(some) == size.largest or any(now - at >= gather for _, at in some):
            ready += [one for one, _ in some]
    return ledger.add_documents(ready, day=_day(workspace, now), now=now, size=size) if ready else []


def _seen(watched: Watched, now: datetime, left_out: dict[str, str]) -> Iterator[SeenFile]:
    try:
        for one in watched.listing(now):
            if isinstance(one, LeftOut):
                left_out[one.name] = one.why
            else:
                yield one
    except Exception as error:  # every store has errors of its own, and our own documents do not wait for it
        why = watched.said(error)
        if not isinstance(error, UsageError):  # that one has said all
            why = f"The watched place cannot be listed: {why.rstrip('.')}; see whether it is mounted, and check its address and rights."
        left_out[watched.shown] = why


def _day(workspace: Workspace, now: datetime) -> date:
    return now.astimezone(workspace.zone).date()


def _completed(workspace: Workspace, ledger: Ledger, gather: timedelta) -> Iterator[tuple[str, datetime]]:
    """Documents that registry or audit log call completed, with the time of that, oldest first.

    Both are asked, so that a row that was changed in the registry keeps no document from being checked.
    """
    registry = sa.select(documents.c.id, sa.func.coalesce(documents.c.completed_at, documents.c.updated_at)).where(
        documents.c.status == str(Status.COMPLETED)
    )
    log = sa.select(audit_events.c.document_id, audit_events.c.time).where(audit_events.c.type == _COMPLETED)
    last = ledger.last_added("archive")
    if last is not None and last <= workspace.clock():  # after one that was ahead the whole archive is listed once more
        # Whatever was completed longer before the last addition than documents wait is in a batch; the rest of the archive
        # need not be listed every few seconds. A day for clocks and for transactions that took their time.
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
