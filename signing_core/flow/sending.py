"""What a party is sent, links and codes: at most one of each is live, and there is only so much in an hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from signing_core.errors import SendingLimited
from signing_core.flow.commands import Event, EventType, NewCode, NewLink
from signing_core.flow.values import Challenge, Link, Party, Role, State

Result = tuple[State, tuple[Event, ...]]


def recent(sendings: tuple[datetime, ...], state: State, now: datetime) -> tuple[datetime, ...]:
    """Those that still count against the limit."""
    return tuple(at for at in sendings if now - at < state.limits.sending_window)


def check(
    sendings: tuple[datetime, ...], most: int, interval: timedelta, state: State, what: str, now: datetime
) -> None:
    """Raises `SendingLimited` after `most` sendings in the window, or within `interval` of the last one."""
    counted = recent(sendings, state, now)
    until = now
    if len(counted) >= most:
        until = counted[-most] + state.limits.sending_window
    if counted and now - counted[-1] < interval:
        until = max(until, counted[-1] + interval)
    if until > now:
        raise SendingLimited(
            f"Another {what} for document {state.document_id} can be sent from {until.isoformat()} on.", until=until
        )


def issue_link(state: State, role: Role, link: NewLink, now: datetime, reason: str) -> Result:
    """Rule (6) of `machine`: a new link ends the one before. It lives no longer than the document."""
    state, ended = end_link(state, role, "replaced")
    party = state.party(role)
    expires_at = min(link.expires_at, state.expires_at)
    party = replace(
        party,
        turn_since=party.turn_since or now,
        link=Link(link.token_hash, now, expires_at),
        link_sendings=(*recent(party.link_sendings, state, now), now),
    )
    issued = Event(EventType.LINK_ISSUED, role, {"because": reason, "expires_at": expires_at.isoformat()})
    return state.with_party(party), (*ended, issued)


def end_link(state: State, role: Role, because: str) -> Result:
    """The party's live link, if any, ends."""
    party = state.party(role)
    if party.link is None:
        return state, ()
    return state.with_party(replace(party, link=None)), (Event(EventType.LINK_ENDED, role, {"because": because}),)


def issue_code(state: State, party: Party, session: str, code: NewCode, now: datetime, reason: str) -> Result:
    """Rule (4) of `machine`: a new code ends the one before, and a confirmation with it."""
    events = []
    if party.challenge is not None:
        voided = {"challenge": party.challenge.id, "because": "replaced"}
        events.append(Event(EventType.CODE_VOIDED, party.role, voided))
    expires_at = now + state.limits.code_lifetime
    party = replace(
        party,
        challenge=Challenge(code.id, code.code_hash, session, now, expires_at),
        confirmation=None,
        code_sendings=(*recent(party.code_sendings, state, now), now),
    )
    issued = {"challenge": code.id, "because": reason, "expires_at": expires_at.isoformat()}
    events.append(Event(EventType.CODE_ISSUED, party.role, issued))
    return state.with_party(party), tuple(events)
