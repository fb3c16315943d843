from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from signing_core.errors import StorageError, UsageError
from signing_core.storage import database, schema
from signing_core.storage.database import make_engine, reading, writing


def _put(connection: sa.Connection, key: str, value: str = "x") -> None:
    connection.execute(sa.insert(schema.settings).values(key=key, value=value))


def _keys(engine: sa.Engine) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(sa.select(schema.settings.c.key)).scalars())


def test_commits_at_the_end_and_rolls_back_on_an_exception(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        _put(connection, "kept")
    with pytest.raises(RuntimeError), writing(database_engine) as connection:
        _put(connection, "lost")
        raise RuntimeError
    assert _keys(database_engine) == {"kept"}


def test_a_reader_sees_one_moment_and_does_not_wait_for_the_writer(database_engine: sa.Engine) -> None:
    with reading(database_engine) as before:
        assert before.execute(sa.select(sa.func.count()).select_from(schema.settings)).scalar() == 0
        with writing(database_engine) as connection:
            _put(connection, "new")
        assert before.execute(sa.select(sa.func.count()).select_from(schema.settings)).scalar() == 0
    assert _keys(database_engine) == {"new"}


def test_a_reader_cannot_write_on_postgresql(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    with reading(engine) as connection, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        connection.exec_driver_sql("CREATE TABLE t (x int)")
    engine.dispose()


def test_what_was_read_while_writing_is_still_so_at_the_commit(database_engine: sa.Engine) -> None:
    """Read, think, write, from eight threads: no lost update, no failure, nothing to retry."""
    with writing(database_engine) as connection:
        _put(connection, "counter", "0")

    def count() -> None:
        for _ in range(5):
            with writing(database_engine) as connection:
                value = int(connection.execute(sa.select(schema.settings.c.value)).scalar_one())
                time.sleep(0.001)
                connection.execute(sa.update(schema.settings).values(value=str(value + 1)))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(database_engine) as connection:
        assert connection.execute(sa.select(schema.settings.c.value)).scalar_one() == "40"


def test_a_writer_that_waits_too_long_says_so(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    engine = make_engine(empty_database_url)
    schema.metadata.create_all(engine)
    with writing(engine), pytest.raises(StorageError, match="busy"), writing(engine):
        pass
    with writing(engine) as connection:
        _put(connection, "afterwards")
    engine.dispose()


def test_sqlite_is_durable_and_strict(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'd.sqlite'}")
    with reading(engine) as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert values == ["wal", 2, 1]


def test_a_killed_writer_leaves_nothing_and_holds_nothing(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    schema.metadata.create_all(engine)
    code = """
import sys, time, sqlalchemy as sa
from signing_core.storage import schema
from signing_core.storage.database import make_engine, writing
with writing(make_engine(sys.argv[1])) as connection:
    connection.execute(sa.insert(schema.settings).values(key="half", value="x"))
    print("written", flush=True)
    time.sleep(60)
"""
    writer = subprocess.Popen([sys.executable, "-c", code, empty_database_url], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"written\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    with writing(engine) as connection:
        _put(connection, "next")
    assert _keys(engine) == {"next"}
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="database_url"):
        make_engine(url)


def test_a_time_without_offset_is_refused(database_engine: sa.Engine) -> None:
    from datetime import datetime

    with pytest.raises(sa.exc.StatementError, match="offset"), writing(database_engine) as connection:
        connection.execute(
            sa.insert(schema.checkpoints).values(origin="o", size=1, root=b"", note="", created_at=datetime(2026, 1, 1))  # noqa: DTZ001
        )
