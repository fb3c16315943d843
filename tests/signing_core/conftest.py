"""An engine on either kind of database; a workspace of one's own whose clock the test sets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from signing_core.storage import migrations
from signing_core.storage.database import make_engine, with_event_key
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; tests that use it run on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def database_engine(empty_database_url: str) -> Iterator[sa.Engine]:
    """An engine on a database with all tables, once per kind of database."""
    engine = make_engine(empty_database_url)
    migrations.bring_up_to_date(engine)
    yield with_event_key(engine, lambda: b"a key for tests, of 32 octets...")
    engine.dispose()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def workspace(blank_workspace: Path, tmp_path: Path, clock: ManualClock) -> Iterator[Workspace]:
    folder = tmp_path / "workspace"
    shutil.copytree(blank_workspace, folder)
    with Workspace.open(folder, clock=clock) as opened:
        yield opened
