"""What the workspace says of a file, and what it must not say."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from signing_core.cli import main
from signing_core.desk import judging, verifying
from signing_core.errors import ObjectDamaged
from signing_core.storage.workspace import Workspace
from signing_core.verification import verify


@pytest.fixture
def copied(completed: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(completed.folder, tmp_path / "workspace"))


def test_a_file_is_not_the_documents_because_somebody_had_it_verified(copied: Path, completed: Any) -> None:
    """The event of a verification names the file's hash, whatever the file was."""
    changed = bytearray(completed.final)
    changed[900] ^= 1
    file = copied / "changed.pdf"
    file.write_bytes(changed)
    for _ in range(2):
        try:
            main(["verify", str(file), "--workspace", str(copied), "--format", "jsonl"])
        except SystemExit as ended:
            assert ended.code == 1
    with Workspace.open(copied) as workspace:
        context = judging.context_of(workspace)
        now = workspace.clock()
        assert verify(bytes(changed), at=now, workspace_context=context).audit_log == "missing"
        assert verify(completed.final, at=now, workspace_context=context).audit_log == "included"


def test_a_stored_file_that_cannot_be_read_is_one_sentence(copied: Path, completed: Any) -> None:
    with Workspace.open(copied) as workspace:
        sha256 = hashlib.sha256(completed.final).hexdigest()
        file = workspace.objects.path(sha256)
        file.unlink()
        file.mkdir()
        with pytest.raises(ObjectDamaged, match="cannot be read: Is a directory"):
            verifying.stored_file(workspace, sha256)
