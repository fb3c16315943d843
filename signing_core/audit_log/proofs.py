"""Inclusion and consistency proofs from the stored tree, and their text form (c2sp.org/tlog-proof)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from signing_core.audit_log import notes, store, tree
from signing_core.audit_log.checkpoint import Checkpoint, decimal, hash_of
from signing_core.audit_log.notes import Note, NoteInvalid, Verifier
from signing_core.errors import LogInconsistent

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """That an event is in the log of a checkpoint. `extra` carries the event's body, so that the file is enough."""

    index: int
    path: tuple[bytes, ...]
    """Nearest first; 32 bytes each."""
    note: Note
    """The checkpoint, with the log's signature and any cosignatures."""
    extra: bytes | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.of(self.note)

    def __str__(self) -> str:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(value).decode() for value in self.path]
        return "\n".join(lines) + "\n\n" + str(self.note)

    @classmethod
    def parse(cls, text: str | bytes) -> Proof:
        """Raises `NoteInvalid`."""
        if len(text) > notes.MAX_LENGTH:
            raise NoteInvalid("the proof is too long")
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                raise NoteInvalid("the proof is not UTF-8") from None
        head, separator, rest = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines.pop(0) != HEADER:
            raise NoteInvalid(f"a proof begins with {HEADER}")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = _base64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise NoteInvalid("a proof names the index of its entry")
        index = decimal(lines.pop(0).removeprefix("index "))
        note = notes.parse(rest)
        Checkpoint.of(note)
        return cls(index, tuple(hash_of(line) for line in lines), note, extra)

    def verify(self, entry: bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
        """Check that `entry` is number `index` of the log that one of `verifiers` signed; returns the checkpoint.

        Raises `NoteInvalid` or `tree.ProofInvalid`.
        """
        notes.verified(self.note, verifiers)
        checkpoint = self.checkpoint
        tree.verify_inclusion(tree.leaf_hash(entry), self.index, checkpoint.size, self.path, checkpoint.root)
        return checkpoint

    @property
    def reason(self) -> str | None:
        """Why the body that travels with the proof is not in the checkpoint's log; None when it is, or there is no body.

        Whose checkpoint that is takes a key, and `verify`.
        """
        if self.extra is None:
            return None
        try:
            checkpoint = self.checkpoint
            tree.verify_inclusion(tree.leaf_hash(self.extra), self.index, checkpoint.size, self.path, checkpoint.root)
        except ValueError as error:
            return f"The event is not in the log of this checkpoint: {error}."
        return None

    def __repr__(self) -> str:
        checkpoint = self.checkpoint
        said = self.reason or ("its event is included" if self.extra is not None else "without the event's body")
        return f"<Proof of event {self.index} in {checkpoint.size} events of {checkpoint.origin}: {said}>"

    def _repr_html_(self) -> str:
        """For notebooks."""
        from signing_core.display import badge, card, element, facts, fold, paragraph, short

        checkpoint, reason = self.checkpoint, self.reason
        if self.extra is None:
            mark = badge("the event's body is not with it", "calm")
        else:
            mark = badge("not included", "bad") if reason else badge("included", "good")
        held = {
            "Log": checkpoint.origin,
            "Events in it": checkpoint.size,
            "Root": short(checkpoint.root.hex(), 64),
            "Hashes on the path": len(self.path),
            "Signatures on the checkpoint": ", ".join(line.name for line in self.note.signatures),
        }
        path = "\n".join(value.hex() for value in self.path)
        return card(
            paragraph(f"Proof of event {self.index} ", mark, cls="title"),
            *((paragraph(reason),) if reason else ()),
            paragraph(
                "Whose checkpoint it is, ", element("code", "verify"), " says with the log's public key.", cls="soft"
            ),
            facts(held),
            fold("Path, nearest first", element("pre", path)),
            fold("The proof as a file", element("pre", str(self))),
        )


def inclusion(connection: sa.Connection, index: int, size: int) -> tuple[bytes, ...]:
    """The inclusion proof of event `index` in the tree of `size` events (RFC 6962, section 2.1.1)."""
    return _hashes(connection, tree.inclusion_path(index, size))


def consistency(connection: sa.Connection, old: int, new: int) -> tuple[bytes, ...]:
    """The consistency proof between the trees of `old` and `new` events (RFC 6962, section 2.1.2)."""
    return _hashes(connection, tree.consistency_path(old, new))


def root(connection: sa.Connection, size: int) -> bytes:
    """The root of the tree of `size` events, from the stored nodes. Raises `LogInconsistent` when one is missing."""
    return _hashes(connection, [tree.peaks(0, size)])[0]


def _hashes(connection: sa.Connection, path: Sequence[Sequence[tree.Node]]) -> tuple[bytes, ...]:
    found = dict(store.nodes(connection, [node for part in path for node in part]))
    try:
        return tuple(tree.fold([found[node] for node in part]) for part in path)
    except KeyError as missing:
        level, number = missing.args[0]
        raise LogInconsistent(
            f"The audit log's tree lacks node {number} of level {level}; run `sealtrail audit verify` and restore a backup."
        ) from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("the proof's extra data is not base64") from None
