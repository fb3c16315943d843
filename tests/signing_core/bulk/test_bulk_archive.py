"""Bulk sealing, re-issue and the renewal of archive time-stamps."""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from signing_core import controls
from signing_core.audit_log import events, verification
from signing_core.bulk import (
    certificates,
    gathering,
    intake,
    inventory,
    reconciling,
    registry,
    reissue,
    renewal,
    sealing,
    signatures,
    time_stamps,
)
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results, rows_of
from signing_core.bulk.watched import Watched
from signing_core.desk import Desk, signing, views
from signing_core.errors import KeyUnavailable, StepNotAllowed, TimeStampUnavailable
from signing_core.flow import Role, State
from signing_core.policy import Policy
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import document_files, documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract
from signing_core.trust.workspace import of_workspace
from signing_core.verification import verify

ALWAYS = timedelta(days=365 * 100)


@pytest.fixture
def archive(completed: Any, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A workspace with a completed document."""
    folder = Path(shutil.copytree(completed.folder, tmp_path / "archive"))
    with Workspace.open(folder) as workspace:
        yield SimpleNamespace(
            workspace=workspace,
            store=Results(folder / "results"),
            document_id=completed.document_id,
            final=completed.final,
        )


def another_authority(workspace: Workspace) -> None:
    """The embedded authority's next key, whose X.509 certificate ends later than that of the time-stamps so far."""
    ring = workspace.keys()
    before = ring.time_stamp_authority.certificate.not_valid_after_utc
    while ring.time_stamp_authority.certificate.not_valid_after_utc <= before:
        time.sleep(0.2)  # X.509 certificates know whole seconds
        ring.renew("time-stamp")
    workspace.__dict__.pop("time_stamps", None)


def test_what_waits_is_sealed(blank_copy: Callable[..., Path]) -> None:
    with Workspace.open(blank_copy()) as workspace:
        play = Play(Desk(workspace))
        waiting = play.create(contract(1))
        draft = play.create(contract(1))
        for state in play.steps(waiting):
            if state.party(Role.FIRST_PARTY).signed is not None:
                break
        play.consent(waiting, Role.CLIENT)
        signing.sign(workspace, play.desk.state(waiting), play.desk.clock())
        by_first_party = play.create(contract(1))
        play.desk.send(by_first_party)
        play.consent(by_first_party, Role.FIRST_PARTY)
        done = sealing.seal_waiting(workspace)
        assert done.completed == [waiting]
        assert done.signed == [by_first_party]
        assert not done.still_waiting
        assert play.desk.state(draft).status == "draft"
        assert sealing.seal_waiting(workspace) == sealing.Sealed()


def test_a_silent_authority_is_tried_with_one_document_and_not_with_all(
    blank_copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(blank_copy()) as workspace:
        play = Play(Desk(workspace))
        waiting = [play.create(contract(1)) for _ in range(3)]
        for one in waiting:
            play.desk.send(one)
            play.consent(one, Role.FIRST_PARTY)

        def no_answer(*_: object) -> None:
            raise TimeStampUnavailable("The time-stamp authority does not answer.")

        with monkeypatch.context() as patched:
            patched.setattr(type(workspace.time_stamps), "time_stamp", no_answer)
            done = sealing.seal_waiting(workspace)
        assert done.still_waiting == dict.fromkeys(waiting, "The time-stamp authority does not answer.")
        tries = [[one.type for one in play.desk.events(each)].count("signing.delayed") for each in waiting]
        assert tries == [1, 0, 0]
        assert sealing.seal_waiting(workspace).signed == waiting


def test_a_fault_with_one_document_keeps_no_other_from_its_seal(
    blank_copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(blank_copy()) as workspace:
        play = Play(Desk(workspace))
        one, other = play.create(contract(1)), play.create(contract(1))
        for each in (one, other):
            play.desk.send(each)
            play.consent(each, Role.FIRST_PARTY)
        sign = signing.sign

        def faulty(workspace: Workspace, state: State, now: datetime) -> State:
            if state.document_id == one:
                raise KeyError
            return sign(workspace, state, now)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
            patched.setattr(signing, "sign", full)
            sealing.seal_waiting(workspace)
        monkeypatch.setattr(signing, "sign", faulty)
        done = sealing.seal_waiting(workspace)
        assert done.signed == [other]
        assert done.still_waiting[one].startswith(f"Document {one}: an unexpected KeyError stopped it; see the log")


def test_the_successor_names_the_superseded(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    successor = reissue.reissue(workspace, archive.document_id)
    status = views.status(workspace, successor)
    before = views.status(workspace, archive.document_id)
    assert status["supersedes"] == archive.document_id
    assert status["files"]["source"]["sha256"] == before["files"]["source"]["sha256"]
    assert status["parties"]["client"]["name"] == before["parties"]["client"]["name"]
    with reading(workspace.engine) as connection:
        created = events.of_document(connection, successor)[0]
    assert created.data["supersedes"] == archive.document_id
    assert before["status"] == "completed"
    assert reissue.reissue(workspace, archive.document_id) == successor  # not another one


def test_a_voided_successor_is_replaced(archive: SimpleNamespace) -> None:
    first = reissue.reissue(archive.workspace, archive.document_id, send=True)
    Desk(archive.workspace).void(first, "Wrong date.")
    assert reissue.reissue(archive.workspace, archive.document_id) != first


def test_what_is_not_completed_is_not_superseded(archive: SimpleNamespace) -> None:
    draft = Play(Desk(archive.workspace)).create(contract(1))
    with pytest.raises(StepNotAllowed, match="only a completed one"):
        reissue.reissue(archive.workspace, draft)


def test_time_stamps_that_last_are_left_alone(archive: SimpleNamespace) -> None:
    done = renewal.renew_due(archive.workspace, archive.store, before=timedelta(days=1))
    assert (done.not_due, done.renewed, done.failed) == (1, {}, {})


def test_a_file_is_read_once_to_know_until_when_it_is_proof(
    archive: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_again(_: bytes) -> None:
        raise AssertionError("the file was read again")

    first = renewal.renew_due(archive.workspace, archive.store, before=timedelta(days=1))
    (row,) = rows_of(archive.store.folder / "time_stamps.parquet")
    token = time_stamps.last_token(archive.final)
    assert token is not None
    assert row["proof_until"] == time_stamps.read(token).proof_until(Policy())
    with monkeypatch.context() as patched:
        patched.setattr(time_stamps, "last_token", read_again)
        assert renewal.renew_due(archive.workspace, archive.store, before=timedelta(days=1)) == first
    (archive.store.folder / "time_stamps.parquet").write_bytes(b"PAR1 damaged")
    assert renewal.renew_due(archive.workspace, archive.store, before=timedelta(days=1)) == first
    assert rows_of(archive.store.folder / "time_stamps.parquet") == [row]


def test_a_digest_that_no_longer_counts_makes_a_known_time_stamp_due(archive: SimpleNamespace) -> None:
    workspace, store = archive.workspace, archive.store
    assert renewal.renew_due(workspace, store, before=timedelta(days=1)).not_due == 1
    soon = workspace.clock() + timedelta(hours=12)
    policy = replace(Policy(), id="stricter", digests={**Policy().digests, "sha256": soon, "sha512": soon})
    done = renewal.renew_due(workspace, store, before=timedelta(days=1), policy=policy)
    assert done.not_due == 0
    assert done.renewed.keys() | done.failed.keys() == {archive.document_id}


def test_a_time_stamp_that_ends_and_cannot_be_renewed_is_an_exception(
    archive: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, store = archive.workspace, archive.store
    another_authority(workspace)

    def no_answer(*_: Any, **__: Any) -> None:
        raise TimeStampUnavailable("The time-stamp authority does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(renewal, "renew", no_answer)
        done = renewal.renew_due(workspace, store, before=ALWAYS)
    assert done.failed == {archive.document_id: "The time-stamp authority does not answer."}
    _, codes = _nightly(workspace)
    assert codes == []  # there are years left
    (row,) = rows_of(store.folder / "time_stamps.parquet")
    for before_end, code in ((timedelta(days=20), "time-stamp-ends"), (-timedelta(days=1), "time-stamp-ended")):
        with Ledger(store.folder / "intake.sqlite") as ledger:
            cases = gathering.gather(store, ledger, row["proof_until"] - before_end).cases
        found = [one for case in cases for one in case.findings if one.code.startswith("time-stamp")]
        assert [one.code for one in found] == [code]
        assert found[0].message.endswith("The time-stamp authority does not answer.")


def test_a_document_whose_file_is_gone_keeps_no_other_from_renewal(archive: SimpleNamespace) -> None:
    workspace, store = archive.workspace, archive.store
    workspace.objects.delete(hashlib.sha256(archive.final).hexdigest())
    done = renewal.renew_due(workspace, store, before=ALWAYS)
    assert list(done.failed) == [archive.document_id]
    with writing(workspace.engine) as connection:
        connection.execute(sa.update(documents).values(final_sha256=None))
    done = renewal.renew_due(workspace, store, before=ALWAYS)
    assert "The registry names no file" in done.failed[archive.document_id]


def test_a_renewed_file_continues_the_completed_one_and_passes(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    another_authority(workspace)
    done = renewal.renew_due(workspace, archive.store, before=ALWAYS)
    assert not done.failed
    renewed = workspace.objects.get(done.renewed[archive.document_id])
    assert renewed.startswith(archive.final)
    assert len(renewed) > len(archive.final)
    verdict = verify(renewed, at=workspace.clock() + timedelta(seconds=2), trust=of_workspace(workspace))
    assert (verdict.integrity, verdict.indication) == ("intact", "TOTAL-PASSED")
    assert [one.kind for one in verdict.signatures].count("document-timestamp") == 2
    another_authority(workspace)
    again = renewal.renew_due(workspace, archive.store, before=ALWAYS)
    assert workspace.objects.get(again.renewed[archive.document_id]).startswith(renewed)
    assert {"final", "renewed-1", "renewed-2"} <= views.status(workspace, archive.document_id)["files"].keys()


def test_nothing_is_renewed_that_would_not_prove_for_longer(archive: SimpleNamespace) -> None:
    workspace, store = archive.workspace, archive.store
    done = renewal.renew_due(workspace, store, before=ALWAYS)
    (why,) = done.failed.values()
    assert "no longer than this one; renew its key with `sealtrail keys renew time-stamp`" in why
    another_authority(workspace)
    assert list(renewal.renew_due(workspace, store, before=ALWAYS).renewed) == [archive.document_id]
    assert renewal.renew_due(workspace, store, before=ALWAYS).renewed == {}
    files = views.status(workspace, archive.document_id)["files"]
    assert [step for step in files if step.startswith("renewed")] == ["renewed-1"]


def test_an_authority_that_does_not_answer_is_asked_once_for_all(
    archive: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, store = archive.workspace, archive.store
    Play(Desk(workspace)).to_completion(Play(Desk(workspace)).create(contract(1)))
    asked = []

    def no_answer(workspace: Workspace) -> None:
        asked.append(workspace)
        raise TimeStampUnavailable("The time-stamp authority does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(time_stamps, "sample", no_answer)
        done = renewal.renew_due(workspace, store, before=ALWAYS)
    assert list(done.failed.values()) == ["The time-stamp authority does not answer."] * 2
    assert len(asked) == 1
    assert len(rows_of(store.folder / "time_stamps.parquet")) == 2


def test_what_fails_in_the_same_words_is_not_waited_for_with_every_document(
    archive: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, store = archive.workspace, archive.store
    play = Play(Desk(workspace))
    for _ in range(4):
        play.to_completion(play.create(contract(1)))
    another_authority(workspace)
    tried = []

    def no_list(_: Workspace, document_id: str, **__: Any) -> None:
        tried.append(document_id)
        raise KeyUnavailable("The CRL could not be fetched.")

    with monkeypatch.context() as patched:
        patched.setattr(renewal, "renew", no_list)
        done = renewal.renew_due(workspace, store, before=ALWAYS)
    assert len(tried) == 3
    assert list(done.failed.values()) == ["The CRL could not be fetched."] * 5
    assert len(renewal.renew_due(workspace, store, before=ALWAYS).renewed) == 5


def test_a_fault_with_one_document_keeps_no_other_from_renewal(
    archive: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, store = archive.workspace, archive.store
    play = Play(Desk(workspace))
    other = play.create(contract(1))
    play.to_completion(other)
    another_authority(workspace)
    renew = renewal.renew

    def faulty(workspace: Workspace, document_id: str, **more: Any) -> str | None:
        if document_id == archive.document_id:
            raise IndexError
        return renew(workspace, document_id, **more)

    monkeypatch.setattr(renewal, "renew", faulty)
    done = renewal.renew_due(workspace, store, before=ALWAYS)
    assert list(done.renewed) == [other]
    assert done.failed[archive.document_id].startswith(
        f"Document {archive.document_id}: an unexpected IndexError stopped it; see the log"
    )


def test_what_a_killed_renewal_was_writing_is_removed(archive: SimpleNamespace) -> None:
    left = archive.store.folder / ".time_stamps.parquet.0123456789ab"
    left.parent.mkdir()
    left.write_bytes(b"PAR1")
    renewal.renew_due(archive.workspace, archive.store)
    assert sorted(file.name for file in archive.store.folder.iterdir()) == ["time_stamps.parquet"]


def test_registry_log_and_mail_stay_as_they_were(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    another_authority(workspace)
    renewal.renew_due(workspace, archive.store, before=ALWAYS)
    assert verification.verify(workspace).in_order
    now = workspace.clock()
    (result,) = controls.look(workspace, [archive.document_id], now=now)
    assert result.findings == ()


def _nightly(workspace: Workspace) -> tuple[list[dict[str, Any]], list[str]]:
    """A night's steps by direct call: the inventory, and the codes of what the report would list."""
    store, watched = Results(workspace.path / "results"), Watched(str(workspace.path / "inbox"))
    with Ledger(store.folder / "intake.sqlite") as ledger:
        intake.take_completed(workspace, ledger, gather=timedelta(0))
        (batch,) = ledger.batches()
        inventory.make(workspace, store, ledger, watched, batch.key)
        signatures.make(workspace, store, watched, batch.key, signatures.Work())
        certificates.make(store, batch.key)
        registry.make(workspace, store, batch.key)
        reconciling.make(workspace, store, batch.key)
        cases = gathering.gather(store, ledger, workspace.clock()).cases
        return rows_of(store.of(batch.key, "inventory")), [code for case in cases for code in case.codes]


def test_by_night_the_renewed_file_is_the_one_that_is_judged(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    another_authority(workspace)
    renewed = renewal.renew_due(workspace, archive.store, before=ALWAYS).renewed[archive.document_id]
    ((row,), codes) = _nightly(workspace)
    assert (row["expected_sha256"], row["sha256"], row["state"]) == (renewed, renewed, "present")
    assert codes == []


def test_a_renewed_file_that_is_gone_is_an_exception(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    another_authority(workspace)
    renewed = renewal.renew_due(workspace, archive.store, before=ALWAYS).renewed[archive.document_id]
    workspace.objects.delete(renewed)
    ((row,), codes) = _nightly(workspace)
    assert row["state"] == "missing"
    assert codes == ["renewed-file-differs"]


def test_a_renewed_file_that_the_log_does_not_name_is_an_exception(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    another_authority(workspace)
    renewal.renew_due(workspace, archive.store, before=ALWAYS)
    with writing(workspace.engine) as connection:
        connection.execute(
            sa.update(document_files)
            .where(document_files.c.step == "renewed-1")
            .values(sha256=workspace.objects.put(archive.final + b" "))
        )
    _, codes = _nightly(workspace)
    assert "renewed-file-differs" in codes
