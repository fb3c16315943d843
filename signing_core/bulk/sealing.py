"""Bulk sealing: everything that waits for its signature or seal, now and not when its next try is due."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from signing_core.bulk import time_stamps
from signing_core.bulk.one_by_one import reason_of
from signing_core.desk import Desk
from signing_core.errors import ConcurrentChange, TimeStampUnavailable
from signing_core.flow import Status
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

_WAITING = (Status.SIGNING, Status.SEALING)


@dataclass
class Sealed:
    completed: list[str] = field(default_factory=list)
    """Document ids."""
    signed: list[str] = field(default_factory=list)
    """Those that have the signature they waited for and are with the next party now."""
    still_waiting: dict[str, str] = field(default_factory=dict)
    """Document id, and why."""


def seal_waiting(workspace: Workspace) -> Sealed:
    """Work on every document in *signing* or *sealing*, once each. One that cannot be done now does not stop the others.

    Without a time-stamp nothing can be done: when the authority does not answer, the others wait without a try of their own.
    """
    desk, done, silent = Desk(workspace), Sealed(), ""
    query = sa.select(documents.c.id).where(documents.c.status.in_([str(one) for one in _WAITING]))
    with reading(workspace.engine) as connection:
        waiting = list(connection.execute(query.order_by(documents.c.id)).scalars())
    for document_id in waiting:
        if silent:
            done.still_waiting[document_id] = silent
            continue
        try:
            state = desk.work_on(document_id)
            if state.status is Status.COMPLETED:
                done.completed.append(document_id)
            elif state.status not in _WAITING:
                done.signed.append(document_id)
            else:
                last = desk.events(document_id)[-1]
                done.still_waiting[document_id] = str(last.data.get("message", last.type))
                if last.data.get("because") == TimeStampUnavailable.__name__:
                    silent = time_stamps.silence(workspace)
        except ConcurrentChange:
            done.still_waiting[document_id] = "Another process is working on it."
        except Exception as error:
            done.still_waiting[document_id] = reason_of(error, f"Document {document_id}")
    return done
