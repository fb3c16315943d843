from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
import sqlalchemy as sa

from signing_core.audit_log import events, personal, proofs, replay, tree
from signing_core.audit_log.events import NewEvent
from signing_core.audit_log.personal import Personal
from signing_core.errors import LogInconsistent
from signing_core.storage import schema
from signing_core.storage.database import make_engine, reading, with_event_key, writing

NOW = datetime(2026, 5, 4, 8, 0, 0, 7, tzinfo=UTC)


def _append(engine: sa.Engine, document: str | None = "D1", **values: object) -> events.Event:
    with writing(engine) as connection:
        return events.append(
            connection, type="document.opened", time=NOW, actor="client", document_id=document, data=values
        )


def test_the_body_is_canonical_and_says_everything(database_engine: sa.Engine) -> None:
    first, other, second = _append(database_engine, pages=2), _append(database_engine, "D2"), _append(database_engine)
    with reading(database_engine) as connection:
        stored = events.of_document(connection, "D1")
        assert events.one(connection, 1) == other
        assert events.of_type(connection, "document.opened", since=2) == [second]
        assert events.size(connection) == 3
    assert stored == [first, second]
    assert first.content == {
        "actor": "client", "data": {"pages": 2}, "document": "D1", "prev": None, "seq": 0,
        "time": "2026-05-04T08:00:00.000007Z", "type": "document.opened",
    }  # fmt: skip
    assert second.content["prev"] == first.sha256
    assert other.content["prev"] is None
    assert all(event.body == rfc8785.dumps(event.content) for event in (first, other, second))


def test_times_are_utc_and_aware(database_engine: sa.Engine) -> None:
    from datetime import timezone

    with writing(database_engine) as connection:
        there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
        event = events.append(connection, type="t", time=there, actor="system")
        with pytest.raises(ValueError, match="offset"):
            events.append(connection, type="t", time=datetime(2026, 1, 1), actor="system")  # noqa: DTZ001
    assert event.content["time"].startswith("2026-05-04T08:00:00")
    assert event.time == NOW


