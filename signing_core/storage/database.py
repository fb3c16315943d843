"""Engines and transactions: the same promises on SQLite and on PostgreSQL.

- **One writer at a time.** Every step appends to the one audit log, so writers queue anyway; they queue where they begin
  (`BEGIN IMMEDIATE` on SQLite, a transaction-level advisory lock on PostgreSQL) instead of failing where they commit.
  There are no serialisation failures and no deadlocks, and nothing for the caller to retry.
- **A reader sees one moment**: a snapshot for the whole `reading` block (WAL on SQLite, `REPEATABLE READ, READ ONLY` on
  PostgreSQL), and never waits for the writer.
- **A commit is durable**: `synchronous=FULL` on SQLite, PostgreSQL's default.

An engine must not be carried over a fork; open the workspace again in the child.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from signing_core.errors import KeyUnavailable, StorageError, UsageError

BUSY_SECONDS = 30
"""How long a writer waits for the one before it, in seconds."""

WRITER_LOCK = 0x5EA17A11
"""Key of PostgreSQL's advisory lock for the one writer; below 2**32, where no document's lock is."""

POSTGRESQL_CONNECTION = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "connect_timeout": 10}
"""A lost server or client is noticed within about a minute, so that its locks end. In seconds."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "wal_autocheckpoint=4000",  # pages of 4 KiB; every step touches the same few, so rarer is less work
    "cache_size=-16000",  # KiB
)

_WRITING = "sealtrail_writing"
_EVENT_KEY = "sealtrail_event_key"


def make_engine(url: str | sa.URL) -> sa.Engine:
    """An engine for `sqlite:///FILE` or `postgresql://...` (psycopg 3). Raises `UsageError` for any other database."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise UsageError(
            "The setting database_url is not a database URL; write sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        return _postgresql(parsed)
    raise UsageError(f"Databases of the kind {backend} are not supported; use sqlite or postgresql in database_url.")


def with_event_key(engine: sa.Engine, key: Callable[[], bytes]) -> sa.Engine:
    """The same engine, whose connections know the key of the workspace's events (`audit_log.authentication`).

    It goes with the connection, so that nobody who appends or reads an event has to remember it; it is asked for when it is needed.
    """
    return engine.execution_options(**{_EVENT_KEY: key})


def event_key(connection: sa.Connection) -> bytes:
    """Raises `KeyUnavailable` when the key ring cannot be opened, or the engine is none of a workspace."""
    key = connection.get_execution_options().get(_EVENT_KEY)
    if key is None:
        raise KeyUnavailable("The database was opened without a workspace, so there is no key ring for its events.")
    return bytes(key())


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction as the only writer; committed at the end of the block, rolled back on any exception.

    Raises `StorageError` when the writer before it does not finish within `BUSY_SECONDS`.
    """
    with engine.connect() as connection:
        connection.execution_options(**{_WRITING: True})
        transaction = _begin(connection)
        try:
            yield connection
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One snapshot of the database, read only."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        transaction = _begin(connection)
        try:
            yield connection
        finally:
            transaction.rollback()


def is_writing(connection: sa.Connection) -> bool:
    """Whether `connection` came from `writing`."""
    return bool(connection.get_execution_options().get(_WRITING))


def _begin(connection: sa.Connection) -> sa.RootTransaction:
    try:
        return connection.begin()
    except (exc.OperationalError, sqlite3.OperationalError) as error:
        text = str(error)
        if "locked" in text or "lock timeout" in text or "busy" in text:
            raise StorageError(
                f"The database was busy with another writer for {BUSY_SECONDS} seconds; try again in a moment."
            ) from error
        raise


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # The driver must not begin transactions on its own: it would begin them deferred, and late.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        # By the driver: it is done with every step, and SQLAlchemy's way to it costs ten times as much.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if is_writing(connection) else "BEGIN")

    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=POSTGRESQL_CONNECTION,
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        if is_writing(connection):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    return engine
