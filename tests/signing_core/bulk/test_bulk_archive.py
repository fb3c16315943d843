"""Bulk sealing, re-issue and the renewal of archive time-stamps."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

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
from signing_core.controls import histories, reconcile
from signing_core.desk import Desk, judging, signing, views
from signing_core.errors import StepNotAllowed, TimeStampUnavailable
from signing_core.flow import Role
from signing_core.policy import Policy
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import document_files, documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract
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
        done = sealing.seal_waiting(workspace)
        assert done.completed == [waiting]
        assert not done.still_waiting
        assert play.desk.state(draft).status == "draft"
        assert sealing.seal_waiting(workspace) == sealing.Sealed()


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
    done = renewal.renew_due(workspace, archive.store, before=ALWAYS)
    assert not done.failed
    renewed = workspace.objects.get(done.renewed[archive.document_id])
    assert renewed.startswith(archive.final)
    assert len(renewed) > len(archive.final)
    verdict = verify(renewed, at=workspace.clock() + timedelta(seconds=2), trust=judging.trust_of(workspace))
    assert (verdict.integrity, verdict.indication) == ("intact", "TOTAL-PASSED")
    assert [one.kind for one in verdict.signatures].count("document-timestamp") == 2
    again = renewal.renew_due(workspace, archive.store, before=ALWAYS)
    assert workspace.objects.get(again.renewed[archive.document_id]).startswith(renewed)
    assert {"final", "renewed-1", "renewed-2"} <= views.status(workspace, archive.document_id)["files"].keys()


def test_registry_log_and_mail_stay_as_they_were(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    renewal.renew_due(workspace, archive.store, before=ALWAYS)
    assert verification.verify(workspace).in_order
    now = workspace.clock()
    (result,) = reconcile(workspace, histories(workspace, [archive.document_id]), now=now)
    assert result.in_order


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
    renewed = renewal.renew_due(workspace, archive.store, before=ALWAYS).renewed[archive.document_id]
    ((row,), codes) = _nightly(workspace)
    assert (row["expected_sha256"], row["sha256"], row["state"]) == (renewed, renewed, "present")
    assert codes == []


def test_a_renewed_file_that_is_gone_is_an_exception(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    renewed = renewal.renew_due(workspace, archive.store, before=ALWAYS).renewed[archive.document_id]
    workspace.objects.delete(renewed)
    ((row,), codes) = _nightly(workspace)
    assert row["state"] == "missing"
    assert codes == ["renewed-file-differs"]


def test_a_renewed_file_that_the_log_does_not_name_is_an_exception(archive: SimpleNamespace) -> None:
    workspace = archive.workspace
    renewal.renew_due(workspace, archive.store, before=ALWAYS)
    with writing(workspace.engine) as connection:
        connection.execute(
            sa.update(document_files)
            .where(document_files.c.step == "renewed-1")
            .values(sha256=workspace.objects.put(archive.final + b" "))
        )
    _, codes = _nightly(workspace)
    assert "renewed-file-differs" in codes
