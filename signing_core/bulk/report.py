"""The run report: exceptions first, then what was checked and under which policy, the counts and the trend over runs.

One HTML page without anything from elsewhere, the same as PDF (PDF/A-2b by Typst), the exceptions as Parquet. The hashes of all go
into the audit log as one event, so that a report cannot be replaced later.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jinja2
import sqlalchemy as sa

from signing_core import __version__, findings, typesetting
from signing_core.audit_log import events
from signing_core.bulk import exceptions, gathering, log_state, results
from signing_core.bulk.checks import BOUNDS, Bounds
from signing_core.bulk.exceptions import Case
from signing_core.bulk.gathering import Gathered
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.legible import drawable, printable, throughout
from signing_core.bulk.report_words import ANSWERS, WORDS
from signing_core.bulk.results import Results
from signing_core.controls import in_words
from signing_core.controls.catalogue import RUNS
from signing_core.errors import LogInconsistent
from signing_core.storage.database import reading, writing
from signing_core.storage.durable import sync_folder, write_file
from signing_core.storage.workspace import Workspace
from signing_core.verdict import rfc3339
from signing_core.verification import made_by

ISSUED: Final = "report.issued"
_HASH: Final = re.compile(r"([0-9a-f]{64})")
_TREND: Final = 30
"""Runs that the trend shows, the newest of each day ..."""
_OF_A_DAY: Final = 10
"""... and of the last day these."""
_MOST: Final = {"html": 2_000, "pdf": 300}
"""Exceptions in full; how many more there are is said, and all are in the Parquet file."""


@dataclass(frozen=True)
class Report:
    folder: Path
    summary: dict[str, Any]
    cases: list[Case] = field(repr=False)

    @property
    def html(self) -> Path:
        return self.folder / "report.html"

    @property
    def pdf(self) -> Path:
        return self.folder / "report.pdf"


def make(
    workspace: Workspace,
    store: Results,
    ledger: Ledger,
    *,
    run_id: str,
    bounds: Bounds = BOUNDS,
    under_way: Collection[str] = (),
) -> Report:
    """Write the report of a run and record it in the audit log. The same `run_id` again gives the report anew.

    `run_id` is of letters, digits and hyphens; `under_way` the keys of batches that are being worked on. Raises `TypesettingFailed`,
    `StorageError`; and `LogInconsistent` when the log takes no more events: then the report is there and not on record.
    """
    with results.alone(store.folder / ".report.lock", "the report"):
        return _make(workspace, store, ledger, run_id, bounds, under_way)


def _make(
    workspace: Workspace, store: Results, ledger: Ledger, run_id: str, bounds: Bounds, under_way: Collection[str]
) -> Report:
    now = workspace.clock()
    gathered = gathering.gather(store, ledger, now, bounds, under_way)
    cases = gathered.cases.sorted(_on_the_work_list(workspace, gathered, now))
    folder = _folder(store, run_id, now)
    summary = _summary(workspace, store, gathered, cases, run_id, now)
    trend = [*_earlier(store, run_id), summary][-_TREND:]
    content = _content(workspace, summary, cases, trend)
    context = {"run": run_id, "at": rfc3339(now)}
    with _appearing(folder, store.folder / ".report") as unfinished:
        exceptions.write(unfinished / "exceptions.parquet", cases, context)
        write_file(unfinished / "report.html", _html(content))
        write_file(unfinished / "report.pdf", _pdf(content, now))
        summary["sha256"] = {
            name: hashlib.sha256((unfinished / name).read_bytes()).hexdigest()
            for name in ("report.html", "report.pdf", "exceptions.parquet")
        }
        write_file(unfinished / "summary.json", json.dumps(summary, indent=1, sort_keys=True).encode())
        not_recorded = _record(workspace, summary, now)
    results.clear_unfinished(store.folder / "exceptions.parquet")
    exceptions.write(store.folder / "exceptions.parquet", cases, context)
    if not_recorded:
        raise LogInconsistent(
            f"The report in {folder} is not on record, for nothing can be added to the audit log. {not_recorded}"
        )
    return Report(folder, summary, cases)


@contextmanager
def _appearing(folder: Path, unfinished: Path) -> Iterator[Path]:
    """A folder to fill, in the place of `folder` only when the block has come to its good end. One that a killed run left is
    removed by the next."""
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
        if folder.exists():  # of this run, which is tried again
            shutil.rmtree(folder)
        folder.parent.mkdir(exist_ok=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    sync_folder(folder.parent)


def _on_the_work_list(workspace: Workspace, gathered: Gathered, now: datetime) -> dict[str, findings.Standing]:
    """Put what was found where analysts decide on it; returns what stands about each finding.

    Where a batch is stopped or not done, nobody has looked, and nothing is called gone.
    """
    cases = gathered.cases
    found = list(cases.findings())
    done = all(state == "finished" for state in gathered.batches.values())
    looked_at = lambda one: cases.looked_at(one) or now  # noqa: E731
    findings.record_of_all(workspace, found, now, codes=RUNS if done else (), looked_at=looked_at)
    with reading(workspace.engine) as connection:
        return findings.standing(connection, found)


def _folder(store: Results, run_id: str, now: datetime) -> Path:
    """Of the run, whenever it was begun; named by time, to the millisecond, so that the folders of quick runs sort too."""
    if not re.fullmatch(r"[A-Za-z0-9-]{4,64}", run_id):
        raise ValueError("a run id is of letters, digits and hyphens")
    reports = store.folder / "reports"
    return next(
        iter(reports.glob(f"*Z-{run_id}")), reports / f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z-{run_id}"
    )


def _summary(
    workspace: Workspace,
    store: Results,
    gathered: Gathered,
    cases: Sequence[Case],
    run_id: str,
    now: datetime,
) -> dict[str, Any]:
    open_cases = [case for case in cases if not case.settled]
    states = list(gathered.batches.values())
    replayed = log_state.replayed_at(store)
    return {
        "run": run_id,
        "at": rfc3339(now),
        "organisation": workspace.settings.organisation,
        "tool_version": __version__,
        "code_version": made_by.code_version(),
        "policies": [{"id": name, "sha256": sha256} for name, sha256 in sorted(gathered.policies)],
        "batches": {state: states.count(state) for state in ("finished", "waiting", "stopped")},
        "documents": sum(gathered.counts["files"].values()),
        "counts": gathered.counts,
        "exceptions": len(open_cases),
        "settled": len(cases) - len(open_cases),
        "by_severity": _tally(case.severity for case in open_cases),
        "by_code": _tally(case.code for case in open_cases),
        "audit_log": {"replayed_at": rfc3339(replayed), **log_state.protection(workspace)},
    }


def _tally(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items()))


def _earlier(store: Results, run_id: str) -> list[dict[str, Any]]:
    """The summaries for the trend, oldest first: of each day before the last report's, and the newest of that day."""
    days: dict[str, list[Path]] = {}
    for file in sorted((store.folder / "reports").glob("*Z-*/summary.json")):
        if not file.parent.name.endswith(f"Z-{run_id}"):
            days.setdefault(file.parent.name[:8], []).append(file)
    *before, today = days.values() or [[]]
    found = [_newest_in(files) for files in before[-_TREND:]] + [_summary_in(file) for file in today[-_OF_A_DAY:]]
    return [one for one in found if one is not None][-_TREND:]


