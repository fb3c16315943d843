"""A report is made at any moment: what is not done yet is waiting, and results of an earlier reading say nothing of new files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from signing_core.bulk import (
    certificates,
    flow_controls,
    gathering,
    intake,
    inventory,
    reconciling,
    registry,
    results,
    signatures,
    withdrawal,
)
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.results import Results, rows_of
from signing_core.bulk.watched import Watched
from signing_core.storage.workspace import Workspace
from signing_core.verification.batch import Rules


class Archive:
    """The seeded workspace, step by step, each called directly."""

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self.workspace, self.ledger = workspace, ledger
        self.store = Results(workspace.path / "results")
        self.watched = Watched(str(workspace.path / "inbox"), timedelta(0))

    def completed(self) -> list[str]:
        return [one for one, _ in intake._completed(self.workspace, self.ledger, timedelta(0))]

    def add(self, ids: list[str]) -> Batch:
        now = self.workspace.clock()
        (batch,) = self.ledger.add_documents(ids, day=intake._day(self.workspace, now), now=now)
        return batch

    def take_in(self) -> Batch:
        (batch,) = intake.take_in(self.workspace, self.ledger, self.watched, patience=timedelta(0))
        return batch

    def list_files(self, key: str) -> None:
        inventory.make(self.workspace, self.store, self.ledger, self.watched, key)

    def judge(self, key: str) -> None:
        signatures.make(self.workspace, self.store, self.watched, key, signatures.Work())
        certificates.make(self.store, key)

    def compare(self, key: str) -> None:
        registry.make(self.workspace, self.store, key)
        reconciling.make(self.workspace, self.store, key)

    def all_of(self, key: str) -> None:
        for step in (self.list_files, self.judge, self.compare):
            step(key)

    def codes(self, **more: Any) -> set[tuple[str, str]]:
        cases = gathering.gather(self.store, self.ledger, self.workspace.clock(), **more).cases
        return {(case.subject, code) for case in cases for code in case.codes}

    def messages(self) -> list[str]:
        cases = gathering.gather(self.store, self.ledger, self.workspace.clock()).cases
        return [one.message for one in cases.findings()]


@pytest.fixture
def archive(seeded_copy: Callable[[], Path]) -> Iterator[Archive]:
    folder = seeded_copy()
    with Workspace.open(folder) as workspace, Ledger(folder / "results" / "intake.sqlite") as ledger:
        yield Archive(workspace, ledger)


def test_what_a_grown_batch_has_to_do_yet_is_no_error(archive: Archive) -> None:
    ids = archive.completed()
    batch = archive.add(ids[:-2])
    archive.all_of(batch.key)
    before = archive.codes()
    assert archive.add(ids[-2:]).key == batch.key
    archive.list_files(batch.key)
    assert archive.codes(under_way={batch.key}) == before
    assert archive.codes() == before | {(batch.key, "batch-stopped")}  # its other steps failed, for all one knows
    archive.judge(batch.key)
    archive.compare(batch.key)
    assert archive.codes() == before


def test_a_new_inventory_in_the_middle_of_a_report_is_no_error(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = archive.completed()
    batch = archive.add(ids[:-2])
    archive.all_of(batch.key)
    before = archive.codes()
    make_views = gathering.make_views

    def meanwhile(*given: Any) -> None:
        archive.add(ids[-2:])
        archive.list_files(batch.key)
        make_views(*given)

    monkeypatch.setattr(gathering, "make_views", meanwhile)
    assert archive.codes() == before


def test_what_the_registry_said_of_another_file_is_not_said_of_the_new_one(archive: Archive) -> None:
    inbox = archive.workspace.path / "inbox"
    for file in list(inbox.iterdir()):
        file.unlink()
    archived = archive.add(archive.completed()[:1])
    archive.all_of(archived.key)
    (sha256,) = {row["sha256"] for row in rows_of(archive.store.of(archived.key, "inventory"))}
    right = archive.workspace.objects.get(sha256)
    file = inbox / "returned.pdf"
    file.write_bytes(right + b"% something else\n")
    batch = archive.take_in()
    archive.all_of(batch.key)
    assert "file-not-the-registered" in {code for _, code in archive.codes()}
    file.write_bytes(right)
    archive.list_files(batch.key)
    archive.judge(batch.key)
    assert (sha256, "file-not-the-registered") not in archive.codes(under_way={batch.key})


def test_a_stored_file_whose_judging_came_to_no_end_is_not_called_broken(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.completed()[0]
    batch = archive.add([one])

    def no_end(paths: Iterator[Path], rules: Rules, **_: object) -> Iterator[Any]:
        for path in paths:
            yield rules.not_judged(str(path), "limit-exceeded", "60 seconds")

    monkeypatch.setattr(signatures, "verify_many", no_end)
    archive.all_of(batch.key)
    assert archive.codes() == {(one, "stored-file-not-judged")}


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_times_in_messages_are_utc_wherever_the_machine_stands(
    archive: Archive, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = archive.take_in()
    archive.list_files(batch.key)
    row = rows_of(archive.store.of(batch.key, "inventory"))[0]
    (archive.workspace.path / "inbox" / row["name"]).write_bytes(b"%PDF-1.7 replaced")
    archive.list_files(batch.key)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        told = [message for message in archive.messages() if message.startswith("When it came in")]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert told == [
        f"When it came in, at {row['first_seen'].isoformat(' ', 'minutes')[:16]} UTC, its SHA-256 was {row['sha256']}."
    ]


def test_remarks_are_read_of_exceptions_alone(archive: Archive) -> None:
    """With one for every document the memory of a report would grow with the archive."""
    rows = [
        {"document_id": one, "code": code, "message": "They did.", "evidence": []}
        for one, code in (("D1", "parties-share-device"), ("D2", "parties-share-device"), ("D2", "stuck"))
    ]
    file = archive.store.folder / "controls.parquet"
    file.parent.mkdir(exist_ok=True)
    results.write(file, pa.Table.from_pylist(rows, schema=flow_controls.SCHEMA), {})
    assert archive.codes() == {("D2", "stuck"), ("D2", "parties-share-device")}


def test_a_damaged_list_of_what_was_withdrawn_is_an_exception_also_where_nothing_is_left(archive: Archive) -> None:
    inbox = archive.workspace.path / "inbox"
    batch = archive.take_in()
    shutil.rmtree(inbox)
    inbox.mkdir()
    withdrawal.withdraw(
        archive.workspace,
        archive.store,
        archive.ledger,
        archive.watched,
        batch.key,
        by="Sample Analyst",
        reason="Moved to the archive.",
    )
    assert archive.codes() == set()
    (listed,) = archive.store.withdrawals(batch.key)
    listed.write_bytes(listed.read_bytes()[:-20])
    assert {code for _, code in archive.codes()} == {"withdrawals-damaged"}


@pytest.mark.parametrize("days", [-3, 3])
def test_an_inventory_of_another_time_is_late_also_when_it_is_dated_ahead(archive: Archive, days: int) -> None:
    batch = archive.add(archive.completed()[:1])
    right, wrong = archive.workspace.clock, archive.workspace.clock() + timedelta(days=days)
    archive.workspace.clock = lambda: wrong
    archive.list_files(batch.key)
    archive.workspace.clock = right
    assert (batch.key, "batch-stopped") in archive.codes()
