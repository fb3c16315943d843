"""The log's rows: one writer appends events and the complete nodes of the tree over them.

Level 1 and up are stored; level 0, the leaf hashes, stands with the events. A node is written once, by the event that
completes it, and never changed.

Appending happens with every step of every document, so the writer talks to the database driver itself, inside
SQLAlchemy's transaction: for five small statements, SQLAlchemy's own work would be several times the database's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import tree
from signing_core.audit_log.personal import Kept
from signing_core.errors import LogInconsistent
from signing_core.storage.schema import audit_events, audit_head, audit_nodes

EventRow = tuple[int, "str | None", str, datetime, bytes, bytes, "bytes | None"]
"""seq, document id, type, time (UTC), body, leaf hash, authentication code."""


class Writer:
    """The log as its one writer holds it: the head row is locked until the transaction ends."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._cursor: Any = connection.connection.cursor()
        self.size = _size(self._one(_LOCK_HEAD if self._sqlite else _LOCK_HEAD + " FOR UPDATE"))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()

    def last_of(self, document_id: str) -> tuple[int, bytes] | None:
        """Sequence number and body of the document's newest event."""
        self._run(_LAST_OF, (document_id,))
        row = self._cursor.fetchone()
        return (row[0], bytes(row[1])) if row else None

    def last_leaf(self) -> bytes | None:
        """The leaf hash of the newest event; None in an empty log, or when it is gone."""
        value = dict(codes(self._connection, (self.size - 1,))).get(self.size - 1)
        return value[1] if value else None

    def append(self, rows: Sequence[EventRow]) -> None:
        """Write the events, the nodes they complete and the new head. Raises `LogInconsistent` when one is there already."""
        if not rows:
            return
        nodes = self._new_nodes([row[5] for row in rows])
        if self._sqlite:
            # As `UtcDateTime` stores it.
            rows = [(*row[:3], row[3].isoformat(" ", "microseconds")[:26], *row[4:]) for row in rows]  # type: ignore[misc]
        try:
            self._run_many(_INSERT_EVENT, rows)
            if nodes:
                self._run_many(_INSERT_NODE, nodes)
        except self._connection.dialect.loaded_dbapi.IntegrityError as error:
            # Nobody else writes: somebody has set the head back, or taken events and left what they completed.
            raise LogInconsistent(
                f"The audit log has events or nodes past its head, which says {self.size} events; "
                "stop all work on this workspace and run `sealtrail audit verify`."
            ) from error
        self.size += len(rows)
        self._run(_UPDATE_HEAD, (self.size,))

    def keep_personal(self, kept: Iterable[Kept]) -> None:
        """Keep the values that the events commit to."""
        rows = [(k.commitment, k.salt, k.value, k.document_id, k.role) for k in kept]
        if rows:
            self._run_many(_INSERT_PERSONAL, rows)

    def _new_nodes(self, leaves: Sequence[bytes]) -> list[tuple[int, bytes]]:
        # Every new node has its right child among what this call appends; only left children may be old ones, and those
        # are the roots of the complete subtrees that the tree of the old size ends in.
        edge = tree.left_edge(self.size, len(leaves))
        known = dict(nodes(self._connection, edge)) if edge else {}
        made: list[tuple[int, bytes]] = []
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
                made.append((tree.position((level, number)), value))
        return made

    def _one(self, query: str) -> object:
        self._cursor.execute(query)
        row = self._cursor.fetchone()
        return row[0] if row else None

    def _run(self, query: str, values: tuple[object, ...]) -> None:
        self._cursor.execute(_for(self._connection, query), values)

    def _run_many(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        if len(rows) == 1:
            self._run(query, rows[0])
        else:
            self._cursor.executemany(_for(self._connection, query), rows)


def size(connection: sa.Connection) -> int:
    """The number of events, by the head. Raises `LogInconsistent` when it is missing."""
    return _size(connection.execute(sa.select(audit_head.c.size).where(audit_head.c.id == 1)).scalar())


def nodes(connection: sa.Connection, wanted: Sequence[tree.Node]) -> Iterable[tuple[tree.Node, bytes]]:
    """The stored hashes of the `(level, number)` asked for, level 0 being the leaves; missing ones are left out."""
    leaves = [number for level, number in wanted if level == 0]
    if leaves:
        yield from (((0, seq), value) for seq, value in _select_in(connection, _LEAVES, leaves))
    inner = {tree.position(node): node for node in wanted if node[0] > 0}
    if inner:
        yield from ((inner[position], value) for position, value in _select_in(connection, _NODES, list(inner)))


def codes(connection: sa.Connection, numbers: Sequence[int]) -> Iterable[tuple[int, tuple[bytes | None, bytes | None]]]:
    """Authentication code and leaf hash of these events, as stored; events that are missing are left out."""
    return ((row[0], (_bytes(row[1]), _bytes(row[2]))) for row in _rows_in(connection, _CODES, list(numbers)))


def _select_in(connection: sa.Connection, query: str, values: list[int]) -> Iterable[tuple[int, bytes]]:
    return ((row[0], row[1]) for row in _rows_in(connection, query, values) if _bytes(row[1]) is not None)


def _rows_in(connection: sa.Connection, query: str, values: list[int]) -> Iterable[tuple[Any, ...]]:
    cursor: Any = connection.connection.cursor()
    try:
        for start in range(0, len(values), 500):
            part = values[start : start + 500]
            cursor.execute(_for(connection, query.replace("*", ",".join("?" * len(part)))), part)
            yield from cursor.fetchall()
    finally:
        cursor.close()


def _bytes(value: object) -> bytes | None:
    """SQLite holds any kind of value in any column; what is no bytes is as good as missing."""
    return value if isinstance(value, bytes) else None


def _size(found: object) -> int:
    if not isinstance(found, int) or found < 0:
        raise LogInconsistent("The audit log has no head; restore the database or run `sealtrail audit verify`.")
    return found


def _for(connection: sa.Connection, query: str) -> str:
    """The query with the driver's own placeholders."""
    return query if connection.dialect.paramstyle == "qmark" else query.replace("?", "%s")


_LOCK_HEAD = "SELECT size FROM audit_head WHERE id = 1"
_UPDATE_HEAD = "UPDATE audit_head SET size = ? WHERE id = 1"
_LAST_OF = "SELECT seq, body FROM audit_events WHERE document_id = ? ORDER BY seq DESC LIMIT 1"
_INSERT_EVENT = (
    "INSERT INTO audit_events (seq, document_id, type, time, body, leaf_hash, mac) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_NODE = "INSERT INTO audit_nodes (position, hash) VALUES (?, ?)"
_INSERT_PERSONAL = "INSERT INTO personal_data (commitment, salt, value, document_id, role) VALUES (?, ?, ?, ?, ?)"
_CODES = f"SELECT seq, mac, leaf_hash FROM {audit_events.name} WHERE seq IN (*)"  # noqa: S608
_LEAVES = f"SELECT seq, leaf_hash FROM {audit_events.name} WHERE seq IN (*)"  # noqa: S608
_NODES = f"SELECT position, hash FROM {audit_nodes.name} WHERE position IN (*)"  # noqa: S608
