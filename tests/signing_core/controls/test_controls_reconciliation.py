"""The printed certificate against the events, whichever layout it was set with."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signing_core.certificate import layout
from signing_core.controls import Reconciliation, histories, look
from signing_core.desk import certificate_facts
from signing_core.storage.workspace import Workspace


def reconciled(completed: Any) -> Reconciliation:
    with Workspace.open(completed.folder) as workspace:
        (one,) = look(workspace, [completed.document_id], now=workspace.clock(), part="archive")
    assert one.reconciliation is not None
    return one.reconciliation


@pytest.fixture
def years_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wording, the fonts or the layout are others than those the archive was made with."""
    monkeypatch.setattr(layout, "identifier", lambda: "00" * 8)


def test_the_layout_is_on_record(completed: Any) -> None:
    with Workspace.open(completed.folder) as workspace:
        (history,) = histories(workspace, [completed.document_id])
    (event,) = history.of("document.completed")
    assert event.data["layout"] == layout.identifier()


def test_the_same_layout_is_compared_as_a_picture(completed: Any) -> None:
    one = reconciled(completed)
    assert (one.printed, one.in_order) == ("match", True)


@pytest.mark.usefixtures("years_later")
def test_an_earlier_layout_is_held_against_the_facts(completed: Any) -> None:
    one = reconciled(completed)
    assert (one.printed, one.in_order) == ("facts-match", True)


@pytest.mark.usefixtures("years_later")
def test_another_certificate_of_an_earlier_layout_is_found(completed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = certificate_facts.as_issued

    def of_the_other(workspace: Any, connection: Any, document_id: str, event: Any) -> Any:
        data, url = real(workspace, connection, document_id, event)
        parties = tuple(replace(party, name="Somebody Else") for party in data.parties)
        return replace(data, parties=parties), url

    monkeypatch.setattr(certificate_facts, "as_issued", of_the_other)
    one = reconciled(completed)
    assert one.printed == "mismatch"
    assert [finding.code for finding in one.findings] == ["certificate-differs-from-log"]


def stored_file_of(folder: Path, document_id: str) -> Path:
    with Workspace.open(folder) as workspace:
        (history,) = histories(workspace, [document_id])
        return workspace.objects.path(history.row.final_sha256)


def test_a_folder_in_the_place_of_a_stored_file_is_that_documents_finding(completed: Any, tmp_path: Path) -> None:
    copy = replace(completed, folder=tmp_path / "workspace")
    shutil.copytree(completed.folder, copy.folder)
    file = stored_file_of(copy.folder, copy.document_id)
    file.unlink()
    file.mkdir()
    (found,) = reconciled(copy).findings
    assert found.code == "stored-file-missing"
    assert found.message.endswith(" cannot be read: it is no file.")


def test_a_stored_file_without_rights_is_that_documents_finding(
    completed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = stored_file_of(completed.folder, completed.document_id)
    read = Path.read_bytes

    def without_rights(path: Path) -> bytes:  # the superuser, who may run the tests, has all rights
        if path == refused:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", without_rights)
    one = reconciled(completed)
    (found,) = one.findings
    assert (found.code, found.evidence, one.stored) == ("stored-file-missing", (f"object {one.registry}",), None)
    assert found.message.endswith(" cannot be read: Permission denied.")
