"""What a document's file was after each step can be had, whatever became of the document."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from signing_core.desk import Desk
from signing_core.errors import UsageError
from signing_core.flow import Status
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract
from signing_core.verification import verify


@pytest.fixture
def play(workspace: Workspace) -> Play:
    return Play(Desk(workspace))


def test_the_newest_file_and_that_of_a_step(
    run: Callable[..., Any], play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = play.create(contract(1))
    play.to_completion(document_id)
    files = play.desk.status(document_id)["files"]
    monkeypatch.chdir(tmp_path)
    assert run("fetch", document_id).status == 0
    final = (tmp_path / f"{document_id}-final.pdf").read_bytes()
    assert hashlib.sha256(final).hexdigest() == files["final"]["sha256"]
    done = run("fetch", document_id, "--step", "client", "-o", "both.pdf")
    assert (done.status, files["client"]["sha256"] in done.output) == (0, True)
    assert final.startswith((tmp_path / "both.pdf").read_bytes())


def test_what_was_signed_of_a_withdrawn_document(run: Callable[..., Any], play: Play, tmp_path: Path) -> None:
    document_id = play.create(contract(1))
    next(state for state in play.steps(document_id) if state.status is Status.AWAITING_CLIENT)
    play.desk.void(document_id, "Replaced")
    file = tmp_path / "signed.pdf"
    assert run("fetch", document_id, "-o", file).status == 0
    verdict = verify(file, at=play.desk.workspace.clock())
    assert [signature.fields for signature in verdict.signatures] == [("SealtrailFirstParty",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--step", "client"], r"has no file of step client; it has: source, prepared\."),
        (["-o", "there.pdf"], r"there\.pdf is there already"),
        (["-o", f"nowhere{os.sep}file.pdf"], "The folder nowhere for the file is not there"),
    ],
)
def test_what_cannot_be_fetched(
    run: Callable[..., Any],
    play: Play,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.pdf").write_bytes(b"mine")
    with pytest.raises(UsageError, match=said):
        run("fetch", play.create(contract(1)), *arguments)
    assert [file.name for file in tmp_path.glob("*.pdf")] == ["there.pdf"]
    assert (tmp_path / "there.pdf").read_bytes() == b"mine"
