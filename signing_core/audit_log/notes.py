"""C2SP signed notes: a text and the signatures under it (c2sp.org/signed-note).

Two kinds of signature, both Ed25519: over the text itself (type 0x01), which is how a log signs its checkpoints, and the
time-stamped cosignature of a witness (type 0x04, c2sp.org/tlog-cosignature).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.keys.interface import StatementKey

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_LENGTH = 1_000_000
"""Longest note that is read, in bytes."""
MAX_SIGNATURES = 100

_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")


class NoteInvalid(ValueError):
    """A note, a signature line or a verifier key that cannot be accepted; the message says why."""


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line under a note."""

    name: str
    key_id: bytes
    """4 bytes."""
    value: bytes
    """What follows the key id: a signature, or time and signature of a cosignature."""

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"

    @property
    def time(self) -> datetime:
        """When a cosignature was made. Raises `NoteInvalid` when this is none or the time is none that exists."""
        if len(self.value) != 72:
            raise NoteInvalid("a cosignature is 8 bytes of time and 64 of signature")
        try:
            return datetime.fromtimestamp(struct.unpack(">Q", self.value[:8])[0], UTC)
        except (ValueError, OverflowError, OSError):
            raise NoteInvalid("a cosignature states a time that does not exist") from None


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note; nothing in it is verified yet."""

    text: str
    """With its final newline, without the empty line after it."""
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    def plus(self, lines: Iterable[SignatureLine]) -> Note:
        """The note with more signatures; those that it has already are not repeated."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *lines))))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and a public key whose signatures are accepted."""

    name: str
    public_key: Ed25519PublicKey
    kind: int = ED25519

    def __post_init__(self) -> None:
        _check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || newline || type || public key), the first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self._raw).digest()[:4]

    @property
    def vkey(self) -> str:
        """The verifier key as text, as Go's sumdb/note reads it."""
        encoded = base64.b64encode(bytes([self.kind]) + self._raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """Raises `NoteInvalid`."""
        found = _VKEY.fullmatch(text.strip())
        raw = _decode(found[3]) if found else b""
        if found is None or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise NoteInvalid("not a verifier key: NAME+KEY_ID+BASE64 of an Ed25519 key is one")
        verifier = cls(found[1], Ed25519PublicKey.from_public_bytes(raw[1:]), raw[0])
        if verifier.key_id.hex() != found[2]:
            raise NoteInvalid("the verifier key's id is not the one of its name and key")
        return verifier

    def knows(self, line: SignatureLine) -> bool:
        """Whether `line` says it is by this key."""
        return line.name == self.name and line.key_id == self.key_id

    def verify(self, text: str, line: SignatureLine) -> None:
        """Raises `NoteInvalid` unless `line` is this key's signature over `text`."""
        signature, signed = line.value, text
        if self.kind == COSIGNATURE:
            signature, signed = line.value[8:], cosigned_text(text, line.time)
        try:
            self.public_key.verify(signature, signed.encode())
        except InvalidSignature:
            raise NoteInvalid(f"the signature by {self.name} does not verify") from None

    @property
    def _raw(self) -> bytes:
        return self.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def parse(text: str | bytes) -> Note:
    """Raises `NoteInvalid`."""
    if len(text) > MAX_LENGTH:
        raise NoteInvalid("the note is too long")
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            raise NoteInvalid("the note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in text):
        raise NoteInvalid("the note holds a control character")
    body, separator, tail = text.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise NoteInvalid("the note has no signatures after an empty line")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return Note(body + "\n", tuple(parse_line(line) for line in lines))


def parse_line(line: str) -> SignatureLine:
    """One signature line, without its newline. Raises `NoteInvalid`."""
    found = _SIGNATURE.fullmatch(line)
    if found is None:
        raise NoteInvalid("a signature line is not an em dash, a name and base64")
    _check_name(found[1])
    raw = _decode(found[2])
    if len(raw) < 5:
        raise NoteInvalid("a signature is too short")
    return SignatureLine(found[1], raw[:4], raw[4:])


def sign(text: str, name: str, key: StatementKey) -> SignatureLine:
    """The key's signature over `text`, which ends in a newline."""
    return SignatureLine(name, Verifier(name, key.public_key).key_id, key.sign(text.encode()))


def cosign(text: str, name: str, key: StatementKey, *, now: datetime) -> SignatureLine:
    """The key's time-stamped cosignature (c2sp.org/tlog-cosignature) over a checkpoint's text."""
    seconds = int(now.timestamp())
    signature = key.sign(cosigned_text(text, now).encode())
    return SignatureLine(
        name, Verifier(name, key.public_key, COSIGNATURE).key_id, struct.pack(">Q", seconds) + signature
    )


def cosigned_text(text: str, time: datetime) -> str:
    """What a cosignature signs."""
    return f"cosignature/v1\ntime {int(time.timestamp())}\n{text}"


def verified(note: Note, verifiers: Sequence[Verifier]) -> list[tuple[Verifier, SignatureLine]]:
    """The signatures by known keys. Lines by unknown keys are ignored, as the specification demands.

    Raises `NoteInvalid` when there is none by a known key, or when one by a known key does not verify.
    """
    found: list[tuple[Verifier, SignatureLine]] = []
    for line in note.signatures:
        for verifier in verifiers:
            if verifier.knows(line):
                verifier.verify(note.text, line)
                found.append((verifier, line))
    if not found:
        raise NoteInvalid("no signature is by a known key")
    return found


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteInvalid("a key's name is not empty and has neither spaces nor +")


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("a part that should be base64 is not") from None
    if base64.b64encode(raw).decode() != text:
        raise NoteInvalid("a part that should be base64 is not written the one right way")
    return raw