def _newest_in(files: Sequence[Path]) -> dict[str, Any] | None:
    return next((one for file in reversed(files) if (one := _summary_in(file)) is not None), None)


def _summary_in(file: Path) -> dict[str, Any] | None:
    """None for one that somebody has damaged: the trend has a gap then, and today's report is made all the same."""
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
        by_severity = {name: int(count) for name, count in found["by_severity"].items()}
        at = rfc3339(datetime.fromisoformat(found["at"]))
        counts = {name: int(found[name]) for name in ("documents", "exceptions")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return {"at": at, **counts, "by_severity": by_severity}


def issued(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    """What the audit log says of the reports, oldest first: `run`, `sha256` by file name, and more. An event that somebody has
    damaged says nothing; the replay of the log names it."""
    for event in events.of_type(connection, ISSUED):
        try:
            data = event.data
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(data, dict) and isinstance(data.get("run"), str) and isinstance(data.get("sha256"), dict):
            yield data


def _record(workspace: Workspace, summary: Mapping[str, Any], now: datetime) -> str | None:
    """One event for a report, not one for each document. A step that is tried again records what it made last.

    Returns why a log that is damaged takes no event; None when it has.
    """
    data = {key: summary[key] for key in ("run", "sha256", "policies", "code_version", "documents", "exceptions")}
    try:
        with reading(workspace.engine) as connection:
            if any((one["run"], one["sha256"]) == (data["run"], data["sha256"]) for one in issued(connection)):
                return None
        with writing(workspace.engine) as connection:
            events.append(connection, type=ISSUED, time=now, actor="system", data=data)
    except LogInconsistent as error:
        return str(error)
    return None


# --- What is shown ---


def _content(
    workspace: Workspace, summary: dict[str, Any], cases: Sequence[Case], trend: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    language = workspace.settings.language
    words = WORDS[language]
    at = datetime.fromisoformat(summary["at"]).astimezone(workspace.zone)
    replayed = summary["audit_log"]["replayed_at"]
    if replayed is not None:
        replayed = datetime.fromisoformat(replayed).astimezone(workspace.zone).isoformat(sep=" ", timespec="seconds")
    return {
        "language": language,
        "words": words,
        "answers": ANSWERS[language],
        "summary": summary,
        "at": at.isoformat(sep=" ", timespec="seconds"),
        "replayed": replayed,
        "age": words["age"].format(hours=round(summary["audit_log"].get("age_hours") or 0)),
        "cases": [_shown(case, language) for case in cases],
        "trend": [
            {
                "at": datetime.fromisoformat(one["at"]).astimezone(workspace.zone).isoformat(" ", "minutes"),
                "documents": one["documents"],
                "exceptions": one["exceptions"],
                "errors": one["by_severity"].get("error", 0),
                "warnings": one["by_severity"].get("warning", 0),
            }
            for one in trend
        ],
        "highest": max([one["exceptions"] for one in trend] + [1]),
    }


def _shown(case: Case, language: str) -> dict[str, Any]:
    row = case.row()
    row["meaning"], action = in_words(case.code, language)
    row["action"] = [[piece, bool(number % 2)] for number, piece in enumerate(action.split("`"))]
    row["pieces"] = _pieces(row["message"])
    row["what"] = ", ".join(case.files) or case.document_id or case.subject
    row["findings"] = [[one.code, _pieces(one.message)] for one in case.findings]
    row["settled"] = case.settled
    return row


def _pieces(message: str) -> list[list[Any]]:
    """Prose, and the hashes in it."""
    return [[piece, bool(_HASH.fullmatch(piece))] for piece in _HASH.split(message) if piece]


def _html(content: Mapping[str, Any]) -> bytes:
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    style = _part("run_report.css")
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shown = content["cases"][: _MOST["html"]]
    left = len(content["cases"]) - len(shown)
    page = environment.from_string(_part("run_report.html"))
    legible = throughout(printable, {**content, "cases": shown})
    return page.render({**legible, "left": left, "style": style, "allowed": allowed}).encode()


def _pdf(content: Mapping[str, Any], now: datetime) -> bytes:
    shown = content["cases"][: _MOST["pdf"]]
    data = {
        **throughout(drawable, {**content, "cases": shown}),
        "left": len(content["cases"]) - len(shown),
        "fonts": typesetting.text_families(),
        "mono": typesetting.mono_families(),
    }
    template = typesetting.load_template("signing_core.bulk", "run_report.typ")
    return typesetting.compile_pdf(template, data, created_at=now, standards=("a-2b",))


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
