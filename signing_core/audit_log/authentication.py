"""Who wrote an event: a code that only a process with the key ring can make.

A checkpoint says that events stay what they were when it was signed. Whoever can write to the database could append one before,
a consent that nobody gave, and the next checkpoint would sign it. Therefore each event has an HMAC-SHA256 (RFC 2104, FIPS 198-1)
under a key that is derived from the ring's master key for this use alone (HKDF-Expand, RFC 5869), over::

    "sealtrail event 1" 0x00  ||  leaf hash of the event before it in the log, or 32 zero octets  ||  its body

The body names document, sequence number, type, time, actor and the hash of the document's event before; the leaf hash ties it to
the history that it was written after. So no event can be written, moved, copied to another document or brought back, and none
before it exchanged or taken away.

The code stands beside the body and is in no leaf hash. Nobody outside has the key, so in a proof it would say nothing; and a
checkpoint is signed only over events whose codes were checked (`signer`), after which the signature speaks for them.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from signing_core.audit_log import store
from signing_core.errors import KeyUnavailable
from signing_core.storage.database import event_key

if TYPE_CHECKING:
    from signing_core.audit_log.events import Event

OPEN: Final = frozenset(
    {
        "access.denied",
        "document.verified",
        "finding.assigned",
        "finding.closed",
        "finding.proposed",
        "finding.reopened",
        "finding.sent-back",
        "notebook.executed",
        "report.issued",
        "run.started",
        "sealing.delayed",
        "signing.delayed",
    }
)
"""Types that a process without the key ring may write: what people and controls saw, and that keys could not be had. No step and no
key asks for them. Every other type, one that is new included, has a code or is not believed."""

FORGED: Final = (
    "Find out who can write to the database, and restore a backup from before that event; if there is none, declare the loss with "
    "`sealtrail audit checkpoint --accept-restored REASON`."
)
_CONTEXT: Final = b"sealtrail event 1\x00"
_FIRST: Final = bytes(32)


class Author:
    """Who appends in one transaction. The key is asked for once, when it is needed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._key: bytes | None = None

    def code(self, type: str, before: bytes | None, body: bytes) -> bytes | None:
        """None for an event of `OPEN` while the ring is not at hand. Raises `KeyUnavailable` for any other."""
        if self._key is None:
            try:
                self._key = event_key(self._connection)
            except KeyUnavailable:
                if type in OPEN:
                    return None
                raise
        return code(self._key, before, body)


def code(key: bytes, before: bytes | None, body: bytes) -> bytes:
    """`before`: the leaf hash of the event before it in the log, None for the first one."""
    return hmac.digest(key, _CONTEXT + (before or _FIRST) + body, "sha256")


def holds(key: bytes, type: str, before: bytes | None, body: bytes, mac: bytes | None) -> bool:
    """Whether the event was written with the key, after that other event; one of `OPEN` may go without a code."""
    if mac is None:
        return type in OPEN and body.endswith(f'"type":"{type}"}}'.encode())
    return hmac.compare_digest(code(key, before, body), mac)


def said(seq: int, type: str) -> str:
    """The sentence about an event whose code does not hold."""
    return (
        f"Event {seq} ({type}) was not written with the keys of this workspace: somebody wrote it into the database, moved it "
        "there, or changed what stood before it."
    )


def at_hand(connection: sa.Connection) -> bytes | None:
    """The key, None when the ring cannot be opened here."""
    with suppress(KeyUnavailable):
        return event_key(connection)
    return None


def forged(connection: sa.Connection, log: Sequence[Event], key: bytes | None = None) -> Event | None:
    """The first of a document's events, all given in order, that the program did not write as it stands there; None when all are genuine.

    `key`: without it that of the connection. Raises `KeyUnavailable`.
    """
    key = key or event_key(connection)
    stored = dict(store.codes(connection, sorted({n for event in log for n in (event.seq - 1, event.seq)})))
    previous: str | None = None
    for event in log:
        mac, _ = stored.get(event.seq, (None, None))
        _, before = stored.get(event.seq - 1, (None, None))
        if not event.written_as_listed(previous) or not holds(key, event.type, before, event.body, mac):
            return event
        previous = event.sha256
    return None
