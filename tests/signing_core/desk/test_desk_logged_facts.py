"""Somebody with the database, without any key, writes into it whom a signature names, whom a code reaches, and who consented."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from desk_steps import to, write

from signing_core import controls
from signing_core.desk import Desk, Origin, background, secrets, signing
from signing_core.errors import RecordNotAsLogged
from signing_core.flow import Role, Status
from signing_core.storage.database import reading
from signing_core.storage.schema import document_parties, documents, marks, personal_data
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, received

ORIGIN = Origin("192.0.2.9", "a browser")
OTHER = "+491700000666"


def found(workspace: Workspace, document_id: str) -> set[str]:
    (looked,) = controls.look(workspace, [document_id], now=workspace.clock())
    return {finding.code for finding in looked.findings} - {"completed-not-mailed"}


def of(table: sa.Table, document_id: str, role: str = "client") -> Any:
    return sa.update(table).where(table.c.document_id == document_id, table.c.role == role)


def state_of(workspace: Workspace, document_id: str) -> dict[str, Any]:
    with reading(workspace.engine) as connection:
        query = sa.select(documents.c.state).where(documents.c.id == document_id)
        return dict(json.loads(json.dumps(connection.execute(query).scalar_one())))


def set_state(document_id: str, state: dict[str, Any]) -> Any:
    return sa.update(documents).where(documents.c.id == document_id).values(state=state, status=state["status"])


def picture(workspace: Workspace, document_id: str) -> Any:
    with reading(workspace.engine) as connection:
        query = sa.select(marks).where(marks.c.document_id == document_id, marks.c.role == "first-party")
        return connection.execute(query).first()


ROWS: dict[str, Callable[[Workspace, str], Any]] = {
    "name": lambda _, one: of(document_parties, one).values(name="Somebody Else"),
    "organisation": lambda _, one: of(document_parties, one).values(organisation="Somebody Else GmbH"),
    "contact": lambda _, one: of(document_parties, one).values(contact=OTHER),
    "name of the first party": lambda _, one: of(document_parties, one, "first-party").values(name="Somebody Else"),
    "title": lambda _, one: sa.update(documents).where(documents.c.id == one).values(title="Another title"),
    "picture": lambda workspace, one: of(marks, one).values(data=picture(workspace, one).data),
    "name and value": lambda _, one: of(personal_data, one).values(value=json.dumps("Somebody Else")),
}


@pytest.mark.parametrize("row", list(ROWS))
def test_what_a_party_consented_to_is_not_signed_with_other_facts(
    play: Play, desk: Desk, source: bytes, row: str
) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    play.consent(document_id, Role.CLIENT)
    write(desk.workspace, ROWS[row](desk.workspace, document_id))
    assert desk.work_on(document_id).status is Status.SIGNING
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("signing.delayed", "RecordNotAsLogged")
    assert found(desk.workspace, document_id) == (set() if row == "picture" else {"registry-differs-from-log"})


@pytest.mark.parametrize("row", list(ROWS))
def test_what_was_signed_is_not_sealed_with_other_facts(play: Play, desk: Desk, source: bytes, row: str) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    play.consent(document_id, Role.CLIENT)
    signing.sign(desk.workspace, desk.state(document_id), desk.clock())
    write(desk.workspace, ROWS[row](desk.workspace, document_id))
    assert desk.work_on(document_id).status is Status.SEALING
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("sealing.delayed", "RecordNotAsLogged")


def test_no_key_signs_for_a_party_of_whose_consent_no_event_tells(play: Play, desk: Desk, source: bytes) -> None:
    """A state and a picture, as those of a document that the client did sign, are all that it took."""
    signed, document_id = play.create(source), play.create(source)
    to(play, signed, Status.AWAITING_CLIENT)
    play.consent(signed, Role.CLIENT)
    to(play, document_id, Status.AWAITING_CLIENT)
    client = state_of(desk.workspace, signed)["client"]
    state = state_of(desk.workspace, document_id)
    forged = state | {"status": "signing", "client": client}
    mark = dict(picture(desk.workspace, document_id)._mapping) | {"role": "client"}
    for consent in (client["consent"], client["consent"] | {"document_sha256": state["document_sha256"]}, None):
        forged["client"] = client | {"consent": consent}
        write(desk.workspace, set_state(document_id, forged))
        if consent is client["consent"]:
            write(desk.workspace, sa.insert(marks).values(**mark))
        assert desk.work_on(document_id).status is Status.SIGNING
        last = desk.events(document_id)[-1]
        assert (last.type, last.data["because"]) == ("signing.delayed", "RecordNotAsLogged")
        assert found(desk.workspace, document_id) == {"registry-differs-from-log"}
    assert desk.work_on(signed).status is Status.COMPLETED, "the genuine one goes on"


def test_nobody_consents_with_a_confirmation_of_which_no_event_tells(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    play.deliver()
    token = play.token(Role.CLIENT)
    desk.open(token, "s", ORIGIN)
    state = state_of(desk.workspace, document_id)
    state["client"]["confirmation"] = {
        "challenge_id": "01M8PXXR6R9C14RSWXZ1Q0YECC",
        "session": secrets.session_hash("s"),
        "at": desk.clock().isoformat(),
    }
    write(desk.workspace, set_state(document_id, state))
    with pytest.raises(RecordNotAsLogged, match="No event says that the client confirmed a code"):
        desk.sign(token, "s", play.mark(Role.CLIENT), ORIGIN)
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("step.refused", "record-not-as-logged")


def test_no_link_and_no_code_goes_to_another_contact(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    play.deliver()
    token = play.token(Role.CLIENT)
    desk.open(token, "s", ORIGIN)
    write(desk.workspace, ROWS["contact"](desk.workspace, document_id))
    later = desk.clock() + timedelta(days=4)
    desk.clock = desk.workspace.clock = lambda: later  # type: ignore[method-assign,misc]
    for step in (lambda: desk.request_code(token, "s", ORIGIN), lambda: desk.resend(document_id)):
        with pytest.raises(RecordNotAsLogged, match=f"document {document_id} .* contact of the client"):
            step()
    before = len(desk.events(document_id))
    assert background.work_once(desk).reminded == 0
    assert len(desk.events(document_id)) == before, "a refusal each round would fill the log"
    assert not [message for message in received(desk.workspace) if message.to == OTHER]
    desk.void(document_id, "somebody changed the contact")
    assert desk.state(document_id).status is Status.VOIDED


def test_a_contact_that_the_author_replaced_and_a_party_that_was_forgotten_are_as_logged(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_FIRST_PARTY)
    desk.replace_contact(document_id, Role.CLIENT, OTHER)
    desk.replace_contact(document_id, Role.FIRST_PARTY, "else@example.org")
    play.contact = lambda role: OTHER if role is Role.CLIENT else "else@example.org"  # type: ignore[method-assign]
    play.to_completion(document_id)
    assert found(desk.workspace, document_id) == set()


def test_a_genuine_consent_is_signed_with_its_stamp(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    play.deliver()
    token = play.token(Role.CLIENT)
    desk.open(token, "s", ORIGIN)
    challenge = desk.request_code(token, "s", ORIGIN)
    play.deliver()
    desk.submit_code(token, "s", challenge, play.code(Role.CLIENT), ORIGIN)
    mark, stamp = play.mark(Role.CLIENT), play.mark(Role.FIRST_PARTY)
    desk.sign(token, "s", mark, ORIGIN, stamp=stamp, copy_email="copy@example.org")
    assert desk.work_on(document_id).status is Status.COMPLETED
    assert found(desk.workspace, document_id) == set()
