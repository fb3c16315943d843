"""Intake: what arrives becomes batches."""

from datetime import timedelta
from typing import Any

import dagster as dg

from pipelines import places
from pipelines.defs.audit_log import audit_log_replay
from pipelines.defs.common import BATCHES
from pipelines.defs.integrity import inventory
from pipelines.resources import Sealtrail
from signing_core.bulk import intake


@dg.op
def make_sample_workspace() -> None:
    places.make_sample()


@dg.job(
    description="Seeds the sample workspace that is used when no other is named.", executor_def=dg.in_process_executor
)
def sample_workspace() -> None:
    make_sample_workspace()


@dg.sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    asset_selection=[inventory, audit_log_replay],
    description="Makes batches of new files in the watched place and of newly completed documents.",
)
def new_documents(context: dg.SensorEvaluationContext, sealtrail: Sealtrail) -> dg.SensorResult | dg.SkipReason:
    """The cursor names the ledger and the number of the last batch of it that was announced. Batches are in the ledger before
    that, so a tick that is lost announces them again; a new instance hears of all, and so does one that served another workspace."""
    if places.is_missing_sample(sealtrail.path):
        return dg.SkipReason("There is no workspace yet; the job sample_workspace makes one.")
    with sealtrail.open() as opened:
        intake.take_in(opened.workspace, opened.ledger, opened.watched, largest=sealtrail.largest_batch)
        intake.take_completed(
            opened.workspace,
            opened.ledger,
            largest=sealtrail.largest_batch,
            gather=timedelta(minutes=sealtrail.gather_minutes),
        )
        ledger, _, last = (context.cursor or "").partition(":")
        first = ledger != opened.ledger.identity
        ledger = opened.ledger.identity
        new = opened.ledger.batches(after=0 if first else int(last))
    if not new:
        return dg.SkipReason("Nothing new has arrived.")
    keys = [batch.key for batch in new]
    asked = [
        dg.RunRequest(run_key=f"{key} {ledger}", partition_key=key, asset_selection=[inventory.key]) for key in keys
    ]
    if first:
        # A new instance need not wait for Sunday: the first report is to have the log in it.
        asked.append(dg.RunRequest(run_key=f"first replay {ledger}", asset_selection=[audit_log_replay.key]))
    return dg.SensorResult(
        run_requests=asked,
        dynamic_partitions_requests=[BATCHES.build_add_request(keys)],
        cursor=f"{ledger}:{new[-1].number}",
    )


@dg.sensor(
    job=sample_workspace,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has the sample workspace made when no workspace is named and it is not there.",
)
def no_workspace(context: dg.SensorEvaluationContext, sealtrail: Sealtrail) -> dg.RunRequest | dg.SkipReason:
    if places.is_missing_sample(sealtrail.path):
        return dg.RunRequest(run_key=f"sample-{sealtrail.path}")
    return dg.SkipReason("There is a workspace.")


ASSETS: list[Any] = []
JOBS = [sample_workspace]
SENSORS = [new_documents, no_workspace]
SCHEDULES: list[Any] = []
