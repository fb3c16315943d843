"""Somebody with the database and the object store, without any key, exchanges the file between two steps."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing_core import controls
from signing_core.bulk import renewal
from signing_core.desk import Desk, Origin, logged_file, signing
from signing_core.desk.background import work_once
from signing_core.errors import FileNotAsLogged
from signing_core.flow import Role, Status
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import document_files, documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play

ORIGIN = Origin("192.0.2.9", "a browser")


def updated(data: bytes) -> bytes:
    """The file with one more revision, which changes nothing that is seen."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def exchange(workspace: Workspace, document_id: str, step: str, data: bytes) -> None:
    """Write another file into the store and its name wherever the database has the one of that step."""
    sha256 = workspace.objects.put(data)
    with writing(workspace.engine) as connection:
        row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one()
        query = sa.select(document_files.c.sha256).where(
            document_files.c.document_id == document_id, document_files.c.step == step
        )
        before = connection.execute(query).scalar_one()
        state = json.loads(json.dumps(row.state).replace(before, sha256))
        connection.execute(
            sa.update(documents)
            .where(documents.c.id == document_id)
            .values(state=state, **({"final_sha256": sha256} if row.final_sha256 == before else {}))
        )
        connection.execute(
            sa.update(document_files)
            .where(document_files.c.document_id == document_id, document_files.c.sha256 == before)
            .values(sha256=sha256, length=len(data))
        )


def stored(workspace: Workspace, document_id: str, step: str) -> bytes:
    query = sa.select(document_files.c.sha256).where(
        document_files.c.document_id == document_id, document_files.c.step == step
    )
    with reading(workspace.engine) as connection:
        return workspace.objects.get(connection.execute(query).scalar_one())


def damage(workspace: Workspace, document_id: str, step: str) -> None:
    data = bytearray(stored(workspace, document_id, step))
    file = workspace.objects.path(hashlib.sha256(data).hexdigest())
    data[900] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)


def to(play: Play, document_id: str, status: Status) -> None:
    steps = play.steps(document_id)
    while next(steps).status is not status:
        pass


def to_sealing(play: Play, document_id: str) -> None:
    """The client has signed, and the process ended before the seal."""
    to(play, document_id, Status.AWAITING_CLIENT)
    play.consent(document_id, Role.CLIENT)
    assert signing.sign(play.workspace, play.desk.state(document_id), play.desk.clock()).status is Status.SEALING


def ready_to_consent(play: Play, document_id: str, role: Role) -> str:
    """Everything up to the confirmed code; returns the token."""
    play.deliver()
    token = play.token(role)
    play.desk.open(token, "s", ORIGIN)
    challenge = play.desk.request_code(token, "s", ORIGIN)
    play.deliver()
    play.desk.submit_code(token, "s", challenge, play.code(role), ORIGIN)
    return token


def found(workspace: Workspace, document_id: str) -> set[str]:
    (looked,) = controls.look(workspace, [document_id], now=workspace.clock())
    return {finding.code for finding in looked.findings} - {"completed-not-mailed"}


def test_a_file_exchanged_while_the_client_is_awaited_gets_no_consent(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_CLIENT)
    assert found(desk.workspace, document_id) == set()
    token = ready_to_consent(play, document_id, Role.CLIENT)
    exchange(desk.workspace, document_id, "first-party", updated(stored(desk.workspace, document_id, "first-party")))
    with pytest.raises(FileNotAsLogged, match=f"document {document_id} .* names another"):
        desk.sign(token, "s", play.mark(Role.CLIENT), ORIGIN)
    assert desk.state(document_id).status is Status.AWAITING_CLIENT, "nothing hangs"
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("step.refused", "file-not-as-logged")
    assert found(desk.workspace, document_id) == {"file-differs-from-log"}
    with pytest.raises(FileNotAsLogged):
        desk.shown_file(token)


