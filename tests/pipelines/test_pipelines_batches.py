"""Bad batches are stopped, killed ones go on, and nobody ever sees half a file."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from pipeline_runs import Runs

from pipelines.defs import audit_log, integrity, reports
from signing_core.bulk import reconciling, results, signatures
from signing_core.bulk.checks import failed_within_bounds, verdict_for_every_document
from signing_core.bulk.results import rows_of
from signing_core.bulk.watched import Watched
from signing_core.errors import UsageError
from signing_core.policy import Policy
from signing_core.storage.workspace import Workspace
from signing_core.testing import contract
from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Rules
from signing_core.verification.findings import make as make_finding
from signing_core.verification.made_by import library_versions
from signing_core.verification.undecided import undecided

SHARED = Path(__file__).resolve().parents[1] / "shared"


@pytest.fixture
def runs(blank_copy: Callable[..., Path], instance: dg.DagsterInstance) -> Runs:
    folder = blank_copy()
    (folder / "inbox").mkdir()
    letter = contract(1, text="Sample letter")
    for number in range(30):
        # Different bytes after the end: each is a file of its own.
        (folder / "inbox" / f"letter-{number:02d}.pdf").write_bytes(letter + b"%" + b"x" * number + b"\n")
    return Runs(folder, instance, failed_fewest=10)


def checks(done: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {one.check_name: one.passed for one in done.get_asset_check_evaluations()}


def test_a_step_that_fails_is_not_covered_by_what_it_made_before(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    lenient = Runs(runs.folder, runs.instance, failed_share=1.0)
    (key,) = lenient.tick()
    assert lenient.batch(key).success
    lenient.materialize([integrity.controls])
    lenient.materialize([reports.run_report])
    assert "batch-stopped" not in {one["code"] for one in lenient.exceptions()}

    def fails(*_: object, **__: object) -> None:
        raise UsageError("The trust settings cannot be read.")

    with monkeypatch.context() as patched:  # the next night
        patched.setattr(signatures, "make", fails)
        patched.setattr(reconciling, "make", fails)
        assert not lenient.batch(key).success
    lenient.materialize([reports.run_report])
    (stopped,) = (one for one in lenient.exceptions() if one["code"] == "batch-stopped")
    assert "no new signatures, no new certificates, no new registry, no new reconciliation" in stopped["message"]
    assert len(lenient.exceptions()) > 1  # what was found before is still told
    assert lenient.batch(key).success
    monkeypatch.setattr("signing_core.bulk.batch_state._NIGHTLY", timedelta(0))
    lenient.materialize([reports.run_report])
    (stopped,) = (one for one in lenient.exceptions() if one["code"] == "batch-stopped")
    assert "every night was to look at them anew" in stopped["message"]


def test_the_report_names_the_policies_of_the_verdicts(runs: Runs, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('id = "sample-policy"\n')
    (key,) = runs.tick()
    strict = Runs(runs.folder, runs.instance, failed_share=1.0, policy=str(policy))
    assert strict.batch(key).success
    runs.materialize([integrity.controls])
    runs.materialize([reports.run_report])
    summary = json.loads(next((runs.results.folder / "reports").glob("*/summary.json")).read_bytes())
    assert [one["id"] for one in summary["policies"]] == ["sample-policy"]


def test_too_many_failures_stop_the_batch_and_the_report_says_so(runs: Runs) -> None:
    (key,) = runs.tick()
    done = runs.batch(key)
    assert not done.success
    assert checks(done) == {
        "complete": True,
        "withdrawals_whole": True,
        "verdict_for_every_document": True,
        "failed_within_bounds": False,
    }
    assert not runs.results.of(key, "certificates").exists()
    runs.materialize([integrity.controls])
    runs.materialize([reports.run_report])
    (only,) = runs.exceptions()  # the batch, not its thirty files
    assert (only["code"], only["subject"]) == ("batch-stopped", key)
    assert "30 of 30 files are not in order" in only["message"]


def test_missing_files_stop_the_batch_before_anything_is_judged(runs: Runs) -> None:
    (key,) = runs.tick()
    for file in list((runs.folder / "inbox").iterdir())[:20]:
        file.unlink()
    done = runs.batch(key)
    assert not done.success
    assert checks(done) == {"complete": False, "withdrawals_whole": True}
    assert not runs.results.of(key, "signatures").exists()


def judged_after(runs: Runs, key: str, change: Callable[[], object]) -> dg.ExecuteInProcessResult:
    """The verdicts of a batch when something happened after its inventory."""
    runs.materialize([integrity.inventory], partition_key=key)
    change()
    assets = [integrity.inventory, integrity.signature_verdicts]
    return runs.materialize(assets, partition_key=key, selection=[integrity.signature_verdicts])


def test_a_file_that_changes_after_the_inventory_does_not_stop_its_batch(runs: Runs) -> None:
    lenient = Runs(runs.folder, runs.instance, failed_share=1.0)
    (key,) = lenient.tick()
    files = sorted((runs.folder / "inbox").iterdir())

    def change() -> None:
        files[0].write_bytes(contract(1, text="Changed meanwhile"))
        files[1].write_bytes(files[2].read_bytes())  # known, and all the same not what was listed

    assert judged_after(lenient, key, change).success
    rows = {row["name"]: row["sha256"] for row in rows_of(runs.results.of(key, "inventory"))}
    verdicts = {row["sha256"]: row for row in rows_of(runs.results.of(key, "signatures"))}
    assert verdicts.keys() == set(rows.values())
    assert [verdicts[rows[one.name]]["integrity"] for one in files[:3]] == ["indeterminate"] * 2 + ["unsigned"]
    (finding,) = verdicts[rows[files[0].name]]["findings"]
    assert (finding["code"], "it changed after it was listed" in finding["message"]) == ("unreadable", True)
    assert lenient.batch(key).success  # the next night sees what is there then
    assert {row["integrity"] for row in rows_of(runs.results.of(key, "signatures"))} == {"unsigned"}


def test_a_place_whose_files_all_change_stops_the_batch(runs: Runs) -> None:
    lenient = Runs(runs.folder, runs.instance, failed_share=1.0)
    (key,) = lenient.tick()

    def change() -> None:
        for number, file in enumerate((runs.folder / "inbox").iterdir()):
            file.write_bytes(contract(1, text=f"Changed meanwhile {number}"))

    bounded = Runs(runs.folder, runs.instance, failed_share=0.5)
    assert not judged_after(bounded, key, change).success
    problem = failed_within_bounds(runs.results, key)
    assert problem == (
        "30 of 30 files could not be read when they were judged; see whether the store is there, and run the batch again."
    )


def test_a_file_without_a_verdict_stops_the_batch(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    (key,) = runs.tick()
    wanted = signatures._wanted
    monkeypatch.setattr(signatures, "_wanted", lambda *given: wanted(*given)[1:])
    done = judged_after(runs, key, lambda: None)
    assert not done.success
    assert checks(done)["verdict_for_every_document"] is False
    assert verdict_for_every_document(runs.results, key) == "1 of 30 files have no verdict; run the batch again."


def test_a_killed_run_goes_on_and_leaves_no_partial_file(runs: Runs) -> None:
    (key,) = runs.tick()
    runs.materialize([integrity.inventory], partition_key=key)
    program = f"""
