"""The state of one document in the three phases, as plain values.

Nothing here does anything: `machine.apply` makes the next state. A state holds no personal data: names and contacts stand
beside it, so that they can be erased while it stays.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    DRAFT = "draft"
    AWAITING_FIRST_PARTY = "awaiting-first-party"
    AWAITING_CLIENT = "awaiting-client"
    SIGNING = "signing"
    """A consent was given and waits for its X.509 certificate, signature and time-stamp."""
    SEALING = "sealing"
    COMPLETED = "completed"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOIDED = "voided"


ENDED = frozenset({Status.COMPLETED, Status.DECLINED, Status.EXPIRED, Status.VOIDED})


class Role(StrEnum):
    FIRST_PARTY = "first-party"
    CLIENT = "client"


def spoken(term: str) -> str:
    """As an English sentence names a role or a status: `first party` for `first-party`."""
    return term.replace("-", " ")


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things last and how often they may be sent."""

    code_lifetime: timedelta = timedelta(minutes=5)
    wrong_tries: int = 5
    lock: timedelta = timedelta(minutes=30)
    confirmation_lifetime: timedelta = timedelta(minutes=30)
    """How long after the confirmed code the signature may be given, in the same browser session."""
    code_sendings: int = 8
    code_interval: timedelta = timedelta(seconds=20)
    link_sendings: int = 5
    link_interval: timedelta = timedelta(minutes=1)
    sending_window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Link:
    """A sent link, known by the SHA-256 of its token."""

    token_hash: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Challenge:
    """A live confirmation code, known by a keyed hash; `session` is the hash of the browser session it is bound to."""

    id: str
    code_hash: str
    session: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmation:
    challenge_id: str
    session: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """The party pressed *Sign* on `document_sha256`, having confirmed the code."""

    at: datetime
    document_sha256: str
    mark_kind: str
    stamp: bool


@dataclass(frozen=True, slots=True)
class SignedRevision:
    sha256: str
    length: int
    """In bytes; the file up to here is what this party signed."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Party:
    role: Role
    channel: Channel
    turn_since: datetime | None = None
    """When the first link went out; reminders count from here."""
    link: Link | None = None
    opened_at: datetime | None = None
    challenge: Challenge | None = None
    wrong_tries: int = 0
    locked_until: datetime | None = None
    confirmation: Confirmation | None = None
    consent: Consent | None = None
    signed: SignedRevision | None = None
    code_sendings: tuple[datetime, ...] = ()
    link_sendings: tuple[datetime, ...] = ()
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class State:
    document_id: str
    status: Status
    document_sha256: str
    """Of the prepared file until somebody signed, then of the last signed revision: what the next code is bound to."""
    first_party: Party
    client: Party
    created_at: datetime
    expires_at: datetime
    certificate_id: str | None = None
    final_sha256: str | None = None
    ended_at: datetime | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def turn(self) -> Role | None:
        """Whose consent is asked for, or waits for its time-stamp; None when it is nobody's."""
        match self.status:
            case Status.AWAITING_FIRST_PARTY:
                return Role.FIRST_PARTY
            case Status.AWAITING_CLIENT:
                return Role.CLIENT
            case Status.SIGNING:
                return Role.CLIENT if self.first_party.signed else Role.FIRST_PARTY
            case _:
                return None

    def party(self, role: Role) -> Party:
        return self.first_party if role is Role.FIRST_PARTY else self.client

    def with_party(self, party: Party) -> State:
        if party.role is Role.FIRST_PARTY:
            return dataclasses.replace(self, first_party=party)
        return dataclasses.replace(self, client=party)

    def to_json(self) -> dict[str, Any]:
        return typing.cast(dict[str, Any], _encode(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> State:
        return typing.cast(State, _decode(cls, value))


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


_hints = functools.cache(typing.get_type_hints)


def _decode(wanted: Any, value: Any) -> Any:
    if isinstance(wanted, types.UnionType):
        if value is None:
            return None
        wanted = next(option for option in typing.get_args(wanted) if option is not type(None))
    if typing.get_origin(wanted) is tuple:
        item = typing.get_args(wanted)[0]
        return tuple(_decode(item, entry) for entry in value)
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        hints = _hints(wanted)
        return wanted(**{name: _decode(hints[name], entry) for name, entry in value.items()})
    if wanted is datetime:
        return datetime.fromisoformat(value)
    if wanted is timedelta:
        return timedelta(seconds=value)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return wanted(value)
    return value
