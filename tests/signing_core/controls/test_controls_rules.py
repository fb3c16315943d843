"""One test for each control: a history that breaks the rule is found, the same without the fault is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from signing_core.audit_log.events import Event
from signing_core.audit_log.forgetting import ERASED
from signing_core.controls import ControlFinding, History
from signing_core.controls.rules import check
from signing_core.flow import Role, State, Status
from signing_core.flow.values import Channel, Party

T0 = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LATER = T0 + timedelta(days=1)


class Story:
    """A history written event by event, a minute apart."""

    def __init__(self, status: str = "completed") -> None:
        self.row = SimpleNamespace(
            id="DOC",
            status=status,
            certificate_id="CERT",
            completed_at=T0,
            updated_at=T0,
            language="en",
            final_sha256="a",
        )
        self.events: list[Event] = []
        self.changed: set[int] = set()
        """Events whose bodies are left as they are."""
        self.messages: list[SimpleNamespace] = []
        self.opened: dict[str, Any] = {}
        self.parties = {
            "first-party": SimpleNamespace(name="Sample Director", contact="d@example.org", copy_email=None),
            "client": SimpleNamespace(name="Sample Client", contact="c@example.org", copy_email=None),
        }
        self.now = T0

    def add(self, type: str, role: str | None = None, *, after: timedelta = timedelta(minutes=1), **data: Any) -> Event:
        self.now += after
        held = dict(data)
        for key in ("ip", "device"):
            if key in held:
                commitment = f"{key}-{held[key]}"
                self.opened[commitment] = held[key]
                held[key] = {"commitment": commitment}
        if role:
            held["role"] = role
        body = json.dumps({"data": held, "actor": role or "system"}).encode()
        event = Event(len(self.events), "DOC", type, self.now, body)
        self.events.append(event)
        return event

    def party(self, role: str, **origin: str) -> Story:
        self.add("link.issued", role, expires_at=(self.now + timedelta(days=14)).isoformat())
        self.add("link.opened", role, **origin)
        self.add("code.issued", role, challenge=f"c-{role}")
        self.add("code.confirmed", role, challenge=f"c-{role}")
        self.add("consent.given", role, challenge=f"c-{role}", **origin)
        self.add("signature.made", role)
        return self

    def completed(self) -> Story:
        self.add("document.completed", sha256="a")
        for role in ("author", "first-party", "client"):
            self.message(role)
        return self

    def message(self, role: str, state: str = "delivered", event: str = "message.delivered") -> None:
        number = f"M{len(self.messages)}"
        self.messages.append(SimpleNamespace(id=number, role=role, kind="completed", state=state))
        self.add(event, role, message=number, kind="completed")

    def codes(self) -> set[str]:
        return {finding.code for finding in self.findings()}

    def findings(self) -> list[ControlFinding]:
        chained: list[Event] = []
        for event in self.events:  # whatever was left out or moved, the log is whole
            previous = chained[-1].sha256 if chained else None
            if event.seq not in self.changed:
                body = json.dumps({**event.content, "prev": previous, "seq": event.seq}).encode()
                event = replace(event, body=body)
            chained.append(event)
        history = History(
            self.row,
            self.parties,
            tuple(chained),
            tuple(event.leaf_hash for event in chained),
            messages=tuple(self.messages),
            opened=self.opened,  # type: ignore[arg-type]
        )
        found = check(history, LATER)
        assert not [one.message for one in found if "first-party" in one.message]  # sentences, in words
        return found


def good(**changes: Mapping[str, str]) -> Story:
    first = changes.get("first", {"ip": "192.0.2.1", "device": "laptop"})
    client = changes.get("client", {"ip": "198.51.100.7", "device": "phone"})
    return Story().party("first-party", **first).party("client", **client).completed()


def test_an_honest_history_has_no_finding() -> None:
    assert good().codes() == set()


@pytest.mark.parametrize("field", ["contact", "copy_email"])
def test_parties_share_a_contact(field: str) -> None:
    story = good()
    setattr(story.parties["client"], field, "d@example.org")
    assert story.codes() == {"parties-share-contact"}


def test_parties_share_an_ip_address() -> None:
    assert good(client={"ip": "192.0.2.1", "device": "phone"}).codes() == {"parties-share-ip"}


def test_parties_share_a_device() -> None:
    codes = good(client={"ip": "192.0.2.1", "device": "laptop"}).codes()
    assert codes == {"parties-share-ip", "parties-share-device", "sender-opened-clients-link"}


def test_a_device_alone_is_a_remark() -> None:
    (found,) = good(client={"ip": "198.51.100.7", "device": "laptop"}).findings()
    assert (found.code, found.severity) == ("parties-share-device", "info")


def test_findings_name_no_person_and_no_contact() -> None:
    story = good()
    story.parties["client"].contact = "d@example.org"
    (found,) = story.findings()
    assert "Sample Director" not in found.message
    assert "d@example.org" not in str(found.to_json())
    assert found.message.endswith("reached at the same contact, …@example.org.")


@pytest.mark.parametrize(("minutes", "late"), [(30, False), (31, True)])
def test_a_consent_after_its_confirmation_was_over(minutes: float, late: bool) -> None:
    story = good()
    parties = (Party(Role.FIRST_PARTY, Channel.EMAIL), Party(Role.CLIENT, Channel.EMAIL))
    story.row.state = State("DOC", Status.COMPLETED, "a", *parties, T0, T0).to_json()
    index = next(i for i, e in enumerate(story.events) if e.type == "consent.given")
    before, consent = story.events[index - 1], story.events[index]
    at = before.time + timedelta(minutes=minutes)
    story.events[index] = Event(consent.seq, "DOC", consent.type, at, consent.body)
    assert story.codes() == ({"consent-too-late"} if late else set())


def test_client_before_first_party() -> None:
    story = Story()
    story.party("client", ip="198.51.100.7", device="phone").party(
        "first-party", ip="192.0.2.1", device="laptop"
    ).completed()
    assert story.codes() == {"client-before-first-party"}


@pytest.mark.parametrize(("minutes", "late"), [(5, False), (5.1, True)])
def test_code_confirmed_late(minutes: float, late: bool) -> None:
    story = good()
    index = next(i for i, e in enumerate(story.events) if e.type == "code.confirmed")
    issued = story.events[index - 1]
    confirmed = story.events[index]
    at = issued.time + timedelta(minutes=minutes)
    story.events[index] = Event(confirmed.seq, "DOC", confirmed.type, at, confirmed.body)
    assert story.codes() == ({"code-confirmed-late"} if late else set())


def test_consent_without_code() -> None:
    story = good()
    story.events = [e for e in story.events if not (e.type == "code.confirmed" and e.data["role"] == "client")]
    assert story.codes() == {"consent-without-code"}


def test_sender_opened_the_clients_link() -> None:
    story = good()
    story.add("link.opened", "client", ip="192.0.2.1", device="laptop")
    assert story.codes() == {"sender-opened-clients-link"}


def test_bounced_and_yet_counted_as_delivered() -> None:
    story = good()
    story.message("client", event="message.failed")
    assert story.codes() == {"undelivered-counts-as-delivered"}


def test_completed_without_certificate() -> None:
    story = good()
    story.row.certificate_id = None
    assert story.codes() == {"completed-without-certificate"}


def test_completed_but_never_mailed() -> None:
    story = good()
    story.messages = [m for m in story.messages if m.role != "client"]
    assert story.codes() == {"completed-not-mailed"}


@pytest.mark.parametrize("status", ["sealing", "signing"])
def test_stuck(status: str) -> None:
    story = Story(status).party("first-party", ip="192.0.2.1", device="laptop")
    assert story.codes() == {"stuck"}


def test_expired_link_still_accepted() -> None:
    story = good()
    story.add("link.issued", "client", expires_at=story.now.isoformat())
    story.add("link.opened", "client", ip="198.51.100.7", device="phone")
    assert story.codes() == {"expired-link-accepted"}


def test_verified_as_altered_anywhere() -> None:
    story = good()
    story.add("document.verified", integrity="altered")
    story.add("document.verified", integrity="intact")
    assert story.codes() == {"verified-as-altered"}


MALFORMED = {
    "not JSON": b'{"data":{"role":',
    "not text": b"\xff\xfe\x00",
    "nested without end": b"[" * 200_000,
    "no object": b"[1, 2]",
    "data is a list": b'{"data":[1],"prev":null}',
    "a role that is a list": b'{"data":{"role":["client"]},"prev":null}',
    "a time that is none": b'{"data":{"role":"client","expires_at":"soon"},"prev":null}',
    "a time without zone": b'{"data":{"role":"client","expires_at":"2026-11-25T09:00:00"},"prev":null}',
    "a commitment that is a number": b'{"data":{"role":"client","ip":{"commitment":[7]}},"prev":null}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_an_event_that_cannot_be_read_is_a_finding_and_nothing_else_is_concluded(body: bytes) -> None:
    for seq in range(len(good().events)):
        story = good()
        event = story.events[seq]
        story.events[seq] = replace(event, body=body)
        story.changed = {seq}
        found = story.findings()
        assert [(one.code, one.evidence) for one in found] == [("event-changed", (f"event {seq}",))]


@pytest.mark.parametrize("status", ["voided", "draft"])
def test_a_completed_document_that_the_registry_calls_otherwise(status: str) -> None:
    story = good()
    story.row.status = status
    (found,) = story.findings()
    assert found.code == "registry-differs-from-log"
    seq = next(event.seq for event in story.events if event.type == "document.completed")
    assert found.message == f"The registry says {status}, the event of completion {seq} says completed."
    assert found.evidence == (f"event {seq}",)


def test_two_who_were_forgotten_share_no_contact() -> None:
    story = good()
    for party in story.parties.values():
        party.contact, party.copy_email, party.name = ERASED, None, ERASED
    story.opened.clear()
    assert story.codes() == set()


def test_what_nobody_recorded_is_not_shared() -> None:
    assert good(first={"ip": "", "device": ""}, client={"ip": "", "device": ""}).codes() == set()
