"""The intake's memory as a file among several hosts."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

from signing_core.bulk.ledger import Ledger, SeenFile


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
        made = ledger.add_files(seen, day=date(2026, 11, 25), now=datetime(2026, 11, 25, 12, tzinfo=UTC))
        assert other.files(made) == seen
    assert [one.name for one in tmp_path.iterdir()] == ["intake.sqlite"]
