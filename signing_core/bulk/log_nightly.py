"""What the nightly looks at the audit log found, kept beside the results: the report is made by another run.

The full replay, which is weekly, has a table of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from signing_core.bulk import results
from signing_core.bulk.log_findings import LogFinding
from signing_core.bulk.results import Results
from signing_core.storage.durable import write_file

Look = Literal["log_consistency", "log_protection"]
LOOKS: Final[tuple[Look, ...]] = ("log_consistency", "log_protection")


def keep(store: Results, look: Look, now: datetime, found: Sequence[LogFinding]) -> None:
    """What this look found takes the place of what it found before."""
    rows = [{"code": one.code, "message": one.message, "evidence": list(one.evidence)} for one in found]
    file = _file(store, look)
    with results.only_writer(file, f"the findings of {look}"):
        write_file(file, json.dumps({"at": now.isoformat(), "findings": rows}).encode())


def findings_of(store: Results) -> Iterator[LogFinding]:
    """What the last look of each kind found; one whose file was damaged says so until the next night."""
    for look in LOOKS:
        try:
            _, found = _read(store, look)
        except (OSError, ValueError, KeyError, TypeError):
            message = f"What the last look at the log found cannot be read in {_file(store, look)}; run the job nightly_audit_log."
            found = [LogFinding(None, "log-remark", message, (f"log unreadable {look}",), look)]
        yield from found


def looked_at(store: Results) -> dict[str, datetime]:
    """When each look was made, by its name."""
    found: dict[str, datetime] = {}
    for look in LOOKS:
        try:
            at, _ = _read(store, look)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if at is not None:
            found[look] = at
    return found


def _read(store: Results, look: Look) -> tuple[datetime | None, list[LogFinding]]:
    try:
        told = json.loads(_file(store, look).read_bytes())
    except FileNotFoundError:
        return None, []
    rows = told["findings"]
    found = [LogFinding(None, row["code"], row["message"], tuple(row["evidence"]), look) for row in rows]
    return datetime.fromisoformat(told["at"]), found


def _file(store: Results, look: Look) -> Path:
    return store.folder / f"{look}.json"
