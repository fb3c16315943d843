"""A party's matter: the document behind its link, as far as this browser may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from portal.sessions import Session
from signing_core.delivery import contacts
from signing_core.desk import Desk, records
from signing_core.desk.records import FoundLink
from signing_core.desk.secrets import session_hash
from signing_core.errors import LinkInvalid
from signing_core.flow import Role, State, Status
from signing_core.flow.values import Party
from signing_core.storage.database import reading


class NoAccess(Exception):
    """Why the party gets a page about its link instead of the document; `problem` names that page."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Matter:
    session: Session
    link: FoundLink
    state: State
    row: sa.Row[Any]
    people: dict[str, sa.Row[Any]]
    now: datetime

    @property
    def role(self) -> Role:
        return Role(self.link.role)

    @property
    def party(self) -> Party:
        return self.state.party(self.role)

    @property
    def person(self) -> sa.Row[Any]:
        return self.people[self.link.role]

    @property
    def other(self) -> tuple[sa.Row[Any], Party]:
        role = Role.CLIENT if self.role is Role.FIRST_PARTY else Role.FIRST_PARTY
        return self.people[str(role)], self.state.party(role)

    @property
    def contact(self) -> Markup:
        """Masked, and kept on one line: a part of an address is easily misread."""
        return Markup('<span class="whole">{}</span>').format(contacts.mask(self.person.contact))

    @property
    def mine(self) -> bool:
        """Whether it was this browser in which the code was confirmed."""
        confirmed = self.party.confirmation
        return confirmed is not None and confirmed.session == session_hash(self.session.secret)

    @property
    def signed(self) -> bool:
        return self.party.consent is not None

    @property
    def challenge(self) -> Any:
        """The live code's challenge, when this browser asked for it and may still enter it."""
        live = self.party.challenge
        own = session_hash(self.session.secret)
        return live if live is not None and live.session == own and self.now <= live.expires_at else None


def standing(desk: Desk, token: str) -> tuple[FoundLink | None, str | None]:
    """The link and why it does not open, None when it does. An unknown and an expired one are told apart by nothing here."""
    now = desk.clock()
    with reading(desk.workspace.engine) as connection:
        try:
            link = records.find_link(connection, token)
        except LinkInvalid:
            return None, "gone"
    return link, _why_not(link, now)


def matter_of(desk: Desk, session: Session) -> Matter:
    """Raises `NoAccess`."""
    now = desk.clock()
    with reading(desk.workspace.engine) as connection:
        try:
            link = records.find_link(connection, session.token)
        except LinkInvalid:
            raise NoAccess("gone") from None
        row = records.load(connection, link.document_id)
        people = records.parties(connection, link.document_id)
    matter = Matter(session, link, State.from_json(row.state), row, people, now)
    why = _why_not(link, now)
    if why == "used" and matter.mine:
        return matter
    if why is not None:
        raise NoAccess(why)
    return matter


def _why_not(link: FoundLink, now: datetime) -> str | None:
    if link.purpose != "sign":
        return "gone"
    if link.ended_because in ("used", "voided", "declined", "expired"):
        return link.ended_because
    if link.ended_because is not None:
        return "replaced"
    return "gone" if now > link.expires_at else None


ENDED_OTHERWISE = (Status.DECLINED, Status.EXPIRED, Status.VOIDED)
