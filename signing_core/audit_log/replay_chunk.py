"""One chunk of the replay: a run of events that another process can recompute by itself.

It is written for speed: events come in batches of 4096, a complete subtree each, and what is right is compared as whole
lists. Only where lists differ is looked for the one event or node that is to blame. After a difference the stored hash
is taken as true, so that one altered event is one finding and not one for every node above it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import authentication, store, tree
from signing_core.audit_log.findings import Finding
from signing_core.storage.schema import audit_nodes

BATCH_LEVEL = 12
BATCH = 1 << BATCH_LEVEL
CLOCK_TOLERANCE_SECONDS = 120
"""How far the clocks of the machines that write events may be apart, waiting for the writer's turn included."""

_Row = tuple[int, "str | None", str, Any, bytes, bytes, "bytes | None"]
"""seq, document, type, time as the database has it, body, leaf hash, authentication code."""


@dataclass(slots=True)
class Chunk:
    """What the replay of one chunk gives to put it together with the others."""

    start: int
    end: int
    """Events [start, end), by sequence number."""
    findings: list[Finding] = field(default_factory=list)
    batch_roots: list[bytes] = field(default_factory=list)
    """Of its complete batches; an incomplete one at the end has its peaks in `rest`."""
    rest: list[bytes] = field(default_factory=list)
    roots: dict[int, list[bytes]] = field(default_factory=dict)
    """For each size asked for: the peaks inside its batch."""
    firsts: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    """For each document: sequence number and `prev` of its first event here."""
    lasts: dict[str, str] = field(default_factory=dict)
    """For each document: the hash of its last body here."""
    first_time: str = ""
    """UTC, `YYYY-MM-DD HH:MM:SS.ffffff`."""
    latest_time: str = ""
    forged: list[tuple[int, str]] = field(default_factory=list)
    """Number and type of events whose authentication code does not hold."""


def replay_chunk(
    connection: sa.Connection,
    start: int,
    end: int,
    sizes: Sequence[int],
    progress: Callable[[int], None] | None = None,
    key: bytes | None = None,
) -> Chunk:
    """Replay the events [start, end); `start` is a multiple of `BATCH`, and so is `end` unless it is the log's.

    `key`: of the events' authentication codes, which are not looked at without it.
    """
    chunk = Chunk(start, end)
    wanted = sorted(sizes)
    for first in range(start, end, BATCH):
        last = min(first + BATCH, end)
        rows = _rows(connection, first, last)
        inside = [size for size in wanted if first < size <= last]
        _Batch(connection, chunk, first, last, rows).run(inside)
        if key is not None:
            chunk.forged += _forged(connection, rows, key)
        if progress:
            progress(len(rows))
    return chunk


