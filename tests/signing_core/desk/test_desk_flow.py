"""A document from draft to completion, and everything that may happen on the way."""

from __future__ import annotations

import hashlib
import itertools
import threading

import pytest
import sqlalchemy as sa

from signing_core.desk import Desk, Origin, notices
from signing_core.errors import (
    CodeExpired,
    CodeMissing,
    CodeRejected,
    ContactRefused,
    DocumentUnknown,
    FlowError,
    LinkExpired,
    LinkInvalid,
    SendingLimited,
    StepLocked,
    StepNotAllowed,
    UsageError,
)
from signing_core.flow import Role, Status
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, document_files, documents
from signing_core.testing import CLIENT, DIRECTOR, ManualClock, Play, code_for, received, token_for, wrong

ORIGIN = Origin("192.0.2.9", "a browser")


def types(desk: Desk, document_id: str) -> list[str]:
    return [event.type for event in desk.events(document_id)]


def opened(play: Play, document_id: str, role: Role) -> str:
    """The token of a party that has opened its link."""
    play.deliver()
    token = token_for(play.workspace, play.contact(role))
    play.desk.open(token, "session", ORIGIN)
    return token


def test_both_sign_and_everybody_gets_the_same_sealed_file(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    state = play.to_completion(document_id)
    status = desk.status(document_id)
    final = desk.workspace.objects.get(status["final"]["sha256"])
    assert state.status is Status.COMPLETED
    assert hashlib.sha256(final[: status["signed_prefix"]["length"]]).hexdigest() == status["signed_prefix"]["sha256"]
    mailed = [message for message in received(desk.workspace) if message.attachment_sha256]
    assert sorted(message.to for message in mailed) == [
        "author@example.org",
        "client@example.org",
        "director@example.org",
    ]
    assert {message.attachment_sha256 for message in mailed} == {status["final"]["sha256"]}
    assert {message["state"] for message in status["messages"]} == {"delivered"}


def test_the_files_of_each_step_are_prefixes_of_the_next(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    play.to_completion(document_id)
    files = desk.status(document_id)["files"]
    chain = [
        desk.workspace.objects.get(files[step]["sha256"]) for step in ("prepared", "first-party", "client", "final")
    ]
    assert desk.workspace.objects.get(files["source"]["sha256"]) == source
    for shorter, longer in itertools.pairwise(chain):
        assert longer.startswith(shorter)


def test_an_illegal_step_changes_nothing_and_leaves_one_event(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    before, events = desk.state(document_id), types(desk, document_id)
    with pytest.raises(StepNotAllowed):
        desk.remind(document_id)
    assert desk.state(document_id) == before
    assert types(desk, document_id) == [*events, "step.refused"]
    assert desk.events(document_id)[-1].data["because"] == "step-not-allowed"


def test_a_wrong_code_brings_a_new_one_and_the_old_one_is_dead(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    challenge = desk.request_code(token, "session", ORIGIN)
    play.deliver()
    first = code_for(desk.workspace, DIRECTOR.contact)
    with pytest.raises(CodeRejected) as refused:
        desk.submit_code(token, "session", challenge, wrong(first), ORIGIN)
    assert refused.value.replacement_sent
    play.deliver()
    second = code_for(desk.workspace, DIRECTOR.contact)
    live = desk.state(document_id).first_party.challenge
    assert live is not None
    if second != first:
        with pytest.raises(CodeRejected):
            desk.submit_code(token, "session", live.id, first, ORIGIN)
        play.deliver()
    desk.submit_code(token, "session", challenge, code_for(desk.workspace, DIRECTOR.contact), ORIGIN)
    assert desk.state(document_id).first_party.confirmation is not None


@pytest.mark.parametrize(("seconds", "accepted"), [(299, True), (300, True), (301, False)])
def test_a_code_is_valid_for_five_minutes(
    play: Play, desk: Desk, source: bytes, clock: ManualClock, seconds: int, accepted: bool
) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    challenge = desk.request_code(token, "session", ORIGIN)
    play.deliver()
    code = code_for(desk.workspace, DIRECTOR.contact)
    clock.forward(seconds=seconds)
    if accepted:
        desk.submit_code(token, "session", challenge, code, ORIGIN)
    else:
        with pytest.raises(CodeExpired):
            desk.submit_code(token, "session", challenge, code, ORIGIN)
        assert desk.events(document_id)[-1].data["because"] == "code-expired"


def test_ten_wrong_codes_at_once_are_five_judged_one_replacement_then_locked(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    challenge = desk.request_code(token, "session", ORIGIN)
    play.deliver()
    code = wrong(code_for(desk.workspace, DIRECTOR.contact))
    answers: list[str] = []
    start = threading.Barrier(10)

    def attempt() -> None:
        start.wait()
        try:
            desk.submit_code(token, "session", challenge, code, ORIGIN)
        except FlowError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["code-wrong"] * 4 + ["step-locked"] * 6
    happened = types(desk, document_id)
    assert happened.count("code.wrong") == 5
    assert happened.count("code.issued") == 2
    assert happened.count("step.locked") == 1
    play.deliver()
    codes = [
        message
        for message in received(desk.workspace)
        if "code" in message.text.lower() and message.to == DIRECTOR.contact
    ]
    assert (
        len([m for m in desk.status(document_id)["messages"] if m["kind"] == "code" and m["state"] == "delivered"]) <= 1
    )
    assert codes
    with pytest.raises(StepLocked):
        desk.request_code(token, "session", ORIGIN)
    desk.unlock(document_id)


def test_a_code_asked_for_in_one_browser_is_not_judged_in_another(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    challenge = desk.request_code(token, "session", ORIGIN)
    play.deliver()
    code = code_for(desk.workspace, DIRECTOR.contact)
    with pytest.raises(CodeMissing):
        desk.submit_code(token, "another", challenge, code, ORIGIN)
    desk.submit_code(token, "session", challenge, code, ORIGIN)
    with pytest.raises(CodeMissing):
        desk.sign(token, "another", play.mark(Role.FIRST_PARTY), ORIGIN)


def test_two_tabs_sign_at_once_and_there_is_one_signature(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    challenge = desk.request_code(token, "session", ORIGIN)
    play.deliver()
    desk.submit_code(token, "session", challenge, code_for(desk.workspace, DIRECTOR.contact), ORIGIN)
    mark = play.mark(Role.FIRST_PARTY)
    refused: list[str] = []
    start = threading.Barrier(4)

    def attempt() -> None:
        start.wait()
        try:
            desk.sign(token, "session", mark, ORIGIN)
            desk.work_on(document_id)
        except FlowError as error:
            refused.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["step-not-allowed"] * 3
    happened = types(desk, document_id)
    assert happened.count("consent.given") == happened.count("signature.made") == 1


def test_four_workers_seal_at_once_and_there_is_one_seal_and_one_set_of_mails(
    play: Play, desk: Desk, source: bytes
) -> None:
    document_id = play.create(source)
    for state in play.steps(document_id):
        if state.status is Status.SEALING or (state.status is Status.SIGNING and state.turn is Role.CLIENT):
            break
    start = threading.Barrier(4)

    def attempt() -> None:
        start.wait()
        desk.work_on(document_id)
        notices.deliver(desk.workspace)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    play.deliver()
    assert types(desk, document_id).count("document.completed") == 1
    mailed = [message for message in received(desk.workspace) if message.attachment_sha256]
    assert len(mailed) == len({message.to for message in mailed}) == 3
    with reading(desk.workspace.engine) as connection:
        steps = connection.execute(sa.select(document_files.c.step).where(document_files.c.document_id == document_id))
        assert sorted(steps.scalars()) == ["client", "final", "first-party", "prepared", "proof", "source"]


def test_decline_tells_the_author_and_ends_everything(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    state = desk.decline(token, "session", "The price is wrong", ORIGIN)
    play.deliver()
    assert state.status is Status.DECLINED
    assert any(m.to == "author@example.org" and "The price is wrong" in m.text for m in received(desk.workspace))
    with pytest.raises(StepNotAllowed):
        desk.request_code(token, "session", ORIGIN)


def test_void_tells_who_had_the_document(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    token = opened(play, document_id, Role.FIRST_PARTY)
    desk.void(document_id, "Replaced by a newer offer")
    play.deliver()
    told = {m["role"] for m in desk.status(document_id)["messages"] if m["kind"] == "voided"}
    assert told == {"first-party"}
    with pytest.raises(StepNotAllowed):
        desk.open(token, "session", ORIGIN)


def test_background_work_expires_and_reminds(play: Play, desk: Desk, source: bytes, clock: ManualClock) -> None:
    from signing_core.desk.background import work_once

    document_id = play.create(source)
    desk.send(document_id)
    clock.forward(days=3, minutes=1)
    assert work_once(desk).reminded == 1
    assert work_once(desk).reminded == 0
    assert [m["kind"] for m in desk.status(document_id)["messages"]] == ["link", "reminder"]
    clock.forward(days=80)
    assert work_once(desk).expired == 1
    assert desk.state(document_id).status is Status.EXPIRED


def test_a_replaced_contact_gets_the_link_and_the_old_link_is_dead(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    old = opened(play, document_id, Role.FIRST_PARTY)
    desk.replace_contact(document_id, Role.FIRST_PARTY, "new.director@example.org")
    play.deliver()
    with pytest.raises(LinkInvalid):
        desk.open(old, "session", ORIGIN)
    desk.open(token_for(desk.workspace, "new.director@example.org"), "session", ORIGIN)
    assert any(
        "no longer work" in " ".join(m.text.split()) for m in received(desk.workspace) if m.to == DIRECTOR.contact
    )


def test_resends_are_limited(play: Play, desk: Desk, source: bytes, clock: ManualClock) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    with pytest.raises(SendingLimited):
        desk.resend(document_id)
    for _ in range(4):
        clock.forward(minutes=1)
        desk.resend(document_id)
    clock.forward(minutes=1)
    with pytest.raises(SendingLimited):
        desk.resend(document_id)


def test_an_expired_link_is_refused(play: Play, desk: Desk, source: bytes, clock: ManualClock) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    play.deliver()
    token = token_for(desk.workspace, DIRECTOR.contact)
    clock.forward(days=14, seconds=1)
    with pytest.raises(LinkExpired):
        desk.open(token, "session", ORIGIN)


def test_fetching_a_link_is_recorded_and_changes_nothing(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    play.deliver()
    before = desk.state(document_id)
    desk.note_fetch(token_for(desk.workspace, DIRECTOR.contact), ORIGIN)
    assert desk.state(document_id) == before
    assert types(desk, document_id)[-1] == "link.fetched"
    with pytest.raises(LinkInvalid):
        desk.note_fetch("A" * 43, ORIGIN)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"title": "  "}, UsageError),
        ({"title": "x" * 301}, UsageError),
        ({"language": "fr"}, UsageError),
        ({"client": type(CLIENT)("Sample Client", "nobody")}, ContactRefused),
        ({"client": type(CLIENT)(" ", "client@example.org")}, UsageError),
    ],
)
def test_what_cannot_be_created_is_refused_and_nothing_is_stored(
    play: Play, source: bytes, change: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        play.create(source, **change)
    with reading(play.workspace.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(documents)).scalar_one() == 0
        assert connection.execute(sa.select(sa.func.count()).select_from(audit_events)).scalar_one() == 0
    assert not [file for file in (play.workspace.path / "objects").rglob("*") if file.is_file()]


def test_a_download_link_goes_to_whom_the_file_cannot_be_mailed(play: Play, desk: Desk, source: bytes) -> None:
    from dataclasses import replace

    document_id = play.create(source, client=replace(CLIENT, copy_email=None))
    play.to_completion(document_id)
    sent = [m for m in received(desk.workspace) if m.to == CLIENT.contact and "/d/" in m.text]
    assert len(sent) == 1
    token = sent[0].text.split("/d/")[1][:43]
    name, data = desk.download(token)
    assert name.endswith(f"{document_id}.pdf")
    assert hashlib.sha256(data).hexdigest() == desk.status(document_id)["final"]["sha256"]


def test_an_unknown_document_is_named(desk: Desk) -> None:
    with pytest.raises(DocumentUnknown, match="NOSUCH"):
        desk.status("NOSUCH")


def test_every_mail_carries_the_same_proof_of_its_place_in_the_log(play: Play, desk: Desk, source: bytes) -> None:
    import email
    import email.policy

    from signing_core.audit_log.log import AuditLog
    from signing_core.audit_log.proofs import Proof

    document_id = play.create(source)
    play.to_completion(document_id)
    found = set()
    for file in (desk.workspace.path / "outbox").glob("*.eml"):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        found |= {p.get_content() for p in message.iter_attachments() if str(p.get_filename()).endswith(".tlog-proof")}
    assert len(found) == 1
    proof = Proof.parse(found.pop())
    completed = next(event for event in desk.events(document_id) if event.type == "document.completed")
    log = AuditLog(desk.workspace)
    assert proof.verify(completed.body, log.verifiers()).size > completed.seq
    with pytest.raises(ValueError):
        proof.verify(completed.body.replace(b"completed", b"cancelled"), log.verifiers())


def test_a_replaced_link_does_not_download_the_finished_file(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    desk.send(document_id)
    replaced = opened(play, document_id, Role.FIRST_PARTY)
    desk.replace_contact(document_id, Role.FIRST_PARTY, "new.director@example.org")
    play.contact = lambda role: CLIENT.contact if role is Role.CLIENT else "new.director@example.org"  # type: ignore[method-assign]
    play.to_completion(document_id)
    with pytest.raises(LinkInvalid):
        desk.download(replaced)
