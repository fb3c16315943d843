"""The rows of a document: reading and writing them, without deciding anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from signing_core.delivery import tokens
from signing_core.errors import ConcurrentChange, DocumentUnknown, LinkInvalid
from signing_core.flow import Role, State, Status
from signing_core.flow.commands import Event, EventType
from signing_core.storage.schema import document_files, document_parties, documents, links, marks


def load(connection: sa.Connection, document_id: str) -> sa.Row[Any]:
    """The row of `documents`. Raises `DocumentUnknown`."""
    row = None
    if document_id.isascii() and "\0" not in document_id:  # other text, some databases cannot even be asked for
        row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one_or_none()
    if row is None:
        raise DocumentUnknown(
            f"There is no document {document_id[:60]!a} in this workspace; `sealtrail list` shows those there are."
        )
    return row


def save(
    connection: sa.Connection, row: sa.Row[Any], state: State, now: datetime, columns: Mapping[str, Any] | None = None
) -> None:
    """Store the next state over the row it was made from. Raises `ConcurrentChange`."""
    due = now if state.status in (Status.SIGNING, Status.SEALING) else None
    values: dict[str, Any] = {
        "state": state.to_json(),
        "status": str(state.status),
        "version": row.version + 1,
        "updated_at": now,
        "work_due_at": due,
        "work_failures": 0,
        **(columns or {}),
    }
    changed = connection.execute(
        sa.update(documents).where(documents.c.id == row.id, documents.c.version == row.version).values(**values)
    )
    if changed.rowcount != 1:
        raise ConcurrentChange(
            f"Document {row.id} was changed by somebody else at the same moment; look at it and try again."
        )


def add_file(connection: sa.Connection, document_id: str, step: str, sha256: str, length: int, now: datetime) -> None:
    connection.execute(
        sa.insert(document_files).values(
            document_id=document_id, step=step, sha256=sha256, length=length, created_at=now
        )
    )


def files(connection: sa.Connection, document_id: str) -> dict[str, sa.Row[Any]]:
    """The stored files of a document by step: source, prepared, first-party, client, final."""
    rows = connection.execute(sa.select(document_files).where(document_files.c.document_id == document_id))
    return {row.step: row for row in rows}


def parties(connection: sa.Connection, document_id: str) -> dict[str, sa.Row[Any]]:
    """Author, first party and client of a document by role."""
    rows = connection.execute(sa.select(document_parties).where(document_parties.c.document_id == document_id))
    return {row.role: row for row in rows}


def keep_mark(
    connection: sa.Connection,
    document_id: str,
    role: str,
    part: str,
    kind: str,
    media_type: str,
    data: bytes,
    now: datetime,
) -> None:
    connection.execute(
        sa.insert(marks).values(
            document_id=document_id, role=role, part=part, kind=kind, media_type=media_type, data=data, created_at=now
        )
    )


def marks_of(connection: sa.Connection, document_id: str, role: str) -> dict[str, sa.Row[Any]]:
    """Signature and stamp that a party gave, by part."""
    rows = connection.execute(sa.select(marks).where(marks.c.document_id == document_id, marks.c.role == role))
    return {row.part: row for row in rows}


@dataclass(frozen=True)
class FoundLink:
    """A link that was sent at some time; `ended_because` is None while it is live."""

    token_hash: str
    document_id: str
    role: str
    purpose: str
    expires_at: datetime
    ended_because: str | None


def find_link(connection: sa.Connection, token: str) -> FoundLink:
    """The link with this token, ended or not. Raises `LinkInvalid` without saying more."""
    token_hash = tokens.hash_token(token)
    row = connection.execute(sa.select(links).where(links.c.token_hash == token_hash)).one_or_none()
    if row is None:
        raise LinkInvalid(
            "This link is not valid; open the latest message you received, or ask the sender for a new link."
        )
    return FoundLink(token_hash, row.document_id, row.role, row.purpose, row.expires_at, row.ended_because)


def add_link(
    connection: sa.Connection,
    document_id: str,
    role: str,
    purpose: str,
    token_hash: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    connection.execute(
        sa.insert(links).values(
            token_hash=token_hash,
            document_id=document_id,
            role=role,
            purpose=purpose,
            created_at=now,
            expires_at=expires_at,
        )
    )


def follow_links(connection: sa.Connection, state: State, events: Sequence[Event], now: datetime) -> None:
    """Bring the table of links in line with what the flow decided."""
    for event in events:
        if event.role is None:
            continue
        if event.type is EventType.LINK_ENDED:
            connection.execute(
                sa.update(links)
                .where(
                    links.c.document_id == state.document_id,
                    links.c.role == str(event.role),
                    links.c.purpose == "sign",
                    links.c.ended_at.is_(None),
                )
                .values(ended_at=now, ended_because=event.data["because"])
            )
        elif event.type is EventType.LINK_ISSUED:
            link = state.party(Role(event.role)).link
            if link is not None:
                add_link(connection, state.document_id, str(event.role), "sign", link.token_hash, now, link.expires_at)
