"""What the log says of a document's facts, held against the rows that say the same again.

Names, contacts and pictures stand in rows, so that they can be erased, and the state of the flow does, so that it can be read at
once. Whoever can write to the database can write there whom a signature names, where the link and the code go, and that a party
consented. The log has a commitment to each of these values and an event for each of these steps, and is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from signing_core.audit_log.events import Event
from signing_core.flow import State
from signing_core.flow.values import ENDED, Party, Status, spoken

_NAMED = ("name", "organisation", "contact")


def differences(
    log: Sequence[Event], opened: Mapping[str, Any], *, title: str, people: Mapping[str, Any], state: State
) -> Iterator[str]:
    """Where the rows say other things than the events, as sentences without the values. The events have to be readable.

    `opened`: the personal values by commitment (`personal.opened`); `people`: the rows of `document_parties` by role.
    """
    created = next((event for event in log if event.type == "document.created"), None)
    if created is None:
        yield "No event says that the document was created."
        return
    yield from _value("title", title, created.data.get("title"), opened, state)
    for role, person in people.items():
        held = {name: created.data.get(f"{role.replace('-', '_')}_{name}") for name in _NAMED}
        for event in log:
            if event.type == "contact.replaced" and event.data.get("role") == role:
                held["contact"] = event.data.get("contact")
        for name in _NAMED:
            yield from _value(f"{name} of the {spoken(role)}", getattr(person, name), held[name], opened, state)
    for party in (state.first_party, state.client):
        yield from _steps(log, party)
    if state.status is Status.SIGNING and state.turn and state.party(state.turn).consent is None:
        yield f"The {spoken(state.turn)} is to be signed for, and did not consent."


def other_pictures(log: Sequence[Event], opened: Mapping[str, Any], role: str, pictures: Mapping[str, str]) -> bool:
    """Whether the party gave others than these, SHA-256 by part (`signature`, `stamp`), with its consent."""
    consent = next((e for e in reversed(log) if e.type == "consent.given" and e.data.get("role") == role), None)
    return consent is None or _opened(consent.data.get("pictures_sha256"), opened) != pictures


def _steps(log: Sequence[Event], party: Party) -> Iterator[str]:
    """What the state says that a party did. To which file is for `audit_log.files` to say."""
    mine = [event for event in log if event.data.get("role") == party.role]
    confirmed = {event.data.get("challenge") for event in mine if event.type == "code.confirmed"}
    who = spoken(party.role)
    if party.confirmation is not None and party.confirmation.challenge_id not in confirmed:
        yield f"No event says that the {who} confirmed a code."
    if party.consent is not None and not any(
        event.type == "consent.given" and event.data.get("challenge") in confirmed for event in mine
    ):
        yield f"No event says that the {who} consented, having confirmed a code."
    if party.signed is not None and not any(event.type == "signature.made" for event in mine):
        yield f"No event says that the signature of the {who} was made."


def _value(what: str, stands: str | None, held: Any, opened: Mapping[str, Any], state: State) -> Iterator[str]:
    logged = _opened(held, opened)
    if held is not None and logged is None and state.status in ENDED:
        return  # it was erased, which no document under way allows
    if (stands or None) != (logged or None):
        yield f"The {what} is another one than the log's."


def _opened(held: Any, opened: Mapping[str, Any]) -> Any:
    return opened.get(held["commitment"]) if isinstance(held, Mapping) and "commitment" in held else held
