"""What somebody does to the audit log who can write to the database and has no key."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from signing_core.audit_log import events
from signing_core.audit_log.events import Event, NewEvent
from signing_core.storage.database import with_event_key, writing
from signing_core.storage.schema import audit_events, audit_head, audit_nodes


def append(engine: sa.Engine, *new: NewEvent, code: bytes | None = None) -> list[Event]:
    """Append as the program does, numbers, chain, leaves, nodes and head all in order, but for the codes: `code` instead."""
    with writing(with_event_key(engine, lambda: b"not the key")) as connection:
        made = events.append_many(connection, new)
        query = sa.update(audit_events).where(audit_events.c.seq.in_([event.seq for event in made]))
        connection.execute(query.values(mac=code))
    return made


def cut_off(engine: sa.Engine, seq: int) -> None:
    """Take away the events from `seq` on, as if they had never been."""
    from signing_core.audit_log import tree

    with writing(engine) as connection:
        connection.execute(sa.delete(audit_events).where(audit_events.c.seq >= seq))
        kept = tree.CompactRange(lambda node, _: places.add(tree.position(node)))
        places: set[int] = set()
        for (leaf,) in connection.execute(sa.select(audit_events.c.leaf_hash).order_by(audit_events.c.seq)):
            kept.append(leaf)
        connection.execute(sa.delete(audit_nodes).where(audit_nodes.c.position.not_in(places)))
        connection.execute(sa.update(audit_head).values(size=seq))


def of(engine: sa.Engine, seqs: Iterable[int]) -> list[sa.Row[tuple[object, ...]]]:
    """The rows of events, to be put back later."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(audit_events).where(audit_events.c.seq.in_(list(seqs)))))
