"""The signer of checkpoints and its memory.

A log must never sign two checkpoints of which one does not continue the other. What the signer signed last it therefore
remembers in a file of its own, outside the database, and it derives every new root from there: from the remembered root
and the bodies of the events since, never from stored hashes alone. A database that was restored from a backup, cut off
or rewritten before that point does not lead to the remembered root, and is refused (`LogInconsistent`).

Order of a signing: (1) derive the root, (2) sign, (3) remember, (4) store. Killed between (3) and (4), the next call
makes the same checkpoint again, byte for byte (Ed25519 signatures are deterministic, RFC 8032), and stores it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from signing_core.audit_log import notes, proofs, store, tree
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.notes import Note
from signing_core.errors import ConcurrentChange, LogInconsistent
from signing_core.keys.interface import StatementKey
from signing_core.storage.database import reading, writing
from signing_core.storage.durable import write_file
from signing_core.storage.locks import file_lock
from signing_core.storage.schema import audit_events, checkpoints

RESOLVE = (
    "If you restored a backup, first look for a newer one; if there is none, declare the loss with "
    "`sealtrail audit checkpoint --accept-restored REASON`. Otherwise run `sealtrail audit verify` and investigate."
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A checkpoint as stored."""

    checkpoint: Checkpoint
    note: Note
    """With the log's own signature alone; cosignatures are kept as anchors."""
    created_at: datetime
    new: bool = False
    """Whether this call made it."""


def issue(engine: sa.Engine, key: StatementKey, memory: Path, origin: str, *, now: datetime) -> Issued:
    """A checkpoint of the log as it is now: the stored one when nothing was added since, else a new one.

    Raises `LogInconsistent` when the database does not continue what was signed last, or contradicts itself.
    """
    with _alone(memory):
        remembered = recall(memory)
        with reading(engine) as connection:
            checkpoint = _derive(connection, remembered, origin)
            stored = at(connection, origin, checkpoint.size)
        if stored is not None:
            if stored.checkpoint != checkpoint:
                raise LogInconsistent(f"The stored checkpoint of {checkpoint.size} events is not the log's. {RESOLVE}")
            if remembered == checkpoint:
                return stored
        line = notes.sign(checkpoint.text, origin, key)
        issued = Issued(checkpoint, Note(checkpoint.text, (line,)), now, new=True)
        remember(memory, checkpoint)
        if stored is None:
            _store(engine, issued)
        return issued


def at(connection: sa.Connection, origin: str, size: int) -> Issued | None:
    """The stored checkpoint of that log and size."""
    return _first(connection, origin, checkpoints.c.size == size)


def latest(connection: sa.Connection, origin: str) -> Issued | None:
    """The stored checkpoint of the largest size."""
    return _first(connection, origin, sa.true())


def recall(memory: Path) -> Checkpoint | None:
    """What was signed last, or None when nothing was. Raises `LogInconsistent` for a file that cannot be read."""
    try:
        values = json.loads(memory.read_text())
        return Checkpoint(str(values["origin"]), int(values["size"]), base64.b64decode(values["root"], validate=True))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise LogInconsistent(f"The checkpoint signer's memory {memory} is damaged. {RESOLVE}") from None


def remember(memory: Path, checkpoint: Checkpoint) -> None:
    """Durably, before anybody sees the signature."""
    values = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
    }
    memory.parent.mkdir(mode=0o700, exist_ok=True)
    write_file(memory, json.dumps(values).encode() + b"\n")


def _derive(connection: sa.Connection, remembered: Checkpoint | None, origin: str) -> Checkpoint:
    """The log's state now, derived from what was signed last and the events since."""
    size = store.size(connection)
    if remembered is None:
        if connection.execute(sa.select(checkpoints.c.size).limit(1)).first() is not None:
            raise LogInconsistent(f"The checkpoint signer's memory is gone although checkpoints were signed. {RESOLVE}")
        remembered = Checkpoint(origin, 0, tree.EMPTY_ROOT)
    if remembered.origin != origin:
        raise LogInconsistent(
            f"The database says it is the log {origin}, but what was signed last is {remembered.origin}. {RESOLVE}"
        )
    if remembered.size > size:
        raise LogInconsistent(
            f"The log has {size} events, but a checkpoint of {remembered.size} was signed: events are missing. {RESOLVE}"
        )
    grown = tree.CompactRange.resume(remembered.size, _peaks(connection, remembered.size))
    if grown.root() != remembered.root:
        raise LogInconsistent(
            f"The first {remembered.size} events are not those of the checkpoint that was signed. {RESOLVE}"
        )
    for seq, body in _bodies(connection, remembered.size):
        if seq != grown.size:
            raise LogInconsistent(f"Event {grown.size} is missing. {RESOLVE}")
        grown.append(tree.leaf_hash(body))
    if grown.size != size:
        raise LogInconsistent(f"The log's head says {size} events, but there are {grown.size}. {RESOLVE}")
    if grown.root() != proofs.root(connection, size):
        raise LogInconsistent(f"The stored tree is not the one over the stored events. {RESOLVE}")
    return Checkpoint(origin, size, grown.root())


def _peaks(connection: sa.Connection, size: int) -> list[bytes]:
    wanted = tree.peaks(0, size)
    found = dict(store.nodes(connection, wanted))
    if missing := [node for node in wanted if node not in found]:
        raise LogInconsistent(f"The stored tree lacks node {missing[0][1]} of level {missing[0][0]}. {RESOLVE}")
    return [found[node] for node in wanted]


def _bodies(connection: sa.Connection, start: int) -> Iterator[tuple[int, bytes]]:
    query = sa.select(audit_events.c.seq, audit_events.c.body).where(audit_events.c.seq >= start)
    rows = connection.execution_options(yield_per=2000).execute(query.order_by(audit_events.c.seq))
    return (tuple(row) for row in rows)


def _store(engine: sa.Engine, issued: Issued) -> None:
    with writing(engine) as connection:
        connection.execute(
            sa.insert(checkpoints).values(
                origin=issued.checkpoint.origin,
                size=issued.checkpoint.size,
                root=issued.checkpoint.root,
                note=str(issued.note),
                created_at=issued.created_at,
            )
        )


def _first(connection: sa.Connection, origin: str, condition: sa.ColumnElement[bool]) -> Issued | None:
    query = sa.select(checkpoints.c.note, checkpoints.c.created_at, checkpoints.c.size)
    query = query.where(checkpoints.c.origin == origin, condition).order_by(checkpoints.c.size.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return None
    try:
        note = notes.parse(row.note)
        return Issued(Checkpoint.of(note), note, row.created_at)
    except notes.NoteInvalid as error:
        raise LogInconsistent(f"The stored checkpoint of {row.size} events is damaged: {error}. {RESOLVE}") from None


@contextmanager
def _alone(memory: Path) -> Iterator[None]:
    with file_lock(memory.with_name(memory.name + ".lock"), wait=60) as got_it:
        if not got_it:
            raise ConcurrentChange("Another process has been signing a checkpoint for a minute; try again.")
        yield
