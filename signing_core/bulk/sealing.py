"""Bulk sealing: everything that waits for its signature or seal, now and not when its next try is due."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from signing_core.desk import Desk
from signing_core.errors import ConcurrentChange, SealtrailError
from signing_core.flow import Status
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

_WAITING = (str(Status.SIGNING), str(Status.SEALING))


@dataclass
class Sealed:
    completed: list[str] = field(default_factory=list)
    """Document ids."""
    still_waiting: dict[str, str] = field(default_factory=dict)
    """Document id, and why."""


def seal_waiting(workspace: Workspace) -> Sealed:
    """Work on every document in *signing* or *sealing*, once each. One that cannot be done now does not stop the others."""
    desk, done = Desk(workspace), Sealed()
    query = sa.select(documents.c.id).where(documents.c.status.in_(_WAITING)).order_by(documents.c.id)
    with reading(workspace.engine) as connection:
        waiting = list(connection.execute(query).scalars())
    for document_id in waiting:
        try:
            state = desk.work_on(document_id)
        except ConcurrentChange:
            done.still_waiting[document_id] = "Another process is working on it."
        except SealtrailError as error:
            done.still_waiting[document_id] = str(error)
        else:
            if state.status is Status.COMPLETED:
                done.completed.append(document_id)
            else:
                last = desk.events(document_id)[-1]
                done.still_waiting[document_id] = str(last.data.get("message", last.type))
    return done