class _Batch:
    def __init__(self, connection: sa.Connection, chunk: Chunk, start: int, end: int, rows: list[_Row]) -> None:
        self._connection = connection
        self._chunk = chunk
        self._start, self._end = start, end
        self._rows = rows

    def run(self, sizes: list[int]) -> None:
        if len(self._rows) != self._end - self._start:
            self._report_gaps()
        self._check_leaves()
        self._check_chain()
        self._check_times()
        if len(self._rows) != self._end - self._start:
            self._stand_in(sizes)
        elif self._end - self._start == BATCH:
            self._check_complete(sizes)
        else:
            self._check_rest(sizes)

    def _check_leaves(self) -> None:
        computed = [sha256(b"\x00" + row[4]).digest() for row in self._rows]
        if computed == [row[5] for row in self._rows]:
            return
        for row, leaf in zip(self._rows, computed, strict=True):
            if row[5] != leaf:
                self._say("event-altered", f"Event {row[0]} was altered: its body does not give its leaf hash.", row[0])

    def _check_chain(self) -> None:
        lasts, get = self._chunk.lasts, self._chunk.lasts.get
        for seq, document, kind, time, body, *_ in self._rows:
            previous = get(document) if document is not None else None
            # RFC 8785 sorts the keys, so that every body ends with what the columns and the chain say. Nothing is parsed.
            link = f'"{document}","prev":"{previous}"' if document is not None else 'null,"prev":null'
            end = f',"document":{link},"seq":{seq},"time":"{time[:10]}T{time[11:]}Z","type":"{kind}"}}'
            if not body.endswith(end.encode()):
                self._look_closer(seq, document, kind, time, body, previous)
            if document is not None:
                lasts[document] = sha256(body).hexdigest()

    def _look_closer(
        self, seq: int, document: str | None, kind: str, time: str, body: bytes, previous: str | None
    ) -> None:
        """A document's first event in this chunk, or something wrong."""
        try:
            content = dict(json.loads(body))
            claimed = content["prev"]
            columns = {"seq": seq, "document": document, "type": kind, "time": f"{time[:10]}T{time[11:]}Z"}
            wrong = [name for name, value in columns.items() if content[name] != value]
        except (ValueError, KeyError, TypeError, RecursionError):
            self._say("event-malformed", f"Event {seq} is not the JSON of an event.", seq)
            return
        for name in wrong:
            self._say("event-columns", f"Event {seq} is listed with another {name} than its body states.", seq)
        if document is not None and previous is None:
            self._chunk.firsts[document] = (seq, claimed)
        elif claimed != previous:
            self._chunk.findings.append(chain_broken(seq, document))

    def _check_times(self) -> None:
        times = [row[3] for row in self._rows]
        if not times:
            return
        chunk = self._chunk
        chunk.first_time = chunk.first_time or times[0]
        if chunk.latest_time <= times[0] and times == sorted(times):
            chunk.latest_time = times[-1]
            return
        for row, time in zip(self._rows, times, strict=True):
            if time < chunk.latest_time and seconds_between(time, chunk.latest_time) > CLOCK_TOLERANCE_SECONDS:
                self._chunk.findings.append(goes_back(row[0], time, chunk.latest_time))
            chunk.latest_time = max(chunk.latest_time, time)

    def _check_complete(self, sizes: list[int]) -> None:
        stored = self._stored_nodes()
        levels = [[row[5] for row in self._rows]]
        while len(levels[-1]) > 1:
            below = levels[-1]
            values = [
                sha256(b"\x01" + left + right).digest() for left, right in zip(below[::2], below[1::2], strict=True)
            ]
            level = len(levels)
            if stored is None or list(_PLACES[level](stored)) != values:
                first = self._start >> level
                self._compare({(level, first + index): value for index, value in enumerate(values)})
            levels.append(values)
        for size in sizes:
            self._chunk.roots[size] = [levels[level][number] for level, number in tree.peaks(0, size - self._start)]
        self._chunk.batch_roots.append(levels[-1][0])

    def _check_rest(self, sizes: list[int]) -> None:
        """The incomplete batch at the end of the log."""
        found: dict[tree.Node, bytes] = {}
        grown = tree.CompactRange(lambda node, value: found.__setitem__(node, value))
        for number, row in enumerate(self._rows):
            found[0, number] = row[5]
            grown.append(row[5])
        for size in sizes:
            self._chunk.roots[size] = [found[node] for node in tree.peaks(0, size - self._start)]
        self._chunk.rest = list(grown.peaks)
        inner = {node: value for node, value in found.items() if node[0] > 0}
        self._compare({(level, (self._start >> level) + number): value for (level, number), value in inner.items()})

    def _stand_in(self, sizes: list[int]) -> None:
        """Events are missing: what is stored over them stands in, so that the rest can still be judged."""
        wanted = [self._shifted(tree.peaks(0, size - self._start)) for size in sizes]
        whole = self._shifted(tree.peaks(0, self._end - self._start))
        stored = dict(store.nodes(self._connection, list({*whole, *(node for part in wanted for node in part)})))
        for size, part in zip(sizes, wanted, strict=True):
            self._chunk.roots[size] = [stored.get(node, b"") for node in part]
        values = [stored.get(node, b"") for node in whole]
        if self._end - self._start == BATCH:
            self._chunk.batch_roots.append(values[0])
        else:
            self._chunk.rest = values

    def _shifted(self, nodes: list[tree.Node]) -> list[tree.Node]:
        return [(level, (self._start >> level) + number) for level, number in nodes]

    def _stored_nodes(self) -> list[bytes] | None:
        """The inner nodes of a complete batch in post-order, or None when some are missing or too many."""
        first = tree.position((1, self._start >> 1))
        last = tree.position((BATCH_LEVEL, self._start >> BATCH_LEVEL))
        hashes = [row[0] for row in raw(self._connection, _NODES, first, last)]
        return hashes if len(hashes) == BATCH - 1 else None

    def _compare(self, expected: dict[tree.Node, bytes]) -> None:
        self._chunk.findings += compare_nodes(self._connection, expected)

    def _report_gaps(self) -> None:
        expected = self._start
        for seq in [*(row[0] for row in self._rows), self._end]:
            if seq != expected:
                many = f"Events {expected} to {seq - 1} are" if seq - expected > 1 else f"Event {expected} is"
                self._say("events-missing", f"{many} missing.", expected)
            expected = seq + 1

    def _say(self, code: str, message: str, seq: int) -> None:
        self._chunk.findings.append(Finding(code, message, seq))


