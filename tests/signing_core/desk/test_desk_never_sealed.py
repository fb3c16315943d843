"""A document that both have signed and that cannot be sealed: the author has a way out, and nothing signed is lost by it."""

from __future__ import annotations

import pytest

from signing_core.desk import Desk, judging, logged_file, sealing
from signing_core.errors import StepNotAllowed, TimeStampUnavailable
from signing_core.flow import Role, State, Status
from signing_core.testing import Play


def signed_by_both(play: Play, source: bytes) -> str:
    document_id = play.create(source)
    for state in play.steps(document_id):
        if state.status is Status.SIGNING and state.turn is Role.CLIENT:
            break
    return document_id


def test_what_cannot_be_sealed_is_voided_with_the_cause_and_keeps_its_file(
    desk: Desk, play: Play, source: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = signed_by_both(play, source)
    monkeypatch.setattr(judging, "why_not_complete", lambda verdict, _: "its pages changed (rehearsed for a test)")
    state = desk.work_on(document_id)
    assert state.status is Status.SEALING
    delayed = desk.events(document_id)[-1]
    assert (delayed.type, delayed.data["because"]) == ("sealing.delayed", "SealRejected")
    assert desk.void(document_id, "It will be written anew.").status is Status.VOIDED
    voided = next(event for event in desk.events(document_id) if event.type == "document.voided")
    assert "its pages changed" in voided.data["cause"]
    assert voided.data["signed_sha256"] == state.document_sha256
    kept = logged_file.read(desk.workspace, document_id, step="client")
    assert desk.workspace.objects.get(state.document_sha256) == kept
    assert desk.work_on(document_id).status is Status.VOIDED
    assert desk.events(document_id)[-1].type != "voided.delayed"


def test_what_only_waits_is_not_voided(desk: Desk, play: Play, source: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    document_id = signed_by_both(play, source)
    with pytest.raises(StepNotAllowed, match="cannot be voided now"):
        desk.void(document_id, "A mistake.")

    def silent(*_: object) -> State:
        raise TimeStampUnavailable("The authority does not answer; try again later.")

    monkeypatch.setattr(sealing, "seal", silent)
    assert desk.work_on(document_id).status is Status.SEALING
    assert desk.events(document_id)[-1].data["because"] == "TimeStampUnavailable"
    with pytest.raises(StepNotAllowed, match="cannot be voided now"):
        desk.void(document_id, "A mistake.")
