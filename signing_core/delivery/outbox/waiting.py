"""Putting messages into the outbox, calling them back, looking at them. The rules stand in the docstring of the package."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa

from signing_core.delivery.messages.content import Content
from signing_core.delivery.outbox.sealed import Envelope, seal
from signing_core.storage.database import reading, writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.objects import ObjectStore
from signing_core.storage.schema import outbox

State = Literal["waiting", "sending", "uncertain", "delivered", "failed", "cancelled"]

KEPT_AS_SENT: Final = "completed"
"""The kind of message that is kept as it was sent. It holds no link and no code."""
KEEP: Final = timedelta(days=90)

_OPEN: Final = ("waiting", "sending", "uncertain")
_RECIPIENT: Final = {
    "email": re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+"),
    "sms": re.compile(r"\+[1-9][0-9]{5,14}"),
}


@dataclass(frozen=True)
class Entry:
    """A message as pages and commands may show it: no recipient, no content."""

    id: str
    role: str | None
    kind: str
    channel: str
    state: State
    attempts: int
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    last_error: str | None
    sent_sha256: str | None
    sent_attachment_sha256: str | None


def enqueue(
    connection: sa.Connection,
    server_key: bytes,
    *,
    document_id: str | None,
    role: str | None,
    channel: Literal["email", "sms"],
    recipient: str,
    content: Content,
    now: datetime,
    due_at: datetime | None = None,
    recipient_name: str = "",
    attachment_sha256: str | None = None,
    attachment_name: str | None = None,
    domain: str = "sealtrail.invalid",
) -> str:
    """Put a message into the outbox, in the caller's transaction; returns its id (26 characters).

    `recipient` is a `Contact.value`. The attachment is named by its SHA-256 in the object store and read when the message
    is sent; only e-mail can have one. `domain` stands in the Message-ID: the one of the `Sender`. `ValueError` for what
    no channel could take.
    """
    if not _RECIPIENT[channel].fullmatch(recipient):
        raise ValueError(f"not a recipient for the channel {channel}")
    if attachment_sha256 is not None and channel != "email":
        raise ValueError("only e-mail has attachments")
    outbox_id = new_id(now)
    message_id = f"{outbox_id}@{domain}"
    envelope = Envelope(recipient, recipient_name, content, attachment_name)
    connection.execute(
        outbox.insert().values(
            id=outbox_id,
            message_id=message_id,
            document_id=document_id,
            role=role,
            kind=content.kind,
            channel=channel,
            state="waiting",
            sealed_content=seal(server_key, envelope, message_id=message_id, attachment_sha256=attachment_sha256),
            attachment_sha256=attachment_sha256,
            created_at=now,
            due_at=due_at or now,
        )
    )
    return outbox_id


def cancel(
    connection: sa.Connection,
    *,
    document_id: str,
    role: str | None = None,
    kinds: Collection[str] | None = None,
) -> list[str]:
    """Call back a document's messages that have not been delivered, in the caller's transaction; returns their ids.

    A message that is being sent at this moment may still arrive; then its state says so in the end.
    """
    chosen = sa.and_(outbox.c.document_id == document_id, outbox.c.state.in_(_OPEN))
    if role is not None:
        chosen = sa.and_(chosen, outbox.c.role == role)
    if kinds is not None:
        chosen = sa.and_(chosen, outbox.c.kind.in_(kinds))
    ids = list(connection.scalars(sa.select(outbox.c.id).where(chosen).order_by(outbox.c.id)))
    connection.execute(outbox.update().where(chosen).values(state="cancelled", sealed_content=None))
    return ids


def of_document(connection: sa.Connection, document_id: str) -> Sequence[Entry]:
    """The messages of a document, oldest first."""
    columns = [outbox.c[name] for name in Entry.__dataclass_fields__]
    rows = connection.execute(sa.select(*columns).where(outbox.c.document_id == document_id).order_by(outbox.c.id))
    return [Entry(**row._mapping) for row in rows]


def next_due(engine: sa.Engine) -> datetime | None:
    """When the outbox has something to do next; None when nothing waits. What is being sent counts as due at once."""
    with reading(engine) as connection:
        due: datetime | None = connection.scalar(
            sa.select(sa.func.min(outbox.c.due_at)).where(outbox.c.state.in_(_OPEN))
        )
    return due


def forget_sent(engine: sa.Engine, objects: ObjectStore, now: datetime, *, keep: timedelta = KEEP) -> int:
    """Delete the completion messages kept as sent that left longer ago than `keep`; returns how many.

    The hash of the attachment as sent stays, and the audit event of the delivery names both.
    """
    with reading(engine) as connection:
        old = connection.execute(
            sa.select(outbox.c.id, outbox.c.sent_sha256).where(
                outbox.c.sent_sha256.is_not(None), outbox.c.handed_over_at < now - keep
            )
        ).all()
    for row in old:
        objects.delete(row.sent_sha256)  # no error when a pass that was killed has done it already
        with writing(engine) as connection:
            connection.execute(outbox.update().where(outbox.c.id == row.id).values(sent_sha256=None))
    return len(old)
