"""Who takes part in a document, as the author names them, and from where a step was taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signing_core.flow import Role

if TYPE_CHECKING:
    from signing_core.pdf.places import Place

_LONGEST_ORIGIN = 512  # a User-Agent is seldom longer than 200
REASON = 2_000
"""Characters kept of the reason for declining or voiding."""

LABELS = {
    "en": {Role.FIRST_PARTY: "First party", Role.CLIENT: "Client"},
    "de": {Role.FIRST_PARTY: "Erste Partei", Role.CLIENT: "Kundin / Kunde"},
}
"""What the parties are called on documents, by language."""


@dataclass(frozen=True)
class Author:
    """The employee who creates the document and gets the finished PDF."""

    name: str
    email: str = field(repr=False)


@dataclass(frozen=True)
class Signer:
    """One of the two parties. `contact` is an e-mail address or a phone number; it decides the channel."""

    name: str
    contact: str = field(repr=False)
    organisation: str | None = None
    copy_email: str | None = field(default=None, repr=False)
    """Where the finished PDF goes when the contact is a phone number."""
    language: str | None = None
    """`en` or `de`; None takes the document's."""
    placement: Place | None = None
    """Where the signature stands; None takes the place that the document itself says, else one that covers nothing."""
    party_id: str | None = None
    """The entry in the directory of parties, if it came from there."""


@dataclass(frozen=True)
class Origin:
    """From where a step was taken, as far as it was observed; None means not recorded."""

    ip: str | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)

    def personal(self) -> dict[str, str]:
        """What an audit event keeps of it, beside the log."""
        seen = (
            (name, kept(value or "", _LONGEST_ORIGIN)) for name, value in (("ip", self.ip), ("device", self.device))
        )
        return {name: value for name, value in seen if value}


def kept(text: str, longest: int) -> str:
    """What is stored of a text that strangers send: no control characters (PostgreSQL takes no NUL), and not endless."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")[:longest].strip()
