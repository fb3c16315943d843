"""A million events into pandas and DuckDB by `signing_core.frames`, beside a bare `duckdb` read of the same rows from Parquet.

    python benchmarks/frames.py [--events 1000000] [--folder DIR]

Each way runs in a process of its own, its imports included; CPU seconds are those of all its threads, memory is the largest
resident set of the process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from signing_core.audit_log import events
from signing_core.audit_log.events import NewEvent
from signing_core.storage import migrations
from signing_core.storage.database import make_engine, with_event_key, writing

START = datetime(2026, 1, 1, tzinfo=UTC)


def fill(folder: Path, total: int) -> None:
    engine = with_event_key(make_engine(f"sqlite:///{folder / 'database.sqlite'}"), lambda: bytes(32))
    migrations.bring_up_to_date(engine)
    for first in range(0, total, 20_000):
        some = [
            NewEvent(
                "link.opened", START + timedelta(seconds=n), "client", f"01K{n // 12:023}",
                {"role": "client", "link": 1, "session": f"{n:064x}", "document_sha256": "ab" * 32},
            )
            for n in range(first, min(first + 20_000, total))
        ]  # fmt: skip
        with writing(engine) as connection:
            events.append_many(connection, some)
    engine.dispose()


def opened(folder: Path) -> Any:
    return SimpleNamespace(engine=make_engine(f"sqlite:///{folder / 'database.sqlite'}"))


def as_frame(folder: Path) -> int:
    from signing_core import frames

    return len(frames.events(opened(folder)))


def as_chunks(folder: Path) -> int:
    from signing_core import frames

    return sum(len(chunk) for chunk in frames.chunks("events", opened(folder)))


def as_relation(folder: Path) -> int:
    import duckdb

    from signing_core import frames

    relation = frames.relation("events", opened(folder), duckdb.connect())
    return int(relation.aggregate("count(*)").fetchall()[0][0])


def to_parquet(folder: Path) -> int:
    import pyarrow.parquet as pq

    from signing_core import frames

    with (
        frames.batches("events", opened(folder)) as stream,
        pq.ParquetWriter(folder / "events.parquet", stream.schema) as file,
    ):
        for batch in stream:
            file.write_batch(batch)
    return pq.ParquetFile(folder / "events.parquet").metadata.num_rows


def bare_duckdb(folder: Path) -> int:
    import duckdb

    return len(duckdb.connect().read_parquet(str(folder / "events.parquet")).df())


def bare_sqlite(folder: Path) -> int:
    import sqlite3

    connection = sqlite3.connect(folder / "database.sqlite")
    return len(
        connection.execute("SELECT seq, document_id, type, time, leaf_hash FROM audit_events ORDER BY seq").fetchall()
    )


def measured(way: Callable[[Path], int], folder: Path, queue: Any) -> None:
    started, busy = time.perf_counter(), time.process_time()
    rows = way(folder)
    took = (time.perf_counter() - started, time.process_time() - busy)
    queue.put((rows, *took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to write; by default the temporary folder")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="frames-", dir=arguments.folder))
    context = multiprocessing.get_context("spawn")
    try:
        fill(folder, arguments.events)
        for name, way in (
            ("frames.events (pandas)", as_frame),
            ("frames.chunks (pandas)", as_chunks),
            ("frames.relation (DuckDB)", as_relation),
            ("frames.batches to Parquet", to_parquet),
            ("bare duckdb, that Parquet", bare_duckdb),
            ("bare sqlite3, lists", bare_sqlite),
        ):
            queue = context.Queue()
            process = context.Process(target=measured, args=(way, folder, queue))
            process.start()
            rows, seconds, busy, megabytes = queue.get(timeout=600)
            process.join()
            print(f"{name:<28} {rows:>10,} rows {seconds:>8.2f} s {busy:>8.2f} CPU s {megabytes:>8,.0f} MB", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
