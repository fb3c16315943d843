"""The controls: each looks at one document's history and says what an auditor would write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from signing_core.audit_log.events import Event
from signing_core.audit_log.forgetting import ERASED
from signing_core.controls import log_rules
from signing_core.controls.finding import ControlFinding
from signing_core.controls.history import History
from signing_core.delivery import contacts
from signing_core.flow import Role, State, Status
from signing_core.flow.values import Limits, spoken

_STUCK_AFTER: Final = timedelta(hours=1)
_CODE_LIFETIME: Final = timedelta(minutes=5)
_CONFIRMED_FOR: Final = Limits().confirmation_lifetime
_FIRST, _CLIENT = str(Role.FIRST_PARTY), str(Role.CLIENT)


def check(history: History, now: datetime) -> list[ControlFinding]:
    """What all controls find in one document's history, judged at `now`.

    Nothing is concluded from an event that cannot be read, nor from its absence: that it was changed is a finding itself.
    """
    return [found for rule in _RULES for found in rule(history, now)]


def _log(history: History, now: datetime) -> Iterator[ControlFinding]:
    return log_rules.findings(history)


def _shared_contact(history: History, now: datetime) -> Iterator[ControlFinding]:
    first, client = history.parties.get(_FIRST), history.parties.get(_CLIENT)
    if first is None or client is None:
        return
    nothing = {None, ERASED}  # two who were forgotten have nothing in common
    shared = {first.contact, first.copy_email} & {client.contact, client.copy_email} - nothing
    if shared:
        masked = ", ".join(sorted(contacts.mask(one) for one in shared))
        message = f"The first party and the client are reached at the same contact, {masked}."
        evidence = tuple(f"event {e.seq}" for e in history.of("document.created", "contact.replaced"))
        yield ControlFinding("parties-share-contact", history.document_id, message, (*evidence, f"contact {masked}"))


def _shared_origin(history: History, now: datetime) -> Iterator[ControlFinding]:
    consents = {event.data.get("role"): event for event in history.of("consent.given")}
    if not {_FIRST, _CLIENT} <= consents.keys():
        return
    first, client = consents[_FIRST], consents[_CLIENT]
    ips = [history.value(event, "ip") for event in (first, client)]
    devices = [history.value(event, "device") for event in (first, client)]
    evidence = (f"event {first.seq}", f"event {client.seq}")
    one_ip = bool(ips[0]) and ips[0] == ips[1]
    if one_ip:
        message = "Both consents came from one IP address."
        yield ControlFinding("parties-share-ip", history.document_id, message, evidence)
    if devices[0] and devices[0] == devices[1]:
        message = f"Both consents came with the same device, from {'one IP address' if one_ip else 'two IP addresses'}."
        yield ControlFinding("parties-share-device", history.document_id, message, evidence)


def _order(history: History, now: datetime) -> Iterator[ControlFinding]:
    made = [(event.data.get("role"), event) for event in history.of("signature.made")]
    roles = [role for role, _ in made]
    if history.lost("signature.made"):
        return
    if _CLIENT in roles and (_FIRST not in roles or roles.index(_CLIENT) < roles.index(_FIRST)):
        evidence = tuple(f"event {event.seq}" for _, event in made)
        message = "The client's signature was made without the first party's before it."
        yield ControlFinding("client-before-first-party", history.document_id, message, evidence)


def _codes(history: History, now: datetime) -> Iterator[ControlFinding]:
    issued = {event.data.get("challenge"): event for event in history.of("code.issued")}
    confirmed = {event.data.get("challenge"): event for event in history.of("code.confirmed")}
    for challenge, event in confirmed.items():
        start = issued.get(challenge)
        if start is None and history.lost("code.issued"):
            continue
        if start is None or event.time - start.time > _CODE_LIFETIME:
            late = event.time - start.time if start else None
            message = (
                f"A code was confirmed {late} after it was made."
                if late
                else "A code was confirmed that was never made."
            )
            yield ControlFinding("code-confirmed-late", history.document_id, message, (f"event {event.seq}",))
    for event in history.of("consent.given"):
        before = confirmed.get(event.data.get("challenge"))
        if before is not None and event.time - before.time > _CONFIRMED_FOR and _is_over(history, before, event):
            message = f"The consent of the {spoken(str(event.data.get('role')))} came {event.time - before.time} after its code."
            evidence = (f"event {before.seq}", f"event {event.seq}")
            yield ControlFinding("consent-too-late", history.document_id, message, evidence)
        if before is None and not history.lost("code.confirmed"):
            message = f"The consent of the {spoken(str(event.data.get('role')))} has no confirmed code."
            yield ControlFinding("consent-without-code", history.document_id, message, (f"event {event.seq}",))


def _is_over(history: History, confirmed: Event, consent: Event) -> bool:
    """By the document's own limits, which are read only when the usual ones do not tell."""
    try:
        limits = State.from_json(history.row.state).limits
    except (KeyError, TypeError, ValueError, AttributeError):
        return True  # the state was changed by hand, so the usual limits stand
    return consent.time - confirmed.time > limits.confirmation_lifetime


