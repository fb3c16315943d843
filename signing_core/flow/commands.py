"""What can be asked of a document, and what comes of it.

A command carries everything random or secret already made and hashed by the caller (tokens, codes, ids), so that the
machine decides and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signing_core.flow.values import Channel, Role


@dataclass(frozen=True, slots=True)
class NewLink:
    """A fresh token's SHA-256 and how long the link may be opened."""

    token_hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewCode:
    """A fresh code for the challenge `id`, as a keyed hash."""

    id: str
    code_hash: str


@dataclass(frozen=True, slots=True)
class Send:
    """Author: the draft goes to the first party."""

    link: NewLink


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A party opened the document through its link. Fetching the link is not opening it."""

    role: Role
    token_hash: str
    session: str


@dataclass(frozen=True, slots=True)
class RequestCode:
    """A party clicked *Sign*, or asked for another code."""

    role: Role
    token_hash: str
    session: str
    code: NewCode


@dataclass(frozen=True, slots=True)
class SubmitCode:
    """A party typed a code.

    `code_hash` is the keyed hash of what was typed, for the live challenge; `challenge_id` the challenge its page was
    made for; `replacement` is used when the try is wrong.
    """

    role: Role
    token_hash: str
    session: str
    challenge_id: str
    code_hash: str
    replacement: NewCode


@dataclass(frozen=True, slots=True)
class GiveConsent:
    """A party with a confirmed code gives its signature."""

    role: Role
    token_hash: str
    session: str
    mark_kind: str
    stamp: bool


@dataclass(frozen=True, slots=True)
class RecordSignature:
    """The consented signature was made and time-stamped.

    After the first party's `link` goes to the client; after the client's `certificate_id` names the authenticity
    certificate to come.
    """

    role: Role
    sha256: str
    length: int
    link: NewLink | None = None
    certificate_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordCompletion:
    """The sealed file was read back from storage and passed our own verifier."""

    sha256: str
    length: int


@dataclass(frozen=True, slots=True)
class Decline:
    role: Role
    token_hash: str
    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class Void:
    """Author: withdraws the document."""

    reason: str
    cause: str | None = None
    """What keeps a document that both have signed from its seal; without one such a document is not withdrawn."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Background work: the document's time is over."""


@dataclass(frozen=True, slots=True)
class Remind:
    """Background work or author: the party whose turn it is gets its link again, with a reminder."""

    link: NewLink


@dataclass(frozen=True, slots=True)
class Resend:
    """Author: the party whose turn it is gets a new link."""

    link: NewLink


@dataclass(frozen=True, slots=True)
class ReplaceContact:
    """Author: a party is reached elsewhere from now on. `link` is needed when it is that party's turn."""

    role: Role
    channel: Channel
    link: NewLink | None = None


@dataclass(frozen=True, slots=True)
class Unlock:
    """Author: opens a step again that five wrong tries locked."""

    role: Role


Command = (
    Send
    | OpenLink
    | RequestCode
    | SubmitCode
    | GiveConsent
    | RecordSignature
    | RecordCompletion
    | Decline
    | Void
    | Expire
    | Remind
    | Resend
    | ReplaceContact
    | Unlock
)


class EventType(StrEnum):
    """The names under which the audit log keeps what happened."""

    SENT = "document.sent"
    LINK_ISSUED = "link.issued"
    LINK_ENDED = "link.ended"
    LINK_OPENED = "link.opened"
    CODE_ISSUED = "code.issued"
    CODE_VOIDED = "code.voided"
    CODE_WRONG = "code.wrong"
    CODE_CONFIRMED = "code.confirmed"
    STEP_LOCKED = "step.locked"
    STEP_UNLOCKED = "step.unlocked"
    CONSENT_GIVEN = "consent.given"
    SIGNATURE_MADE = "signature.made"
    COMPLETED = "document.completed"
    DECLINED = "document.declined"
    VOIDED = "document.voided"
    EXPIRED = "document.expired"
    CONTACT_REPLACED = "contact.replaced"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `data` holds JSON values only."""

    type: EventType
    role: Role | None = None
    data: Mapping[str, str | int | bool | None] = field(default_factory=dict)
