"""A withdrawal that was killed is brought to its end: one list, one event, and the event's hash is that of the list."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing_core.audit_log import events
from signing_core.bulk import intake, withdrawal
from signing_core.bulk.ledger import Batch, Ledger
from signing_core.bulk.results import Results, rows_of
from signing_core.bulk.watched import Watched
from signing_core.errors import StorageError
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock

START = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Place:
    """A batch of three files, of which the first is gone."""

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self.workspace, self.ledger = workspace, ledger
        self.store = Results(workspace.path / "results")
        self.inbox = workspace.path / "inbox"
        self.inbox.mkdir()
        for name in ("a.pdf", "b.pdf", "c.pdf"):
            (self.inbox / name).write_bytes(b"%PDF-")
        self.watched = Watched(str(self.inbox), timedelta(0))
        (batch,) = intake.take_in(workspace, ledger, self.watched)
        self.key = batch.key
        (self.inbox / "a.pdf").unlink()

    def withdraw(self, by: str = "Sample Analyst") -> withdrawal.Withdrawn:
        assert isinstance(self.workspace.clock, ManualClock)
        self.workspace.clock.forward(minutes=1)
        return withdrawal.withdraw(
            self.workspace, self.store, self.ledger, self.watched, self.key, by=by, reason="Moved to the archive."
        )

    @property
    def left(self) -> list[str]:
        return list(self.ledger.contents(self.ledger.batch(self.key)))

    @property
    def logged(self) -> list[str]:
        with reading(self.workspace.engine) as connection:
            return [event.data["list"] for event in events.of_type(connection, withdrawal.WITHDRAWN)]

    @property
    def listed(self) -> dict[str, list[str]]:
        """The names on each list, by the SHA-256 of the list."""
        files = self.store.withdrawals(self.key)
        return {hashlib.sha256(file.read_bytes()).hexdigest(): [row["name"] for row in rows_of(file)] for file in files}


@pytest.fixture
def place(blank_copy: Callable[..., Path]) -> Iterator[Place]:
    folder = blank_copy()
    with (
        Workspace.open(folder, clock=ManualClock(START)) as workspace,
        Ledger(folder / "results" / "intake.sqlite") as ledger,
    ):
        yield Place(workspace, ledger)


def locked(*_: object, **__: object) -> Batch:
    raise sqlite3.OperationalError("database is locked")


@pytest.mark.parametrize("before", ["event", "ledger"])
def test_a_withdrawal_that_was_killed_is_brought_to_its_end(
    place: Place, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    with monkeypatch.context() as m:
        m.setattr(*((withdrawal.events, "append") if before == "event" else (Ledger, "withdraw")), locked)
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError):
                place.withdraw()
    assert place.left == ["a.pdf", "b.pdf", "c.pdf"]
    done = place.withdraw("Another Analyst")
    assert (done.names, done.left) == (["a.pdf"], 2)
    assert done.file is not None
    assert {row["by"] for row in rows_of(done.file)} == {"Sample Analyst"}  # who it was
    assert place.left == ["b.pdf", "c.pdf"]
    assert place.logged == list(place.listed)
    assert list(place.listed.values()) == [["a.pdf"]]
    assert place.withdraw() == withdrawal.Withdrawn([], None, 2)
    assert len(place.logged) == 1


def test_what_went_missing_meanwhile_is_on_a_list_of_its_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as m:
        m.setattr(Ledger, "withdraw", locked)
        with pytest.raises(sqlite3.OperationalError):
            place.withdraw()
    (place.inbox / "b.pdf").unlink()
    done = place.withdraw()
    assert (done.names, done.left, place.left) == (["a.pdf", "b.pdf"], 1, ["c.pdf"])
    assert list(place.listed.values()) == [["a.pdf"], ["b.pdf"]]
    assert place.logged == list(place.listed)


def test_a_file_that_came_back_before_its_withdrawal_ended_is_taken_in_as_new(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as m:
        m.setattr(Ledger, "withdraw", locked)
        with pytest.raises(sqlite3.OperationalError):
            place.withdraw()
    (place.inbox / "a.pdf").write_bytes(b"%PDF-")
    assert place.withdraw().names == ["a.pdf"]
    intake.take_in(place.workspace, place.ledger, place.watched, patience=timedelta(0))
    assert place.left == ["a.pdf", "b.pdf", "c.pdf"]


def test_a_list_that_is_damaged_is_not_written_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as m:
        m.setattr(Ledger, "withdraw", locked)
        with pytest.raises(sqlite3.OperationalError):
            place.withdraw()
    (file,) = place.store.withdrawals(place.key)
    file.write_bytes(b"PAR1 half of it")
    with pytest.raises(StorageError, match=rf"{file} cannot be read or is damaged; put back a copy from a backup"):
        place.withdraw()
    assert file.read_bytes() == b"PAR1 half of it"
    assert len(place.logged) == 1


def test_a_list_of_before_the_ledger_was_restored_stays_as_it_was(place: Place) -> None:
    file = place.workspace.path / "results" / "intake.sqlite"
    before = file.read_bytes()
    place.withdraw()
    place.ledger.close()
    file.write_bytes(before)
    with Ledger(file) as place.ledger:
        (place.inbox / "b.pdf").unlink()
        assert place.withdraw().names == ["a.pdf", "b.pdf"]
        assert place.logged == list(place.listed)
        assert list(place.listed.values()) == [["a.pdf"], ["b.pdf"]]
