"""Frames of a workspace beside the database itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa
from seeded import Seeded

from signing_core import Workspace, frames, verify_archive
from signing_core.errors import UsageError
from signing_core.frames.tables import TABLES
from signing_core.storage import migrations, schema
from signing_core.storage.database import make_engine, reading
from signing_core.verification.reports import parquet

STORED = {
    "documents": schema.documents,
    "parties": schema.document_parties,
    "files": schema.document_files,
    "events": schema.audit_events,
    "messages": schema.outbox,
    "findings": schema.findings,
    "checkpoints": schema.checkpoints,
}


@pytest.fixture(scope="module")
def workspace(seeded: Seeded) -> Workspace:
    return Workspace.open(seeded.folder)


def count(workspace: Workspace, table: sa.Table) -> int:
    with reading(workspace.engine) as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.mark.parametrize("name", STORED)
def test_every_row_comes_with_the_stated_dtypes(workspace: Workspace, name: str) -> None:
    frame = getattr(frames, name)(workspace)
    assert len(frame) == count(workspace, STORED[name])
    stated = frames.dtypes(name)
    assert {key: str(dtype) for key, dtype in frame.dtypes.items()} == {key: stated[key] for key in frame}


def test_persons_come_only_when_they_are_asked_for(workspace: Workspace) -> None:
    assert "contact" not in frames.parties(workspace)
    assert frames.parties(workspace, with_personal=True)["contact"].notna().all()
    assert "author" not in frames.documents(workspace)


@pytest.mark.parametrize("rows", [1, 7, 100_000])
def test_chunks_lose_and_repeat_nothing(workspace: Workspace, rows: int) -> None:
    chunks = list(frames.chunks("events", workspace, rows=rows))
    assert max(map(len, chunks)) <= rows
    assert pd.concat(chunks)["seq"].tolist() == list(range(count(workspace, schema.audit_events)))


def test_times_and_data_are_those_of_the_database(workspace: Workspace) -> None:
    frame = frames.events(workspace, columns=["seq", "time", "body"], data=["role", "channels"])
    with reading(workspace.engine) as connection:
        rows = connection.execute(sa.select(schema.audit_events).order_by(schema.audit_events.c.seq)).all()
    assert frame["time"].dt.to_pydatetime().tolist() == [row.time for row in rows]
    assert frame["body"].tolist() == [row.body.decode() for row in rows]
    assert set(frame["role"].dropna()) == {"first-party", "client", "author"}
    assert frame["channels"].dropna().str.startswith("{").all()


def test_a_period_is_half_open_and_in_the_company_s_time_zone(workspace: Workspace) -> None:
    since, until = frames.period("2026-11", workspace.zone)
    assert (since, until) == (datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC))
    assert frames.period("2026-12")[1] == datetime(2027, 1, 1, tzinfo=UTC)
    assert frames.period("2026-03-29", workspace.zone)[1] == datetime(2026, 3, 29, 22, tzinfo=UTC)  # a day of 23 hours
    times = frames.events(workspace)["time"]
    some = frames.events(workspace, since=times.iloc[5].to_pydatetime(), until=times.iloc[-1].to_pydatetime())
    assert some["time"].min() == times.iloc[5]
    assert some["time"].max() < times.iloc[-1]


@pytest.mark.parametrize("text", ["2026-13", "26-11", "2026-11-31", "November", ""])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a period"):
        frames.period(text)


def test_unknown_names_and_naive_times_are_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no table"):
        next(frames.chunks("secrets", workspace))
    with pytest.raises(UsageError, match="no column"):
        frames.events(workspace, columns=["nothing"])
    with pytest.raises(UsageError, match="offset"):
        frames.events(workspace, since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_duckdb_sees_the_same(workspace: Workspace) -> None:
    with frames.database(workspace) as connection:
        for name in TABLES:
            assert len(connection.table(name)) == count(workspace, STORED[name])
        assert len(connection.table("runs")) == 0
        [[last]] = connection.sql("SELECT max(time) FROM events").fetchall()
    assert last == frames.events(workspace)["time"].max()


def test_verdicts_survive_the_way_through_parquet(workspace: Workspace, seeded: Seeded, tmp_path: Path) -> None:
    wanted = [seeded.document("changed-byte"), seeded.document("same-contact-twice")]
    made = verify_archive(workspace, wanted).verdicts
    with (tmp_path / "some.parquet").open("wb") as stream:
        writer = parquet.ParquetWriter(stream)
        for verdict in made:
            writer.write(verdict)
        writer.close()
    assert tuple(frames.read_verdicts([tmp_path / "some.parquet"])) == made
    frame = frames.verdicts(made).set_index("document_id")
    assert frame.loc[wanted[0], "integrity"] == "altered"
    assert frame["in_order"].tolist() == [False, True]
    errors = frames.verdict_findings(made).query("severity == 'error'")
    assert set(errors["document_id"]) == {wanted[0]}


def test_verdicts_and_runs_are_relations_too(workspace: Workspace, seeded: Seeded) -> None:
    made = verify_archive(workspace, [seeded.document("changed-byte"), seeded.document("same-contact-twice")]).verdicts
    connection = duckdb.connect()
    counted = (
        frames.verdict_relation(iter(made), connection).aggregate("integrity, count(*) AS n", "integrity").fetchall()
    )
    assert dict(counted) == {"altered": 1, "intact": 1}
    assert connection.table("verdicts").columns == list(frames.dtypes("verdicts"))
    stream = frames.verdict_batches(iter(made), rows=1)
    assert [batch.num_rows for batch in stream] == [1, 1]
    assert frames.relation("runs", workspace, connection).columns == list(frames.dtypes("runs"))


@pytest.mark.parametrize(
    ("name", "made"), [("verdicts", frames.verdicts), ("verdict_findings", frames.verdict_findings)]
)
def test_frames_that_are_made_have_the_stated_dtypes(name: str, made: Callable[..., pd.DataFrame]) -> None:
    assert {key: str(dtype) for key, dtype in made([]).dtypes.items()} == frames.dtypes(name)


def test_on_postgresql_everything_is_the_same(workspace: Workspace, postgresql_url: str) -> None:
    """The rows of the seeded workspace, copied to a PostgreSQL server, give the same frames."""
    engine = make_engine(postgresql_url)
    migrations.bring_up_to_date(engine)
    copied = [schema.parties, *STORED.values(), schema.anchors]
    with reading(workspace.engine) as source, engine.begin() as target:
        target.execute(sa.text("SET session_replication_role = replica"))  # rows as they are, in any order
        for table in copied:
            rows = [dict(row) for row in source.execute(sa.select(table)).mappings()]
            if rows:
                target.execute(table.insert(), rows)
    moved = cast("Workspace", SimpleNamespace(engine=engine, zone=workspace.zone))
    since, until = frames.period("2026-10", workspace.zone)
    for name in TABLES:
        read = getattr(frames, name)
        pd.testing.assert_frame_equal(read(moved), read(workspace))
        pd.testing.assert_frame_equal(read(moved, since=since, until=until), read(workspace, since=since, until=until))
    some = {"columns": ["seq", "time", "body"], "data": ["role", "channels"], "types": ["link.issued"]}
    pd.testing.assert_frame_equal(frames.events(moved, **some), frames.events(workspace, **some))
    assert [len(chunk) for chunk in frames.chunks("events", moved, rows=100)] == [
        len(chunk) for chunk in frames.chunks("events", workspace, rows=100)
    ]
    with frames.database(moved) as connection:
        assert len(connection.table("events")) == count(workspace, schema.audit_events)
    engine.dispose()


def test_a_listing_leaves_nothing_out(workspace: Workspace) -> None:
    listing = frames.listing(frames.documents(workspace), caption="All")
    assert listing.head[0] == "document id"
    assert len(listing.rows) == count(workspace, schema.documents)
    assert any(value is None for row in listing.rows for value in row), "what is missing is None"


def test_an_empty_frame_has_its_dtypes_too() -> None:
    assert str(frames.verdicts([])["at"].dtype) == "datetime64[us, UTC]"


def test_only_frames_bring_pandas_in() -> None:
    program = "import sys, signing_core, signing_core.cli, signing_core.desk, signing_core.sampling; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
