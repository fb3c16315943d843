"""The definitions load, and say what was promised of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from pipeline_runs import Runs

from pipelines.definitions import defs
from pipelines.defs.common import BATCHES
from signing_core.testing import contract

ROOT = Path(__file__).resolve().parents[2]


def test_dagster_validates_the_workspace_file(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "dagster"
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path), "SEALTRAIL_WORKSPACE": str(tmp_path / "none")}
    done = subprocess.run(
        [program, "definitions", "validate", "-w", "workspace.yaml"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "none").exists()  # loading opens no workspace and makes none


def test_every_asset_of_a_batch_is_partitioned_by_batch() -> None:
    names = {"inventory", "signature_verdicts", "certificate_verdicts", "registry_comparison", "reconciliation"}
    for name in names:
        partitions = defs.resolve_assets_def(name).partitions_def
        assert isinstance(partitions, dg.DynamicPartitionsDefinition)
        assert partitions.name == BATCHES.name


def test_checks_that_must_stop_a_batch_are_blocking() -> None:
    blocking = {
        f"{key.asset_key.to_user_string()}:{key.name}"
        for key in defs.resolve_asset_graph().asset_check_keys
        if defs.resolve_asset_graph().get_check_spec(key).blocking
    }
    assert blocking == {
        "inventory:complete",
        "signature_verdicts:verdict_for_every_document",
        "signature_verdicts:failed_within_bounds",
        "audit_log_consistency:chain_unbroken",
    }


def test_what_follows_runs_by_itself_and_tries_again() -> None:
    by_hand = {
        "inventory",
        "audit_log_replay",
        "audit_log_protection",
        "created_documents",
        "sealed_documents",
        "withdrawn_files",
        "reissued_documents",
    }
    for asset in defs.resolve_all_asset_specs():
        name = asset.key.to_user_string()
        assert (asset.automation_condition is None) == (name in by_hand), name


def test_signing_and_time_stamps_go_through_pools() -> None:
    def pool(name: str) -> str | None:
        return defs.resolve_assets_def(name).op.pool

    assert pool("audit_log_anchoring") == pool("renewed_time_stamps") == "time-stamps"
    assert pool("sealed_documents") == "signing-key"


def test_schedules_and_sensors_are_running_from_the_start() -> None:
    repository = defs.get_repository_def()
    assert {one.name for one in repository.sensor_defs} == {"new_documents", "no_workspace", "lost_runs", "automation"}
    assert all(one.default_status is dg.DefaultSensorStatus.RUNNING for one in repository.sensor_defs)
    assert {one.name: one.cron_schedule for one in repository.schedule_defs} == {
        "nightly_integrity": "0 2 * * *",
        "nightly_log": "30 1 * * *",
        "weekly_replay": "0 1 * * 0",
    }
    assert all(one.default_status is dg.DefaultScheduleStatus.RUNNING for one in repository.schedule_defs)


def test_the_nightly_schedule_asks_for_every_batch_of_this_workspace(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    from datetime import UTC, datetime

    from pipelines.defs.integrity import nightly_integrity

    runs = Runs(blank_copy(), instance, largest_batch=1)
    with dg.build_schedule_context(
        instance,
        scheduled_execution_time=datetime(2026, 11, 26, 2, tzinfo=UTC),
        resources={"sealtrail": runs.sealtrail},
    ) as context:
        assert isinstance(nightly_integrity(context), dg.SkipReason)
        instance.add_dynamic_partitions(str(BATCHES.name), ["2020-01-01/archive-001"])  # of a workspace served before
        (runs.folder / "inbox").mkdir(exist_ok=True)
        for name in ("a.pdf", "b.pdf"):
            (runs.folder / "inbox" / name).write_bytes(contract(1, text=name))
        keys = runs.tick()
        asked = nightly_integrity(context)
        assert [one.partition_key for one in asked] == keys
        assert len({one.run_key for one in asked}) == 2


def test_a_job_is_started_by_hand_as_the_documentation_says(blank_workspace: Path, tmp_path: Path) -> None:
    documented = re.search(r"`dagster (job execute [^`]*)`", (ROOT / "docs" / "pipelines.md").read_text())
    assert documented is not None
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"resources: {{sealtrail: {{config: {{workspace: {shutil.copytree(blank_workspace, tmp_path / 'w')}}}}}}}"
    )
    words = documented[1].replace("create_documents", "full_replay").replace("settings.yaml", str(settings)).split()
    done = subprocess.run(
        [Path(sys.executable).parent / "dagster", *words],
        cwd=ROOT,
        env={**os.environ, "DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "w" / "results" / "audit_log.parquet").is_file()
