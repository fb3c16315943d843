"""The signer of checkpoints and its memory.

A log must never sign two checkpoints of which one does not continue the other. What the signer signed last it therefore
remembers in a file of its own, outside the database: the signed note itself, so that nobody without the key can write a
memory. It derives every new root from there: from the remembered root and the bodies of the events since, never from stored
hashes alone. A database that was restored from a backup, cut off or rewritten before that point does not lead to the
remembered root, and is refused (`LogInconsistent`).

No event is signed that somebody without the key ring wrote: its authentication code is checked first (`authentication`).

No memory is no excuse. Every signature and every seal begins with a checkpoint (`desk.signing`, `desk.sealing`), so the
consent of each `signature.made` and the client's signature of each `document.completed` were signed before it. A log that has
such an event and no memory over what it rests on was rewritten, or has lost its memory: nothing is signed over it.

Order of a signing: (1) derive the root, (2) sign, (3) remember, (4) store. Killed between (3) and (4), the next call
makes the same checkpoint again, byte for byte (Ed25519 signatures are deterministic, RFC 8032), and stores it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from signing_core.audit_log import authentication, notes, proofs, store, tree
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.notes import Note, NoteInvalid, Verifier
from signing_core.errors import ConcurrentChange, LogInconsistent
from signing_core.keys.interface import StatementKey
from signing_core.storage.database import event_key, reading, writing
from signing_core.storage.durable import write_file
from signing_core.storage.locks import file_lock
from signing_core.storage.schema import anchors, audit_events, checkpoints

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


RESTS_ON: Final = {"signature.made": "consent.given", "document.completed": "signature.made"}
"""Events that are made only over a checkpoint, and the event of the same document that this checkpoint is over."""
RESTORED: Final = "log.restored"
"""Type of the event that declares a loss: the log goes on under another origin, which is signed at once."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs the checkpoints of one log."""

    engine: sa.Engine
    key: StatementKey
    memory: Path
    origin: str
    verifiers: Sequence[Verifier]
    """The log's keys, former ones included, under every origin that it had: whose notes a memory may be."""

    def issue(self, *, now: datetime, said: Sequence[Checkpoint] = (), lost: bool = False) -> Issued:
        """A checkpoint of the log as it is now: the stored one when nothing was added since, else a new one.

        `said` is what was signed before and is kept elsewhere: the new one continues each of these that is of this log. With
        `lost` the log begins anew under this origin, and nothing that was signed under another is asked.

        Raises `LogInconsistent` when the database does not continue what was signed last, contradicts itself, or has an event
        that was not written with the key ring.
        """
        with _alone(self.memory):
            remembered = None if lost else recall(self.memory, self.verifiers)
            with reading(self.engine) as connection:
                checkpoint = self._derive(connection, remembered, lost)
                stored = at(connection, self.origin, checkpoint.size)
                newest = latest(connection, self.origin)
                for one in (*said, *((newest.checkpoint,) if newest else ())):
                    _continues(connection, checkpoint, one)
            if stored is not None and remembered == checkpoint:
                return stored
            line = notes.sign(checkpoint.text, self.origin, self.key)
            issued = Issued(checkpoint, Note(checkpoint.text, (line,)), now, new=True)
            remember(self.memory, issued.note)
            if stored is None:
                _store(self.engine, issued)
            return issued

    def _derive(self, connection: sa.Connection, remembered: Checkpoint | None, lost: bool) -> Checkpoint:
        """The log's state now, derived from what was signed last and the events since."""
        size = store.size(connection)
        if remembered is None:
            if not lost and (owed := memory_owed(connection)) is not None:
                raise LogInconsistent(f"The checkpoint signer's memory is gone although {owed}. {RESOLVE}")
            remembered = Checkpoint(self.origin, 0, tree.EMPTY_ROOT)
        if remembered.origin != self.origin:
            raise LogInconsistent(
                f"The database says it is the log {self.origin}, but what was signed last is {remembered.origin}. {RESOLVE}"
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
        key, before = event_key(connection), _leaf(connection, remembered.size - 1)
        for seq, type, body, mac in _bodies(connection, remembered.size):
            if seq != grown.size:
                raise LogInconsistent(f"Event {grown.size} is missing. {RESOLVE}")
            if not lost and not authentication.holds(key, type, before, body, mac):
                raise LogInconsistent(f"{authentication.said(seq, type)} {authentication.FORGED}")
            before = tree.leaf_hash(body)
            grown.append(before)
        if grown.size != size:
            raise LogInconsistent(f"The log's head says {size} events, but there are {grown.size}. {RESOLVE}")
        if grown.root() != proofs.root(connection, size):
            raise LogInconsistent(f"The stored tree is not the one over the stored events. {RESOLVE}")
        if not lost and (loose := resting_on_nothing(connection, remembered.size)):
            raise LogInconsistent(
                f"Event {loose[0]} was made over a checkpoint, and what was signed last, of {remembered.size} events, does not "
                f"reach what it rests on: the memory was put back, or the log rewritten. {RESOLVE}"
            )
        return Checkpoint(self.origin, size, grown.root())


def memory_owed(connection: sa.Connection) -> str | None:
    """Why there has to be a memory, as the end of a sentence; None in a workspace in which nothing was signed yet."""
    if connection.execute(sa.select(checkpoints.c.size).limit(1)).first() is not None:
        return "checkpoints were signed"
    if connection.execute(sa.select(anchors.c.id).limit(1)).first() is not None:
        return "checkpoints were anchored"
    first = [
        (seq, type)
        for type in (*RESTS_ON, RESTORED)
        if (seq := connection.scalar(sa.select(sa.func.min(audit_events.c.seq)).where(audit_events.c.type == type)))
        is not None
    ]
    return "event {} ({}) is never without one".format(*min(first)) if first else None


def resting_on_nothing(connection: sa.Connection, signed: int) -> list[int]:
    """Events that are made only over a checkpoint and rest on one that is not among the first `signed`; the first of them."""
    table, before = audit_events, audit_events.alias()
    for type, basis in RESTS_ON.items():
        rests_on = (
            sa.select(sa.func.max(before.c.seq))
            .where(
                before.c.document_id == table.c.document_id,
                sa.func.coalesce(before.c.type, "") == basis,  # by document, and not by the index of types
                before.c.seq < table.c.seq,
            )
            .scalar_subquery()
        )
        query = sa.select(table.c.seq).where(
            table.c.type == type, table.c.seq >= signed, sa.func.coalesce(rests_on, signed) >= signed
        )
        first = connection.execute(query.order_by(table.c.seq).limit(1)).scalar()
        if first is not None:
            return [first]
    return []


def at(connection: sa.Connection, origin: str, size: int) -> Issued | None:
    """The stored checkpoint of that log and size."""
    return _first(connection, origin, checkpoints.c.size == size)


def latest(connection: sa.Connection, origin: str) -> Issued | None:
    """The stored checkpoint of the largest size."""
    return _first(connection, origin, sa.true())


def recall(memory: Path, verifiers: Sequence[Verifier]) -> Checkpoint | None:
    """What was signed last, or None when nothing was. Raises `LogInconsistent` for a memory that no key of the log signed."""
    data = memory_of(memory)
    return None if data is None else opened(data, memory, verifiers)


def memory_of(memory: Path) -> bytes | None:
    """The memory as it lies there, None when there is none. Raises `LogInconsistent` when it cannot be read."""
    try:
        return memory.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogInconsistent(f"The checkpoint signer's memory {memory} is damaged: {error}. {RESOLVE}") from None


def opened(data: bytes, memory: Path, verifiers: Sequence[Verifier]) -> Checkpoint:
    """What the memory says. Raises `LogInconsistent` when no key of the log signed it."""
    try:
        note = notes.parse(data)
        checkpoint = Checkpoint.of(note)
        notes.verified(note, [verifier for verifier in verifiers if verifier.name == checkpoint.origin])
    except NoteInvalid as error:
        raise LogInconsistent(f"The checkpoint signer's memory {memory} is damaged: {error}. {RESOLVE}") from None
    return checkpoint


def remember(memory: Path, note: Note) -> None:
    """Durably, before anybody sees the signature."""
    memory.parent.mkdir(mode=0o700, exist_ok=True)
    write_file(memory, str(note).encode())


def _continues(connection: sa.Connection, checkpoint: Checkpoint, earlier: Checkpoint) -> None:
    """Raises `LogInconsistent` when the checkpoint would take back what was signed of the same log before."""
    if earlier.origin != checkpoint.origin or earlier == checkpoint:
        return
    if earlier.size > checkpoint.size:
        raise LogInconsistent(
            f"The log has {checkpoint.size} events, but one of {earlier.size} was signed and is kept: events are missing. {RESOLVE}"
        )
    if (proofs.root(connection, earlier.size) if earlier.size else tree.EMPTY_ROOT) != earlier.root:
        raise LogInconsistent(
            f"The first {earlier.size} events are not those of a checkpoint that was signed and is kept. {RESOLVE}"
        )


def _peaks(connection: sa.Connection, size: int) -> list[bytes]:
    wanted = tree.peaks(0, size)
    found = dict(store.nodes(connection, wanted))
    if missing := [node for node in wanted if node not in found]:
        raise LogInconsistent(f"The stored tree lacks node {missing[0][1]} of level {missing[0][0]}. {RESOLVE}")
    return [found[node] for node in wanted]


def _leaf(connection: sa.Connection, seq: int) -> bytes | None:
    return dict(store.nodes(connection, [(0, seq)])).get((0, seq))


def _bodies(connection: sa.Connection, start: int) -> Iterator[tuple[int, str, bytes, bytes | None]]:
    table = audit_events.c
    query = sa.select(table.seq, table.type, table.body, table.mac).where(table.seq >= start)
    rows = connection.execution_options(yield_per=2000).execute(query.order_by(table.seq))
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