import time
from pathlib import Path
from signing_core.bulk import signatures
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.storage.workspace import Workspace
signatures.PART = 5
flush = signatures._Parts.flush
def slowly(self):
    flush(self)
    time.sleep(0.3)
signatures._Parts.flush = slowly
with Workspace.open({str(runs.folder)!r}) as workspace:
    signatures.make(workspace, Results(workspace.path / "results"), Watched({str(runs.folder / "inbox")!r}), {key!r},
                    signatures.Work())
"""
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    parts = runs.results.batch(key) / "parts"
    end = time.monotonic() + 120
    while time.monotonic() < end and len(list(parts.glob("signatures-*.parquet"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not runs.results.of(key, "signatures").exists()
    kept = sum(pq.read_metadata(file).num_rows for file in parts.glob("signatures-*.parquet"))
    assert kept in range(10, 30)
    with Workspace.open(runs.folder) as workspace:
        done = signatures.make(workspace, runs.results, Watched(str(runs.folder / "inbox")), key, signatures.Work())
    assert done.judged == 30 - kept
    assert done.table.num_rows == 30
    assert not list(parts.iterdir())


def test_other_rules_and_old_verdicts_are_judged_again(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    (key,) = runs.tick()
    runs.materialize([integrity.inventory], partition_key=key)
    watched = Watched(str(runs.folder / "inbox"))
    with Workspace.open(runs.folder) as workspace:

        def judged(**work: Any) -> int:
            return signatures.make(workspace, runs.results, watched, key, signatures.Work(**work)).judged

        assert judged() == 30
        assert judged() == 0
        assert judged(policy=Policy(id="another")) == 30
        assert judged(policy=Policy(id="another")) == 0
        installed = importlib.metadata.version
        after_an_update = {"pyhanko-certvalidator": "0.33.1"}
        monkeypatch.setattr(importlib.metadata, "version", lambda name: after_an_update.get(name) or installed(name))
        library_versions.cache_clear()
        assert judged(policy=Policy(id="another")) == 30
        assert judged(policy=Policy(id="another")) == 0
        monkeypatch.undo()
        library_versions.cache_clear()
        later = workspace.clock() + timedelta(days=31)
        workspace.clock = lambda: later
        assert judged(policy=Policy(id="another")) == 30


def test_verdicts_of_a_clock_that_was_ahead_are_judged_again(runs: Runs) -> None:
    (key,) = runs.tick()
    runs.materialize([integrity.inventory], partition_key=key)
    watched = Watched(str(runs.folder / "inbox"))
    with Workspace.open(runs.folder) as workspace:
        right = workspace.clock()

        def judged(at: datetime) -> int:
            workspace.clock = lambda: at
            return signatures.make(workspace, runs.results, watched, key, signatures.Work()).judged

        assert judged(right + timedelta(days=400)) == 30
        assert judged(right) == 30
        assert judged(right) == 0


def no_end(paths: Iterable[Path], rules: Rules, **_: object) -> Iterator[DocumentVerdict]:
    """In place of `verify_many`: every worker runs out of time."""
    for path in paths:
        yield undecided(str(path), rules.at, rules.policy, make_finding("limit-exceeded", "60 seconds"))


def judge(runs: Runs, key: str) -> int:
    with Workspace.open(runs.folder) as workspace:
        watched = Watched(str(runs.folder / "inbox"))
        return signatures.make(workspace, runs.results, watched, key, signatures.Work()).judged


def test_a_file_that_is_never_done_does_not_stop_its_batch_and_is_tried_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in sorted((runs.folder / "inbox").iterdir())[1:]:
        file.unlink()
    (key,) = runs.tick()
    runs.materialize([integrity.inventory], partition_key=key)
    with monkeypatch.context() as patched:
        patched.setattr(signatures, "verify_many", no_end)
        for _ in range(2):
            assert judge(runs, key) == 1
            assert [row["integrity"] for row in rows_of(runs.results.of(key, "signatures"))] == ["indeterminate"]
            assert verdict_for_every_document(runs.results, key) is None
            assert failed_within_bounds(runs.results, key) is None
    assert judge(runs, key) == 1
    assert [row["integrity"] for row in rows_of(runs.results.of(key, "signatures"))] == ["unsigned"]
    assert judge(runs, key) == 0


def test_a_machine_that_judges_nothing_stops_the_batch(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in sorted((runs.folder / "inbox").iterdir())[4:]:
        file.unlink()
    (key,) = runs.tick()
    runs.materialize([integrity.inventory], partition_key=key)
    monkeypatch.setattr(signatures, "verify_many", no_end)
    judge(runs, key)
    problem = failed_within_bounds(runs.results, key)
    assert problem is not None
    assert "Judging 4 of 4 files came to no end" in problem


def test_a_failing_writer_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    import pyarrow as pa

    file = tmp_path / "one.parquet"
    table = pa.table({"a": [1, 2, 3]})
    results.write(file, table, {"made": "first"})
    with pytest.raises(RuntimeError), results.appending(file, table.schema) as writer:
        writer.write_table(table)
        raise RuntimeError("killed")
    assert results.context_of(file) == {"made": "first"}
    assert [one.name for one in tmp_path.iterdir()] == ["one.parquet"]


def test_the_log_is_compared_with_the_last_run(runs: Runs) -> None:
    import sqlalchemy as sa

    from signing_core.audit_log import events
    from signing_core.storage.database import writing
    from signing_core.storage.schema import audit_events

    with Workspace.open(runs.folder) as workspace, writing(workspace.engine) as connection:
        for number in range(5):
            events.append(connection, type="sample.event", time=workspace.clock(), actor="system", data={"n": number})
    first = runs.materialize(audit_log.ASSETS)
    assert first.success
    anchored = first.asset_materializations_for_node("audit_log_anchoring")[0].metadata
    assert anchored["events"].value == 5
    # An insider with database and keys rewrites the past and all that the database knows of it.
    with Workspace.open(runs.folder) as workspace, writing(workspace.engine) as connection:
        connection.execute(sa.delete(audit_events).where(audit_events.c.seq >= 3))
        connection.execute(sa.text("UPDATE audit_head SET size = 3"))
        connection.execute(sa.text("DELETE FROM checkpoints"))
        connection.execute(sa.text("DELETE FROM anchors"))
    second = runs.materialize(audit_log.ASSETS, selection=[audit_log.audit_log_consistency])
    assert not second.success
    (check,) = second.get_asset_check_evaluations()
    assert str(check.description).startswith("The last run saw 5 events, and now there are 3. Nothing is anchored ")


def test_several_processes_reconcile_to_the_same(
    seeded_copy: Callable[[], Path], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signing_core.bulk import reconciling

    runs = Runs(seeded_copy(), instance)
    key = next(key for key in runs.tick() if "archive" in key)
    runs.materialize([integrity.inventory], partition_key=key)
    monkeypatch.setattr(reconciling, "_TOGETHER", 5)
    with Workspace.open(runs.folder) as workspace:
        alone = reconciling.make(workspace, runs.results, key)
        file = runs.results.of(key, "reconciliation")
        rows = rows_of(file)
        file.unlink()
        together = reconciling.make(workspace, runs.results, key, jobs=2)
        assert rows_of(file) == rows
    assert together == alone
    assert not list((runs.results.batch(key) / "parts").iterdir())
