"""Alembic migrations, run by `Workspace.create` and `Workspace.open`; there is no alembic.ini.

A change of `storage/schema.py` needs a migration: `python -m signing_core.storage.migrations "what changes"` writes one
from the difference, to be read and corrected, and its name goes to the end of `REVISIONS`. A test holds schema and
migrations together, on SQLite and PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from signing_core.errors import WorkspaceMissing
from signing_core.storage.database import reading, writing

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = ("0001", "0002")
"""All revisions, oldest first. Kept here so that opening a workspace that is up to date need not import Alembic."""


def bring_up_to_date(engine: sa.Engine) -> None:
    """Create or upgrade the tables, in one transaction. Raises `WorkspaceMissing` for a database of a newer version."""
    with reading(engine) as connection:
        if _revision(connection) == REVISIONS[-1]:
            return
    from alembic import command

    with writing(engine) as connection:
        # Another process may have upgraded while we waited to become the writer.
        if _revision(connection) != REVISIONS[-1]:
            configuration = config()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")


def pending(engine: sa.Engine) -> str | None:
    """The revision of a database that is older than this version, `none` without tables; None when it is up to date.

    Raises `WorkspaceMissing` for a database of a newer version.
    """
    with reading(engine) as connection:
        found = _revision(connection)
    return None if found == REVISIONS[-1] else found or "none"


def config() -> Config:
    """Alembic's configuration for these migrations."""
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found is not None and found not in REVISIONS:
        raise WorkspaceMissing(
            f"The database {connection.engine.url.render_as_string(hide_password=True)} is of a newer version of Sealtrail"
            f" (schema {found}); upgrade Sealtrail to open this workspace."
        )
    return found
