"""Background work, one round of it: outbox, signatures and seals that wait, expiry, reminders.

Every item is found in the database and done under its own lock or claim, so any number of workers may run, and one that
is killed leaves nothing that the next does not pick up.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from signing_core.audit_log.log import AuditLog
from signing_core.delivery import outbox
from signing_core.desk import logged_facts, notices, records
from signing_core.errors import ConcurrentChange, RecordNotAsLogged, SealtrailError
from signing_core.flow import State, Status
from signing_core.keys import register
from signing_core.storage import locks
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

if TYPE_CHECKING:
    from signing_core.desk.desk import Desk

_log = logging.getLogger(__name__)
_BATCH = 200


@dataclass
class Round:
    """What one round of background work did."""

    delivered: int = 0
    undelivered: int = 0
    signed: int = 0
    completed: int = 0
    waiting: int = 0
    expired: int = 0
    reminded: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        return not (self.delivered or self.signed or self.completed or self.expired or self.reminded)


def work_once(desk: Desk) -> Round:
    """Do everything that is due now. A failure of one item is noted and does not stop the others."""
    done = Round()
    workspace, clock = desk.workspace, desk.clock
    for document_id in _due(workspace, clock()):
        with _noted(done, document_id):
            before = desk.state(document_id).status
            after = desk.work_on(document_id).status
            done.signed += before is Status.SIGNING and after is not Status.SIGNING
            done.completed += after is Status.COMPLETED
            done.waiting += after in (Status.SIGNING, Status.SEALING)
    for document_id in _past_expiry(workspace, clock()):
        with _noted(done, document_id):
            desk.expire(document_id)
            done.expired += 1
    for document_id in _to_remind(workspace, clock()):
        if _differs(workspace, document_id):
            continue  # the controls tell of it, and a refusal each round would fill the log
        with _noted(done, document_id):
            desk.remind(document_id, actor="system")
            done.reminded += 1
    refresh_crls(workspace, clock())
    locks.sweep(workspace)
    with _noted(done, "of the audit log"):
        AuditLog(workspace).keep_up()
    outbox.forget_sent(
        workspace.engine, workspace.objects, clock(), keep=timedelta(days=workspace.settings.limits.sent_messages_days)
    )
    for outcome in notices.deliver(workspace):
        if outcome.state == "delivered":
            done.delivered += 1
        else:
            done.undelivered += 1
    return done


def _differs(workspace: Workspace, document_id: str) -> bool:
    try:
        with reading(workspace.engine) as connection:
            row = records.load(connection, document_id)
            logged_facts.check(connection, row, State.from_json(row.state))
    except RecordNotAsLogged:
        return True
    return False


@contextlib.contextmanager
def _noted(done: Round, document_id: str) -> Iterator[None]:
    try:
        yield
    except ConcurrentChange:
        _log.info("document %s is being worked on elsewhere", document_id)
    except SealtrailError as error:
        done.failures.append(str(error))
        _log.warning("document %s: %s", document_id, error)
    except Exception as error:
        # A fault of ours on one document must not stop the others; its details go to the log, not to a person.
        done.failures.append(
            f"Document {document_id}: an unexpected {type(error).__name__} stopped this step; see the log."
        )
        _log.exception("document %s", document_id)


def refresh_crls(workspace: Workspace, now: datetime) -> None:
    """A list that outsiders can fetch must not run out, nor lag behind a revocation; those of former CAs neither."""
    for ca in workspace.keys().cas:
        with reading(workspace.engine) as connection:
            due = now < ca.certificate.not_valid_after_utc and register.crl_due(connection, ca, now)
        if due:
            with writing(workspace.engine) as connection:
                register.issue_crl(connection, ca, now)


def _due(workspace: Workspace, now: datetime) -> list[str]:
    query = (
        sa.select(documents.c.id)
        .where(documents.c.status.in_([str(Status.SIGNING), str(Status.SEALING)]), documents.c.work_due_at <= now)
        .order_by(documents.c.work_due_at)
        .limit(_BATCH)
    )
    with reading(workspace.engine) as connection:
        return list(connection.execute(query).scalars())


def _past_expiry(workspace: Workspace, now: datetime) -> list[str]:
    open_ = [str(s) for s in (Status.DRAFT, Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT)]
    query = sa.select(documents.c.id).where(documents.c.status.in_(open_), documents.c.expires_at < now).limit(_BATCH)
    with reading(workspace.engine) as connection:
        return list(connection.execute(query).scalars())


def _to_remind(workspace: Workspace, now: datetime) -> list[str]:
    """Documents whose party has not acted for as many days after its first link as the next reminder is set to."""
    days = workspace.settings.links.reminder_days
    awaiting = [str(s) for s in (Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT)]
    query = sa.select(documents.c.id, documents.c.state).where(
        documents.c.status.in_(awaiting), documents.c.expires_at >= now
    )
    due = []
    with reading(workspace.engine) as connection:
        for document_id, value in connection.execute(query):
            state = State.from_json(value)
            party = state.party(state.turn) if state.turn else None
            if party is None or party.reminders >= len(days):
                continue
            since = party.turn_since or state.created_at
            if now - since >= timedelta(days=days[party.reminders]):
                due.append(document_id)
    return due
