"""What was decided about an exception: an audit event, so that who decided what, and when, cannot be rewritten later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

import sqlalchemy as sa

from signing_core.audit_log import events
from signing_core.audit_log.personal import Personal
from signing_core.errors import UsageError
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace

State = Literal["open", "in-work", "accepted", "false-alarm", "resolved"]
"""An exception is `open` until somebody says otherwise; `resolved` opens again when the next run still finds it."""

DISPOSED: Final = "finding.disposed"


@dataclass(frozen=True)
class Disposition:
    subject: str
    """As in `exceptions.Exception_.subject`: a document id, or the SHA-256 of a file."""
    code: str
    state: State
    time: datetime
    event: int


def record(workspace: Workspace, *, subject: str, code: str, state: State, reason: str, by: str) -> Disposition:
    """Record a decision. `reason` and `by` (a name) are personal data beside the log. Raises `UsageError`."""
    if state not in get_args(State):
        raise UsageError(f"{state} is no disposition; choose one of {', '.join(get_args(State))}.")
    if not reason.strip():
        raise UsageError(f"Say why {code} of {subject} is {state}; the reason is kept beside the audit log.")
    now = workspace.clock()
    with writing(workspace.engine) as connection:
        event = events.append(
            connection,
            type=DISPOSED,
            time=now,
            actor="analyst",
            data={"subject": subject, "code": code, "state": state},
            personal={"reason": Personal("analyst", reason.strip()), "by": Personal("analyst", by)},
        )
    return Disposition(subject, code, state, now, event.seq)


def current(workspace: Workspace) -> dict[tuple[str, str], Disposition]:
    """The last decision on each exception, by subject and code."""
    found: dict[tuple[str, str], Disposition] = {}
    with reading(workspace.engine) as connection:
        for event in events.select(connection, _query()):
            data = event.data
            held = Disposition(str(data["subject"]), str(data["code"]), data["state"], event.time, event.seq)
            found[held.subject, held.code] = held
    return found


def _query() -> sa.Select[tuple[int, str | None, str, datetime, bytes]]:
    from signing_core.storage.schema import audit_events

    return events.EVENTS.where(audit_events.c.type == DISPOSED)
