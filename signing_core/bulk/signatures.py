"""The signature verdicts of a batch: each different file once, in worker processes, and nothing that was done before.

A verdict is taken over when it was made of the same bytes (SHA-256), under the same rules (policy, trust, code) and not longer
ago than `oldest`. What is done is kept in parts of a few hundred documents, so a run that is killed goes on after its last part.
Two runs of one batch would take the parts from under each other: the second waits for the first, and takes over what it did.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from signing_core.bulk import results
from signing_core.bulk.checks import NO_END
from signing_core.bulk.files import chunks, local_files
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.policy import Policy
from signing_core.storage.workspace import Workspace
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Limits, Rules, verify_many
from signing_core.verification.journal import rules_digest
from signing_core.verification.reports import parquet as verdict_parquet

SCHEMA: Final = verdict_parquet.SCHEMA.append(pa.field("rules", pa.string()))
"""The keys of the contract, and `rules`: what the verdict was made under."""
PART: Final = 250
"""Documents that a killed run loses at most."""
OLDEST: Final = timedelta(days=30)
"""X.509 certificates run out and are revoked: even the same bytes are judged again after this time."""


@dataclass(frozen=True)
class Work:
    """How a batch is judged."""

    policy: Policy = field(default_factory=Policy)
    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    oldest: timedelta = OLDEST


@dataclass(frozen=True)
class Done:
    table: pa.Table
    """SHA-256, integrity and elapsed time of each file."""
    judged: int
    """Documents judged now; the others were taken over."""
    rules: str


def rules_id(rules: Rules) -> str:
    """A name for everything but the time that a verdict depends on besides the bytes."""
    return rules_digest(rules)[:16]


def make(workspace: Workspace, store: Results, watched: Watched, key: str, work: Work) -> Done:
    """Judge the files of the batch's inventory and write `signatures.parquet`, a row for each different file.

    Raises `ConcurrentChange` when another run of the batch does not come to its end.
    """
    with store.locked(key, "signatures"):
        return _make(workspace, store, watched, key, work)


def _make(workspace: Workspace, store: Results, watched: Watched, key: str, work: Work) -> Done:
    now = workspace.clock()
    rules = Rules(at=now, policy=work.policy, trust=of_workspace(workspace))
    name = rules_id(rules)
    made_of = store.made_of(key)  # before its rows: a new inventory may come meanwhile
    wanted = _wanted(store, key)
    file, parts = store.of(key, "signatures"), store.batch(key) / "parts"
    # What is damaged is made anew.
    before = [one for one in (file, *sorted(parts.glob("signatures-*.parquet"))) if results.whole(one)]
    known = _known(before, name, now - work.oldest, now)
    missing = [row for row in wanted if row["sha256"] not in known]
    made = _Parts(parts, name)
    for row, verdict in zip(missing, _judged(workspace, watched, key, missing, rules, work), strict=True):
        made.add(_of_the_listed(row, verdict, rules))
    made.flush()
    context = {**made_of, "rules": name, "policy": rules.policy.reference().to_json()}
    with results.appending(file, SCHEMA, context) as writer:
        for table in _gathered(before, known, made.files, {row["sha256"] for row in wanted}):
            writer.write_table(table)
    for part in parts.glob("signatures-*.parquet"):
        part.unlink(missing_ok=True)
    return Done(pq.ParquetFile(file).read(["sha256", "integrity", "elapsed_ms"]), len(missing), name)


def _of_the_listed(row: dict[str, Any], verdict: DocumentVerdict, rules: Rules) -> DocumentVerdict:
    """The verdict under the hash of the inventory, whatever became of the file since."""
    if verdict.sha256 not in (None, row["sha256"]):  # one file that is being written must not hold up its batch
        verdict = rules.not_judged(verdict.path or row["name"], "unreadable", "it changed after it was listed")
    return replace(verdict, sha256=row["sha256"])  # where judging came to no end, nobody hashed the file


def _wanted(store: Results, key: str) -> list[dict[str, Any]]:
    """One row of the inventory for each different file that is there."""
    columns = ["name", "expected_sha256", "sha256", "state"]
    rows = results.rows_of(store.of(key, "inventory"), columns)
    return list({row["sha256"]: row for row in reversed(rows) if row["state"] == "present"}.values())[::-1]


_Place = tuple[Path, int]
"""A row of a file of verdicts."""


def _known(files: Iterable[Path], rules: str, since: datetime, now: datetime) -> dict[str, _Place]:
    """Where the verdicts made earlier are that still count, by SHA-256, the newest of each; not those that came to no end, and not
    those of a clock that was ahead, which would hold until then."""
    found: dict[str, _Place] = {}
    for file in files:
        for index, row in enumerate(results.rows_in(file, ["sha256", "rules", "at", "findings"])):
            ended = NO_END.isdisjoint(one["code"] for one in row["findings"])
            if ended and row["sha256"] is not None and row["rules"] == rules and since <= row["at"] <= now:
                found[row["sha256"]] = (file, index)
    return found


def _gathered(
    before: Iterable[Path], known: Mapping[str, _Place], made: Iterable[Path], wanted: set[str]
) -> Iterator[pa.Table]:
    """What still counts and what was made now, a part at a time, so that memory does not grow with the batch."""
    taken: dict[Path, set[int]] = {}
    for sha256, (file, index) in known.items():
        if sha256 in wanted:
            taken.setdefault(file, set()).add(index)
    for file in before:
        start = 0
        for table in results.tables_in(file, PART) if file in taken else ():
            kept = sorted(index - start for index in taken[file] if start <= index < start + table.num_rows)
            start += table.num_rows
            if kept:
                yield table.take(pa.array(kept, pa.int64())).cast(SCHEMA)
    for file in made:
        for table in results.tables_in(file, PART):
            kept = [number for number, one in enumerate(table.column("sha256").to_pylist()) if one in wanted]
            yield table.take(pa.array(kept, pa.int64())).cast(SCHEMA)


def _judged(
    workspace: Workspace, watched: Watched, key: str, rows: Sequence[dict[str, Any]], rules: Rules, work: Work
) -> Iterator[DocumentVerdict]:
    kind = "inbox" if "/inbox-" in key else "archive"
    with ExitStack() as open_files:
        fetched: deque[ExitStack] = deque()

        def paths() -> Iterator[Path]:
            for some in chunks(rows, PART):
                if len(fetched) == 3:
                    fetched.popleft().close()  # judged by now: less than two parts are given out ahead of their verdicts
                fetched.append(open_files.enter_context(ExitStack()))
                wanted = [(row["name"], row["expected_sha256"]) for row in some]
                found = fetched[-1].enter_context(local_files(workspace, watched, kind, wanted))
                yield from (path or _GONE for path in found)

        yield from verify_many(paths(), rules, jobs=work.jobs, limits=work.limits)


_GONE: Final = Path(os.devnull, "gone")
"""Cannot be opened: an object that was there for the inventory and is not any more has the verdict of an unreadable file."""


class _Parts:
    """Verdicts put away as they come."""

    def __init__(self, folder: Path, rules: str) -> None:
        self._folder = folder
        self._rules = rules
        self._waiting: list[DocumentVerdict] = []
        # Past the last one, not their count: a run that was killed while it removed them leaves gaps.
        there = (int(file.stem.rpartition("-")[2]) for file in folder.glob("signatures-*.parquet"))
        self._number = max(there, default=-1) + 1
        self.files: list[Path] = []

    def add(self, verdict: DocumentVerdict) -> None:
        self._waiting.append(verdict)
        if len(self._waiting) >= PART:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        table = _table(self._waiting, self._rules)
        self.files.append(self._folder / f"signatures-{self._number:05d}.parquet")
        results.write(self.files[-1], table, {"rules": self._rules})
        self._number += 1
        self._waiting = []


def _table(verdicts: Iterable[DocumentVerdict], rules: str) -> pa.Table:
    stream = io.BytesIO()
    writer = verdict_parquet.ParquetWriter(stream)
    count = 0
    for verdict in verdicts:
        writer.write(verdict)
        count += 1
    writer.close()
    stream.seek(0)
    table = pq.read_table(stream)
    return table.append_column(SCHEMA.field("rules"), pa.array([rules] * count, pa.string())).cast(SCHEMA)
