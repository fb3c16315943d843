from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from signing_core.desk import Desk, views
from signing_core.errors import DocumentUnknown, StepNotAllowed
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract
from signing_core.trust.workspace import of_workspace
from signing_core.verification import verify


@pytest.fixture
def play(workspace: Workspace) -> Play:
    return Play(Desk(workspace))


@pytest.fixture
def document_id(play: Play) -> str:
    made = play.create(contract(1))
    play.to_completion(made)
    return made


def near_the_end(workspace: Workspace, clock: ManualClock) -> None:
    """Of the time-stamp's certificate; everything that ends before it has been renewed at its time, with a new CA."""
    end = workspace.keys().certificate("time-stamp").not_valid_after_utc
    clock.now = end - timedelta(days=60)
    workspace.keys().succeed_ca()


def test_nothing_is_due_in_a_young_archive(run: Callable[..., Any], document_id: str) -> None:
    done = run("renew", "--json")
    assert (done.status, done.json) == (0, {"renewed": {}, "due": {}, "not_due": 1, "failed": {}})


@pytest.mark.parametrize("with_table", [True, False])
def test_what_ends_is_renewed_once(
    run: Callable[..., Any],
    workspace: Workspace,
    document_id: str,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    with_table: bool,
) -> None:
    if not with_table:
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "pyarrow" else find(name))
    near_the_end(workspace, clock)
    dry = run("renew", "--dry-run", "--json")
    assert (dry.status, list(dry.json["due"]), dry.json["renewed"]) == (0, [document_id], {})
    assert f"{document_id} is due: its archive time-stamp proves until " in run("renew", "--dry-run").output
    done = run("renew", "--json")
    assert (done.status, list(done.json["renewed"])) == (0, [document_id]), done.output
    assert run("renew", "--json").json["not_due"] == 1
    assert (workspace.path / "results" / "time_stamps.parquet").exists() is with_table
    final = workspace.objects.get(views.status(workspace, document_id)["files"]["final"]["sha256"])
    renewed = workspace.objects.get(done.json["renewed"][document_id])
    assert renewed.startswith(final)
    clock.forward(days=365)
    verdict = verify(renewed, at=clock(), trust=of_workspace(workspace))
    assert (str(verdict.integrity), str(verdict.indication)) == ("intact", "TOTAL-PASSED")


def test_what_cannot_be_renewed_is_said(
    run: Callable[..., Any], workspace: Workspace, document_id: str, clock: ManualClock
) -> None:
    clock.now = workspace.keys().certificate("time-stamp").not_valid_after_utc - timedelta(days=60)
    done = run("renew", document_id)
    assert done.status == 1
    assert "renew its key with `sealtrail keys renew time-stamp`" in done.errors
    assert done.output.endswith("renewed 0, due 0, not due 0, failed 1\n")


def test_a_selection(run: Callable[..., Any], play: Play, document_id: str) -> None:
    draft = play.create(contract(1))
    assert run("renew", document_id, "--dry-run", "--before", "4000d", "--json").json["due"].keys() == {document_id}
    with pytest.raises(StepNotAllowed, match=f"Document {draft} is draft; only a completed one"):
        run("renew", document_id, draft)
    with pytest.raises(DocumentUnknown):
        run("renew", "01UNKNOWN")
