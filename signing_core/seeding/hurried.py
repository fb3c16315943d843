"""Sample data need not outlive a power cut: nothing waits for the disk while it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from signing_core.storage.workspace import Workspace


@contextmanager
def hurried(workspace: Workspace) -> Iterator[None]:
    """In this process, for the length of the block: no file is synced, and commits on SQLite do not wait.

    For throwaway workspaces only. What is written is the same, and a killed process still leaves whole files and whole
    transactions; a power cut does not.
    """

    def connected(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    sqlite = workspace.engine.dialect.name == "sqlite"
    if sqlite:
        workspace.engine.dispose()  # connections that are open already would go on waiting
        sa.event.listen(workspace.engine, "connect", connected)
    synced, os.fsync = os.fsync, lambda fd: None
    try:
        yield
    finally:
        os.fsync = synced
        if sqlite:
            sa.event.remove(workspace.engine, "connect", connected)
            workspace.engine.dispose()
