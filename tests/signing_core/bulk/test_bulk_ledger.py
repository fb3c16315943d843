"""The intake's memory as a file among several hosts."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signing_core.bulk.ledger import Ledger, SeenFile, Size
from signing_core.errors import StorageError

DAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def mode(ledger: Ledger) -> str:
    return str(ledger._connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_the_journal_is_one_that_hosts_can_share(tmp_path: Path) -> None:
    file = tmp_path / "intake.sqlite"
    older = sqlite3.connect(file, isolation_level=None)
    older.execute("PRAGMA journal_mode = WAL")
    older.execute("CREATE TABLE other (a)")
    with Ledger(file) as ledger:
        assert mode(ledger) == "wal"  # somebody has the file open as it was
    older.close()
    with Ledger(file) as ledger, Ledger(file) as other:
        assert (mode(ledger), mode(other)) == ("delete", "delete")
        seen = [SeenFile("a.pdf", 1, "x")]
        (made,) = ledger.add_files(seen, day=DAY, now=NOW)
        assert other.contents(made) == {"a.pdf": NOW}
    assert [one.name for one in tmp_path.iterdir()] == ["intake.sqlite"]


def files(*names: str, changed: str = "x") -> list[SeenFile]:
    return [SeenFile(name, 1, changed) for name in names]


@pytest.mark.parametrize(
    ("documents", "day", "room"),
    [
        (3, date(2026, 11, 25), 7),
        (10, date(2026, 11, 25), 0),  # full
        (3, date(2026, 11, 26), 7),  # its day is over, but it is small
        (4, date(2026, 11, 26), 0),
        (3, date(2026, 11, 30), 7),
        (3, date(2026, 12, 1), 0),  # its month is over
        (3, date(2027, 11, 25), 0),
    ],
)
def test_a_batch_is_open_until_it_is_full_or_its_time_is_over(
    tmp_path: Path, documents: int, day: date, room: int
) -> None:
    size = Size(largest=10, fewest=4)
    with Ledger(tmp_path / "intake.sqlite") as ledger:
        (batch,) = ledger.add_files(files(*(f"{n}.pdf" for n in range(documents))), day=DAY, now=NOW, size=size)
        assert size.room(batch, day) == room
        (next_one,) = ledger.add_files(files("late.pdf"), day=day, now=NOW, size=size)
        assert (next_one.key == batch.key) == bool(room)


def test_what_comes_in_fills_the_open_batch_and_then_the_next(tmp_path: Path) -> None:
    size, later = Size(largest=3), NOW + timedelta(hours=1)
    with Ledger(tmp_path / "intake.sqlite") as ledger:
        ledger.add_files(files("a.pdf", "b.pdf"), day=DAY, now=NOW, size=size)
        heard = max(batch.last for batch in ledger.batches())
        grown, new = ledger.add_files(files("c.pdf", "d.pdf", "e.pdf"), day=DAY, now=later, size=size)
        assert (grown.key, grown.documents) == ("2026-11-25/inbox-001", 3)
        assert ledger.contents(grown) == {"a.pdf": NOW, "b.pdf": NOW, "c.pdf": later}
        assert list(ledger.contents(grown, up_to=heard)) == ["a.pdf", "b.pdf"]
        assert list(ledger.contents(new)) == ["d.pdf", "e.pdf"]
        assert ledger.batches(after=heard) == [grown, new]
        assert ledger.batches(after=new.last) == []


def test_a_changed_file_stays_in_its_batch_which_is_heard_of_again(tmp_path: Path) -> None:
    size, later = Size(largest=2), NOW + timedelta(days=40)
    with Ledger(tmp_path / "intake.sqlite") as ledger:
        (first,) = ledger.add_files(files("a.pdf", "b.pdf"), day=DAY, now=NOW, size=size)
        (again,) = ledger.add_files(files("a.pdf", changed="y"), day=later.date(), now=later, size=size)
        assert (again.key, again.documents) == (first.key, 2)
        assert again.last > first.last
        assert ledger.contents(again) == {"a.pdf": NOW, "b.pdf": NOW}
        assert not list(ledger.unknown_files(files("a.pdf") + files("a.pdf", changed="y")))


def test_what_was_withdrawn_is_in_no_batch_until_it_comes_again(tmp_path: Path) -> None:
    later = NOW + timedelta(days=40)
    with Ledger(tmp_path / "intake.sqlite") as ledger:
        (batch,) = ledger.add_files(files("a.pdf", "b.pdf"), day=DAY, now=NOW)
        left = ledger.withdraw(batch, ["a.pdf", "other.pdf"], now=later)
        assert (left.documents, list(ledger.contents(left))) == (1, ["b.pdf"])
        assert list(ledger.contents(left, up_to=batch.last)) == ["a.pdf", "b.pdf"]
        assert ledger.batches(after=batch.last) == [left]
        assert ledger.withdraw(left, ["a.pdf"], now=later).documents == 1
        assert list(ledger.unknown_files(files("a.pdf", "b.pdf"))) == files("a.pdf")
        (again,) = ledger.add_files(files("a.pdf"), day=later.date(), now=later)
        assert again.key != batch.key
        assert ledger.contents(again) == {"a.pdf": later}


def test_a_ledger_of_before_batches_grew_is_brought_up(tmp_path: Path) -> None:
    file = tmp_path / "intake.sqlite"
    older = sqlite3.connect(file, isolation_level=None)
    older.executescript("""
        CREATE TABLE batches (
          number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, made_at TEXT NOT NULL,
          documents INTEGER NOT NULL);
        CREATE TABLE files (
          path TEXT NOT NULL, size INTEGER NOT NULL, changed TEXT NOT NULL, batch INTEGER NOT NULL REFERENCES batches,
          PRIMARY KEY (path, size, changed)) WITHOUT ROWID;
        CREATE INDEX files_batch ON files (batch, path);
        CREATE TABLE documents (id TEXT PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batches) WITHOUT ROWID;
        CREATE INDEX documents_batch ON documents (batch, id);
        CREATE TABLE identity (id TEXT NOT NULL);
        INSERT INTO identity VALUES ('0123456789abcdef0123456789abcdef');
        INSERT INTO batches VALUES (1, '2026-11-25/archive-001', 'archive', '2026-11-25T12:00:00+00:00', 1);
        INSERT INTO batches VALUES (2, '2026-11-25/inbox-001', 'inbox', '2026-11-25T12:00:00+00:00', 1);
        INSERT INTO documents VALUES ('D1', 1);
        INSERT INTO files VALUES ('a.pdf', 1, 'x', 2);
    """)
    older.close()
    with Ledger(file) as ledger, Ledger(file) as other:
        assert ledger.identity == "0123456789abcdef0123456789abcdef"
        archive, inbox = ledger.batches()
        assert [archive.last, inbox.last] == [1, 2]  # what a sensor of before remembers still holds
        assert ledger.contents(archive) == {"D1": NOW}
        (grown,) = other.add_files(files("b.pdf"), day=DAY, now=NOW)
        assert (grown.key, grown.documents, grown.last) == (inbox.key, 2, 3)
        assert list(ledger.contents(grown)) == ["a.pdf", "b.pdf"]


def test_a_damaged_ledger_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "intake.sqlite"
    Ledger(file).close()
    for damage in (b"no database at all, but a long text about it" * 100, file.read_bytes()[:100] + b"x" * 5_000):
        file.write_bytes(damage)
        with pytest.raises(StorageError, match=rf"{file} is damaged .*; put back a copy from a backup, or move"):
            Ledger(file)


def test_a_ledger_that_was_restored_is_behind_and_begins_anew(tmp_path: Path) -> None:
    with Ledger(tmp_path / "intake.sqlite") as ledger:
        before = ledger.identity
        assert not ledger.is_behind(0)
        ledger.add_files(files("a.pdf"), day=DAY, now=NOW)
        ledger.add_files(files("b.pdf"), day=DAY, now=NOW)
        assert [ledger.is_behind(number) for number in (1, 2, 3)] == [False, False, True]
        ledger.begin_anew()
        after = ledger.identity
        assert after != before
        assert len(after) == 32
    with Ledger(tmp_path / "intake.sqlite") as ledger:
        assert ledger.identity == after
