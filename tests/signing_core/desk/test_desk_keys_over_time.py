"""Keys that are renewed, succeeded or at their end, while documents are on their way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from signing_core.audit_log.log import AuditLog
from signing_core.desk import Desk, endings, signing
from signing_core.desk.background import work_once
from signing_core.errors import KeyEnds
from signing_core.flow import Role, State, Status
from signing_core.keys import chains, register
from signing_core.keys.tsa_server import serve
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play
from signing_core.trust import load_trust
from signing_core.trust.workspace import of_workspace
from signing_core.verification import verify


def until(play: Play, document_id: str, reached: Callable[[State], bool]) -> None:
    for state in play.steps(document_id):
        if reached(state):
            return


def until_sealing(play: Play, document_id: str) -> None:
    """Both have signed; nothing is sealed."""
    until(play, document_id, lambda state: state.status is Status.SIGNING and state.turn is Role.CLIENT)
    signing.sign(play.workspace, play.desk.state(document_id), play.desk.clock())
    assert play.desk.state(document_id).status is Status.SEALING


def signed_by(role: Role) -> Callable[[State], bool]:
    return lambda state: state.party(role).signed is not None


def final_of(play: Play, document_id: str) -> bytes:
    return play.workspace.objects.get(play.desk.status(document_id)["files"]["final"]["sha256"])


def passes(play: Play, document_id: str, at: Any = None) -> str:
    trust = of_workspace(play.workspace)
    verdict = verify(final_of(play, document_id), at=at or play.desk.clock() + timedelta(seconds=2), trust=trust)
    return f"{verdict.integrity} {verdict.indication}"


def another_process(workspace: Workspace, change: Callable[[Any], object]) -> None:
    with Workspace.open(workspace.path, clock=workspace.clock) as other:
        change(other.keys())


def test_documents_before_during_and_after_the_succession_of_the_ca_pass(
    play: Play, clock: ManualClock, source: bytes
) -> None:
    before, by_first_party, by_client, sent, after = (play.create(source, title=f"Agreement {n}") for n in range(5))
    play.to_completion(before)
    until(play, by_first_party, signed_by(Role.FIRST_PARTY))
    until_sealing(play, by_client)
    play.desk.send(sent)
    clock.forward(minutes=5)
    former = play.workspace.keys().ca
    another_process(play.workspace, lambda ring: ring.succeed_ca())
    clock.forward(days=3)
    for document_id in (by_first_party, by_client, sent, after):
        if play.desk.state(document_id).status in (Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT):
            play.desk.resend(document_id)  # the newest link is this document's
        play.to_completion(document_id)
        clock.forward(minutes=5)
    for document_id in (before, by_first_party, by_client, sent, after):
        assert passes(play, document_id) == "intact TOTAL-PASSED"
        for days in (0.1, 5 * 365):
            alone = load_trust([play.workspace.keys().public_folder])
            verdict = verify(final_of(play, document_id), at=clock.now + timedelta(days=days), trust=alone)
            assert (str(verdict.integrity), str(verdict.indication)) == ("intact", "TOTAL-PASSED"), verdict.to_json()
            assert {one.level for one in verdict.signatures if one.role} == {"B-LTA"}
    with reading(play.workspace.engine) as connection:
        lists = {ca.name: register.latest_crl(connection, ca.name) for ca in play.workspace.keys().cas}
    assert former.name in lists
    assert None not in lists.values()


def test_lists_of_the_former_ca_go_on(play: Play, clock: ManualClock, source: bytes) -> None:
    play.to_completion(play.create(source))
    former, seal = play.workspace.keys().ca, play.workspace.keys().seal.certificate
    play.workspace.keys().succeed_ca()
    clock.forward(days=300)
    work_once(play.desk)
    with reading(play.workspace.engine) as connection:
        latest = register.latest_crl(connection, former.name)
    assert latest is not None
    assert latest.this_update <= clock.now < latest.next_update
    crl = x509.load_der_x509_crl(latest.der)
    assert crl.issuer == seal.issuer
    assert chains.issued_by(seal, former.certificate)
    assert len(crl.extensions) == 3


@pytest.mark.parametrize("key", ["seal", "qr", "time-stamp", "first-party"])
def test_a_key_renewed_while_a_document_waits_is_the_one_that_it_gets(
    play: Play, clock: ManualClock, source: bytes, key: str
) -> None:
    document_id = play.create(source)
    until_sealing(play, document_id)
    clock.forward(minutes=1)
    another_process(play.workspace, lambda ring: ring.renew(key))
    play.to_completion(document_id)
    assert passes(play, document_id) == "intact TOTAL-PASSED"


def test_a_key_renewed_while_it_seals_is_the_same_on_page_and_in_signature(
    play: Play, desk: Desk, source: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signing_core.certificate import page

    document_id = play.create(source)
    until_sealing(play, document_id)
    typeset = page.typeset

    def meanwhile(*arguments: Any) -> Any:
        for key in ("seal", "time-stamp", "qr"):
            another_process(play.workspace, lambda ring, key=key: ring.renew(key))  # type: ignore[misc]
        return typeset(*arguments)

    monkeypatch.setattr(page, "typeset", meanwhile)
    assert desk.work_on(document_id).status is Status.COMPLETED, desk.events(document_id)[-1].data
    (event,) = [event for event in desk.events(document_id) if event.type == "document.completed"]
    trust = of_workspace(play.workspace)
    verdict = verify(final_of(play, document_id), at=desk.clock() + timedelta(seconds=2), trust=trust)
    assert event.data["seal_x509_sha256"] in {one.certificate.sha256 for one in verdict.signatures if one.certificate}


def days_before_the_end(workspace: Workspace, clock: ManualClock, key: Any, days: float) -> None:
    """Move the clock there."""
    clock.now = workspace.keys().certificate(key).not_valid_after_utc - timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "threshold"), [(90.5, None), (90, 90), (30.5, 90), (29, 30), (7, 7), (0, 7), (-0.1, 0), (-400, 0)]
)
def test_an_end_is_told_at_its_thresholds(
    workspace: Workspace, clock: ManualClock, days: float, threshold: int | None
) -> None:
    days_before_the_end(workspace, clock, "seal", days)
    (seal,) = [one for one in endings.endings(workspace) if one.key == "seal"]
    assert seal.threshold(clock.now) == threshold
    assert ("seal" in {one.key for one in endings.due(workspace)}) is (threshold is not None)


def test_every_key_of_ours_is_watched(workspace: Workspace, clock: ManualClock) -> None:
    assert {one.key for one in endings.endings(workspace)} == {"ca", "first-party", "seal", "time-stamp"}
    assert endings.due(workspace) == []
    clock.forward(days=21 * 365)
    sentences = [one.sentence(clock.now) for one in endings.due(workspace)]
    assert len(sentences) == 4
    assert sentences[-1].startswith(
        "The X.509 certificate of the company CA (Sample Seals GmbH Sealtrail CA) ended on "
    )
    assert sentences[-1].endswith("; run `sealtrail keys succeed ca`.")


@pytest.mark.parametrize("key", ["ca", "first-party", "seal", "time-stamp"])
def test_nothing_is_sent_whose_keys_end_before_its_deadline(
    play: Play, clock: ManualClock, source: bytes, key: Any
) -> None:
    days_before_the_end(play.workspace, clock, key, 10)
    document_id = play.create(source)
    with pytest.raises(
        KeyEnds, match=r"was not sent: .* end(s|ed) on .* before the document's deadline on .*; run `sealtrail"
    ):
        play.desk.send(document_id)
    assert play.desk.state(document_id).status is Status.DRAFT
    refused = play.desk.events(document_id)[-1]
    assert (refused.type, refused.data["step"], refused.data["because"]) == ("step.refused", "send", "key-ends")
    if key == "ca":
        another_process(play.workspace, lambda ring: ring.succeed_ca())
    for ended in [one.key for one in endings.due(play.workspace) if one.key != "ca"]:
        another_process(play.workspace, lambda ring, ended=ended: ring.renew(ended))  # type: ignore[misc]
    play.to_completion(document_id)
    assert passes(play, document_id) == "intact TOTAL-PASSED"


@pytest.fixture
def sent_before_the_key_was_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a document that was sent when the key lasted longer."""
    monkeypatch.setattr(endings, "needed_to_send", lambda *_: lambda deadline: None)


