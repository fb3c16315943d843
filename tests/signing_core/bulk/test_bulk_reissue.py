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
from signing_core.errors import DocumentUnknown
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


@pytest.mark.parametrize("document_id", ["0" * 26, "../../etc", ""])
def test_what_is_no_document_is_unknown(folder: Path, document_id: str) -> None:
    with Workspace.open(folder) as workspace, pytest.raises(DocumentUnknown):
        reissue.reissue(workspace, document_id)
