from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from signing_core import Workspace, controls, frames
from signing_core.audit_log import checks, forgetting
from signing_core.controls import rules
from signing_core.delivery.channels.folder import FolderChannel
from signing_core.errors import StepNotAllowed, UsageError
from signing_core.storage import directory, schema
from signing_core.storage.database import reading, writing

House = Any


def _party(house: House) -> directory.Party:
    with writing(house.workspace.engine) as connection:
        return directory.add_party(
            connection,
            kind="client",
            name="Sample Client",
            language="en",
            email="client@example.org",
            now=house.clock.now,
        )


def _forget(connection: sa.Connection, workspace: Workspace, party_id: str, *, now: datetime) -> forgetting.Forgotten:
    folder = FolderChannel(workspace.resolve(workspace.settings.outbox_folder))
    return forgetting.forget(connection, workspace.objects, party_id, remove_message=folder.remove, now=now)


def test_a_forgotten_party_is_nowhere_and_every_proof_holds(house: House) -> None:
    party = _party(house)
    house.log.checkpoint_and_anchor()
    proof = house.log.prove(1)
    with writing(house.workspace.engine) as connection:
        done = _forget(connection, house.workspace, party.id, now=house.clock.forward(days=1))
    assert sorted(done.documents) == sorted(house.documents)
    assert done.values == 4, "name and address at two documents"
    house.workspace.engine.dispose()
    connection = sqlite3.connect(house.database)
    connection.execute("VACUUM")
    dump = "\n".join(connection.iterdump())
    connection.close()
    for text in ("Sample Client", "client@example.org", "192.0.2.1"):
        assert text not in dump
        assert text.encode().hex().upper() not in dump
    assert "Sample lease" in dump, "what is not about the party stays"
    assert house.verify().in_order
    proof.verify(proof.extra, house.log.verifiers())
    with reading(house.workspace.engine) as opened:
        assert directory.parties(opened) == []
        assert directory.parties(opened, forgotten=True)[0].name == ""
        assert forgetting.erased(opened, house.documents[0]) == 2
    with pytest.raises(UsageError, match="forgotten"), writing(house.workspace.engine) as opened:
        _forget(opened, house.workspace, party.id, now=house.clock.now)


def test_messages_kept_as_sent_go_too(seeded_copy: Callable[[], Path]) -> None:
    """Somebody who signed without being in the directory is entered with the same address, and found by it."""
    with Workspace.open(seeded_copy()) as workspace:
        people = frames.parties(workspace, with_personal=True)
        client = people[(people["role"] == "client") & (people["channel"] == "email")].iloc[0]

        def kept() -> list[bytes]:
            places = (workspace.path / "objects", workspace.resolve(workspace.settings.outbox_folder))
            files = [file for place in places for file in place.rglob("*") if file.is_file()]
            return [data for data in map(Path.read_bytes, files) if client["contact"].encode() in data]

        assert len(kept()) >= 4, (
            "invitation, code, completion in the outbox folder; the completion message as it was sent"
        )
        before = len(list(workspace.resolve(workspace.settings.outbox_folder).iterdir()))
        with writing(workspace.engine) as connection:
            party = directory.add_party(
                connection,
                kind="client",
                name=client["name"],
                language="en",
                email=client["contact"],
                now=workspace.clock(),
            )
            done = _forget(connection, workspace, party.id, now=workspace.clock())
        assert done.documents == (client["document_id"],)
        assert done.messages == 1
        assert kept() == []
        left = len(list(workspace.resolve(workspace.settings.outbox_folder).iterdir()))
        assert done.files == before - left >= 3
        assert left, "messages to others stay"
        messages = frames.messages(workspace)
        mine = messages[(messages["document_id"] == client["document_id"]) & (messages["role"] == "client")]
        assert mine["sent_sha256"].isna().all()
        assert mine["sent_attachment_sha256"].notna().any(), "what was attached can still be compared"
        (looked,) = controls.look(workspace, [client["document_id"]], now=workspace.clock())
        codes = {finding.code for finding in looked.findings}
        assert "mailed-message-missing" not in codes


def test_not_while_a_document_is_under_way(house: House) -> None:
    party = _party(house)
    with writing(house.workspace.engine) as connection:
        connection.execute(sa.update(schema.documents).values(status="awaiting-client"))
    with pytest.raises(StepNotAllowed, match="under way"), writing(house.workspace.engine) as connection:
        _forget(connection, house.workspace, party.id, now=house.clock.now)
    with pytest.raises(UsageError, match="no party"), writing(house.workspace.engine) as connection:
        _forget(connection, house.workspace, "nobody", now=house.clock.now)


def test_verifications_are_events_and_failed_ones_a_finding(house: House) -> None:
    document, other = house.documents

    def check(which: str | None, integrity: str) -> None:
        with writing(house.workspace.engine) as connection:
            checks.record(
                connection, document_id=which, method="upload", sha256="0" * 64, integrity=integrity, indication=None,
                time=house.clock.forward(hours=1), personal={"address": "192.0.2.7"},
            )  # fmt: skip

    check(None, "altered")
    check(other, "intact")
    for _ in range(3):
        check(document, "altered")
    found = {
        history.document_id: [
            finding.message
            for finding in rules.check(history, house.clock.now)
            if finding.code == "verified-as-altered"
        ]
        for history in controls.histories(house.workspace, [document, other])
    }
    assert found == {document: ["3 checks of files of this document found them altered."], other: []}
    house.log.checkpoint()
    assert house.verify().in_order