def _forged(connection: sa.Connection, rows: Sequence[_Row], key: bytes) -> Iterator[tuple[int, str]]:
    known: tuple[int, bytes | None] = (-1, None)
    if rows:
        first = rows[0][0] - 1
        known = first, dict(store.nodes(connection, [(0, first)])).get((0, first))
    for seq, _, kind, _, body, leaf, mac in rows:
        if not authentication.holds(key, kind, known[1] if known[0] == seq - 1 else None, body, mac):
            yield seq, kind
        known = seq, leaf


def compare_nodes(connection: sa.Connection, expected: dict[tree.Node, bytes]) -> Iterator[Finding]:
    """What differs between computed nodes and the stored ones."""
    wanted = list(expected)
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        stored = dict(store.nodes(connection, part))
        for level, number in part:
            value = stored.get((level, number))
            where = f"node {number} of level {level}"
            if value is None:
                yield Finding("node-missing", f"The tree lacks {where}.", number << level)
            elif value != expected[level, number]:
                yield Finding("node-wrong", f"In the tree, {where} is not over its events.", number << level)


def chain_broken(seq: int, document: str | None) -> Finding:
    """An event whose `prev` is not the event before it."""
    return Finding(
        "chain-broken", f"Event {seq} does not follow the event of document {document} that is stored before it.", seq
    )


def goes_back(seq: int, time: str, latest: str) -> Finding:
    """An event that claims to be older than one before it."""
    return Finding("time-goes-back", f"Event {seq} claims {time} UTC, after an event that claims {latest} UTC.", seq)


def seconds_between(earlier: str, later: str) -> float:
    """Between two times as the database has them; 0 when one cannot be read."""
    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def raw(connection: sa.Connection, query: str, *values: int) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them: at this number of rows, SQLAlchemy's own rows cost more than the hashing."""
    if connection.dialect.paramstyle != "qmark":
        query = query.replace("?", "%s")
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor()
    try:
        return list(cursor.execute(query, values).fetchall())
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
        driver.text_factory = lambda text: text.decode(errors="replace")
        try:
            return list(cursor.execute(query, values).fetchall())
        finally:
            driver.text_factory = str
    finally:
        cursor.close()


def _rows(connection: sa.Connection, start: int, end: int) -> list[Any]:
    return raw(connection, _EVENTS_SQLITE if connection.dialect.name == "sqlite" else _EVENTS_POSTGRESQL, start, end)


def _places() -> dict[int, Callable[[Sequence[bytes]], Any]]:
    """For each level of a batch: picks its nodes out of the list of all inner nodes in post-order."""
    nodes = [(level, number) for level in range(1, BATCH_LEVEL + 1) for number in range(BATCH >> level)]
    rank = {node: place for place, node in enumerate(sorted(nodes, key=tree.position))}
    places: dict[int, Callable[[Sequence[bytes]], Any]] = {}
    for level in range(1, BATCH_LEVEL + 1):
        indices = [rank[level, number] for number in range(BATCH >> level)]
        # itemgetter of a single index gives the item, not a tuple of one.
        places[level] = itemgetter(*indices) if len(indices) > 1 else itemgetter(slice(indices[0], indices[0] + 1))
    return places


_PLACES = _places()
_NODES = f"SELECT hash FROM {audit_nodes.name} WHERE position BETWEEN ? AND ? ORDER BY position"  # noqa: S608
# SQLite holds any kind of value in any column: whatever somebody put there, bytes and texts come out.
_EVENTS_SQLITE = """
    SELECT seq, CAST(document_id AS TEXT), ifnull(CAST(type AS TEXT), ''), ifnull(CAST(time AS TEXT), ''),
           ifnull(CAST(body AS BLOB), x''), ifnull(CAST(leaf_hash AS BLOB), x''), CAST(mac AS BLOB)
    FROM audit_events WHERE seq >= ? AND seq < ? ORDER BY seq
"""
_EVENTS_POSTGRESQL = """
    SELECT seq, document_id, type, to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), body, leaf_hash, mac
    FROM audit_events WHERE seq >= ? AND seq < ? ORDER BY seq
"""
