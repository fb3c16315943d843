"""The audit log beside a bare SQLite insert of the same row.

    python benchmarks/audit_log.py [--events 1000000] [--folder DIR]

Single appends and bare inserts take turns in blocks, each in transactions of their own with `synchronous=FULL`, into a
file on the disk that is named: so both meet the same disk in the same mood.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from signing_core.audit_log import events, proofs, replay, tree
from signing_core.audit_log.events import NewEvent
from signing_core.storage import migrations
from signing_core.storage.database import make_engine, reading, with_event_key, writing

AIMS = {"single": 0.6, "replay": 300_000, "proof": 1.0}


def event(number: int) -> NewEvent:
    """Like a party opening its link, a dozen events to a document."""
    return NewEvent(
        "link.opened",
        datetime.now(UTC),
        "client",
        f"01K{number // 12:023}",
        {"role": "client", "link": 1, "session": f"{number:064x}", "document_sha256": "ab" * 32},
    )


def bare(folder: Path) -> sqlite3.Connection:
    """The same table with the same indexes, and nothing else."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.executescript(
        """
        PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
        CREATE TABLE audit_events (seq INTEGER NOT NULL PRIMARY KEY, document_id VARCHAR(26), type VARCHAR(40) NOT NULL,
                                   time DATETIME NOT NULL, body BLOB NOT NULL, leaf_hash BLOB NOT NULL, mac BLOB);
        CREATE INDEX a ON audit_events (document_id, seq);
        CREATE INDEX b ON audit_events (type);
        CREATE INDEX c ON audit_events (time);
        """
    )
    return connection


def insert_bare(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def appends(
    engine: sa.Engine, connection: sqlite3.Connection, size: int, blocks: int, per_block: int
) -> list[tuple[float, float]]:
    """Events per second of our appends and of bare inserts, in transactions of `size`, block by block."""
    found = []
    with reading(engine) as opened:
        number = events.size(opened)
    for _ in range(blocks):
        made: list[events.Event] = []
        started = time.perf_counter()
        for _ in range(per_block):
            with writing(engine) as opened:
                if size == 1:
                    one = event(number)
                    made.append(
                        events.append(
                            opened,
                            type=one.type,
                            time=one.time,
                            actor=one.actor,
                            document_id=one.document_id,
                            data=one.data,
                        )
                    )
                else:
                    made += events.append_many(opened, [event(number + i) for i in range(size)])
            number += size
        ours = per_block * size / (time.perf_counter() - started)
        rows = [
            (
                e.seq,
                e.document_id,
                e.type,
                e.time.strftime("%Y-%m-%d %H:%M:%S.%f"),
                e.body,
                tree.leaf_hash(e.body),
                bytes(32),
            )
            for e in made
        ]
        started = time.perf_counter()
        for start in range(0, len(rows), size):
            insert_bare(connection, rows[start : start + size])
        found.append((ours, per_block * size / (time.perf_counter() - started)))
    return found


def report(name: str, found: list[tuple[float, float]]) -> float:
    ours, theirs = (statistics.median(values) for values in zip(*found, strict=True))
    ratio = statistics.median(a / b for a, b in found)
    print(f"{name:<28} {ours:>10,.0f} /s   bare insert {theirs:>10,.0f} /s   {ratio:.2f} x")
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="size of the log for proofs and replay")
    parser.add_argument("--folder", type=Path, help="where to write; by default the temporary folder")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="audit-log-", dir=arguments.folder))
    try:
        run(folder, arguments.events)
    finally:
        shutil.rmtree(folder)


def run(folder: Path, total: int) -> None:
    engine = with_event_key(make_engine(f"sqlite:///{folder / 'database.sqlite'}"), lambda: bytes(32))
    migrations.bring_up_to_date(engine)
    connection = bare(folder)
    appends(engine, connection, 1, 1, 200)  # warm
    single = report("append, one by one", appends(engine, connection, 1, 15, 200))
    report("append, batches of 500", appends(engine, connection, 500, 10, 4))
    with reading(engine) as opened:
        number = events.size(opened)
    while number < total:
        count = min(5000, total - number)
        with writing(engine) as opened:
            events.append_many(opened, [event(number + i) for i in range(count)])
        number += count
    times = []
    with reading(engine) as opened:
        proofs.inclusion(opened, 0, number)
        for _ in range(500):
            index = random.randrange(number)
            started = time.perf_counter()
            proofs.inclusion(opened, index, number)
            times.append((time.perf_counter() - started) * 1000)
        bodies = opened.exec_driver_sql("SELECT avg(length(body)) FROM audit_events").scalar()
    proof = statistics.median(times)
    print(f"{'inclusion proof':<28} {proof:>10.3f} ms at {number:,} events (slowest of 500: {max(times):.3f} ms)")
    best = 0.0
    for jobs in dict.fromkeys((1, os.cpu_count() or 1)):
        started = time.perf_counter()
        replayed = replay.replay(engine, [number], jobs=jobs)
        rate = number / (time.perf_counter() - started)
        best = max(best, rate)
        assert replayed.findings == ()
        print(f"{f'full replay, {jobs} process(es)':<28} {rate:>10,.0f} /s")
    engine.dispose()
    with sqlite3.connect(folder / "database.sqlite") as closing:
        closing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    closing.close()
    size = (folder / "database.sqlite").stat().st_size
    print(f"{'storage':<28} {size / number:>10.0f} bytes per event, of which {bodies:.0f} its body")
    print(
        f"aims: single {'met' if single >= AIMS['single'] else 'MISSED'}, "
        f"proof {'met' if proof < AIMS['proof'] else 'MISSED'}, replay {'met' if best >= AIMS['replay'] else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
