"""A signature or seal that could not be made now: what is recorded of it, when it is tried again, and when it never will be made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.desk import records
from signing_core.errors import KeyUnavailable, SealtrailError, TimeStampUnavailable
from signing_core.flow import Status
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

_FIRST_RETRY: Final = timedelta(seconds=10)
_LONGEST_RETRY: Final = timedelta(minutes=15)
_PASSING: Final = frozenset({TimeStampUnavailable.__name__, KeyUnavailable.__name__})
"""What is over once an authority answers or a key is there again: the contract is made, and waits for that."""


def note(workspace: Workspace, document_id: str, error: SealtrailError, now: datetime) -> None:
    """Record that a signature or seal could not be made now, and when it is tried again (doubling up to 15 minutes)."""
    with writing(workspace.engine) as connection:
        row = records.load(connection, document_id)
        if row.status not in (Status.SIGNING, Status.SEALING):  # withdrawn meanwhile: it waits for nothing
            return
        failures = row.work_failures + 1
        wait = min(_FIRST_RETRY * 2 ** min(failures - 1, 10), _LONGEST_RETRY)
        connection.execute(
            sa.update(documents)
            .where(documents.c.id == document_id)
            .values(work_failures=failures, work_due_at=now + wait)
        )
        audit.append(
            connection,
            type=f"{row.status}.delayed",
            time=now,
            document_id=document_id,
            actor="system",
            data={"because": type(error).__name__, "message": str(error), "try": failures},
        )


def why_never_sealed(workspace: Workspace, document_id: str) -> str | None:
    """What the last try to seal the document failed of, if that does not pass; None when nothing keeps it from its seal."""
    with reading(workspace.engine) as connection:
        tries = [one for one in audit.of_document(connection, document_id) if one.type == "sealing.delayed"]
    if not tries or tries[-1].data["because"] in _PASSING:
        return None
    return str(tries[-1].data["message"])
