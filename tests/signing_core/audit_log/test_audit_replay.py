"""The replay over several batches, chunks and processes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from signing_core.audit_log import events, proofs, replay, tree
from signing_core.audit_log.events import NewEvent
from signing_core.audit_log.replay_chunk import BATCH, BATCH_LEVEL
from signing_core.storage import migrations, schema
from signing_core.storage.database import make_engine, reading, with_event_key, writing

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
SIZE = 4 * BATCH + 1234
Change = Callable[..., None]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    folder: Path = tmp_path_factory.mktemp("replay")
    engine = with_event_key(make_engine(f"sqlite:///{folder / 'd.sqlite'}"), lambda: bytes(32))
    migrations.bring_up_to_date(engine)
    with writing(engine) as connection:
        events.append_many(
            connection,
            [
                NewEvent("t", START + timedelta(seconds=number), "client", f"D{number % 700}" if number % 5 else None)
                for number in range(SIZE)
            ],
        )
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "CHUNK", 2 * BATCH)
    monkeypatch.setattr(replay, "SHARED_OUT_FROM", 1)


def _codes(engine: sa.Engine, *changes: sa.Executable, jobs: int = 1) -> list[tuple[str, int | None]]:
    """What the replay finds after these changes, which are taken back afterwards."""
    with engine.connect() as connection:
        saved = {
            table: connection.execute(sa.select(table)).all()
            for table in (schema.audit_events, schema.audit_nodes, schema.audit_head)
        }
    try:
        with writing(engine) as connection:
            for change in changes:
                connection.execute(change)
        return [(finding.code, finding.seq) for finding in replay.replay(engine, jobs=jobs).findings]
    finally:
        with writing(engine) as connection:
            for table, rows in saved.items():
                connection.execute(sa.delete(table))
                connection.execute(sa.insert(table), [dict(row._mapping) for row in rows])


def test_roots_at_any_size(engine: sa.Engine) -> None:
    chosen = sorted({0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH, 4 * BATCH, SIZE, *random.sample(range(SIZE), 40)})
    done: list[int] = []
    alone = replay.replay(engine, chosen, jobs=1, progress=done.append)
    assert alone.findings == ()
    assert sum(done) == alone.size == SIZE
    with reading(engine) as connection:
        leaves = list(connection.execute(sa.select(schema.audit_events.c.leaf_hash)).scalars())
        assert alone.roots == {size: tree.root(leaves[:size]) for size in chosen}
        assert all(proofs.root(connection, size) == alone.roots[size] for size in chosen if size)


@pytest.mark.slow
def test_shared_out_among_processes_it_finds_the_same(engine: sa.Engine) -> None:
    sizes = [5, BATCH, 3 * BATCH + 7, SIZE]
    assert replay.replay(engine, sizes, jobs=2) == replay.replay(engine, sizes, jobs=1)
    table = schema.audit_events
    change = sa.update(table).where(table.c.seq.in_([3, 9000])).values(type="other")
    assert _codes(engine, change, jobs=2) == [("event-columns", 3), ("event-columns", 9000)]


@pytest.mark.parametrize("seq", [0, 1, BATCH - 1, BATCH, 2 * BATCH, 3 * BATCH - 1, 4 * BATCH, SIZE - 1])
def test_one_altered_leaf_is_one_finding_wherever_it_is(engine: sa.Engine, seq: int) -> None:
    table = schema.audit_events
    found = _codes(engine, sa.update(table).where(table.c.seq == seq).values(body=b"{}"))
    assert ("event-altered", seq) in found
    assert not {code for code, _ in found} & {"node-wrong", "node-missing", "events-missing"}


@pytest.mark.parametrize("level", [1, 2, BATCH_LEVEL, BATCH_LEVEL + 1, BATCH_LEVEL + 2])
@pytest.mark.parametrize("gone", [True, False])
def test_a_node_of_any_level(engine: sa.Engine, level: int, gone: bool) -> None:
    table = schema.audit_nodes
    here = table.c.position == tree.position((level, 0))
    change = sa.delete(table).where(here) if gone else sa.update(table).where(here).values(hash=bytes(32))
    assert _codes(engine, change) == [("node-missing" if gone else "node-wrong", 0)]


def test_a_chain_broken_across_chunks(engine: sa.Engine) -> None:
    """The first event of a document in a later chunk is judged by what the chunks before it ended with."""
    table = schema.audit_events
    last_before = max(seq for seq in range(2 * BATCH) if seq % 5 and seq % 700 == 44)
    first_after = min(seq for seq in range(2 * BATCH, SIZE) if seq % 5 and seq % 700 == 44)
    found = _codes(engine, sa.update(table).where(table.c.seq == last_before).values(body=b'{"x":1}'))
    assert ("chain-broken", first_after) in found


@pytest.mark.parametrize(
    ("first", "last"), [(10, 10), (BATCH, 2 * BATCH - 1), (BATCH - 1, 2 * BATCH), (SIZE - 3, SIZE - 2)]
)
def test_gaps_are_named_and_the_rest_is_still_judged(engine: sa.Engine, first: int, last: int) -> None:
    table = schema.audit_events
    found = _codes(engine, sa.delete(table).where(table.c.seq.between(first, last)))
    missing = [seq for code, seq in found if code == "events-missing"]
    assert missing[0] == first
    assert not {code for code, _ in found} & {"event-altered", "node-wrong", "node-missing", "event-columns"}


def test_times(engine: sa.Engine) -> None:
    table = schema.audit_events
    for seq in (100, BATCH, 2 * BATCH):
        change = sa.update(table).where(table.c.seq == seq).values(time=START - timedelta(days=1))
        assert ("time-goes-back", seq) in _codes(engine, change)
    change = sa.update(table).where(table.c.seq == 500).values(time=START + timedelta(seconds=450))
    assert ("time-goes-back", 500) not in _codes(engine, change), "clocks may differ by two minutes"


def test_leftovers(engine: sa.Engine) -> None:
    extra = sa.insert(schema.audit_nodes).values(position=10**9, hash=bytes(32))
    assert _codes(engine, extra) == [("nodes-beyond", None)]
    assert _codes(engine, sa.update(schema.audit_head).values(size=SIZE + 1)) == [("events-missing", SIZE)]
    assert _codes(engine, sa.update(schema.audit_head).values(size=7)) == [("head-wrong", SIZE)]


def test_an_empty_log(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'd.sqlite'}")
    migrations.bring_up_to_date(engine)
    assert replay.replay(engine, [0]) == replay.Replayed(0, {0: tree.EMPTY_ROOT}, (), None)
    engine.dispose()