@pytest.mark.parametrize("role", list(Role))
def test_a_consent_is_not_taken_while_the_stored_file_is_damaged(
    play: Play, desk: Desk, source: bytes, role: Role
) -> None:
    document_id = play.create(source)
    before = Status.AWAITING_FIRST_PARTY if role is Role.FIRST_PARTY else Status.AWAITING_CLIENT
    to(play, document_id, before)
    token = ready_to_consent(play, document_id, role)
    damage(desk.workspace, document_id, "prepared" if role is Role.FIRST_PARTY else "first-party")
    with pytest.raises(FileNotAsLogged, match="restore it from a backup"):
        desk.sign(token, "s", play.mark(role), ORIGIN)
    assert desk.state(document_id).status is before
    assert found(desk.workspace, document_id) == {"stored-file-changed"}


@pytest.mark.parametrize(("role", "step"), [(Role.FIRST_PARTY, "prepared"), (Role.CLIENT, "first-party")])
def test_a_file_exchanged_after_the_consent_is_not_signed(
    play: Play, desk: Desk, source: bytes, role: Role, step: str
) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.AWAITING_FIRST_PARTY if role is Role.FIRST_PARTY else Status.AWAITING_CLIENT)
    play.consent(document_id, role)
    exchange(desk.workspace, document_id, step, updated(stored(desk.workspace, document_id, step)))
    assert desk.work_on(document_id).status is Status.SIGNING
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("signing.delayed", "FileNotAsLogged")
    assert found(desk.workspace, document_id) == {"file-differs-from-log"}


def test_a_file_exchanged_before_the_seal_is_not_sealed(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to_sealing(play, document_id)
    exchange(desk.workspace, document_id, "client", updated(stored(desk.workspace, document_id, "client")))
    assert desk.work_on(document_id).status is Status.SEALING
    last = desk.events(document_id)[-1]
    assert (last.type, last.data["because"]) == ("sealing.delayed", "FileNotAsLogged")
    assert found(desk.workspace, document_id) == {"file-differs-from-log"}


def test_an_exchanged_finished_file_is_neither_renewed_nor_handed_out(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.COMPLETED)
    exchange(desk.workspace, document_id, "final", updated(stored(desk.workspace, document_id, "final")))
    with pytest.raises(FileNotAsLogged):
        renewal.renew(desk.workspace, document_id, before=renewal.BEFORE * 400)
    play.deliver()
    token = play.token(Role.CLIENT)
    with pytest.raises(FileNotAsLogged):
        desk.download(token)


def test_what_the_outbox_attaches_is_what_the_log_names(play: Play, desk: Desk, source: bytes) -> None:
    document_id = play.create(source)
    to(play, document_id, Status.COMPLETED)
    other = desk.workspace.objects.put(updated(stored(desk.workspace, document_id, "final")))
    with writing(desk.workspace.engine) as connection:
        connection.execute(sa.text("UPDATE outbox SET attachment_sha256 = :a WHERE kind = 'completed'"), {"a": other})
    work_once(desk)
    sent = [m for m in desk.status(document_id)["messages"] if m["kind"] == "completed"]
    assert {message["state"] for message in sent} <= {"waiting", "failed"}
    assert all(message["last_error"] for message in sent)


@pytest.mark.parametrize("step", ["first-party", "client"])
def test_a_signed_file_that_is_not_between_its_logged_states_is_found_afterwards(
    play: Play, desk: Desk, source: bytes, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was before the steps looked: the exchanged file was signed on, and the log's `signature.made` names another."""
    document_id = play.create(source)
    if step == "first-party":
        to(play, document_id, Status.AWAITING_CLIENT)
    else:
        to_sealing(play, document_id)
    exchange(desk.workspace, document_id, step, updated(stored(desk.workspace, document_id, step)))

    def unasked(workspace: Workspace, document: str, recorded: str | None = None, **_: Any) -> bytes:
        query = sa.select(documents.c.state).where(documents.c.id == document)
        with reading(workspace.engine) as connection:
            return workspace.objects.get(connection.execute(query).scalar_one()["document_sha256"])

    monkeypatch.setattr(logged_file, "read", unasked)
    monkeypatch.setattr(logged_file, "check_next", lambda *_, **__: None)
    play.to_completion(document_id)
    monkeypatch.undo()
    assert found(desk.workspace, document_id) & {"file-differs-from-log", "revisions-beyond-steps"}
