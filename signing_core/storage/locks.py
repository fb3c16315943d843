"""One process and one thread at a time on a document, for steps longer than one transaction (signing, sealing).

The lock ends with the process that holds it, SIGKILL included: `flock` on a file of the workspace where the database is
SQLite, a session-level advisory lock where it is PostgreSQL and workers may be on several machines. It is not reentrant,
and a process forked while it is held holds it too.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc, pool

from signing_core.errors import ConcurrentChange
from signing_core.storage.database import POSTGRESQL_CONNECTION

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace

WAIT_SECONDS = 30.0
_STALE_SECONDS = 3600.0
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@contextlib.contextmanager
def document_lock(workspace: Workspace, document_id: str, *, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the document alone for the block. Raises `ConcurrentChange` when another holds it for `wait` seconds."""
    if not _ID.fullmatch(document_id):
        raise ValueError("not a document id")
    if workspace.engine.dialect.name == "postgresql":
        held = _advisory_lock(workspace.engine, f"document:{document_id}", wait)
    else:
        held = file_lock(workspace.path / "locks" / document_id, wait)
    with held as got_it:
        if not got_it:
            raise ConcurrentChange(
                f"Document {document_id} is being worked on by somebody else; look at its status and try again."
            )
        yield


@contextlib.contextmanager
def file_lock(file: Path, wait: float) -> Iterator[bool]:
    """Hold `file` exclusively, waiting up to `wait` seconds; yields whether it was got. The file is removed after."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    deadline = time.monotonic() + wait
    pause = 0.002
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() >= deadline:
                yield False
                return
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
            continue
        if _is(descriptor, file):
            break
        # The one before removed the file between our opening and locking it: what we hold, nobody else will look at.
        os.close(descriptor)
    try:
        yield True
    finally:
        try:
            file.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def sweep(workspace: Workspace) -> None:
    """Remove the files of locks that ended with a killed process; those that are held, or were taken lately, are left alone."""
    oldest = time.time() - _STALE_SECONDS
    for file in (workspace.path / "locks").glob("*"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                with file_lock(file, 0):  # which removes it
                    pass


def _is(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _advisory_lock(engine: sa.Engine, name: str, wait: float) -> Iterator[bool]:
    # A connection outside the pool: holders would otherwise use up the connections that their own work needs.
    outside = sa.create_engine(
        engine.url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT", connect_args=POSTGRESQL_CONNECTION
    )
    # The sign bit set keeps these keys apart from the writer's, which is small.
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True) | -(2**63)
    with outside.connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {max(1, int(wait * 1000))}")
        try:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": key})
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
                raise
            yield False
            return
        yield True
