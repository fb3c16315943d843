"""What the automation conditions ask for, tick by tick, without a daemon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from pipeline_runs import Runs
from servers import free_port

from pipelines.definitions import defs
from pipelines.defs import audit_log, integrity, reports
from signing_core.desk import Desk
from signing_core.flow import Role, Status
from signing_core.storage.database import writing
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract

FOLLOWING = {"signature_verdicts", "certificate_verdicts", "registry_comparison", "reconciliation"}


class Automation:
    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor = None
        self.tick()

    def tick(self, at: datetime | None = None) -> set[str]:
        """The assets that are asked for now, or at another time."""
        done = dg.evaluate_automation_conditions(
            defs=defs, instance=self._instance, cursor=self._cursor, evaluation_time=at
        )
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


def night(hour: int, minute: int) -> datetime:
    """Of the next night."""
    day = datetime.now(UTC) + timedelta(days=1)
    return day.replace(hour=hour, minute=minute, second=20, microsecond=0)


def test_a_workspace_without_a_batch_is_controlled_and_reported_every_night(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    """The time-stamp authority is set wrong from the first day: nothing is ever completed, and the inbox stays empty."""
    folder = blank_copy(settings=f'\n[time_stamps]\nurl = "http://127.0.0.1:{free_port()}/"\n')
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.desk.send(document_id)
        play.consent(document_id, Role.FIRST_PARTY)
        assert play.desk.work_on(document_id).status is Status.SIGNING
        with writing(workspace.engine) as connection:  # since yesterday
            connection.execute(sa.update(documents).values(updated_at=workspace.clock() - timedelta(days=1)))
    runs, automation = Runs(folder, instance), Automation(instance)
    assert runs.asked() == [["audit_log_replay"]]
    assert runs.asked() == []
    runs.materialize([audit_log.audit_log_replay])
    automation.tick()
    automation.tick(night(1, 50))  # what was due in the night that it may be now is asked for here
    assert not automation.tick(night(2, 1)) & {"controls", "run_report"}
    assert "controls" in automation.tick(night(2, 31))
    runs.materialize([integrity.controls])
    assert "run_report" in automation.tick(night(2, 32)) | automation.tick(night(2, 33))
    runs.materialize([reports.run_report])
    assert [(one["document_id"], one["code"]) for one in runs.exceptions()] == [(document_id, "stuck")]
    assert not automation.tick(night(2, 34)) & {"controls", "run_report"}
    assert not automation.tick(night(3, 31)) & {"controls", "run_report"}  # once in a night is enough


def test_what_followed_a_batch_in_the_night_is_not_asked_for_again(runs: Runs, instance: dg.DagsterInstance) -> None:
    runs = Runs(runs.folder, instance)  # which judges that letters are unsigned, and does not stop at them
    runs.everything()
    automation = Automation(instance)
    automation.tick(night(1, 50))
    automation.tick(night(2, 1))
    runs.batch(runs.keys[0])
    assert "controls" in automation.tick(night(2, 2))
    runs.materialize([integrity.controls])
    assert "run_report" in automation.tick(night(2, 3)) | automation.tick(night(2, 4))
    runs.materialize([reports.run_report])
    for hour, minute in ((2, 5), (2, 31), (3, 31), (3, 32)):
        assert not automation.tick(night(hour, minute)) & {"controls", "run_report"}