def test_personal_values_stay_outside(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        event = events.append(
            connection, type="t", time=NOW, actor="author", document_id="D1", about="client",
            data={"pages": 1}, personal={"name": "Erika Mustermann", "sender": Personal("author", ["a", 1])},
        )  # fmt: skip
        again = events.append(
            connection, type="t", time=NOW, actor="author", document_id="D1", personal={"name": "Erika Mustermann"}
        )
    assert b"Erika" not in event.body
    assert event.data["name"] != again.data["name"], "the same value twice must not be recognisable"
    with reading(database_engine) as connection:
        values = personal.opened(connection, "D1")
        assert personal.reveal(event.data, values) == {"name": "Erika Mustermann", "sender": ["a", 1], "pages": 1}
        rows = connection.execute(sa.select(schema.personal_data)).all()
    assert {row.role for row in rows} == {"client", "author"}
    for row in rows:
        assert personal.commit(row.salt, row.value.encode()) == row.commitment
    with writing(database_engine) as connection:
        assert personal.erase(connection, "D1", "client", now=NOW) == 1
        assert personal.erase(connection, "D1", "client", now=NOW) == 0
        left = personal.opened(connection, "D1")
    assert personal.reveal(event.data, left)["name"] is None
    assert personal.reveal(event.data, left)["sender"] == ["a", 1]


def test_a_key_cannot_be_both(database_engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="name"), writing(database_engine) as connection:
        events.append(connection, type="t", time=NOW, actor="a", data={"name": 1}, personal={"name": 2})


def test_what_json_cannot_say_exactly_is_refused_and_leaves_nothing(database_engine: sa.Engine) -> None:
    for value in (2**53, float("nan"), b"x", {1: 2}, "\ud800"):
        with pytest.raises(ValueError), writing(database_engine) as connection:
            events.append(connection, type="t", time=NOW, actor="a", data={"v": value})
    with reading(database_engine) as connection:
        assert events.size(connection) == 0


def test_the_tree_is_the_one_over_the_bodies_however_they_came(database_engine: sa.Engine) -> None:
    total = 0
    leaves: list[bytes] = []
    for count in (1, 1, 2, 5, 1, 16, 3, 40, 1):
        with writing(database_engine) as connection:
            made = events.append_many(
                connection, [NewEvent("t", NOW, "system", f"D{(total + i) % 3}") for i in range(count)]
            )
        leaves += [event.leaf_hash for event in made]
        total += count
        with reading(database_engine) as connection:
            assert proofs.root(connection, total) == tree.root(leaves)
    with reading(database_engine) as connection:
        for index in range(total):
            proof = proofs.inclusion(connection, index, total)
            tree.verify_inclusion(leaves[index], index, total, proof, tree.root(leaves))
        for old in range(1, total + 1):
            proof = proofs.consistency(connection, old, total)
            tree.verify_consistency(old, total, proof, tree.root(leaves[:old]), tree.root(leaves))
    replayed = replay.replay(database_engine, range(total + 1))
    assert replayed.findings == ()
    assert all(replayed.roots[size] == tree.root(leaves[:size]) for size in range(total + 1))


def test_appending_nothing(database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        assert events.append_many(connection, []) == []


def test_a_rolled_back_change_takes_its_events_along(database_engine: sa.Engine) -> None:
    _append(database_engine)
    with pytest.raises(RuntimeError), writing(database_engine) as connection:
        events.append(connection, type="t", time=NOW, actor="a", document_id="D1", personal={"x": 1})
        raise RuntimeError
    _append(database_engine)
    assert replay.replay(database_engine).findings == ()
    with reading(database_engine) as connection:
        assert events.size(connection) == 2
        assert connection.execute(sa.select(schema.personal_data)).all() == []


def test_many_writers_make_one_log(database_engine: sa.Engine) -> None:
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for _ in range(10):
                _append(database_engine, f"D{number % 3}")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert replay.replay(database_engine).findings == ()
    with reading(database_engine) as connection:
        assert events.size(connection) == 60


def test_a_tampered_head_or_tree_stops_appending(database_engine: sa.Engine) -> None:
    for _ in range(5):
        _append(database_engine)
    with writing(database_engine) as connection:
        connection.execute(sa.delete(schema.audit_nodes).where(schema.audit_nodes.c.position == tree.position((2, 0))))
    _append(database_engine)
    _append(database_engine)
    with pytest.raises(LogInconsistent, match="audit verify"):
        _append(database_engine)  # the eighth completes the node over the missing one
    with writing(database_engine) as connection:
        connection.execute(sa.update(schema.audit_head).values(size=3))
    with pytest.raises(LogInconsistent, match="audit verify"):
        _append(database_engine)
    with writing(database_engine) as connection:
        connection.execute(sa.delete(schema.audit_head))
    with pytest.raises(LogInconsistent, match="head"):
        _append(database_engine)


@pytest.mark.parametrize("left", ["events", "nodes"])
def test_a_head_that_was_set_back_stops_appending(database_engine: sa.Engine, left: str) -> None:
    for _ in range(4):
        _append(database_engine)
    with writing(database_engine) as connection:
        connection.execute(sa.update(schema.audit_head).values(size=1))
        if left == "nodes":
            connection.execute(sa.delete(schema.audit_events).where(schema.audit_events.c.seq >= 1))
    with pytest.raises(LogInconsistent, match=r"head,? (which )?says 1 events; stop all work"):
        _append(database_engine)


def test_killed_while_appending_there_is_no_half_event(empty_database_url: str) -> None:
    """A process appends a document with its event, again and again, and is killed at any time."""
    engine = with_event_key(make_engine(empty_database_url), lambda: bytes(32))
    schema.metadata.create_all(engine)
    code = """
import sys
from datetime import UTC, datetime
import sqlalchemy as sa
from signing_core.audit_log import events
from signing_core.storage import schema
from signing_core.storage.database import make_engine, with_event_key, writing
engine = with_event_key(make_engine(sys.argv[1]), lambda: bytes(32))
print("ready", flush=True)
for number in range(100_000):
    with writing(engine) as connection:
        connection.execute(sa.insert(schema.settings).values(key=f"{sys.argv[2]}-{number}", value="x"))
        events.append_many(connection, [
            events.NewEvent("t", datetime.now(UTC), "system", "D1", {"of": f"{sys.argv[2]}-{number}"}, {"name": "x"})
            for _ in range(3)])
"""
    for round_ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", code, empty_database_url, str(round_)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        threading.Event().wait(0.15 + 0.07 * round_)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with reading(engine) as connection:
        changes = set(connection.execute(sa.select(schema.settings.c.key)).scalars())
        recorded = [json.loads(event.body)["data"]["of"] for event in events.of_document(connection, "D1")]
        values = connection.execute(sa.select(sa.func.count()).select_from(schema.personal_data)).scalar_one()
    assert changes
    assert set(recorded) == changes
    assert len(recorded) == values == 3 * len(changes)
    replayed = replay.replay(engine)
    assert (replayed.findings, replayed.forged) == ((), ())
    engine.dispose()
