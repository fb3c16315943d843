"""The four-way reconciliation of a batch of our own documents, and what their certificates print against the events.

Stored bytes, registry, log and mail are compared in every run. Setting the certificate again is the costly part; its result is
taken over while the stored file, the document's events, what its page is made from in the tables, and the code are the same.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from signing_core import controls, findings
from signing_core.bulk import results
from signing_core.bulk.files import chunks
from signing_core.bulk.results import Results
from signing_core.certificate import layout
from signing_core.controls import ControlFinding, History, Reconciliation
from signing_core.controls.catalogue import RECONCILIATION
from signing_core.storage.database import reading
from signing_core.storage.schema import marks
from signing_core.storage.worker_life import end_with_parent
from signing_core.storage.workspace import Workspace
from signing_core.verification import made_by

FINDING: Final = pa.struct(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("owner", pa.string()),
        ("message", pa.string()),
        ("evidence", pa.list_(pa.string())),
    ]
)
SCHEMA: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("document_id", pa.string()),
        ("stored", pa.string()),
        ("registry", pa.string()),
        ("logged", pa.string()),
        ("mailed", pa.list_(pa.struct([("role", pa.string()), ("sha256", pa.string())]))),
        ("printed", pa.string()),
        ("in_order", pa.bool_()),
        ("findings", pa.list_(FINDING)),
        ("basis", pa.string()),
    ]
)
"""`basis` names what the comparison of the printed page was made from."""

_TOGETHER: Final = 200


@dataclass(frozen=True)
class Done:
    states: Counter[str]
    """How many documents are `in_order` and `not_in_order`."""
    set_again: int
    """Certificates that were typeset for the comparison; the other results were taken over."""


def make(workspace: Workspace, store: Results, key: str, *, jobs: int = 1) -> Done:
    """Reconcile the batch and write `reconciliation.parquet`; a batch of foreign files has no rows in it.

    `jobs` is the number of processes. What is done is kept in parts, for a run that is killed.
    """
    with store.locked(key, "reconciliation"):
        made_of = store.made_of(key)
        ids = [
            row["document_id"]
            for row in results.rows_of(store.of(key, "inventory"), ["document_id"])
            if row["document_id"] is not None
        ]
        file = store.of(key, "reconciliation")
        parts = store.batch(key) / "parts"
        known = _known(one for one in (file, *sorted(parts.glob("reconciliation-*.parquet"))) if results.whole(one))
        states: Counter[str] = Counter()
        fresh = 0
        given = ((some, {one: known[one] for one in some if one in known}) for some in chunks(ids, _TOGETHER))
        with results.appending(file, SCHEMA, {**made_of, "code": _code()}) as writer:
            for number, (rows, new) in enumerate(
                _shared_out(workspace, key, given, jobs if len(ids) > _TOGETHER else 1)
            ):
                table = pa.Table.from_pylist(rows, schema=SCHEMA)
                writer.write_table(table)
                states.update("in_order" if row["in_order"] else "not_in_order" for row in rows)
                fresh += new
                _on_the_work_list(workspace, rows)
                if new:
                    results.write(parts / f"reconciliation-{number:05d}.parquet", table, {"batch": key})
        for part in parts.glob("reconciliation-*.parquet"):
            part.unlink(missing_ok=True)
        return Done(states, fresh)


_Earlier = dict[str, Any]
"""Of a row of the last time, what may be taken over: `basis`, `printed`, and what was found about the printed page."""


def _known(files: Iterable[Path]) -> dict[str, _Earlier]:
    """By document id, of the newest file that has it; what is damaged is made anew."""
    columns = ["document_id", "basis", "printed", "findings"]
    return {row.pop("document_id"): _earlier(row) for source in files for row in results.rows_in(source, columns)}


def _earlier(row: Mapping[str, Any]) -> _Earlier:
    return {**row, "findings": [one for one in row["findings"] if one["code"] in controls.OF_THE_PRINTED]}


_Given = tuple[Sequence[str], dict[str, _Earlier]]
"""Document ids, and what is known of them."""
_Gives = tuple[list[dict[str, Any]], int]
"""Rows, and how many certificates were set again."""


def _shared_out(workspace: Workspace, key: str, given: Iterable[_Given], jobs: int) -> Iterator[_Gives]:
    now = workspace.clock()
    if jobs == 1:
        yield from (_some(workspace, key, now, *one) for one in given)
        return
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_open, initargs=(workspace.path,)) as pool:
        waiting: deque[Future[_Gives]] = deque()
        for one in given:
            waiting.append(pool.submit(_in_worker, key, now, *one))
            if len(waiting) > jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_opened: list[Workspace] = []
"""In a worker process: the workspace, opened once."""


def _open(path: Path) -> None:
    end_with_parent()
    _opened.append(Workspace.open(path))


def _in_worker(key: str, now: datetime, ids: Sequence[str], before: dict[str, _Earlier]) -> _Gives:
    return _some(_opened[0], key, now, ids, before)


def _some(workspace: Workspace, key: str, now: datetime, ids: Sequence[str], before: dict[str, _Earlier]) -> _Gives:
    pictures = _marks(workspace, ids)
    bases: dict[str, str] = {}
    new: set[str] = set()

    def printed(history: History) -> bool:
        one = history.document_id
        bases[one] = _basis(history, pictures.get(one, ()))
        if before.get(one, {}).get("basis") != bases[one]:
            new.add(one)
        return one in new

    rows = []
    for looked in controls.look(workspace, ids, now=now, part="archive", printed=printed):
        one, done = looked.document_id, looked.reconciliation
        if done is not None:
            known = None if one in new or looked.history is None else before[one]
            rows.append(_row(key, done, bases.get(one, ""), known))
    return rows, len(new)


def _on_the_work_list(workspace: Workspace, rows: Sequence[dict[str, Any]]) -> None:
    found = [
        ControlFinding(one["code"], row["document_id"], one["message"], tuple(one["evidence"]))
        for row in rows
        for one in row["findings"]
    ]
    ids = [row["document_id"] for row in rows]
    findings.record_of_some(workspace, found, ids, workspace.clock(), codes=RECONCILIATION)


def _code() -> str:
    code = made_by.code_version(
        "certificate", "controls", "desk", "pdf", "audit_log", "delivery/contacts.py", "dates.py", "typesetting.py"
    )
    return f"{code} {made_by.library_versions()}"


_COLUMNS: Final = ("title", "pages", "language", "certificate_id", "final_sha256")
_OF_PARTIES: Final = ("role", "name", "organisation", "contact", "channel")


def _basis(history: History, pictures: Sequence[str]) -> str:
    """Names everything that the comparison of the printed page is made from; `pictures` are what is drawn into it."""
    told = hashlib.sha256()
    people = [[getattr(row, name) for name in _OF_PARTIES] for _, row in sorted(history.parties.items())]
    row = [getattr(history.row, name) for name in _COLUMNS]
    # What was erased is missing in `opened`: then the page cannot be set again.
    values = [_code(), layout.identifier(), row, people, sorted(history.opened.items()), list(pictures)]
    told.update(json.dumps(values).encode())
    for event in history.events:
        told.update(hashlib.sha256(event.body).digest())
    return told.hexdigest()


def _marks(workspace: Workspace, ids: Sequence[str]) -> dict[str, list[str]]:
    """What is drawn into the page, by document."""
    found: dict[str, list[str]] = defaultdict(list)
    query = sa.select(marks).where(marks.c.document_id.in_(ids)).order_by(marks.c.role, marks.c.part)
    with reading(workspace.engine) as connection:
        for row in connection.execute(query):
            digest = hashlib.sha256(row.data).hexdigest()
            found[row.document_id].append(f"{row.role} {row.part} {row.kind} {row.media_type} {digest}")
    return found


def _row(key: str, done: Reconciliation, basis: str, before: _Earlier | None = None) -> dict[str, Any]:
    found = [finding_row(finding) for finding in done.findings]
    printed: str = done.printed
    if before is not None and done.stored == done.registry:
        printed = before["printed"]
        found += before["findings"]
    elif before is not None:
        basis = ""  # the stored file cannot be read now: look at the page again when it is back
    return {
        "batch": key,
        "document_id": done.document_id,
        "stored": done.stored,
        "registry": done.registry,
        "logged": done.logged,
        "mailed": [{"role": role, "sha256": sha256} for role, sha256 in done.mailed.items()],
        "printed": printed,
        "in_order": not found,
        "findings": found,
        "basis": basis if printed != "not-checked" else "",
    }


def finding_row(finding: ControlFinding) -> dict[str, Any]:
    values = finding.to_json()
    return {field.name: values[field.name] for field in FINDING}
