"""Our own completed documents gather into batches, each document into exactly one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from signing_core.audit_log import events
from signing_core.bulk import intake
from signing_core.bulk.ledger import Ledger, SeenFile, Size
from signing_core.bulk.watched import Watched
from signing_core.errors import UsageError
from signing_core.storage.database import writing
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock

START = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def workspace(blank_copy: Callable[..., Path]) -> Iterator[Workspace]:
    with Workspace.open(blank_copy(), clock=ManualClock(START)) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "intake.sqlite") as opened:
        yield opened


def complete(workspace: Workspace, *ids: str, at: datetime) -> None:
    with writing(workspace.engine) as connection:
        for one in ids:
            values = {"id": one, "title": "Sample", "status": "completed", "version": 1, "state": {}, "language": "en"}
            times = dict.fromkeys(("created_at", "updated_at", "completed_at"), at)
            connection.execute(
                sa.insert(documents).values(**values, **times, author="Sample Author", pages=1, fields={})
            )


def test_documents_wait_for_others_but_not_for_ever(workspace: Workspace, ledger: Ledger) -> None:
    clock = workspace.clock
    assert isinstance(clock, ManualClock)
    complete(workspace, "D1", at=START)
    assert intake.take_completed(workspace, ledger) == []
    clock.forward(minutes=59)
    complete(workspace, "D2", at=clock())
    assert intake.take_completed(workspace, ledger) == []
    clock.forward(minutes=1)
    (batch,) = intake.take_completed(workspace, ledger)
    assert batch.key == "2026-11-25/archive-001"
    assert list(ledger.contents(batch)) == ["D1", "D2"]
    assert intake.take_completed(workspace, ledger) == []


def test_a_full_batch_does_not_wait(workspace: Workspace, ledger: Ledger) -> None:
    complete(workspace, "D1", "D2", "D3", "D4", "D5", at=START)
    made = intake.take_completed(workspace, ledger, size=Size(2))
    assert [batch.documents for batch in made] == [2, 2]


def test_a_late_commit_is_not_missed(workspace: Workspace, ledger: Ledger) -> None:
    clock = workspace.clock
    assert isinstance(clock, ManualClock)
    complete(workspace, "D1", at=START - timedelta(hours=2))
    intake.take_completed(workspace, ledger)
    complete(workspace, "D0", at=START - timedelta(hours=3))  # its transaction took its time
    (batch,) = intake.take_completed(workspace, ledger)
    assert list(ledger.contents(batch)) == ["D0", "D1"]


def test_a_document_that_the_log_calls_completed_is_taken_in_whatever_the_registry_says(
    workspace: Workspace, ledger: Ledger
) -> None:
    complete(workspace, "D1", "D2", at=START)
    with writing(workspace.engine) as connection:
        for one in ("D1", "D3"):
            events.append(
                connection,
                type="document.completed",
                time=START,
                actor="system",
                document_id=one,
                data={"sha256": "ab" * 32},
            )
        connection.execute(sa.update(documents).where(documents.c.id == "D1").values(status="voided"))
        connection.execute(sa.update(documents).where(documents.c.id == "D2").values(completed_at=None))
    (batch,) = intake.take_completed(workspace, ledger, gather=timedelta(0))
    assert list(ledger.contents(batch)) == ["D1", "D2", "D3"]
    assert intake.take_completed(workspace, ledger, gather=timedelta(0)) == []


def test_an_unknown_batch_is_said_to_be_unknown(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="There is no batch 2026-11-25/inbox-009"):
        ledger.batch("2026-11-25/inbox-009")


def test_batches_of_a_day_go_on_counting_past_999(ledger: Ledger) -> None:
    day = date(2026, 11, 25)
    keys = [
        batch.key for batch in ledger.add_documents([f"D{n}" for n in range(1_001)], day=day, now=START, size=Size(1))
    ]
    assert keys[0].endswith("-001")
    assert keys[-1].endswith("-1001")
    assert len(set(keys)) == 1_001


FILES = st.builds(SeenFile, st.sampled_from(["a.pdf", "b.pdf", "c.pdf"]), st.integers(0, 3), st.sampled_from("xy"))


@settings(deadline=None)
@given(st.lists(st.lists(FILES, max_size=6), max_size=6), st.integers(1, 3))
def test_every_file_is_in_exactly_one_batch_and_every_state_of_it_is_heard_of(
    tmp_path_factory: pytest.TempPathFactory, listings: list[list[SeenFile]], largest: int
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger") / "intake.sqlite") as ledger:
        heard = 0
        for listing in listings:
            new = sorted(set(ledger.unknown_files(listing)))
            if new:
                ledger.add_files(new, day=date(2026, 11, 25), now=START, size=Size(largest))
            assert not list(ledger.unknown_files(listing))
            grown = ledger.batches(after=heard)
            assert {name for batch in grown for name in ledger.contents(batch)} >= {file.path for file in new}
            heard = max((batch.last for batch in grown), default=heard)
        batches = ledger.batches()
        names = [name for batch in batches for name in ledger.contents(batch)]
        assert sorted(names) == sorted({file.path for listing in listings for file in listing})
        assert all(batch.documents == len(ledger.contents(batch)) <= largest for batch in batches)


def test_a_file_alone_is_taken_at_once_and_a_stream_is_gathered(workspace: Workspace, ledger: Ledger) -> None:
    clock, inbox = workspace.clock, workspace.path / "inbox"
    assert isinstance(clock, ManualClock)
    inbox.mkdir()
    watched, taken = Watched(str(inbox), timedelta(0)), 0
    for number in range(180):  # three hours, a file every minute
        (inbox / f"{number}.pdf").write_bytes(b"%PDF")
        taken += bool(intake.take_in(workspace, ledger, watched))
        if number == 1:
            assert taken == 2
        clock.forward(minutes=1)
    assert 20 <= taken <= 30
    clock.forward(minutes=10)
    intake.take_in(workspace, ledger, watched)
    (batch,) = ledger.batches()
    assert batch.documents == 180


def test_a_full_batch_of_files_does_not_wait(workspace: Workspace, ledger: Ledger) -> None:
    inbox = workspace.path / "inbox"
    inbox.mkdir()
    watched = Watched(str(inbox), timedelta(0))
    for names, batches in ((["a"], 1), (["b"], 0), (["c", "d"], 2)):
        for name in names:
            (inbox / f"{name}.pdf").write_bytes(b"%PDF")
        assert len(intake.take_in(workspace, ledger, watched, size=Size(3))) == batches


def test_a_clock_that_was_set_back_keeps_no_file_waiting(workspace: Workspace, ledger: Ledger) -> None:
    inbox = workspace.path / "inbox"
    inbox.mkdir()
    watched = Watched(str(inbox), timedelta(0))
    ledger.add_files([SeenFile("early.pdf", 1, "x")], day=START.date(), now=START + timedelta(days=365))
    (inbox / "a.pdf").write_bytes(b"%PDF")
    assert intake.take_in(workspace, ledger, watched)


def test_a_clock_that_was_ahead_keeps_no_document_waiting(workspace: Workspace, ledger: Ledger) -> None:
    ahead = START + timedelta(days=400)
    ledger.add_documents(["D0"], day=ahead.date(), now=ahead)
    complete(workspace, "D1", at=START)
    (batch,) = intake.take_completed(workspace, ledger, gather=timedelta(0))
    assert "D1" in ledger.contents(batch)


def test_no_password_of_the_watched_place_comes_into_the_ledger(workspace: Workspace, ledger: Ledger) -> None:
    assert intake.take_in(workspace, ledger, Watched("ftp://user:s3cret@127.0.0.1:1/in")) == []
    ((name, why),) = ledger.left_out().items()
    assert name == "ftp://127.0.0.1:1/in"
    assert why.startswith("The watched place cannot be listed: ftp://127.0.0.1:1/in: ")
    assert why.endswith("refused; see whether it is mounted, and check its address and rights.")
    assert "s3cret" not in why


def test_a_place_that_nothing_opens_is_said_once(workspace: Workspace, ledger: Ledger) -> None:
    assert intake.take_in(workspace, ledger, Watched("foo://x")) == []
    (why,) = ledger.left_out().values()
    assert why.startswith("The watched place foo://x cannot be opened: ")
    assert "listed" not in why