@pytest.mark.usefixtures("sent_before_the_key_was_exchanged")
def test_a_consent_is_refused_before_it_is_taken_when_the_seal_has_ended(
    play: Play, clock: ManualClock, source: bytes
) -> None:
    days_before_the_end(play.workspace, clock, "seal", 30)
    document_id = play.create(source)
    until(play, document_id, signed_by(Role.FIRST_PARTY))
    days_before_the_end(play.workspace, clock, "seal", 0.001)
    play.desk.resend(document_id)
    until(play, document_id, lambda state: state.party(Role.CLIENT).confirmation is not None)
    clock.forward(minutes=10)
    with pytest.raises(KeyEnds, match=r"cannot be signed now: the X\.509 certificate of the "):
        play.consent(document_id, Role.CLIENT)
    assert play.desk.state(document_id).status is Status.AWAITING_CLIENT
    for key in ("seal", "first-party"):
        another_process(play.workspace, lambda ring, key=key: ring.renew(key))  # type: ignore[misc]
    play.to_completion(document_id)
    assert passes(play, document_id) == "intact TOTAL-PASSED"


@pytest.mark.usefixtures("sent_before_the_key_was_exchanged")
def test_what_hangs_goes_on_by_itself_after_the_renewal(play: Play, clock: ManualClock, source: bytes) -> None:
    days_before_the_end(play.workspace, clock, "seal", 30)
    document_id = play.create(source)
    until_sealing(play, document_id)
    days_before_the_end(play.workspace, clock, "seal", -1)
    done = work_once(play.desk)
    assert (done.completed, done.waiting) == (0, 1), done.failures
    another_process(play.workspace, lambda ring: ring.renew("seal"))
    clock.forward(minutes=16)
    assert work_once(play.desk).completed == 1
    assert passes(play, document_id) == "intact TOTAL-PASSED"


