"""When the time-stamp authority does not answer, the document waits; local time never takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers import free_port

from signing_core.desk import Desk
from signing_core.desk.background import work_once
from signing_core.flow import Role, Status
from signing_core.keys.tsa_server import serve
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, make_workspace


def with_authority(workspace: Workspace, clock: ManualClock, port: int) -> Play:
    file = workspace.path / "sealtrail.toml"
    text = file.read_text()
    if "time_stamps" not in text:
        file.write_text(f'{text}\n[time_stamps]\nurl = "http://127.0.0.1:{port}/"\ntimeout_seconds = 20\n')
    return Play(Desk(Workspace.open(workspace.path, clock=clock)))


def test_signing_waits_and_is_gone_on_with(workspace: Workspace, clock: ManualClock, source: bytes) -> None:
    port = free_port()
    play = with_authority(workspace, clock, port)
    document_id = play.create(source)
    play.desk.send(document_id)
    play.consent(document_id, Role.FIRST_PARTY)
    assert play.desk.work_on(document_id).status is Status.SIGNING
    delayed = [event for event in play.desk.events(document_id) if event.type == "signing.delayed"]
    assert len(delayed) == 1
    assert delayed[0].data["because"] == "TimeStampUnavailable"
    assert work_once(play.desk).signed == 0, "it is not due again yet"
    with serve(workspace.keys().time_stamp_authority, port=port):
        clock.forward(seconds=11)
        assert work_once(play.desk).signed == 1
        assert play.desk.state(document_id).status is Status.AWAITING_CLIENT
        play.to_completion(document_id)
    made = [event.data for event in play.desk.events(document_id) if event.type == "signature.made"]
    assert {data["time_authority_embedded"] for data in made} == {False}
    play.workspace.close()


def test_an_authority_whose_root_is_not_named_is_refused_before_anybody_has_signed(
    workspace: Workspace, clock: ManualClock, source: bytes, tmp_path: Path
) -> None:
    another = make_workspace(tmp_path / "another", clock=clock)  # another company, with a root of its own
    port = free_port()
    play = with_authority(workspace, clock, port)
    document_id = play.create(source)
    play.desk.send(document_id)
    play.consent(document_id, Role.FIRST_PARTY)
    with another, serve(another.keys().time_stamp_authority, port=port):
        assert play.desk.work_on(document_id).status is Status.SIGNING
    (delayed,) = [event for event in play.desk.events(document_id) if event.type == "signing.delayed"]
    assert delayed.data["because"] == "TimeStampUnavailable"
    play.workspace.close()


@pytest.mark.parametrize("role", list(Role))
def test_a_document_whose_time_is_over_while_a_consent_waits_is_completed_all_the_same(
    workspace: Workspace, clock: ManualClock, source: bytes, role: Role
) -> None:
    port = free_port()
    play = with_authority(workspace, clock, port)
    document_id = play.create(source)
    play.desk.send(document_id)
    if role is Role.CLIENT:
        with serve(workspace.keys().time_stamp_authority, port=port):
            play.consent(document_id, Role.FIRST_PARTY)
            play.desk.work_on(document_id)
        play.workspace.close()
        play = with_authority(workspace, clock, port)  # without the connection that was kept open
    play.consent(document_id, role)
    assert play.desk.work_on(document_id).status is Status.SIGNING
    clock.forward(days=100)
    assert work_once(play.desk).expired == 0
    assert play.desk.state(document_id).status is Status.SIGNING
    play.workspace.close()


def test_the_embedded_authority_is_marked_as_such(play: Play, desk: Desk, source: bytes, tmp_path: Path) -> None:
    document_id = play.create(source)
    play.to_completion(document_id)
    made = [event.data for event in desk.events(document_id) if event.type == "signature.made"]
    assert {data["time_authority_embedded"] for data in made} == {True}
