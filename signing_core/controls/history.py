"""Everything the database says of a document, read in bulk for thousands of them at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import authentication, contents, personal
from signing_core.audit_log import events as audit
from signing_core.audit_log.events import Event
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, document_files, document_parties, documents, outbox
from signing_core.storage.workspace import Workspace

_CHUNK = 400
"""Documents read at once; a database limits the number of parameters."""


@dataclass(frozen=True)
class History:
    row: sa.Row[Any]
    """Of `documents`."""
    parties: dict[str, sa.Row[Any]] = field(repr=False)
    events: tuple[Event, ...] = ()
    leaf_hashes: tuple[bytes, ...] = field(default=(), repr=False)
    """As stored, in the order of `events`."""
    messages: tuple[sa.Row[Any], ...] = field(default=(), repr=False)
    opened: dict[str, Any] = field(default_factory=dict, repr=False)
    """Personal values by commitment; what was erased is missing."""
    renewed: tuple[str, ...] = ()
    """SHA-256 of the files with renewed archive time-stamps, oldest first."""
    forged: Event | None = None
    """The first event that was not written with the key ring, where that is at hand."""

    @property
    def document_id(self) -> str:
        return str(self.row.id)

    @cached_property
    def unreadable(self) -> tuple[Event, ...]:
        """Events whose contents were changed so that nothing can be made of them: of these, only the row may be used."""
        return tuple(event for event in self.events if contents.problem(event) is not None)

    @cached_property
    def readable(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event not in self.unreadable) if self.unreadable else self.events

    def of(self, *types: str) -> list[Event]:
        """The events of these types, as far as they can be read."""
        return [event for event in self.readable if event.type in types]

    def lost(self, *types: str) -> bool:
        """Whether an event of these types cannot be read, so that its absence from `of` says nothing."""
        return any(event.type in types for event in self.unreadable)

    def logged(self, type: str) -> Event | None:
        """The first event of this type, readable or not."""
        return next((event for event in self.events if event.type == type), None)

    def value(self, event: Event, key: str) -> Any:
        """A personal value of an event, or None when it has none or it was erased."""
        held = event.data.get(key)
        return self.opened.get(held["commitment"]) if isinstance(held, dict) and "commitment" in held else held


def histories(workspace: Workspace, document_ids: Sequence[str]) -> Iterator[History]:
    """The histories of these documents, in their order; an unknown id is left out."""
    for start in range(0, len(document_ids), _CHUNK):
        yield from _chunk(workspace, document_ids[start : start + _CHUNK])


def documents_there(connection: sa.Connection, document_ids: Sequence[str]) -> set[str]:
    """Those of a few hundred documents that the registry knows."""
    return set(connection.execute(sa.select(documents.c.id).where(documents.c.id.in_(document_ids))).scalars())


def renewed_files(connection: sa.Connection, document_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """SHA-256 of the files with renewed archive time-stamps (steps `renewed-1`, ...) of these documents, oldest first."""
    table = document_files
    query = sa.select(table.c.document_id, table.c.step, table.c.sha256).where(
        table.c.document_id.in_(document_ids), table.c.step.like("renewed-%")
    )
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.document_id].append((int(row.step.removeprefix("renewed-")), row.sha256))
    return {one: tuple(sha256 for _, sha256 in sorted(files)) for one, files in found.items()}


def _chunk(workspace: Workspace, document_ids: Sequence[str]) -> Iterator[History]:
    with reading(workspace.engine) as connection:
        rows = {row.id: row for row in connection.execute(sa.select(documents).where(documents.c.id.in_(document_ids)))}
        people: dict[str, dict[str, sa.Row[Any]]] = defaultdict(dict)
        for row in connection.execute(
            sa.select(document_parties).where(document_parties.c.document_id.in_(document_ids))
        ):
            people[row.document_id][row.role] = row
        log: dict[str, list[Event]] = defaultdict(list)
        leaves: dict[str, list[bytes]] = defaultdict(list)
        table = audit_events
        for row in connection.execute(
            sa.select(table).where(table.c.document_id.in_(document_ids)).order_by(table.c.seq)
        ):
            log[row.document_id].append(audit.Event(row.seq, row.document_id, row.type, row.time, row.body))
            leaves[row.document_id].append(row.leaf_hash)
        messages: dict[str, list[sa.Row[Any]]] = defaultdict(list)
        for row in connection.execute(
            sa.select(outbox).where(outbox.c.document_id.in_(document_ids)).order_by(outbox.c.id)
        ):
            messages[row.document_id].append(row)
        renewed = renewed_files(connection, document_ids)
        opened = {document_id: personal.opened(connection, document_id) for document_id in rows}
        key = authentication.at_hand(connection)
        forged = {one: authentication.forged(connection, log[one], key) for one in rows} if key else {}
    for document_id in document_ids:
        if document_id in rows:
            yield History(
                rows[document_id],
                people[document_id],
                tuple(log[document_id]),
                tuple(leaves[document_id]),
                tuple(messages[document_id]),
                opened[document_id],
                renewed.get(document_id, ()),
                forged.get(document_id),
            )
