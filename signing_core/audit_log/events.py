"""Audit events: what happened, as canonical JSON, appended in the transaction of the change they record.

A body is RFC 8785 canonical JSON, stored verbatim and never parsed to be checked: its bytes are the leaf of the tree
(RFC 6962, section 2.1). Its keys::

    actor     who did it, as a role (`author`, `first-party`, `client`, `system`, `verifier`): never a name
    data      what happened; personal values stand in it as {"commitment": HEX} only
    document  the document's id, or null
    prev      SHA-256 of the body of the same document's event before this one, or null
    seq       0, 1, 2, ... over the whole log: the leaf's index in the tree
    time      RFC 3339 in UTC with six decimals, by the server's clock
    type      a stable name such as `document.created`

`prev` repeats for one document what the tree says for all, so that a document's own history can be checked from its
events alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from signing_core.audit_log import authentication, store
from signing_core.audit_log import personal as personal_data
from signing_core.audit_log.tree import leaf_hash
from signing_core.errors import LogInconsistent
from signing_core.storage.schema import audit_events

Json = Any
"""What RFC 8785 can write: None, bool, int below 2**53, float, str, lists and string-keyed dicts of these."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as stored."""

    seq: int
    """Index in the log, from 0."""
    document_id: str | None
    type: str
    time: datetime
    body: bytes
    """The canonical JSON, verbatim."""

    @property
    def content(self) -> dict[str, Json]:
        """The parsed body."""
        value: dict[str, Json] = json.loads(self.body)
        return value

    @property
    def actor(self) -> str:
        return str(self.content["actor"])

    @property
    def data(self) -> dict[str, Json]:
        value: dict[str, Json] = self.content["data"]
        return value

    @property
    def leaf_hash(self) -> bytes:
        return leaf_hash(self.body)

    def written_as_listed(self, previous: str | None) -> bool:
        """Whether the columns, by which events are found and read, are what the body says, and it follows `previous`."""
        try:
            content = self.content
            said = [content[key] for key in ("seq", "document", "type", "time", "prev")]
            return said == [self.seq, self.document_id, self.type, time_text(self.time), previous]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False

    @property
    def sha256(self) -> str:
        """What the next event of the same document names as `prev`."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event to append; the fields are `append`'s."""

    type: str
    time: datetime
    actor: str
    document_id: str | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
    personal: Mapping[str, Json] = field(default_factory=dict)
    about: str | None = None


def append(
    connection: sa.Connection,
    *,
    type: str,
    time: datetime,
    actor: str,
    document_id: str | None = None,
    data: Mapping[str, Json] | None = None,
    personal: Mapping[str, Json] | None = None,
    about: str | None = None,
) -> Event:
    """Append one event in the caller's transaction, which `storage.database.writing` began, with its authentication code.

    `personal` holds the values that name or locate a person: they are kept beside the log with a random salt, and the
    event's `data` gets `{"commitment": HEX}` under the same key. They belong to the party in the role `about`, by default
    the actor; a value `Personal(role, value)` says otherwise for itself. `time` is aware. Raises `LogInconsistent` when
    the log's head and its last event contradict each other, `KeyUnavailable` when the key ring is not at hand and the type is
    none that goes without a code (`authentication.OPEN`), and `ValueError` for values that RFC 8785 cannot write.
    """
    new = NewEvent(type, time, actor, document_id, data or {}, personal or {}, about)
    return append_many(connection, (new,))[0]


def append_many(connection: sa.Connection, new_events: Sequence[NewEvent]) -> list[Event]:
    """Append several events in order, in the caller's transaction; see `append`."""
    with store.Writer(connection) as log:
        previous = _previous_bodies(log, new_events)
        author, before = authentication.Author(connection), log.last_leaf()
        rows: list[store.EventRow] = []
        kept: list[personal_data.Kept] = []
        for seq, new in enumerate(new_events, start=log.size):
            data = dict(new.data)
            for key, value in new.personal.items():
                if key in data:
                    raise ValueError(f"{key} is given both as data and as personal data")
                one = personal_data.keep(value, document_id=new.document_id, role=new.about or new.actor)
                kept.append(one)
                data[key] = {"commitment": one.commitment}
            time = _utc(new.time)
            body = _body(seq, new, time, data, previous.get(new.document_id))
            if new.document_id is not None:
                previous[new.document_id] = hashlib.sha256(body).hexdigest()
            leaf = leaf_hash(body)
            rows.append((seq, new.document_id, new.type, time, body, leaf, author.code(new.type, before, body)))
            before = leaf
        log.append(rows)
        log.keep_personal(kept)
    return [Event(seq, document, kind, time, body) for seq, document, kind, time, body, _, _ in rows]


def of_document(connection: sa.Connection, document_id: str) -> list[Event]:
    """The document's events, oldest first; empty for an unknown document."""
    return list(select(connection, EVENTS.where(audit_events.c.document_id == document_id)))


def of_type(connection: sa.Connection, type: str, *, since: int = 0) -> list[Event]:
    """The events of one type from `since` on (a sequence number), oldest first."""
    query = EVENTS.where(audit_events.c.type == type, audit_events.c.seq >= since)
    return list(select(connection, query))


def one(connection: sa.Connection, seq: int) -> Event | None:
    """The event with this sequence number."""
    return next(iter(select(connection, EVENTS.where(audit_events.c.seq == seq))), None)


def size(connection: sa.Connection) -> int:
    """The number of events in the log."""
    return store.size(connection)


def time_text(time: datetime) -> str:
    """RFC 3339, UTC, always six decimals: equal times have equal bytes."""
    return _utc(time).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


EVENTS = sa.select(
    audit_events.c.seq,
    audit_events.c.document_id,
    audit_events.c.type,
    audit_events.c.time,
    audit_events.c.body,
).order_by(audit_events.c.seq)
"""All events, oldest first; to be narrowed with `where` and given to `select`."""


def select(connection: sa.Connection, query: sa.Select[Any]) -> Iterable[Event]:
    """The events that a query made from `EVENTS` finds."""
    return (Event(*row) for row in connection.execute(query))


def _body(seq: int, new: NewEvent, time: datetime, data: dict[str, Json], previous: str | None) -> bytes:
    """RFC 8785 canonical JSON. The outer object's keys are known, so they are written in their order here."""
    before = f'{{"actor":{_text(new.actor)},"data":'
    document = "null" if new.document_id is None else _text(new.document_id)
    link = "null" if previous is None else f'"{previous}"'
    after = f',"document":{document},"prev":{link},"seq":{seq},"time":"{time_text(time)}","type":{_text(new.type)}}}'
    return before.encode() + rfc8785.dumps(data) + after.encode()


def _text(value: str) -> str:
    # The escapes of json.dumps are those of RFC 8785, section 3.2.2.2.
    return json.dumps(value, ensure_ascii=False)


def _previous_bodies(log: store.Writer, new_events: Sequence[NewEvent]) -> dict[str | None, str | None]:
    found: dict[str | None, str | None] = {}
    for document_id in {event.document_id for event in new_events if event.document_id is not None}:
        last = log.last_of(document_id)
        if last is not None:
            seq, body = last
            if seq >= log.size:
                raise LogInconsistent(
                    f"The audit log holds event {seq} although its head says {log.size} events; "
                    "stop all work on this workspace and run `sealtrail audit verify`."
                )
            found[document_id] = hashlib.sha256(body).hexdigest()
    return found


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("an event's time needs an offset")
    return time.astimezone(UTC)
