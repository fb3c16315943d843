"""What was planted is there, each kind once, and the list of it is not where a check could read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from seeded import Seeded

from signing_core.desk import views
from signing_core.errors import UsageError
from signing_core.seeding import KINDS, seed
from signing_core.storage.workspace import Workspace


def test_one_defect_of_each_kind(seeded: Seeded) -> None:
    assert [one["kind"] for one in seeded.planted] == list(KINDS)
    assert len({one["document_id"] for one in seeded.planted if one["document_id"]}) == 8


def test_no_file_of_the_workspace_names_what_was_planted(seeded: Seeded) -> None:
    kinds = [kind.encode() for kind in KINDS if "-" in kind]
    for file in seeded.folder.rglob("*"):
        if file.is_file() and file.parent.name != "inbox":
            content = file.read_bytes()
            assert not [kind for kind in kinds if kind in content], file


def test_documents_are_in_all_states(seeded: Seeded) -> None:
    with Workspace.open(seeded.folder) as workspace:
        listed = views.listing(workspace)
    assert len(listed) == 24
    assert {"completed", "sealing"} <= {row["status"] for row in listed}
    assert sum(row["status"] == "completed" for row in listed) >= 12


def test_the_list_must_lie_outside(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside the workspace"):
        seed(tmp_path / "w", documents=24, planted=tmp_path / "w" / "planted.json")
    assert not (tmp_path / "w").exists()


def test_too_few_documents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 20"):
        seed(tmp_path / "w", documents=5)
