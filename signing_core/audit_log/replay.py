"""The full replay of events and tree: everything recomputed from the bodies.

(1) the bodies against the stored leaf hashes, and against the columns beside them (what queries find is what they say);
(2) sequence numbers: none missing, none beyond the head;
(3) each body's `prev` against the hash of the same document's body before it;
(4) the times: none earlier than one before it, by more than clocks differ;
(5) all nodes over the leaves against the stored ones;
(6) where the key ring is at hand, the authentication codes.

It gives the root at every size that is asked for, to be compared with checkpoints. A large log is shared out among
processes, 65,536 events at a time.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import sqlalchemy as sa

from signing_core.audit_log import authentication, store, tree
from signing_core.audit_log.findings import Finding
from signing_core.audit_log.replay_chunk import (
    BATCH,
    BATCH_LEVEL,
    CLOCK_TOLERANCE_SECONDS,
    Chunk,
    chain_broken,
    compare_nodes,
    goes_back,
    replay_chunk,
    seconds_between,
)
from signing_core.errors import LogInconsistent
from signing_core.storage.database import make_engine, reading
from signing_core.storage.schema import audit_events, audit_nodes
from signing_core.storage.worker_life import end_with_parent

CHUNK = 16 * BATCH
SHARED_OUT_FROM = 6 * CHUNK
"""Below this many events, starting processes costs more than they gain."""

Progress = Callable[[int], None]
"""Told how many events were done since the last call."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the events and the tree show by themselves."""

    size: int
    """Events there are, by the highest sequence number."""
    roots: dict[int, bytes]
    """The root at every size that was asked for and exists."""
    findings: tuple[Finding, ...]
    forged: tuple[tuple[int, str], ...] | None
    """Number and type of events whose authentication code does not hold; None where the key ring is not at hand."""


def replay(
    engine: sa.Engine, sizes: Sequence[int] = (), *, progress: Progress | None = None, jobs: int | None = None
) -> Replayed:
    """Replay the log as it is now; what is appended meanwhile is left for the next time.

    `sizes`: where a root is wanted. `jobs`: how many processes, by default one for each processor.
    """
    with reading(engine) as connection:
        last = connection.execute(sa.select(sa.func.max(audit_events.c.seq))).scalar()
        size = 0 if last is None else last + 1
        findings = _check_head(connection, size)
        whole = _Whole(connection, findings)
        key = authentication.at_hand(connection)
        for chunk in _chunks(engine, connection, size, sorted(set(sizes)), progress, jobs or os.cpu_count() or 1, key):
            whole.add(chunk)
        whole.finish()
    return Replayed(size, whole.roots, tuple(findings), None if key is None else tuple(whole.forged))


class _Whole:
    """Puts the chunks together, in order."""

    def __init__(self, connection: sa.Connection, findings: list[Finding]) -> None:
        self._connection = connection
        self._findings = findings
        self._upper: dict[tree.Node, bytes] = {}
        self._above = tree.CompactRange(lambda node, value: self._upper.__setitem__(node, value))
        self._chain: dict[str, str] = {}
        self._latest = ""
        self.forged: list[tuple[int, str]] = []
        self.roots: dict[int, bytes] = {0: tree.EMPTY_ROOT}

    def add(self, chunk: Chunk) -> None:
        self._findings += chunk.findings
        self.forged += chunk.forged
        for document, (seq, claimed) in chunk.firsts.items():
            if claimed != self._chain.get(document):
                self._findings.append(chain_broken(seq, document))
        self._chain.update(chunk.lasts)
        if (
            chunk.first_time < self._latest
            and seconds_between(chunk.first_time, self._latest) > CLOCK_TOLERANCE_SECONDS
        ):
            self._findings.append(goes_back(chunk.start, chunk.first_time, self._latest))
        self._latest = max(self._latest, chunk.latest_time)
        sizes = sorted(chunk.roots, reverse=True)
        for number, root in enumerate(chunk.batch_roots):
            self._take_roots(chunk, sizes, chunk.start + (number + 1) * BATCH)
            self._above.append(root)
        self._take_roots(chunk, sizes, chunk.end)

    def finish(self) -> None:
        nodes = {(level + BATCH_LEVEL, number): value for (level, number), value in self._upper.items()}
        self._findings += compare_nodes(self._connection, nodes)

    def _take_roots(self, chunk: Chunk, sizes: list[int], up_to: int) -> None:
        """The roots at the sizes within the batch that comes next."""
        while sizes and sizes[-1] <= up_to:
            size = sizes.pop()
            self.roots[size] = tree.fold([*self._above.peaks, *chunk.roots[size]])


def _check_head(connection: sa.Connection, size: int) -> list[Finding]:
    findings: list[Finding] = []
    try:
        head = store.size(connection)
    except LogInconsistent:
        head = -1
    if head > size:
        findings.append(
            Finding("events-missing", f"The head says {head} events, but the last one is {size - 1}.", size)
        )
    elif head < size:
        findings.append(Finding("head-wrong", f"The head does not say {size} events.", size))
    nodes = connection.execute(sa.select(sa.func.count()).select_from(audit_nodes)).scalar_one()
    if nodes > (complete := size - size.bit_count()):
        findings.append(
            Finding("nodes-beyond", f"The tree has {nodes - complete} nodes more than its events complete.")
        )
    return findings


def _chunks(
    engine: sa.Engine,
    connection: sa.Connection,
    size: int,
    sizes: list[int],
    progress: Progress | None,
    jobs: int,
    key: bytes | None,
) -> Iterator[Chunk]:
    parts = [(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK)]
    inside = [[one for one in sizes if start < one <= end] for start, end in parts]
    if jobs < 2 or size < SHARED_OUT_FROM:
        for (start, end), wanted in zip(parts, inside, strict=True):
            yield replay_chunk(connection, start, end, wanted, progress, key)
        return
    url = engine.url.render_as_string(hide_password=False)
    # Not by fork: connections and locks of this process must not be carried over. The other processes, which take a
    # second to start, work from the end; this one works from the beginning, until it meets what they have begun.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(parts)) - 1, context, initializer=end_with_parent) as pool:
        # The database may be written to meanwhile: nothing below `size` ever changes.
        tasks = [
            pool.submit(_in_process, url, *part, wanted, key)
            for part, wanted in reversed(list(zip(parts, inside, strict=True)))
        ][::-1]
        for task, (start, end), wanted in zip(tasks, parts, inside, strict=True):
            if task.cancel():
                yield replay_chunk(connection, start, end, wanted, progress, key)
            else:
                yield task.result()
                if progress:
                    progress(end - start)


def _in_process(url: str, start: int, end: int, sizes: list[int], key: bytes | None) -> Chunk:
    engine = make_engine(url)
    try:
        with reading(engine) as connection:
            return replay_chunk(connection, start, end, sizes, key=key)
    finally:
        engine.dispose()
