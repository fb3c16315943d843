"""The archive is what registry or log call completed."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from signing_core import verify_archive
from signing_core.storage.workspace import Workspace


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM documents", "UPDATE documents SET final_sha256 = NULL", "UPDATE documents SET final_sha256 = 'a'"],
)
def test_whoever_changes_the_registry_hides_no_document(completed: Any, tmp_path: Path, change: str) -> None:
    folder = Path(shutil.copytree(completed.folder, tmp_path / "workspace"))
    connection = sqlite3.connect(folder / "database.sqlite")
    with connection:
        connection.execute(change)
    connection.close()
    with Workspace.open(folder) as workspace:
        report = verify_archive(workspace)
        assert [verdict.document_id for verdict in report.verdicts] == [completed.document_id]
        assert report.verdicts[0].audit_log == "included"
