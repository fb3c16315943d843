"""An engine on either kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from signing_core.storage import migrations
from signing_core.storage.database import make_engine


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
    yield engine
    engine.dispose()
