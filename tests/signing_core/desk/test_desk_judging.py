"""What the workspace says of a file, and what it must not say."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from signing_core.cli import main
from signing_core.desk import judging, verifying
from signing_core.errors import ObjectDamaged
from signing_core.storage.workspace import Workspace
from signing_core.testing import make_workspace
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
        assert verify(bytes(changed), at=now, workspace_context=context).audit_log == "other-file"
        assert verify(completed.final, at=now, workspace_context=context).audit_log == "included"


def test_one_journal_for_two_workspaces(
    copied: Path, completed: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the first said of the file is not reported by the second, whose document it is not."""
    file = tmp_path / "one.pdf"
    file.write_bytes(completed.final)
    other = tmp_path / "other"
    make_workspace(other, organisation="Another Sample AG").close()
    said = []
    for folder in (copied, copied, other, copied):
        with contextlib.suppress(SystemExit):
            main(
                ["verify", str(file), "--workspace", str(folder), "--format", "jsonl", "--journal", str(tmp_path / "j")]
            )
        verdict = json.loads(capsys.readouterr().out)
        said.append((verdict["registry"], verdict["audit_log"]))
    assert said == [("known", "included"), ("known", "included"), ("unknown", "missing"), ("known", "included")]


def test_a_stored_file_that_cannot_be_read_is_one_sentence(copied: Path, completed: Any) -> None:
    with Workspace.open(copied) as workspace:
        sha256 = hashlib.sha256(completed.final).hexdigest()
        file = workspace.objects.path(sha256)
        file.unlink()
        file.mkdir()
        with pytest.raises(ObjectDamaged, match="cannot be read: Is a directory"):
            verifying.stored_file(workspace, sha256)
