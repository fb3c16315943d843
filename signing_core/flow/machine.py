"""The three phases: `apply(state, command, now) -> (state, events)`.

The rules, in one place:

(1) A document goes draft -> awaiting first party -> signing -> awaiting client -> signing -> sealing -> completed.
    Nothing is skipped and nothing goes back.
(2) A party acts only in its turn, through its live link, before the document expires.
(3) A signature needs a code confirmed in the same browser session not longer ago than the confirmation lasts.
(4) A party has at most one live code. It is valid for five minutes to the second, for one session, once.
(5) A wrong try on the page of the live code voids that code and sends one replacement. A wrong try from any other page
    counts and sends nothing. The fifth wrong try voids the live code and locks the step for thirty minutes.
(6) Every sending makes a new link and ends the one before.
(7) What was consented to can be neither declined, voided by the author (once both parties consented) nor expired: it
    waits for its time-stamp. What both have signed and cannot be sealed, for a named cause, can be voided; the file that they
    signed stays on record.

A step that the rules forbid raises a `FlowError` and the state is as it was. A wrong code is no forbidden step: it changes
the state, and `CODE_WRONG` among the events tells of it. `now` is aware and comes from the server's clock.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime
from functools import singledispatch

from signing_core.errors import (
    CodeExpired,
    CodeMissing,
    LinkExpired,
    LinkInvalid,
    StepLocked,
    StepNotAllowed,
)
from signing_core.flow import commands as c
from signing_core.flow import sending
from signing_core.flow.commands import Command, Event, EventType, NewLink
from signing_core.flow.sending import Result
from signing_core.flow.values import (
    ENDED,
    Challenge,
    Channel,
    Confirmation,
    Consent,
    Limits,
    Party,
    Role,
    SignedRevision,
    State,
    Status,
    spoken,
)

_AWAITING = {Role.FIRST_PARTY: Status.AWAITING_FIRST_PARTY, Role.CLIENT: Status.AWAITING_CLIENT}


def draft(
    document_id: str,
    document_sha256: str,
    *,
    channels: dict[Role, Channel],
    now: datetime,
    expires_at: datetime,
    limits: Limits | None = None,
) -> State:
    """A new document that nobody has been asked to sign yet."""
    if expires_at <= now:
        raise StepNotAllowed(f"Document {document_id} would expire before it is sent; choose a later expiry.")
    return State(
        document_id=document_id,
        status=Status.DRAFT,
        document_sha256=document_sha256,
        first_party=Party(Role.FIRST_PARTY, channels[Role.FIRST_PARTY]),
        client=Party(Role.CLIENT, channels[Role.CLIENT]),
        created_at=now,
        expires_at=expires_at,
        limits=limits or Limits(),
    )


def apply(state: State, command: Command, now: datetime) -> Result:
    """The state after `command`, and what happened. Raises a `FlowError` when the rules above forbid it."""
    return _apply(command, state, now)


@singledispatch
def _apply(command: object, state: State, now: datetime) -> Result:
    raise TypeError(f"not a command: {type(command).__name__}")


@_apply.register
def _send(command: c.Send, state: State, now: datetime) -> Result:
    if state.status is not Status.DRAFT:
        raise _not_now(state, "sent")
    if now > state.expires_at:
        raise StepNotAllowed(f"Document {state.document_id} is past its expiry; create it again with a later one.")
    state = replace(state, status=Status.AWAITING_FIRST_PARTY)
    state, events = sending.issue_link(state, Role.FIRST_PARTY, command.link, now, "invitation")
    return state, (Event(EventType.SENT), *events)


@_apply.register
def _open(command: c.OpenLink, state: State, now: datetime) -> Result:
    party = _acting(state, command.role, command.token_hash, now)
    if party.opened_at is None:
        state = state.with_party(replace(party, opened_at=now))
    return state, (Event(EventType.LINK_OPENED, command.role),)


@_apply.register
def _request_code(command: c.RequestCode, state: State, now: datetime) -> Result:
    party = _unlocked(_acting(state, command.role, command.token_hash, now), state, now)
    limits = state.limits
    sending.check(party.code_sendings, limits.code_sendings, limits.code_interval, state, "code", now)
    return sending.issue_code(state, party, command.session, command.code, now, "requested")


@_apply.register
def _submit_code(command: c.SubmitCode, state: State, now: datetime) -> Result:
    party = _unlocked(_acting(state, command.role, command.token_hash, now), state, now)
    live = party.challenge
    if live is None:
        raise CodeMissing(f"No code is live for document {state.document_id}; ask for a new one.")
    # A code is bound to the session that asked for it: from elsewhere nothing is judged, so nothing is learned.
    if live.session != command.session:
        raise CodeMissing(
            f"The code for document {state.document_id} belongs to another browser; ask for a new one here."
        )
    if now > live.expires_at:
        raise CodeExpired(f"The code for document {state.document_id} is no longer valid; ask for a new one.")
    if hmac.compare_digest(live.code_hash, command.code_hash):
        party = replace(party, challenge=None, wrong_tries=0, confirmation=Confirmation(live.id, command.session, now))
        return state.with_party(party), (Event(EventType.CODE_CONFIRMED, party.role, {"challenge": live.id}),)
    return _wrong_try(state, party, live, command, now)


def _wrong_try(state: State, party: Party, live: Challenge, command: c.SubmitCode, now: datetime) -> Result:
    tries = party.wrong_tries + 1
    on_live_page = command.challenge_id == live.id
    counted: dict[str, str | int | bool | None] = {"challenge": live.id, "try": tries, "live_page": on_live_page}
    events = [Event(EventType.CODE_WRONG, party.role, counted)]
    party = replace(party, wrong_tries=tries)
    if tries >= state.limits.wrong_tries:
        until = now + state.limits.lock
        party = replace(party, wrong_tries=0, locked_until=until, challenge=None)
        events.append(Event(EventType.CODE_VOIDED, party.role, {"challenge": live.id, "because": "locked"}))
        events.append(Event(EventType.STEP_LOCKED, party.role, {"until": until.isoformat()}))
        return state.with_party(party), tuple(events)
    if not on_live_page:
        return state.with_party(party), tuple(events)
    party = replace(party, challenge=None)
    if len(sending.recent(party.code_sendings, state, now)) >= state.limits.code_sendings:
        events.append(Event(EventType.CODE_VOIDED, party.role, {"challenge": live.id, "because": "wrong-try"}))
        return state.with_party(party), tuple(events)
    events.append(Event(EventType.CODE_VOIDED, party.role, {"challenge": live.id, "because": "wrong-try"}))
    state, issued = sending.issue_code(state, party, command.session, command.replacement, now, "wrong-try")
    return state, (*events, *issued)


@_apply.register
def _give_consent(command: c.GiveConsent, state: State, now: datetime) -> Result:
    party = _unlocked(_acting(state, command.role, command.token_hash, now), state, now)
    confirmed = party.confirmation
    if confirmed is None or confirmed.session != command.session:
        raise CodeMissing(f"Document {state.document_id} needs a confirmed code before it is signed; ask for one.")
    if now > confirmed.at + state.limits.confirmation_lifetime:
        raise CodeExpired(f"The code for document {state.document_id} was confirmed too long ago; ask for a new one.")
    consent = Consent(now, state.document_sha256, command.mark_kind, command.stamp)
    state, ended = sending.end_link(
        state.with_party(replace(party, consent=consent, challenge=None)), party.role, "used"
    )
    given: dict[str, str | int | bool | None] = {
        "mark": command.mark_kind,
        "stamp": command.stamp,
        "document_sha256": consent.document_sha256,
        "challenge": confirmed.challenge_id,
        "code_confirmed_at": confirmed.at.isoformat(),
    }
    return replace(state, status=Status.SIGNING), (Event(EventType.CONSENT_GIVEN, party.role, given), *ended)


@_apply.register
def _record_signature(command: c.RecordSignature, state: State, now: datetime) -> Result:
    if state.status is not Status.SIGNING or state.turn is not command.role:
        raise _not_now(state, f"signed for the {spoken(command.role)}")
    signed = SignedRevision(command.sha256, command.length, now)
    state = state.with_party(replace(state.party(command.role), signed=signed))
    state = replace(state, document_sha256=command.sha256)
    made = Event(EventType.SIGNATURE_MADE, command.role, {"sha256": command.sha256, "length": command.length})
    if command.role is Role.CLIENT:
        if command.certificate_id is None:
            raise StepNotAllowed(f"Document {state.document_id}: the client's signature needs a certificate id.")
        return replace(state, status=Status.SEALING, certificate_id=command.certificate_id), (made,)
    if command.link is None:
        raise StepNotAllowed(f"Document {state.document_id}: the first party's signature needs a link for the client.")
    state = replace(state, status=Status.AWAITING_CLIENT)
    state, issued = sending.issue_link(state, Role.CLIENT, command.link, now, "invitation")
    return state, (made, *issued)


@_apply.register
def _record_completion(command: c.RecordCompletion, state: State, now: datetime) -> Result:
    if state.status is not Status.SEALING:
        raise _not_now(state, "completed")
    state = replace(state, status=Status.COMPLETED, final_sha256=command.sha256, ended_at=now)
    return state, (Event(EventType.COMPLETED, None, {"sha256": command.sha256, "length": command.length}),)


@_apply.register
def _decline(command: c.Decline, state: State, now: datetime) -> Result:
    party = _acting(state, command.role, command.token_hash, now)
    if not command.reason.strip():
        raise StepNotAllowed(f"Declining document {state.document_id} needs a reason; write a short one.")
    return _end(state, Status.DECLINED, Event(EventType.DECLINED, party.role), "declined", now)


@_apply.register
def _void(command: c.Void, state: State, now: datetime) -> Result:
    open_ = {Status.DRAFT, Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT}
    never_sealed = state.status is Status.SEALING and command.cause is not None
    first_signs = state.status is Status.SIGNING and state.turn is Role.FIRST_PARTY
    if state.status not in open_ and not first_signs and not never_sealed:
        raise _not_now(state, "voided")
    if not command.reason.strip():
        raise StepNotAllowed(f"Voiding document {state.document_id} needs a reason; write a short one.")
    why = {"cause": command.cause, "signed_sha256": state.document_sha256} if never_sealed else {}
    return _end(state, Status.VOIDED, Event(EventType.VOIDED, None, why), "voided", now)


@_apply.register
def _expire(command: c.Expire, state: State, now: datetime) -> Result:
    if state.status not in {Status.DRAFT, *_AWAITING.values()}:
        raise _not_now(state, "expired")
    if now <= state.expires_at:
        raise StepNotAllowed(f"Document {state.document_id} does not expire before {state.expires_at.isoformat()}.")
    return _end(state, Status.EXPIRED, Event(EventType.EXPIRED), "expired", now)


@_apply.register
def _remind(command: c.Remind, state: State, now: datetime) -> Result:
    party = _awaited(state, "reminded of", now)
    state = state.with_party(replace(party, reminders=party.reminders + 1))
    return _send_again(state, party.role, command.link, now, "reminder")


@_apply.register
def _resend(command: c.Resend, state: State, now: datetime) -> Result:
    return _send_again(state, _awaited(state, "sent again", now).role, command.link, now, "resend")


@_apply.register
def _replace_contact(command: c.ReplaceContact, state: State, now: datetime) -> Result:
    party = state.party(command.role)
    if state.status in ENDED or party.consent is not None:
        raise _not_now(state, f"given another contact for the {spoken(command.role)}")
    # What the old contact received proves nothing any more: its link, code and confirmation end.
    events: list[Event] = [Event(EventType.CONTACT_REPLACED, party.role, {"channel": command.channel})]
    if party.challenge is not None:
        voided = {"challenge": party.challenge.id, "because": "contact-replaced"}
        events.append(Event(EventType.CODE_VOIDED, party.role, voided))
    party = replace(party, channel=command.channel, opened_at=None, challenge=None, confirmation=None)
    state = state.with_party(party)
    if state.turn is not command.role:
        return state, tuple(events)
    if command.link is None:
        raise StepNotAllowed(f"Document {state.document_id}: the new contact needs a link, since it is its turn.")
    # Not held back by the interval: what was sent before went to somebody else.
    state, issued = sending.issue_link(state, command.role, command.link, now, "contact-replaced")
    return state, (*events, *issued)


@_apply.register
def _unlock(command: c.Unlock, state: State, now: datetime) -> Result:
    party = state.party(command.role)
    if state.turn is not command.role or party.locked_until is None or now >= party.locked_until:
        raise StepNotAllowed(f"Document {state.document_id} is not locked for the {spoken(command.role)}.")
    return state.with_party(replace(party, locked_until=None)), (Event(EventType.STEP_UNLOCKED, command.role),)


def _acting(state: State, role: Role, token_hash: str, now: datetime) -> Party:
    """Rule (2). Raises `LinkInvalid`, `LinkExpired` or `StepNotAllowed`."""
    party = state.party(role)
    if party.link is None or not hmac.compare_digest(party.link.token_hash, token_hash):
        if state.status in ENDED or party.consent is not None:
            raise _not_now(state, f"acted on by the {spoken(role)}")
        raise LinkInvalid(
            f"This link to document {state.document_id} was replaced by a newer one; use the latest message."
        )
    if state.status is not _AWAITING[role]:
        raise _not_now(state, f"acted on by the {spoken(role)}")
    if now > min(party.link.expires_at, state.expires_at):
        raise LinkExpired(f"The link to document {state.document_id} has expired; ask the sender for a new one.")
    return party


def _unlocked(party: Party, state: State, now: datetime) -> Party:
    if party.locked_until is not None and now < party.locked_until:
        raise StepLocked(
            f"Document {state.document_id} is locked after too many wrong codes until {party.locked_until.isoformat()}; "
            "try again then or ask the sender to unlock it.",
            until=party.locked_until,
        )
    return replace(party, locked_until=None)


def _awaited(state: State, what: str, now: datetime) -> Party:
    if state.turn is None or state.status is Status.SIGNING:
        raise _not_now(state, what)
    if now > state.expires_at:
        raise StepNotAllowed(f"Document {state.document_id} has expired and cannot be {what}.")
    return state.party(state.turn)


def _send_again(state: State, role: Role, link: NewLink, now: datetime, reason: str) -> Result:
    limits = state.limits
    sendings = state.party(role).link_sendings
    sending.check(sendings, limits.link_sendings, limits.link_interval, state, "link", now)
    return sending.issue_link(state, role, link, now, reason)


def _end(state: State, status: Status, event: Event, because: str, now: datetime) -> Result:
    events = [event]
    for role in Role:
        party = state.party(role)
        if party.challenge is not None:
            voided = {"challenge": party.challenge.id, "because": because}
            events.append(Event(EventType.CODE_VOIDED, role, voided))
            state = state.with_party(replace(party, challenge=None))
        state, ended = sending.end_link(state, role, because)
        events.extend(ended)
    return replace(state, status=status, ended_at=now), tuple(events)


def _not_now(state: State, what: str) -> StepNotAllowed:
    return StepNotAllowed(f"Document {state.document_id} is {spoken(state.status)} and cannot be {what} now.")
