"""What a night finds in an archive whose database was changed by hand, and what it must not keep of a bad night."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from signing_core.audit_log.tree import leaf_hash
from signing_core.bulk import flow_controls, gathering, intake, inventory, reconciling, registry
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results, rows_of
from signing_core.bulk.watched import Watched
from signing_core.certificate import page
from signing_core.desk import Desk
from signing_core.errors import TypesettingFailed
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import audit_events, document_parties, documents, marks, metadata
from signing_core.storage.schema import findings as worklist
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract


class Nights:
    """An archive batch of two documents, both in order on the first night; the second of them stays so."""

    def __init__(self, workspace: Workspace, ids: tuple[str, str]) -> None:
        self.workspace = workspace
        self.one, self.other = ids
        self.store = Results(workspace.path / "results")
        self.set_again = 0
        with self._ledger() as ledger:
            intake.take_completed(workspace, ledger, gather=timedelta(0))
            (self.key,) = [batch.key for batch in ledger.batches()]
        self.pass_by()

    def _ledger(self) -> Ledger:
        return Ledger(self.store.folder / "intake.sqlite")

    def pass_by(self) -> None:
        with self._ledger() as ledger:
            inventory.make(self.workspace, self.store, ledger, Watched(str(self.workspace.path / "inbox")), self.key)
        registry.make(self.workspace, self.store, self.key)
        flow_controls.make(self.workspace, self.store)
        self.set_again = reconciling.make(self.workspace, self.store, self.key).set_again

    def reconciled(self) -> dict[str, dict[str, Any]]:
        return {row["document_id"]: row for row in rows_of(self.store.of(self.key, "reconciliation"))}

    def codes(self, document_id: str) -> list[str]:
        return [found["code"] for found in self.reconciled()[document_id]["findings"]]

    def registered(self) -> dict[str, tuple[str, str]]:
        rows = rows_of(self.store.of(self.key, "registry"))
        return {row["document_id"]: (row["registry"], row["audit_log"]) for row in rows}

    def on_the_work_list(self) -> list[tuple[str, str]]:
        with reading(self.workspace.engine) as connection:
            rows = connection.execute(sa.select(worklist).where(worklist.c.gone_at.is_(None)).order_by(worklist.c.code))
            return [(row.document_id, row.code) for row in rows]

    def reported(self) -> dict[str, list[str]]:
        with self._ledger() as ledger:
            cases = gathering.gather(self.store, ledger, self.workspace.clock()).cases
        return {case.subject: case.codes for case in cases if case.document_id}

    def change(self, statement: sa.Executable) -> None:
        with writing(self.workspace.engine) as connection:
            connection.execute(statement)

    def change_event(self, seq: int, body: bytes, *, leaf: bool = False) -> None:
        values = {"body": body, **({"leaf_hash": leaf_hash(body)} if leaf else {})}
        self.change(sa.update(audit_events).where(audit_events.c.seq == seq).values(**values))

    def events(self, *types: str) -> list[sa.Row[Any]]:
        query = sa.select(audit_events).where(audit_events.c.document_id == self.one).order_by(audit_events.c.seq)
        with reading(self.workspace.engine) as connection:
            return [row for row in connection.execute(query) if not types or row.type in types]


@pytest.fixture
def nights(completed: Any, another_completed: Any, tmp_path: Path) -> Iterator[Nights]:
    folder = Path(shutil.copytree(another_completed.folder, tmp_path / "archive"))
    with Workspace.open(folder) as workspace:
        one = Nights(workspace, (another_completed.document_id, completed.document_id))
        assert (one.codes(one.one), one.codes(one.other), one.set_again) == ([], [], 2)
        yield one
        assert one.codes(one.other) == []
        assert {document_id for document_id, _ in one.on_the_work_list()} <= {one.one}


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "not JSON": lambda body: b"[" + body[1:],
    "no object": lambda body: b'["' + body.hex().encode() + b'"]',
    "data is text": lambda body: body.replace(b'"data":{', b'"data":"x","old":{', 1),
    "a role of another kind": lambda body: body.replace(b'"data":{', b'"data":{"role":{"a":1},', 1),
}


@pytest.mark.parametrize("leaf", [False, True], ids=["body alone", "with its leaf hash"])
@pytest.mark.parametrize("kind", WRONG)
def test_an_event_that_cannot_be_read_concerns_its_document_alone(nights: Nights, kind: str, leaf: bool) -> None:
    log = nights.events()
    for row in (log[0], next(row for row in log if row.type == "link.issued"), nights.events("document.completed")[0]):
        body = WRONG[kind](row.body)
        body = body.replace(b'"role":"client"', b'"rule":"client"').replace(b'"role":"first-party"', b'"rule":"x"')
        nights.change_event(row.seq, body, leaf=leaf)
        nights.pass_by()
        (found,) = nights.reconciled()[nights.one]["findings"]
        assert (found["code"], found["evidence"]) == ("event-changed", [f"event {row.seq}"])
        assert nights.registered()[nights.one] == ("known", "inconsistent")
        assert nights.registered()[nights.other] == ("known", "included")
        assert nights.on_the_work_list() == [(nights.one, "event-changed")]
        assert "event-changed" in nights.reported()[nights.one]
        nights.change_event(row.seq, row.body, leaf=True)
    nights.pass_by()
    assert nights.codes(nights.one) == []
    assert nights.on_the_work_list() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda body: re.sub(rb'"organisation":"[^"]*"', b'"organisation":null', body),
        lambda body: re.sub(rb'"time_zone":"[^"]*"', b'"time_zone":"Nowhere/At all"', body),
        lambda body: re.sub(rb'"qr_text":"[^"]*"', b'"qr_text":"' + b"x" * 9000 + b'"', body),
        lambda body: re.sub(rb'"sha256":"[^"]*"', b'"sha256":"../../somewhere"', body),
    ],
    ids=["organisation", "time zone", "QR code", "hash"],
)
def test_a_completion_whose_values_cannot_be_is_no_end_of_the_run(
    nights: Nights, change: Callable[[bytes], bytes]
) -> None:
    (completed,) = nights.events("document.completed")
    nights.change_event(completed.seq, change(completed.body), leaf=True)
    nights.pass_by()
    assert nights.codes(nights.one)


def test_an_event_of_a_running_document_that_cannot_be_read(nights: Nights) -> None:
    running = Play(Desk(nights.workspace)).create(contract(1))
    query = sa.update(audit_events).where(audit_events.c.document_id == running)
    nights.change(query.values(body=b"{"))
    flow_controls.make(nights.workspace, nights.store)
    assert nights.on_the_work_list() == [(running, "event-changed")]
    nights.change(sa.delete(worklist))  # the fixture wants nothing but its own


@pytest.mark.parametrize("status", ["voided", "draft"])
def test_a_completed_document_that_the_registry_calls_otherwise(nights: Nights, status: str) -> None:
    nights.change(sa.update(documents).where(documents.c.id == nights.one).values(status=status))
    nights.pass_by()
    (found,) = nights.reconciled()[nights.one]["findings"]
    (completed,) = nights.events("document.completed")
    assert found["code"] == "registry-differs-from-log"
    assert found["message"] == f"The registry says {status}, the event of completion {completed.seq} says completed."
    assert nights.on_the_work_list() == [(nights.one, "registry-differs-from-log")]
    assert nights.reported() == {nights.one: ["registry-differs-from-log"]}


def test_a_registry_that_names_no_hash_stops_nobody(nights: Nights) -> None:
    nights.change(sa.update(documents).where(documents.c.id == nights.one).values(final_sha256="not a hash"))
    nights.pass_by()
    assert {"stored-file-missing", "registry-differs-from-log"} <= set(nights.codes(nights.one))


def test_a_stored_file_in_a_folder_without_rights_is_its_documents_exception(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading(nights.workspace.engine) as connection:
        sha256 = connection.scalar(sa.select(documents.c.final_sha256).where(documents.c.id == nights.one))
    refused = nights.workspace.objects.path(str(sha256))

    def without_rights(real: Callable[[Path], Any]) -> Callable[[Path], Any]:  # the superuser has all rights
        def refusing(path: Path) -> Any:
            if path == refused:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return real(path)

        return refusing

    for name in ("is_file", "read_bytes"):
        monkeypatch.setattr(Path, name, without_rights(getattr(Path, name)))
    nights.pass_by()
    assert nights.codes(nights.one) == ["stored-file-missing"]
    assert nights.codes(nights.other) == []


def test_a_look_in_which_all_is_well_waits_for_no_writer_and_holds_up_none(nights: Nights) -> None:
    with writing(nights.workspace.engine):  # somebody signs
        nights.pass_by()
    assert nights.on_the_work_list() == []


def test_what_is_gone_is_written_down_though_nothing_was_found(nights: Nights) -> None:
    changed = sa.update(documents).where(documents.c.id == nights.one)
    nights.change(changed.values(status="voided"))
    nights.pass_by()
    nights.change(changed.values(status="completed"))
    nights.pass_by()
    with reading(nights.workspace.engine) as connection:
        assert None not in connection.scalars(sa.select(worklist.c.gone_at)).all()
    nights.change(sa.delete(worklist))  # the fixture wants nothing but its own


def test_a_document_whose_row_is_gone_stays_in_its_batch(nights: Nights) -> None:
    (completed,) = nights.events("document.completed")
    with writing(nights.workspace.engine) as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name in ("documents", "findings") or table is audit_events:
                continue
            if "document_id" in table.c:
                connection.execute(sa.delete(table).where(table.c.document_id == nights.one))
        connection.execute(sa.delete(documents).where(documents.c.id == nights.one))
    nights.pass_by()
    row = nights.reconciled()[nights.one]
    (found,) = row["findings"]
    assert found["code"] == "registry-differs-from-log"
    assert found["evidence"] == [f"event {completed.seq}"]
    assert (row["registry"], row["logged"], row["stored"]) == (None, row["logged"], row["logged"])
    assert row["logged"] is not None
    assert nights.on_the_work_list() == [(nights.one, "registry-differs-from-log")]
    assert "registry-differs-from-log" in nights.reported()[nights.one]


def test_a_document_that_neither_registry_nor_log_knows_stays_in_its_batch(nights: Nights) -> None:
    with writing(nights.workspace.engine) as connection:
        for table in reversed(metadata.sorted_tables):
            if "document_id" in table.c:
                connection.execute(sa.delete(table).where(table.c.document_id == nights.one))
        connection.execute(sa.delete(documents).where(documents.c.id == nights.one))
    nights.pass_by()
    assert nights.codes(nights.one) == ["registry-differs-from-log"]


def _fail(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> bytes:
        raise error

    return fail


def test_a_page_that_could_not_be_set_is_tried_again(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    # Something of the page has to be another than the last time, or it is not set at all; back as it was, it is in order.
    nights.change(sa.update(documents).where(documents.c.id == nights.one).values(title="Another title"))
    with monkeypatch.context() as broken:
        broken.setattr(page, "typeset", _fail(TypesettingFailed("The page could not be typeset: no fonts.")))
        nights.pass_by()
        row = nights.reconciled()[nights.one]
        assert (row["printed"], row["basis"], nights.codes(nights.one)) == (
            "not-checked",
            "",
            ["registry-differs-from-log", "certificate-not-compared"],
        )
    nights.change(sa.update(documents).where(documents.c.id == nights.one).values(title="Another agreement"))
    nights.pass_by()
    assert (nights.reconciled()[nights.one]["printed"], nights.set_again) == ("match", 1)
    assert nights.codes(nights.one) == []


@pytest.mark.parametrize(
    "values", [{"name": "Somebody Else"}, {"organisation": "Another Ltd"}, {"contact": "else@example.net"}]
)
def test_a_party_changed_after_the_first_night_is_looked_at_again(nights: Nights, values: dict[str, str]) -> None:
    nights.pass_by()
    assert nights.set_again == 0
    query = sa.update(document_parties).where(
        document_parties.c.document_id == nights.one, document_parties.c.role == "client"
    )
    nights.change(query.values(**values))
    nights.pass_by()
    assert nights.set_again == 1
    assert nights.reconciled()[nights.one]["printed"] == "mismatch"
    assert "certificate-differs-from-log" in nights.codes(nights.one)


def test_a_picture_changed_after_the_first_night_is_looked_at_again(nights: Nights) -> None:
    query = sa.select(marks).where(marks.c.document_id == nights.one)
    with reading(nights.workspace.engine) as connection:
        first, second = connection.execute(query.where(marks.c.part == "signature")).all()
    mine = sa.update(marks).where(
        marks.c.document_id == nights.one, marks.c.role == first.role, marks.c.part == "signature"
    )
    nights.change(mine.values(media_type=second.media_type, data=second.data))
    nights.pass_by()
    assert nights.set_again == 1
