"""Who is sending a message: a lock that ends with its process, so that a crash is told from slow work at once.

The database says *sending*; the lock says whether somebody still is. SQLite's workers share a file system, so a file
beside the database is locked; PostgreSQL's may be on several machines, so the server holds the lock for as long as the
worker's connection lives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import pool

from signing_core.storage.database import POSTGRESQL_CONNECTION
from signing_core.storage.locks import file_lock

_FOLDER: Final = "locks"


@contextmanager
def claim(engine: sa.Engine, outbox_id: str) -> Iterator[bool]:
    """Try to become the only sender of a message for the block; yields whether that worked, without waiting."""
    if engine.dialect.name == "postgresql":
        held = _advisory_lock(engine, outbox_id)
    else:
        database = engine.url.database
        if not database or database == ":memory:":
            raise ValueError("the outbox needs a database in a file")
        held = file_lock(Path(database).resolve().parent / _FOLDER / f"outbox-{outbox_id}", 0.0)
    with held as got_it:
        yield got_it


@contextmanager
def _advisory_lock(engine: sa.Engine, outbox_id: str) -> Iterator[bool]:
    outside = sa.create_engine(
        engine.url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT", connect_args=POSTGRESQL_CONNECTION
    )
    key = int.from_bytes(hashlib.sha256(f"outbox:{outbox_id}".encode()).digest()[:8], "big", signed=True)
    with outside.connect() as connection:
        yield bool(connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": key | -(2**63)}))