def test_a_log_is_told_once_a_day(workspace: Workspace, clock: ManualClock) -> None:
    daily = endings.Daily()
    assert daily.lines(workspace) == []
    days_before_the_end(workspace, clock, "seal", 30)
    assert len(daily.lines(workspace)) == 2, "seal and first party were made together"
    assert daily.lines(workspace) == []
    clock.forward(hours=23)
    assert daily.lines(workspace) == []
    clock.forward(hours=1)
    assert len(daily.lines(workspace)) == 2
    days_before_the_end(workspace, clock, "seal", 6.9)
    assert len(daily.lines(workspace)) == 2, "the next threshold is told at once"


def test_the_outside_authority_and_its_root_are_watched(workspace: Workspace, clock: ManualClock) -> None:
    ring = workspace.keys()
    file = workspace.path / "sealtrail.toml"
    trusted = ring.public_folder / "anchors.pem"
    with serve(ring.time_stamp_authority) as url:
        file.write_text(f'{file.read_text()}\n[time_stamps]\nurl = "{url}"\ntrust = "{trusted}"\n')
        with Workspace.open(workspace.path, clock=clock) as outside:
            AuditLog(outside).checkpoint_and_anchor()
            found = {one.key: one for one in endings.endings(outside)}
    assert found.keys() == {"ca", "first-party", "seal", "authority", "authority-root"}
    assert found["authority"].ends == ring.time_stamp_authority.certificate.not_valid_after_utc
    assert found["authority-root"].ends == ring.ca.certificate.not_valid_after_utc
