"""Somebody with the database, without any key, appends the events of what a party never did, and the rows to go with them."""

from __future__ import annotations

from typing import Any

import forged_events
import pytest
import sqlalchemy as sa
from desk_steps import to, write

from signing_core import controls
from signing_core.audit_log import personal
from signing_core.audit_log.events import NewEvent
from signing_core.desk import Desk, Origin, judging, secrets, signing
from signing_core.errors import NotAsLogged, RecordNotAsLogged
from signing_core.flow import Role, Status
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, document_parties, documents, marks
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, received

ORIGIN = Origin("192.0.2.9", "a browser")
OTHER = "+491700000666"
CHALLENGE = "01M8PXXR6R9C14RSWXZ1Q0YECC"
WRITTEN = r"Event \d+ \({}\) was not written with the keys of this workspace"


def opened_by_the_client(play: Play, desk: Desk, source: bytes) -> tuple[str, str]:
    """Document id and the client's token."""
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    play.deliver()
    token = play.token(Role.CLIENT)
    desk.open(token, "s", ORIGIN)
    return document_id, token


def state_of(workspace: Workspace, document_id: str) -> dict[str, Any]:
    with reading(workspace.engine) as connection:
        return dict(connection.execute(sa.select(documents.c.state).where(documents.c.id == document_id)).scalar_one())


def set_state(document_id: str, state: dict[str, Any]) -> Any:
    return sa.update(documents).where(documents.c.id == document_id).values(state=state, status=state["status"])


def found(workspace: Workspace, document_id: str) -> set[str]:
    (looked,) = controls.look(workspace, [document_id], now=workspace.clock())
    return {finding.code for finding in looked.findings}


def forged_consent(play: Play, desk: Desk, source: bytes) -> tuple[str, dict[str, Any]]:
    """Everything that a genuine consent of another document leaves, and the events, as the program writes them."""
    signed, document_id = play.create(source), play.create(source)
    to(play, signed, Status.AWAITING_CLIENT)
    play.consent(signed, Role.CLIENT)
    to(play, document_id, Status.AWAITING_CLIENT)
    workspace = desk.workspace
    state, client = state_of(workspace, document_id), state_of(workspace, signed)["client"]
    sha256, now = state["document_sha256"], desk.clock()
    client["confirmation"]["challenge_id"] = CHALLENGE
    client["consent"] = client["consent"] | {"document_sha256": sha256}
    with reading(workspace.engine) as connection:
        given = connection.execute(
            sa.select(marks).where(marks.c.document_id == signed, marks.c.role == "client")
        ).all()
        genuine = next(e for e in reversed(desk.events(signed)) if e.type == "consent.given")
        pictures = personal.opened(connection, signed)[genuine.data["pictures_sha256"]["commitment"]]
    said = {"role": "client", "challenge": CHALLENGE, "document_sha256": sha256}
    forged_events.append(
        workspace.engine,
        NewEvent("code.confirmed", now, "client", document_id, said),
        NewEvent("consent.given", now, "client", document_id, said, {"pictures_sha256": pictures}),
    )
    state |= {"status": "signing", "client": client}
    rows = [dict(row._mapping) | {"document_id": document_id} for row in given]
    write(workspace, set_state(document_id, state), *(sa.insert(marks).values(**row) for row in rows))
    return document_id, state


def test_no_key_signs_for_a_party_whose_consent_somebody_without_the_keys_wrote(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id, _ = forged_consent(play, desk, source)
    before = desk.workspace.path.joinpath(desk.workspace.settings.audit_log.signer_state).read_bytes()
    assert desk.work_on(document_id).status is Status.SIGNING
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("signing.delayed", "LogInconsistent")
    assert "Event" in last.data["message"] and "was not written with the keys" in last.data["message"]
    assert desk.workspace.path.joinpath(desk.workspace.settings.audit_log.signer_state).read_bytes() == before
    assert "event-changed" in found(desk.workspace, document_id)
    with pytest.raises(NotAsLogged, match=WRITTEN.format("code.confirmed")):
        signing.logged_file.read(desk.workspace, document_id)


def test_nobody_consents_with_a_code_whose_confirmation_somebody_without_the_keys_wrote(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id, token = opened_by_the_client(play, desk, source)
    state = state_of(desk.workspace, document_id)
    at = desk.clock()
    state["client"]["confirmation"] = {
        "challenge_id": CHALLENGE, "session": secrets.session_hash("s"), "at": at.isoformat(),
    }  # fmt: skip
    said = {"role": "client", "challenge": CHALLENGE}
    forged_events.append(desk.workspace.engine, NewEvent("code.confirmed", at, "client", document_id, said))
    write(desk.workspace, set_state(document_id, state))
    with pytest.raises(RecordNotAsLogged, match=WRITTEN.format("code.confirmed")):
        desk.sign(token, "s", play.mark(Role.CLIENT), ORIGIN)


def test_no_code_goes_to_a_contact_that_somebody_without_the_keys_replaced(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id, token = opened_by_the_client(play, desk, source)
    forged_events.append(
        desk.workspace.engine,
        NewEvent(
            "contact.replaced", desk.clock(), "author", document_id, {"role": "client"}, {"contact": OTHER}, "client"
        ),
    )
    table = document_parties
    query = sa.update(table).where(table.c.document_id == document_id, table.c.role == "client").values(contact=OTHER)
    write(desk.workspace, query)
    with pytest.raises(RecordNotAsLogged, match=WRITTEN.format("contact.replaced")):
        desk.request_code(token, "s", ORIGIN)
    assert not [message for message in received(desk.workspace) if message.to == OTHER]


def test_a_file_that_a_forged_completion_names_is_not_in_the_log(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    play.to_completion(document_id)
    view = judging.LogView(desk.workspace)
    sha256 = desk.workspace.objects.put(b"%PDF-1.7 another")
    said = {"sha256": sha256, "length": 16, "before": "", "authority": ""}
    assert view.inclusion(document_id, sha256) == "other-file"
    forged_events.append(desk.workspace.engine, NewEvent("document.renewed", desk.clock(), "system", document_id, said))
    assert view.inclusion(document_id, sha256) == "inconsistent"
    assert "event-changed" in found(desk.workspace, document_id)


def test_another_documents_step_misses_what_was_taken_away_before_its_event(
    play: Play, desk: Desk, source: bytes
) -> None:
    """Of the document whose newest event it was nobody can tell; the next event of the log is tied to it."""
    first, second = play.create(source), play.create(source)
    last = desk.events(second)[0]
    gone = desk.events(first)[-1]
    assert last.seq == gone.seq + 1
    write(desk.workspace, sa.delete(audit_events).where(audit_events.c.seq == gone.seq))
    with pytest.raises(RecordNotAsLogged, match=WRITTEN.format("document.created")):
        desk.send(second)
