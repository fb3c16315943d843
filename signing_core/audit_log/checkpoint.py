"""A checkpoint: origin, size and root of the log, as the text of a signed note (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from signing_core.audit_log.notes import Note, NoteInvalid
from signing_core.audit_log.tree import HASH_LENGTH, MAX_SIZE

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log as it stood at one size."""

    origin: str
    """The log's name: a URL without scheme."""
    size: int
    """Number of events."""
    root: bytes
    """32 bytes."""

    @property
    def text(self) -> str:
        """What is signed, with its final newline."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def of(cls, note: Note) -> Checkpoint:
        """The checkpoint that a note states; the note's signatures are not looked at. Raises `NoteInvalid`."""
        lines = note.text.split("\n")
        if len(lines) < 4 or lines[-1] != "" or not all(lines[:-1]):
            raise NoteInvalid("a checkpoint has three lines and more, none of them empty")
        origin, size, root = lines[:3]
        value = decimal(size)
        decoded = hash_of(root)
        return cls(origin, value, decoded)


def decimal(text: str) -> int:
    """A number without leading zeros, below 2**63. Raises `NoteInvalid`."""
    value = int(text) if _DECIMAL.fullmatch(text) else MAX_SIZE
    if value >= MAX_SIZE:
        raise NoteInvalid("a number in decimal, without leading zeros, was expected")
    return value


def hash_of(text: str) -> bytes:
    """32 bytes from base64. Raises `NoteInvalid`."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("a hash is not base64") from None
    if len(value) != HASH_LENGTH or base64.b64encode(value).decode() != text:
        raise NoteInvalid("a hash is not 32 bytes in base64")
    return value
