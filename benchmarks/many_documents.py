"""A registry of many documents, for measuring what looks at it: a few real documents, and rows like theirs for the rest.

The rows go past the core straight into SQLite, because going through the core would take days: documents over three years
with their parties, files and messages, two events and every fourth a verdict in a complete audit log, findings, a directory,
and the results of runs. There are no files behind them.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from signing_core import access, testing
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Role
from signing_core.audit_log import authentication, tree
from signing_core.desk import Desk, verifying
from signing_core.storage import directory
from signing_core.storage.database import writing
from signing_core.storage.workspace import Workspace

ANALYST: Final = "anna.analyst@example.org"
AUTHOR: Final = "author1@example.org"
_REAL: Final = 5
_AUTHORS: Final = 200
_CHUNK: Final = 10_000
_DAYS: Final = 3 * 365
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_KINDS: Final = (
    (
        "Service agreement",
        "Framework contract",
        "Non-disclosure agreement",
        "Maintenance contract",
        "Lease of equipment",
    ),
    ("Dienstleistungsvertrag", "Rahmenvertrag", "Vertraulichkeitsvereinbarung", "Wartungsvertrag", "Mietvertrag"),
)
_FIRST: Final = ("Sample", "Muster", "Beispiel", "Erika", "Max", "Ines", "Jonas", "Lea", "Piotr", "Zoe")
_ENDINGS: Final = (
    ("completed", 92.0),
    ("declined", 1.5),
    ("voided", 1.5),
    ("expired", 2.0),
    ("awaiting-client", 1.6),
    ("awaiting-first-party", 0.8),
    ("draft", 0.59),
    ("sealing", 0.01),
)
_CODES: Final = (
    ("stored-file-missing", "error"),
    ("stored-file-changed", "error"),
    ("parties-share-contact", "warning"),
    ("stuck", "warning"),
    ("mailed-file-differs", "error"),
    ("registry-differs-from-log", "error"),
    ("file-unsigned", "info"),
)


@dataclass(frozen=True)
class Registry:
    folder: Path
    real: str
    """Id of a completed document that went through all three phases and whose files are there."""
    documents: int


def make(folder: Path, documents: int, *, say: Callable[[str], None] = lambda _: None) -> Registry:
    """A workspace at `folder` with about `documents` documents; takes some minutes for a million."""
    chance = random.Random(1)
    with testing.make_workspace(folder, time_zone="Europe/Berlin") as workspace:
        play = testing.Play(Desk(workspace))
        made = []
        for number in range(_REAL):
            made.append(play.create(testing.contract(2), title=f"Real agreement {number}"))
            play.to_completion(made[-1])
        for document_id in made:
            verdict = verifying.verify_stored(workspace, document_id)
            verifying.record(workspace, document_id, verdict, actor="analyst", via="dashboard")
        administrator = Access(workspace, LOCAL_ADMINISTRATOR)
        access.grant(administrator, ANALYST, Role.ANALYST)
        access.grant(administrator, AUTHOR, Role.AUTHOR)
        _directory(workspace)
        key = workspace.keys().event_key
    database = sqlite3.connect(folder / "database.sqlite", isolation_level=None)
    database.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA foreign_keys=OFF;")
    # Made again at the end, all at once: that is much faster than row by row.
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOTNULL"
    indexes = dict(database.execute(query).fetchall())
    for name in indexes:
        database.execute(f'DROP INDEX "{name}"')
    log = _Log(database, key)
    now = datetime.now(UTC).replace(tzinfo=None)
    for start in range(0, documents, _CHUNK):
        database.execute("BEGIN")
        rows = [_Row(chance, number, documents, now) for number in range(start, min(start + _CHUNK, documents))]
        _insert(database, rows)
        log.add(event for row in rows for event in row.events())
        database.execute("COMMIT")
        say(f"{start + len(rows):,} documents")
    for sql in indexes.values():
        database.execute(sql)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    _results(folder, documents, chance)
    return Registry(folder, made[0], documents)


def _directory(workspace: Workspace) -> None:
    with writing(workspace.engine) as connection:
        for number in range(20_000):
            directory.add_party(
                connection,
                kind="client",
                name=f"Sample Client {number:06}",
                language="en",
                now=workspace.clock(),
                organisation=f"Sample Company {number // 7}",
                email=f"client{number:06}@example.net",
            )


class _Row:
    """One document as columns."""

    def __init__(self, chance: random.Random, number: int, of: int, now: datetime) -> None:
        language = chance.random() < 0.3
        self.created = now - timedelta(days=_DAYS) * (1 - (number + chance.random()) / of)
        self.id = _id(self.created, chance)
        self.language = "de" if language else "en"
        self.title = f"{chance.choice(_KINDS[language])} {number:07}"
        self.status = chance.choices([name for name, _ in _ENDINGS], [share for _, share in _ENDINGS])[0]
        if self.status in ("awaiting-client", "awaiting-first-party", "draft") and number < of * 0.9:
            self.status = "completed"
        self.updated = self.created + timedelta(hours=chance.expovariate(1 / 30))
        self.expires = self.created + timedelta(days=14)
        if self.status.startswith("awaiting"):
            self.expires = now + timedelta(days=14 * chance.random())
        self.completed = self.updated if self.status == "completed" else None
        self.author = number % _AUTHORS + 1
        self.client = f"{chance.choice(_FIRST)} Client {number % 300_000:06}"
        self.contact = f"client{number % 300_000:06}@example.net"
        self.final = hashlib.sha256(self.id.encode()).hexdigest() if self.completed else None
        self.prefix = hashlib.sha256(self.id.encode() + b"prefix").hexdigest() if self.completed else None
        self.certificate = _id(self.updated, chance) if self.completed else None
        self.verified = self.completed is not None and number % 4 == 0
        self.altered = chance.random() < 0.001
        self.chance = chance

    def document(self) -> tuple[Any, ...]:
        state = {"document_id": self.id, "status": self.status, "filler": "x" * 2_200}
        return (
            self.id, self.title, self.status, 9, json.dumps(state), self.language, f"Sample Author {self.author}",
            _time(self.created), _time(self.updated), _time(self.expires), None, 0, 3, "{}", None, self.certificate,
            self.prefix, 76_000 if self.prefix else None, self.final, 180_000 if self.final else None,
            _time(self.completed) if self.completed else None, None,
        )  # fmt: skip

    def parties(self) -> Iterator[tuple[Any, ...]]:
        author, director = f"author{self.author}@example.org", f"director{self.author % 3}@example.org"
        yield (self.id, "author", None, f"Sample Author {self.author}", None, author, "email", None, "en", "p" * 43)
        yield (self.id, "first-party", None, f"Sample Director {self.author % 3}", "Sample Seals GmbH", director,
               "email", None, "en", "p" * 43)  # fmt: skip
        yield (self.id, "client", None, self.client, None, self.contact, "email", None, self.language, "p" * 43)

    def files(self) -> Iterator[tuple[Any, ...]]:
        for step in ("source", "prepared", "first-party", "client"):
            yield (self.id, step, hashlib.sha256(f"{self.id}{step}".encode()).hexdigest(), 60_000, _time(self.created))
        if self.final:
            yield (self.id, "final", self.final, 180_000, _time(self.updated))

    def message(self) -> tuple[Any, ...]:
        state = "delivered" if self.chance.random() > 0.0001 else "failed"
        return (self.id, f"<{self.id}@sign.example.org>", self.id, "client", "completed", "email", state, None, None, 1,
                _time(self.updated), _time(self.updated), None, _time(self.updated), None, None, None)  # fmt: skip

    def events(self) -> Iterator[tuple[str, str, datetime, dict[str, Any]]]:
        """(document, type, time, data)."""
        yield self.id, "document.created", self.created, {"pages": 3, "source_sha256": "ab" * 32, "language": "en"}
        if self.final:
            data = {"certificate_id": self.certificate, "sha256": self.final, "length": 180_000, "signers": 2}
            yield self.id, "document.completed", self.updated, data
        if self.verified:
            integrity = "altered" if self.altered else "intact"
            data = {"sha256": self.final, "integrity": integrity, "indication": "TOTAL-PASSED", "via": "pipeline"}
            yield self.id, "document.verified", self.updated + timedelta(days=1), data

    def finding(self) -> tuple[Any, ...] | None:
        if self.chance.random() > 0.04:
            return None
        code, severity = self.chance.choice(_CODES)
        state = self.chance.choices(("open", "proposed", "closed"), (40, 3, 57))[0]
        seen = self.updated + timedelta(days=1)
        done = _time(seen) if state == "closed" else None
        return (
            _id(seen, self.chance), hashlib.sha256(self.id.encode() + code.encode()).hexdigest(), code, severity,
            "compliance", self.id, "The stored file is not the one that was completed.", "[]", _time(seen), _time(seen),
            None, state, 1, None, None, "accepted" if done else None, None, ANALYST if state != "open" else None, done,
            LOCAL_ADMINISTRATOR.subject if done else None, done,
        )  # fmt: skip


class _Log:
    """Continues the workspace's audit log: bodies, leaves and inner nodes of the tree, as the core would have them."""

    def __init__(self, database: sqlite3.Connection, key: bytes) -> None:
        self._database, self._key, self._before = database, key, b""
        self._nodes: list[tuple[int, bytes]] = []
        self._tree = tree.CompactRange(lambda node, value: self._nodes.append((tree.position(node), value)))
        for (leaf,) in database.execute("SELECT leaf_hash FROM audit_events ORDER BY seq").fetchall():
            self._tree.append(leaf)
            self._before = leaf
        self._nodes.clear()

    def add(self, events: Iterator[tuple[str, str, datetime, dict[str, Any]]]) -> None:
        rows, previous = [], {}
        for document, kind, time, data in events:
            before = f'"{previous[document]}"' if document in previous else "null"
            told = json.dumps(data, sort_keys=True, separators=(",", ":"))
            body = (
                f'{{"actor":"system","data":{told},"document":"{document}","prev":{before},"seq":{self._tree.size},'
                f'"time":"{time.isoformat(timespec="microseconds")}Z","type":"{kind}"}}'
            ).encode()
            leaf = tree.leaf_hash(body)
            previous[document] = hashlib.sha256(body).hexdigest()
            mac = authentication.code(self._key, self._before, body)
            rows.append((self._tree.size, document, kind, _time(time), body, leaf, mac))
            self._tree.append(leaf)
            self._before = leaf
        self._database.executemany("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.executemany("INSERT INTO audit_nodes VALUES (?, ?)", self._nodes)
        self._database.execute("UPDATE audit_head SET size = ?", (self._tree.size,))
        self._nodes.clear()


def _insert(database: sqlite3.Connection, rows: list[_Row]) -> None:
    def into(table: str, values: list[tuple[Any, ...]]) -> None:
        if values:
            marks = ", ".join("?" * len(values[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", values)

    into("documents", [row.document() for row in rows])
    into("document_parties", [party for row in rows for party in row.parties()])
    into("document_files", [file for row in rows for file in row.files()])
    into("outbox", [row.message() for row in rows if row.final])
    into("findings", [found for row in rows if (found := row.finding()) is not None])


def _results(folder: Path, documents: int, chance: random.Random) -> None:
    """Batches of 5,000 with their verdicts, as the pipelines leave them."""
    import pyarrow as pa

    from signing_core.bulk import results, signatures

    store = results.Results(folder / "results")
    empty = signatures.SCHEMA.empty_table()
    columns = [name for name in ("path", "integrity", "indication", "trust", "sha256") if name in empty.column_names]
    for number in range(max(2, documents // 5_000)):
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number // 5)
        integrity = ["altered" if chance.random() < 0.001 else "intact" for _ in range(5_000)]
        values = {
            "path": [f"{number:04}-{line:05}.pdf" for line in range(5_000)],
            "integrity": integrity,
            "indication": ["TOTAL-PASSED"] * 5_000,
            "trust": ["trusted"] * 5_000,
            "sha256": [hashlib.sha256(f"{number} {line}".encode()).hexdigest() for line in range(5_000)],
        }
        arrays = [
            pa.array(values[field.name], field.type) if field.name in columns else pa.nulls(5_000, field.type)
            for field in signatures.SCHEMA
        ]
        key = f"{day:%Y-%m-%d}/archive-{number:03}"
        results.write(store.of(key, "signatures"), pa.Table.from_arrays(arrays, schema=signatures.SCHEMA), {})


def _id(time: datetime, chance: random.Random) -> str:
    value = int(time.replace(tzinfo=UTC).timestamp() * 1000) << 80 | chance.getrandbits(80)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")