def _sender_opened(history: History, now: datetime) -> Iterator[ControlFinding]:
    def origin(event: object) -> tuple[object, object]:
        return history.value(event, "ip"), history.value(event, "device")  # type: ignore[arg-type]

    acted = {origin(e) for e in history.of("link.opened", "consent.given") if e.data.get("role") == _FIRST}
    for event in history.of("link.opened"):
        if event.data.get("role") == _CLIENT and origin(event) in acted and all(origin(event)):
            message = "The client's link was opened from the first party's IP address and device."
            yield ControlFinding("sender-opened-clients-link", history.document_id, message, (f"event {event.seq}",))
            return


def _deliveries(history: History, now: datetime) -> Iterator[ControlFinding]:
    if history.lost("message.delivered", "message.failed"):
        return
    last = {event.data.get("message"): event for event in history.of("message.delivered", "message.failed")}
    for message in history.messages:
        event = last.get(message.id)
        if message.state == "delivered" and (event is None or event.type != "message.delivered"):
            evidence = (f"message {message.id}", *((f"event {event.seq}",) if event else ()))
            text = f"The {message.kind} message to the {spoken(message.role)} counts as delivered; the log does not say so."
            yield ControlFinding("undelivered-counts-as-delivered", history.document_id, text, evidence)


def _completed(history: History, now: datetime) -> Iterator[ControlFinding]:
    if history.row.status != Status.COMPLETED:
        return
    if history.row.certificate_id is None or history.logged("document.completed") is None:
        message = "The document counts as completed, without certificate or without the event of completion."
        evidence = tuple(f"event {event.seq}" for event in history.events[-1:])
        yield ControlFinding("completed-without-certificate", history.document_id, message, evidence)
    if history.row.completed_at is not None and now - history.row.completed_at < _STUCK_AFTER:
        return
    reached = {m.role for m in history.messages if m.kind in ("completed", "download") and m.state == "delivered"}
    for role in sorted({"author", _FIRST, _CLIENT} - reached):
        message = f"The finished document has not reached the {spoken(role)}."
        completed = history.logged("document.completed")
        evidence = (f"event {completed.seq}",) if completed else ()
        yield ControlFinding("completed-not-mailed", history.document_id, message, (*evidence, f"party {role}"))


def _stuck(history: History, now: datetime) -> Iterator[ControlFinding]:
    if history.row.status in (Status.SIGNING, Status.SEALING) and now - history.row.updated_at > _STUCK_AFTER:
        last = history.events[-1] if history.events else None
        message = f"The document has been in {history.row.status} since {history.row.updated_at:%Y-%m-%d %H:%M} UTC."
        yield ControlFinding("stuck", history.document_id, message, (f"event {last.seq}",) if last else ())


def _expired_links(history: History, now: datetime) -> Iterator[ControlFinding]:
    ends: dict[str, datetime] = {}
    if history.lost("link.issued"):
        return
    for event in history.readable:
        role = str(event.data.get("role"))
        if event.type == "link.issued":
            expires_at = event.data.get("expires_at")
            if expires_at is not None:
                ends[role] = datetime.fromisoformat(expires_at)
        elif event.type in ("link.opened", "code.issued", "code.confirmed", "consent.given"):
            end = ends.get(role)
            if end is not None and event.time > end:
                message = f"{event.type} of the {spoken(role)} came after the link's end at {end:%Y-%m-%d %H:%M} UTC."
                yield ControlFinding("expired-link-accepted", history.document_id, message, (f"event {event.seq}",))
                return


def _verified_as_altered(history: History, now: datetime) -> Iterator[ControlFinding]:
    bad = [e for e in history.of("document.verified") if e.data.get("integrity") == "altered"]
    if bad:
        message = f"{len(bad)} check{'s' if len(bad) > 1 else ''} of files of this document found them altered."
        yield ControlFinding(
            "verified-as-altered", history.document_id, message, tuple(f"event {event.seq}" for event in bad[:20])
        )


_RULES: Final[tuple[Callable[[History, datetime], Iterator[ControlFinding]], ...]] = (
    _log,
    _shared_contact,
    _shared_origin,
    _order,
    _codes,
    _sender_opened,
    _deliveries,
    _completed,
    _stuck,
    _expired_links,
    _verified_as_altered,
)
