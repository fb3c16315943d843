"""Batches, their comparison and reports, and a run started through the GraphQL of a real Dagster webserver."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from dashboard_browser import choose, dashboard, settled
from dashboard_parts import told
from servers import free_port, running

from dashboards import dagster_runs, run_results, session
from signing_core import findings
from signing_core.audit_log import events
from signing_core.bulk import exceptions, results, signatures
from signing_core.bulk.exceptions import Cases
from signing_core.errors import UsageError
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import findings as table
from signing_core.storage.workspace import Workspace

HOME = """
telemetry:
  enabled: false
run_coordinator:
  module: dagster.core.run_coordinator
  class: DefaultRunCoordinator
"""
"""Runs begin at once: no daemon takes them from a queue."""


def batch(folder: Path, key: str, integrity: dict[str, str], document_id: str | None = None) -> None:
    """Verdicts of a batch as the pipelines write them."""
    columns: dict[str, list[Any]] = {
        "path": list(integrity),
        "integrity": list(integrity.values()),
        "document_id": [document_id] * len(integrity),
        "sha256": ["ab" * 32] * len(integrity),
    }
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(len(integrity), field.type)
        for field in signatures.SCHEMA
    ]
    store = results.Results(folder / "results")
    results.write(store.of(key, "signatures"), pa.Table.from_arrays(arrays, schema=signatures.SCHEMA), {})


@contextmanager
def webserver(workspace: Path, home: Path) -> Iterator[str]:
    home.mkdir()
    (home / "dagster.yaml").write_text(HOME)
    port = free_port()
    program = str(Path(sys.executable).parent / "dagster-webserver")
    command = [program, "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    with running(command, port, DAGSTER_HOME=str(home), SEALTRAIL_WORKSPACE=str(workspace)):
        yield f"http://127.0.0.1:{port}"


def test_two_batches_are_compared(furnished_copy: Any, show: Callable[..., Any]) -> None:
    altered = furnished_copy.documents["altered"]
    batch(furnished_copy.folder, "2026-11-24/archive-001", {"a.pdf": "intact", "b.pdf": "intact"}, altered)
    time.sleep(0.02)
    batch(
        furnished_copy.folder,
        "2026-11-25/archive-001",
        {"a.pdf": "intact", "b.pdf": "altered", "c.pdf": "intact"},
        altered,
    )
    with Workspace.open(furnished_copy.folder) as workspace:
        new, old = run_results.runs(workspace)
    assert (new.documents, new.by_integrity) == (3, {"intact": 2, "altered": 1})
    changed = run_results.compare(old, new)
    assert [(row["path"], row["before"], row["after"]) for row in changed] == [
        ("b.pdf", "intact", "altered"),
        ("c.pdf", None, "intact"),
    ]
    test = show(furnished_copy.folder, "runs")
    assert "2026-11-25/archive-001" in told(test)
    test = show(furnished_copy.folder, "runs", runview="compare")
    assert len(test.dataframe[0].value) == 2
    german = show(furnished_copy.folder, "runs", runview="compare", language="de").dataframe[0].value
    assert [tuple(row) for row in german[["before", "after"]].to_numpy()] == [
        ("unverändert", "verändert"),
        ("", "unverändert"),
    ]
    # Verifications of a document are those of the runs as well.
    assert told(show(furnished_copy.folder, "document", id=altered, view="checks")).count("archive-001") == 5
    assert "▲ +1" in told(show(furnished_copy.folder, "today"))


def issue(folder: Path, run: str) -> Path:
    """A report of the pipelines, as they write it."""
    from signing_core.bulk import report
    from signing_core.bulk.ledger import Ledger

    with Workspace.open(folder) as workspace, Ledger(folder / "results" / "intake.sqlite") as ledger:
        return report.make(workspace, results.Results(folder / "results"), ledger, run_id=run).folder


def test_a_report_is_shown_as_it_was_issued(furnished_copy: Any, show: Callable[..., Any]) -> None:
    older, newer = issue(furnished_copy.folder, "ab12cd34"), issue(furnished_copy.folder, "ef56ab78")
    test = show(furnished_copy.folder, "runs", runview="reports")
    assert "SHA-256 as in the audit log" in told(test)
    assert [one.label for one in test.get("download_button")] == ["HTML", "PDF"]
    (shown,) = test.get("iframe")
    assert "ef56ab78" in shown.proto.srcdoc
    # The address names a report: this is where a run in Dagster leads to.
    (shown,) = show(furnished_copy.folder, "runs", runview="reports", report=older.name).get("iframe")
    assert "ab12cd34" in shown.proto.srcdoc
    (newer / "report.html").write_text("<p>Another report</p>")
    test = show(furnished_copy.folder, "runs", runview="reports")
    assert "report.html: not what the audit log names as issued" in told(test)
    assert not test.get("iframe")


def test_a_finding_about_files_names_them(furnished_copy: Any, show: Callable[..., Any]) -> None:
    folder, sha256 = furnished_copy.folder, "ab" * 32
    cases = Cases()
    cases.add(sha256, "file-unsigned", "unsigned.", files=["arrived.pdf", "again.pdf"], evidence=[f"file {sha256}"])
    exceptions.write(folder / "results" / "exceptions.parquet", cases, {})
    with Workspace.open(folder) as workspace, writing(workspace.engine) as connection:
        findings.record(connection, list(cases.findings()), None, workspace.clock(), codes=())
        (finding_id,) = connection.scalars(sa.select(table.c.id).where(table.c.code == "file-unsigned"))
    assert "arrived.pdf, again.pdf" in told(show(folder, "findings"))
    assert "arrived.pdf, again.pdf" in told(show(folder, "findings", finding=finding_id))


def test_without_dagster_the_way_on_is_said(
    furnished: Any, show: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(dagster_runs.VARIABLE, "http://127.0.0.1:9")
    test = show(furnished.folder, "runs", runview="start")
    assert "make pipelines" in test.error[0].value


@pytest.mark.slow
def test_a_run_is_started_and_seen_to_its_end(
    furnished_copy: Any, desktop: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = furnished_copy.folder
    with webserver(folder, tmp_path / "dagster") as dagster:
        monkeypatch.setenv(dagster_runs.VARIABLE, dagster)
        ends = time.monotonic() + 120
        while not (known := _jobs()) and time.monotonic() < ends:
            time.sleep(0.5)
        assert {"full_replay", "integrity_of_a_batch"} <= {job.name for job in known}
        variables = {session.DEMO_VARIABLE: "1", dagster_runs.VARIABLE: dagster}
        with dashboard(folder, **variables) as address:
            page = desktop()
            page.goto(f"{address}/runs?runview=start")
            settled(page)
            choose(page, "Job", "full_replay")
            page.get_by_role("button", name="Start").click()
            page.get_by_text("was started").wait_for()
            page.get_by_role("cell", name="success").wait_for(timeout=120_000)
        run = dagster_runs.latest()[0]
        assert (run.job, run.status) == ("full_replay", "success")
        with pytest.raises(UsageError, match="did not start"):
            dagster_runs.start(dagster_runs.Job(known[0].repository, known[0].location, "no_such_job", "", ()))
    assert (folder / "results" / "audit_log.parquet").is_file()
    with Workspace.open(folder) as workspace, reading(workspace.engine) as connection:
        started = events.of_type(connection, "run.started")
    assert [event.data["run"] for event in started] == [run.run_id]


def _jobs() -> list[dagster_runs.Job]:
    try:
        return dagster_runs.jobs()
    except UsageError:
        return []
