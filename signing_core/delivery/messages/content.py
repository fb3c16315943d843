"""What a message says, before it is known by which channel and to whom it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

MessageKind = Literal[
    "link", "code", "reminder", "completed", "download", "declined", "voided", "expired", "contact-replaced"
]
KINDS: Final[tuple[MessageKind, ...]] = get_args(MessageKind)


@dataclass(frozen=True)
class Content:
    """One message in all its forms. The texts hold links and codes, so no repr shows them."""

    kind: MessageKind
    language: str
    subject: str = field(repr=False)
    """One line, no line breaks."""
    text: str = field(repr=False)
    """The plain text of the e-mail."""
    html: str | None = field(repr=False)
    """The same in HTML."""
    sms: str = field(repr=False)
    """The same as a text message."""
    expires_at: datetime | None = None
    """After this time the message is of no use and must not be sent any more."""
