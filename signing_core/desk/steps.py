"""One step of the flow is one transaction: state, links, messages and audit events change together or not at all.

A step that the flow forbids is rolled back and leaves one `step.refused` event, written in a transaction of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from signing_core import flow
from signing_core.audit_log import events as audit
from signing_core.desk import logged_facts, notices, records
from signing_core.desk.people import Origin
from signing_core.errors import FlowError
from signing_core.flow import State
from signing_core.flow.commands import Command, Decline, Event, EventType, Expire, Void
from signing_core.storage.database import writing
from signing_core.storage.workspace import Workspace


@dataclass(frozen=True)
class Prepared:
    """A command together with the secrets whose hashes it carries: they go into messages and nowhere else."""

    command: Command
    link_token: str | None = field(default=None, repr=False)
    code_digits: str | None = field(default=None, repr=False)
    reason: str = field(default="", repr=False)
    """Why a party declined or the author withdrew it, for those who are told."""


@dataclass(frozen=True)
class Remarks:
    """What an event says beyond what the flow knows: facts, and personal values that are kept beside the log."""

    data: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A step that was taken."""

    state: State
    events: tuple[Event, ...]
    recorded: tuple[audit.Event, ...]

    def happened(self, type: EventType) -> bool:
        return any(event.type is type for event in self.events)


_ENDING = (Decline, Void, Expire)

Make = Callable[[State], Prepared]
Before = Callable[[sa.Connection], None]
"""Writes that the messages of the step must already see, such as a new contact."""
Also = Callable[[sa.Connection, "Taken"], Mapping[str, Any] | None]
"""Further writes of the same transaction; returns columns of `documents` to set."""


def take(
    workspace: Workspace,
    document_id: str,
    make: Make,
    *,
    actor: str,
    now: datetime,
    origin: Origin | None = None,
    remarks: Mapping[EventType, Remarks] | None = None,
    before: Before | None = None,
    also: Also | None = None,
) -> Taken:
    """Take the step that `make` prepares from the document's present state.

    Raises `DocumentUnknown`, or the `FlowError` with which the flow refused the step: `RecordNotAsLogged` where the database says
    other things than the audit log, unless the step ends the document.
    """
    prepared: Prepared | None = None
    state: State | None = None
    try:
        with writing(workspace.engine) as connection:
            row = records.load(connection, document_id)
            state = State.from_json(row.state)
            prepared = make(state)
            if not isinstance(prepared.command, _ENDING):
                logged_facts.check(connection, row, state)
            if before is not None:
                before(connection)
            return _carry_out(workspace, connection, row, prepared, actor, now, origin or Origin(), remarks or {}, also)
    except FlowError as error:
        status = state.status if state else None
        step = _step_name(prepared.command) if prepared else "open"
        note_refusal(workspace, document_id, step, error, actor=actor, status=status, now=now, origin=origin)
        raise


def _carry_out(
    workspace: Workspace,
    connection: sa.Connection,
    row: sa.Row[Any],
    prepared: Prepared,
    actor: str,
    now: datetime,
    origin: Origin,
    remarks: Mapping[EventType, Remarks],
    also: Also | None,
) -> Taken:
    state, events = flow.apply(State.from_json(row.state), prepared.command, now)
    recorded = audit.append_many(
        connection,
        [_audit_event(row.id, event, actor, now, origin, remarks.get(event.type, Remarks())) for event in events],
    )
    taken = Taken(state, events, tuple(recorded))
    columns = dict(also(connection, taken) or {}) if also else {}
    records.save(connection, row, state, now, columns)
    records.follow_links(connection, state, events, now)
    notices.follow(
        workspace, connection, row, taken, prepared.link_token, prepared.code_digits, now, reason=prepared.reason
    )
    return taken


def note_refusal(
    workspace: Workspace,
    document_id: str,
    step: str,
    error: FlowError,
    *,
    actor: str,
    status: str | None,
    now: datetime,
    origin: Origin | None,
) -> None:
    """The one trace that a refused step leaves."""
    with writing(workspace.engine) as connection:
        audit.append(
            connection,
            type="step.refused",
            time=now,
            document_id=document_id,
            actor=actor,
            data={"step": step, "because": error.code, "status": status},
            personal=(origin or Origin()).personal(),
        )


def _audit_event(
    document_id: str, event: Event, actor: str, now: datetime, origin: Origin, remarks: Remarks
) -> audit.NewEvent:
    data = {**event.data, **remarks.data}
    if event.role is not None:
        data["role"] = str(event.role)
    return audit.NewEvent(
        type=str(event.type),
        time=now,
        actor=actor,
        document_id=document_id,
        data=data,
        personal={**origin.personal(), **remarks.personal},
        about=str(event.role) if event.role else None,
    )


def _step_name(command: Command) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(command).__name__).lower()
