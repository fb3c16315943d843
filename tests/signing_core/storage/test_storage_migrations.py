from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from signing_core.errors import WorkspaceMissing
from signing_core.storage import migrations, schema
from signing_core.storage.database import make_engine, reading, writing


def test_migrations_build_exactly_the_schema(database_engine: sa.Engine) -> None:
    with reading(database_engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": schema.metadata}
        )
        assert compare_metadata(context, schema.metadata) == []


def test_the_comparison_would_notice_a_missing_index(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        connection.exec_driver_sql("DROP INDEX ix_audit_events_time")
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata)


def test_the_revisions_are_alembics() -> None:
    scripts = ScriptDirectory.from_config(migrations.config())
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(migrations.REVISIONS)


def test_the_log_starts_empty(database_engine: sa.Engine) -> None:
    with reading(database_engine) as connection:
        assert connection.execute(sa.select(schema.audit_head)).all() == [(1, 0)]


def test_a_newer_database_is_refused(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkspaceMissing, match="newer version") as refused:
        migrations.bring_up_to_date(database_engine)
    assert str(database_engine.url.database) in str(refused.value)  # which one


def test_an_older_database_is_upgraded_once_by_many(empty_database_url: str) -> None:
    failures: list[BaseException] = []

    def upgrade() -> None:
        engine = make_engine(empty_database_url)
        try:
            migrations.bring_up_to_date(engine)
        except BaseException as failure:
            failures.append(failure)
        engine.dispose()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    engine = make_engine(empty_database_url)
    with reading(engine) as connection:
        assert connection.execute(sa.select(schema.audit_head)).all() == [(1, 0)]
    engine.dispose()
