"""What the outbox asks of a way out. To plug in another, write a class with these members (see docs/delivery.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class Sender:
    """Who the mail is from."""

    address: str
    """An address in ASCII. Its domain stands in every Message-ID, too."""
    name: str = ""
    """Shown before the address: the organisation."""
    reply_to: str | None = None

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class OutgoingMessage:
    """One message, ready to be transmitted as it stands. Its content appears in no repr."""

    id: str
    """The Message-ID without angle brackets (RFC 5322, section 3.6.4). The same at every try: a channel whose other
    side can tell repeated messages by it passes it on."""
    kind: str
    channel: Literal["email", "sms"]
    sender: Sender
    recipient: str = field(repr=False)
    """An e-mail address in ASCII, or a number in E.164."""
    data: bytes = field(repr=False)
    """For e-mail the whole message (RFC 5322, CRLF, lines of 7-bit text); for SMS its text in UTF-8."""
    created_at: datetime
    expires_at: datetime | None = None
    """After this the message must not arrive any more, where the channel can see to that."""

    @property
    def text(self) -> str:
        """The text of an SMS."""
        return self.data.decode()


@dataclass(frozen=True)
class Receipt:
    """The other side took the message. Whether a person reads it is another matter."""

    reference: str | None = None
    """What the other side calls it, where it said so."""


class Channel(Protocol):
    """A way out. Its members are called by several threads at once."""

    @property
    def name(self) -> str:
        """For error messages and audit events: `smtp`, `sms-json`, `folder`, ..."""
        ...

    @property
    def idempotent(self) -> bool:
        """True when sending a message with the same id again changes nothing: then it arrives exactly once."""
        ...

    def send(self, message: OutgoingMessage, *, now: datetime) -> Receipt:
        """Hand the message over and return when the other side has taken it.

        Raises `DeliveryFailed`: `permanent` when this message will never be taken, `handed_over` when the other side may
        have taken it although it did not say so. Its message holds nothing of the content and no address. Must return
        or raise within a few minutes, whatever the other side does.
        """
        ...


@dataclass(frozen=True)
class Channels:
    """The ways out of one workspace, and who its messages are from."""

    email: Channel
    sms: Channel
    sender: Sender

    def of(self, kind: str) -> Channel:
        """The channel for a message's kind of contact."""
        return self.email if kind == "email" else self.sms
