"""The log's rows: one writer appends events and the complete nodes of the tree over them.

Level 1 and up are stored; level 0, the leaf hashes, stands with the events. A node is written once, by the event that
completes it, and never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from signing_core.audit_log import tree
from signing_core.audit_log.personal import Kept
from signing_core.errors import LogInconsistent
from signing_core.storage import schema
from signing_core.storage.schema import audit_events, audit_head, audit_nodes

EventRow = tuple[int, "str | None", str, datetime, bytes, bytes]
"""seq, document id, type, time (UTC), body, leaf hash."""


class Writer:
    """The log as its one writer holds it: the head row is locked until the transaction ends."""

    def __init__(self, connection: sa.Connection, size: int) -> None:
        self._connection = connection
        self.size = size

    def last_of(self, document_id: str) -> tuple[int, bytes] | None:
        """Sequence number and body of the document's newest event."""
        row = self._connection.execute(_LAST_OF, {"document": document_id}).first()
        return (row[0], row[1]) if row else None

    def append(self, rows: Sequence[EventRow], leaves: Sequence[bytes]) -> None:
        """Write the events, the nodes they complete and the new head."""
        if not rows:
            return
        nodes = self._new_nodes(leaves)
        self._connection.execute(
            _INSERT_EVENT,
            [
                {"seq": seq, "document_id": document, "type": kind, "time": time, "body": body, "leaf_hash": leaf}
                for seq, document, kind, time, body, leaf in rows
            ],
        )
        if nodes:
            self._connection.execute(
                _INSERT_NODE, [{"position": tree.position(node), "hash": value} for node, value in nodes]
            )
        self.size += len(rows)
        self._connection.execute(_UPDATE_HEAD, {"new_size": self.size})

    def keep_personal(self, kept: Iterable[Kept]) -> None:
        """Keep the values that the events commit to."""
        rows = [
            {"commitment": k.commitment, "salt": k.salt, "value": k.value, "document_id": k.document_id, "role": k.role}
            for k in kept
        ]
        if rows:
            self._connection.execute(_INSERT_PERSONAL, rows)

    def _new_nodes(self, leaves: Sequence[bytes]) -> list[tuple[tuple[int, int], bytes]]:
        # Every new node has its right child among what this call appends; only left children may be old ones, and those
        # are the roots of the complete subtrees that the tree of the old size ends in.
        known = dict(nodes(self._connection, tree.left_edge(self.size, len(leaves))))
        made: list[tuple[tuple[int, int], bytes]] = []
        for number, leaf in enumerate(leaves, start=self.size):
            value, level = leaf, 0
            known[0, number] = leaf
            while number & 1:
                left = known.get((level, number - 1))
                if left is None:
                    raise LogInconsistent(
                        f"The audit log's tree lacks node {number - 1} of level {level}; "
                        "stop all work on this workspace and run `sealtrail audit verify`."
                    )
                value = tree.node_hash(left, value)
                level, number = level + 1, number >> 1
                known[level, number] = value
                made.append(((level, number), value))
        return made


def for_writing(connection: sa.Connection) -> Writer:
    """Lock the head for the rest of the transaction. Raises `LogInconsistent` when it is missing."""
    return Writer(connection, _size(connection.execute(_LOCK_HEAD).scalar()))


def size(connection: sa.Connection) -> int:
    """The number of events, by the head. Raises `LogInconsistent` when it is missing."""
    return _size(connection.execute(sa.select(audit_head.c.size).where(audit_head.c.id == 1)).scalar())


def _size(found: object) -> int:
    if not isinstance(found, int) or found < 0:
        raise LogInconsistent("The audit log has no head; restore the database or run `sealtrail audit verify`.")
    return found


def nodes(connection: sa.Connection, wanted: Sequence[tuple[int, int]]) -> Iterable[tuple[tuple[int, int], bytes]]:
    """The stored hashes of the `(level, number)` asked for, level 0 being the leaves; missing ones are left out."""
    leaves = [number for level, number in wanted if level == 0]
    if leaves:
        rows = connection.execute(_LEAVES, {"numbers": leaves})
        yield from (((0, seq), value) for seq, value in rows)
    inner = {tree.position(node): node for node in wanted if node[0] > 0}
    if inner:
        rows = connection.execute(_NODES, {"positions": list(inner)})
        yield from ((inner[position], value) for position, value in rows)


_LOCK_HEAD = sa.select(audit_head.c.size).where(audit_head.c.id == 1).with_for_update()
_UPDATE_HEAD = sa.update(audit_head).where(audit_head.c.id == 1).values(size=sa.bindparam("new_size"))
_LAST_OF = (
    sa.select(audit_events.c.seq, audit_events.c.body)
    .where(audit_events.c.document_id == sa.bindparam("document"))
    .order_by(audit_events.c.seq.desc())
    .limit(1)
)
_INSERT_EVENT = sa.insert(audit_events)
_INSERT_NODE = sa.insert(audit_nodes)
_INSERT_PERSONAL = sa.insert(schema.personal_data)
_LEAVES = sa.select(audit_events.c.seq, audit_events.c.leaf_hash).where(
    audit_events.c.seq.in_(sa.bindparam("numbers", expanding=True))
)
_NODES = sa.select(audit_nodes.c.position, audit_nodes.c.hash).where(
    audit_nodes.c.position.in_(sa.bindparam("positions", expanding=True))
)
