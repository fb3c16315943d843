"""Two re-issues of one document at the same time."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from signing_core.bulk import reissue
from signing_core.desk import Desk, views
from signing_core.errors import DocumentUnknown, UsageError
from signing_core.flow import State
from signing_core.storage.workspace import Workspace


@pytest.fixture
def folder(completed: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(completed.folder, tmp_path / "workspace"))


def test_two_at_the_same_time_make_one_successor(folder: Path, completed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    create = Desk.create

    def slowly(*given: Any) -> str:
        time.sleep(0.2)
        return create(*given)

    def run(_: int) -> str:
        with Workspace.open(folder) as workspace:
            return reissue.reissue(workspace, completed.document_id)

    monkeypatch.setattr(Desk, "create", slowly)
    with ThreadPoolExecutor(2) as together:
        assert len(set(together.map(run, range(2)))) == 1
    with Workspace.open(folder) as workspace:
        assert len(views.listing(workspace)) == 2


def test_two_at_the_same_time_send_it_once(folder: Path, completed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Desk.send

    def slowly(*given: Any) -> State:
        time.sleep(0.2)
        return send(*given)

    def run(_: int) -> reissue.Reissued:
        with Workspace.open(folder) as workspace:
            return reissue.reissue_all(workspace, [completed.document_id], send=True)

    monkeypatch.setattr(Desk, "send", slowly)
    with ThreadPoolExecutor(2) as together:
        one, other = together.map(run, range(2))
    assert one.failed == other.failed == {}
    assert one.successors == other.successors
    assert one.made_now + other.made_now == 1
    with Workspace.open(folder) as workspace:
        (successor,) = one.successors.values()
        types = [event.type for event in Desk(workspace).events(successor)]
    assert types.count("document.sent") == 1
    assert "step.refused" not in types


def test_a_list_with_faults_does_what_can_be_done_once(folder: Path, completed: Any) -> None:
    with Workspace.open(folder) as workspace:
        draft = reissue.reissue(workspace, completed.document_id)
        done = reissue.reissue_all(
            workspace, [completed.document_id, "0" * 26, f" {completed.document_id}\n", draft, ""]
        )
        assert done.successors == {completed.document_id: draft}
        assert done.made_now == 0
        assert list(done.failed) == ["0" * 26, draft, ""]
        assert done.failed[draft].startswith(f"Document {draft} is draft; only a completed one can be superseded.")
        with pytest.raises(UsageError, match="The list of documents is empty; name the ids of completed documents"):
            reissue.reissue_all(workspace, [])


@pytest.mark.parametrize("document_id", ["0" * 26, "../../etc", ""])
def test_what_is_no_document_is_unknown(folder: Path, document_id: str) -> None:
    with Workspace.open(folder) as workspace, pytest.raises(DocumentUnknown):
        reissue.reissue(workspace, document_id)
