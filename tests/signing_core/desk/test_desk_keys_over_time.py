"""Keys that are renewed, succeeded or at their end, while documents are on their way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from signing_core.desk import Desk, judging
from signing_core.desk.background import work_once
from signing_core.flow import Role, State, Status
from signing_core.keys import chains, register
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play
from signing_core.verification import verify


def until(play: Play, document_id: str, reached: Callable[[State], bool]) -> None:
    for state in play.steps(document_id):
        if reached(state):
            return


def signed_by(role: Role) -> Callable[[State], bool]:
    return lambda state: state.party(role).signed is not None


def final_of(play: Play, document_id: str) -> bytes:
    return play.workspace.objects.get(play.desk.status(document_id)["files"]["final"]["sha256"])


def passes(play: Play, document_id: str, at: Any = None) -> str:
    trust = judging.trust_of(play.workspace)
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
    until(play, by_client, lambda state: state.status is Status.SEALING)
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
        assert passes(play, document_id, clock.now + timedelta(days=5 * 365)) == "intact TOTAL-PASSED"
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
    until(play, document_id, lambda state: state.status is Status.SEALING)
    clock.forward(minutes=1)
    another_process(play.workspace, lambda ring: ring.renew(key))
    play.to_completion(document_id)
    assert passes(play, document_id) == "intact TOTAL-PASSED"


def test_a_key_renewed_while_it_seals_is_the_same_on_page_and_in_signature(
    play: Play, desk: Desk, source: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signing_core.certificate import page

    document_id = play.create(source)
    until(play, document_id, lambda state: state.status is Status.SEALING)
    typeset = page.typeset

    def meanwhile(*arguments: Any) -> Any:
        for key in ("seal", "qr", "time-stamp"):
            another_process(play.workspace, lambda ring, key=key: ring.renew(key))  # type: ignore[misc]
        return typeset(*arguments)

    monkeypatch.setattr(page, "typeset", meanwhile)
    assert desk.work_on(document_id).status is Status.COMPLETED
    (event,) = [event for event in desk.events(document_id) if event.type == "document.completed"]
    trust = judging.trust_of(play.workspace)
    verdict = verify(final_of(play, document_id), at=desk.clock() + timedelta(seconds=2), trust=trust)
    assert event.data["seal_x509_sha256"] in {one.certificate.sha256 for one in verdict.signatures if one.certificate}
