"""What the automation conditions ask for, tick by tick, without a daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from pipeline_runs import Runs

from pipelines.definitions import defs
from pipelines.defs import audit_log, integrity, reports
from signing_core.testing import contract

FOLLOWING = {"signature_verdicts", "certificate_verdicts", "registry_comparison", "reconciliation"}


class Automation:
    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor = None
        self.tick()

    def tick(self) -> set[str]:
        """The assets that are asked for now."""
        done = dg.evaluate_automation_conditions(defs=defs, instance=self._instance, cursor=self._cursor)
        self._cursor = done.cursor
        keys = defs.resolve_asset_graph().get_all_asset_keys()
        return {key.to_user_string() for key in keys if done.get_num_requested(key)}


@pytest.fixture
def runs(blank_copy: Callable[..., Path], instance: dg.DagsterInstance) -> Runs:
    folder = blank_copy()
    (folder / "inbox").mkdir()
    for number in range(3):
        (folder / "inbox" / f"{number}.pdf").write_bytes(contract(1, text=f"Sample letter {number}"))
    return Runs(folder, instance, failed_fewest=2)


def test_a_good_inventory_is_followed_by_everything_and_then_the_report(
    runs: Runs, instance: dg.DagsterInstance
) -> None:
    lenient = Runs(runs.folder, instance)
    automation = Automation(instance)
    (key,) = lenient.tick()
    assert automation.tick() == set()  # the sensor asks for the inventory itself
    lenient.materialize([audit_log.audit_log_replay])
    lenient.materialize([integrity.inventory], partition_key=key)
    assert automation.tick() == FOLLOWING | {"controls", "audit_log_consistency", "audit_log_anchoring"}
    lenient.batch(key)
    lenient.materialize([integrity.controls])
    lenient.materialize(audit_log.ASSETS)
    asked = automation.tick() | automation.tick()
    assert "run_report" in asked
    lenient.materialize([reports.run_report])
    assert automation.tick() == set()


def test_a_batch_that_a_check_stopped_goes_no_further_and_is_reported(runs: Runs, instance: dg.DagsterInstance) -> None:
    automation = Automation(instance)
    (key,) = runs.tick()
    for file in (runs.folder / "inbox").iterdir():
        file.unlink()
    assert not runs.materialize([integrity.inventory], partition_key=key).success
    runs.materialize([audit_log.audit_log_replay])
    asked = automation.tick()
    assert not asked & FOLLOWING
    assert "controls" in asked
    runs.materialize([integrity.controls])
    assert "run_report" in automation.tick() | automation.tick()
