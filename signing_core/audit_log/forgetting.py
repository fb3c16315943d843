"""`sealtrail forget PARTY`: erases what names or reaches a person, and leaves every proof valid.

Erased are the directory entry, names and contacts at documents, pictures of signatures, the completion messages to that
person that are kept as sent, all messages to that person in the outbox folder, and the values and salts beside the audit
log. What stays: the events with their commitments, which are random numbers from now on, and the signed PDFs with the X.509
certificates in them, which are the other party's evidence too; how long they are kept is a decision of its own
(docs/audit-log.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from signing_core.audit_log import events, personal
from signing_core.errors import StepNotAllowed, UsageError
from signing_core.storage import directory, schema
from signing_core.storage.objects import ObjectStore
from signing_core.storage.schema import document_parties, documents, marks, outbox, parties

FORGOTTEN = "party.forgotten"
ENDED = ("completed", "declined", "expired", "voided")
ERASED = ""
"""What a name or contact is once it is erased."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased."""

    party_id: str
    documents: tuple[str, ...]
    values: int
    """Personal values beside the log."""
    messages: int = 0
    """Completion messages that were kept as sent."""
    files: int = 0
    """Messages in the outbox folder."""


def forget(
    connection: sa.Connection,
    objects: ObjectStore,
    party_id: str,
    *,
    remove_message: Callable[[str], bool],
    now: datetime,
    actor: str = "operator",
) -> Forgotten:
    """Erase a party, in the caller's transaction. What lies in files goes first, so that a second try finishes a broken one.

    `remove_message` removes the message with that Message-ID from the outbox folder; whether it was there.

    Raises `UsageError` for an unknown or forgotten party, `StepNotAllowed` while a document with it is under way.
    """
    party = directory.party(connection, party_id)
    if party.forgotten_at is not None:
        raise UsageError(f"The party {party_id} was forgotten on {party.forgotten_at:%Y-%m-%d}.")
    roles = _roles(connection, party)
    open_ones = [document for document, _, status in roles if status not in ENDED]
    if open_ones:
        raise StepNotAllowed(
            f"The party takes part in document {open_ones[0]}, which is under way; void it or wait for its end."
        )
    values = messages = files = 0
    for document, role, _ in roles:
        values += personal.erase(connection, document, role, now=now)
        connection.execute(
            sa.update(document_parties)
            .where(document_parties.c.document_id == document, document_parties.c.role == role)
            .values(name=ERASED, organisation=None, contact=ERASED, copy_email=None)
        )
        files += sum(remove_message(message_id) for message_id in _message_ids(connection, document, role))
        messages += _erase_messages(connection, objects, document, role)
        connection.execute(sa.delete(marks).where(marks.c.document_id == document, marks.c.role == role))
    connection.execute(
        sa.update(parties)
        .where(parties.c.id == party_id)
        .values(name=ERASED, organisation=None, email=None, phone=None, forgotten_at=now)
    )
    affected = tuple(dict.fromkeys(document for document, _, _ in roles))
    events.append(
        connection,
        type=FORGOTTEN,
        time=now,
        actor=actor,
        data={"party": party_id, "documents": list(affected), "values": values},
    )
    return Forgotten(party_id, affected, values, messages, files)


def _message_ids(connection: sa.Connection, document: str, role: str) -> Sequence[str]:
    query = sa.select(outbox.c.message_id).where(outbox.c.document_id == document, outbox.c.role == role)
    return connection.execute(query).scalars().all()


def _erase_messages(connection: sa.Connection, objects: ObjectStore, document: str, role: str) -> int:
    """The messages to this role that are kept as sent: they carry name and address. The hash of the attachment stays."""
    kept = (outbox.c.document_id == document, outbox.c.role == role, outbox.c.sent_sha256.is_not(None))
    found = connection.execute(sa.select(outbox.c.id, outbox.c.sent_sha256).where(*kept)).all()
    for row in found:
        objects.delete(row.sent_sha256)
        connection.execute(outbox.update().where(outbox.c.id == row.id).values(sent_sha256=None))
    return len(found)


def _roles(connection: sa.Connection, party: directory.Party) -> list[tuple[str, str, str]]:
    """Document, role and status of everything the party took part in, under its id or under one of its contacts."""
    contacts = [contact for contact in (party.email, party.phone) if contact]
    query = (
        sa.select(document_parties.c.document_id, document_parties.c.role, documents.c.status)
        .join(documents, documents.c.id == document_parties.c.document_id)
        .where(
            sa.or_(
                document_parties.c.party_id == party.id,
                document_parties.c.contact.in_(contacts),
                document_parties.c.copy_email.in_(contacts),
            )
        )
        .order_by(document_parties.c.document_id)
    )
    return [(row.document_id, row.role, row.status) for row in connection.execute(query)]


def erased(connection: sa.Connection, document_id: str) -> int:
    """How many personal values of a document are erased."""
    table = schema.personal_data
    query = sa.select(sa.func.count()).where(table.c.document_id == document_id, table.c.erased_at.is_not(None))
    return connection.execute(query).scalar_one()
