"""On a seeded workspace the report lists what was planted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from pipeline_runs import BATCHES, Runs, expected, found, read_planted
from seeded import Seeded

from pipelines.defs import audit_log, integrity, reports
from signing_core.access import Access, Person, Role
from signing_core.audit_log import events
from signing_core.bulk.report import ISSUED
from signing_core.bulk.results import Results
from signing_core.findings import close, propose
from signing_core.storage.database import reading
from signing_core.storage.schema import findings
from signing_core.storage.workspace import Workspace

LARGE = 300
SHARE = 0.45
"""Of the large run that is completed: such a document takes a third of a second of processor time to make, the others a tenth."""


@pytest.fixture(scope="module")
def done(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Runs, dg.ExecuteInProcessResult]]:
    """Everything materialised once, for the tests that only look."""
    import shutil

    folder = tmp_path_factory.mktemp("done") / "workspace"
    shutil.copytree(seeded.folder, folder)
    # Entered, so that Dagster's current instance is this one and not one that an earlier test has left behind.
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        runs = Runs(folder, instance)
        yield runs, runs.everything()


def newest(runs: Runs) -> Path:
    return max((runs.folder / "results" / "reports").iterdir())


def test_the_report_lists_the_planted_twelve_and_no_other(
    done: tuple[Runs, dg.ExecuteInProcessResult], seeded: Seeded
) -> None:
    runs, _ = done
    exceptions = runs.exceptions()
    assert found(exceptions) == expected(seeded.planted)
    assert len(exceptions) == 12


def test_batches_have_business_keys(done: tuple[Runs, dg.ExecuteInProcessResult]) -> None:
    runs, _ = done
    assert sorted(key.split("/")[1] for key in runs.keys) == ["archive-001", "inbox-001"]


def test_the_report_is_read_with_exceptions_first(done: tuple[Runs, dg.ExecuteInProcessResult], seeded: Seeded) -> None:
    runs, _ = done
    page = (newest(runs) / "report.html").read_text()
    assert page.index("Exceptions: 12 open") < page.index("What was checked") < page.index("Trend over runs")
    assert all(seeded.document(kind) in page for kind in ("changed-byte", "stuck-in-sealing"))
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert (newest(runs) / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_hashes_of_the_report_are_in_the_audit_log(done: tuple[Runs, dg.ExecuteInProcessResult]) -> None:
    import hashlib

    runs, result = done
    with Workspace.open(runs.folder) as workspace, reading(workspace.engine) as connection:
        issued = events.of_type(connection, ISSUED)
    held = next(event.data for event in issued if event.data["run"] == result.run_id)
    for name, sha256 in held["sha256"].items():
        assert hashlib.sha256((newest(runs) / name).read_bytes()).hexdigest() == sha256


def test_metadata_has_counts_rates_links_and_the_worst(done: tuple[Runs, dg.ExecuteInProcessResult]) -> None:
    metadata = done[1].asset_materializations_for_node("run_report")[0].metadata
    assert metadata["documents"].value == 7 + _archived(done[0])
    assert metadata["exceptions"].value == 12
    assert 0 < metadata["exception_rate"].value < 1
    assert isinstance(metadata["worst"], dg.TableMetadataValue)
    assert len(metadata["worst"].records) == 12
    assert str(metadata["report"].value).endswith(f"/runs?runview=reports&report={newest(done[0]).name}")
    assert str(metadata["dashboard"].value).endswith("/findings")
    assert {Path(str(metadata[kind].value)).name for kind in ("html", "pdf")} == {"report.html", "report.pdf"}


def _archived(runs: Runs) -> int:
    from signing_core.bulk.results import rows_of

    key = next(key for key in runs.keys if "archive" in key)
    return len(rows_of(runs.results.of(key, "inventory")))


def test_a_broken_log_is_not_anchored(done: tuple[Runs, dg.ExecuteInProcessResult]) -> None:
    runs, _ = done
    result = runs.materialize(
        audit_log.ASSETS, selection=[audit_log.audit_log_consistency, audit_log.audit_log_anchoring]
    )
    assert not result.success
    assert [one.passed for one in result.get_asset_check_evaluations()] == [False]
    assert not result.asset_materializations_for_node("audit_log_anchoring")
    assert not (runs.results.folder / "last-checkpoint.json").exists()


def test_nothing_is_repeated_and_the_trend_grows(seeded_copy: Callable[[], Path], instance: dg.DagsterInstance) -> None:
    runs = Runs(seeded_copy(), instance)
    runs.everything()
    for key in runs.keys:
        result = runs.batch(key)
        signatures = result.asset_materializations_for_node("signature_verdicts")[0].metadata
        assert signatures["judged_now"].value == 0
        assert signatures["taken_over"].value > 0
        again = result.asset_materializations_for_node("reconciliation")[0].metadata
        assert again["certificates_set_again"].value <= 2  # of the two whose stored file cannot be read
    first = found(runs.exceptions())
    assert runs.tick() == []
    runs.materialize([reports.run_report])
    assert found(runs.exceptions()) == first
    assert (newest(runs) / "report.html").read_text().count("<meter") == 2


def test_what_two_analysts_settled_comes_last(seeded_copy: Callable[[], Path], instance: dg.DagsterInstance) -> None:
    runs = Runs(seeded_copy(), instance)
    runs.everything()
    accepted = next(one for one in runs.exceptions() if one["code"] == "parties-share-contact")
    foreign = next(one for one in runs.exceptions() if one["code"] == "file-foreign")
    with Workspace.open(runs.folder) as workspace:
        one, two = (Access(workspace, Person(f"{n}@example.org", n, frozenset({Role.ANALYST}))) for n in ("a", "b"))
        with reading(workspace.engine) as connection:
            rows = {row.code: row.id for row in connection.execute(sa.select(findings.c.code, findings.c.id))}
        propose(one, rows["parties-share-contact"], "accepted", "Both parties share an office.")
        close(two, rows["parties-share-contact"])
        propose(one, rows["file-foreign"], "false-alarm", "A partner of ours.")
    runs.materialize([reports.run_report])
    exceptions = runs.exceptions()
    assert (exceptions[-1]["subject"], exceptions[-1]["disposition"]) == (accepted["subject"], "accepted")
    assert {one["disposition"] for one in exceptions if one["subject"] == foreign["subject"]} == {"proposed"}
    summary = json.loads((newest(runs) / "summary.json").read_text())
    assert (summary["exceptions"], summary["settled"]) == (11, 1)


def test_what_was_fixed_is_open_again_only_when_it_was_found_since(
    seeded_copy: Callable[[], Path], instance: dg.DagsterInstance
) -> None:
    runs = Runs(seeded_copy(), instance)
    runs.everything()
    with Workspace.open(runs.folder) as workspace:
        one, two = (Access(workspace, Person(f"{n}@example.org", n, frozenset({Role.ANALYST}))) for n in ("a", "b"))
        with reading(workspace.engine) as connection:
            row = connection.execute(sa.select(findings).where(findings.c.code == "file-unsigned")).one()
        propose(one, row.id, "fixed", "The signed one has come.")
        close(two, row.id)

    def state() -> str:
        with Workspace.open(runs.folder) as workspace, reading(workspace.engine) as connection:
            return str(connection.scalar(sa.select(findings.c.state).where(findings.c.id == row.id)))

    runs.materialize([reports.run_report])  # of results from before the decision
    assert state() == "closed"
    for key in runs.keys:
        runs.batch(key)
    runs.materialize([reports.run_report])  # the log's replay, which is weekly, is older than the decision
    assert state() == "open"


def test_no_event_or_partition_for_each_document(done: tuple[Runs, dg.ExecuteInProcessResult]) -> None:
    runs, _ = done
    assert len(runs.instance.get_dynamic_partitions(str(BATCHES.name))) == 2
    per_run = [len(runs.instance.all_logs(run.run_id)) for run in runs.instance.get_runs()]
    assert max(per_run) < 80  # the same for 20 documents as for 5,000


def planted_and_reported(
    folder: Path, instance: dg.DagsterInstance, documents: int, seed: int, **more: Any
) -> tuple[set[tuple[str, str]], list[dict[str, Any]]]:
    from signing_core.seeding import seed as make

    planted = folder / "planted.json"
    make(folder / "workspace", documents=documents, seed=seed, planted=planted, **more)
    runs = Runs(folder / "workspace", instance)
    runs.everything()
    return expected(read_planted(planted)), runs.exceptions()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_for_another_seed_and_more_documents(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    planted, exceptions = planted_and_reported(tmp_path, instance, LARGE, 5, completed=SHARE)
    assert found(exceptions) == planted
    assert len(exceptions) == 12


def test_the_same_for_the_seed_of_the_day(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """One that nobody has chosen; what fails today is run again with the seed that the message names."""
    seed = int(f"{datetime.now(UTC):%Y%m%d}")
    planted, exceptions = planted_and_reported(tmp_path, instance, 20, seed)
    assert found(exceptions) == planted, f"{seed=}"
    assert len(exceptions) == 12, f"{seed=}"


def test_assets_work_when_called_directly(seeded_copy: Callable[[], Path], instance: dg.DagsterInstance) -> None:
    runs = Runs(seeded_copy(), instance)
    key = next(key for key in runs.tick() if "inbox" in key)
    made = integrity.inventory(dg.build_asset_context(partition_key=key), runs.sealtrail)
    assert isinstance(made, dg.MaterializeResult)
    assert made.metadata is not None
    assert made.metadata["documents"] == 7
    assert made.check_results is not None
    assert made.check_results[0].passed
    assert Results(runs.folder / "results").of(key, "inventory").is_file()
