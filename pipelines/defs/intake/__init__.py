"""Intake: what arrives becomes batches, or comes into those that are open."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import dagster as dg
from pydantic import Field

from pipelines import places
from pipelines.defs.audit_log import audit_log_replay
from pipelines.defs.common import BATCHES, RETRY
from pipelines.defs.integrity import inventory
from pipelines.resources import Sealtrail
from signing_core.bulk import intake, withdrawal
from signing_core.bulk.legible import printable

_SEEDING: Final = timedelta(hours=1)
"""A run of the seeding that was begun longer ago ended with its machine: it takes less than a minute."""
_PAUSE: Final = timedelta(minutes=10)
"""After a seeding that failed: a full disk is not empty fifteen seconds later."""


@dg.op(retry_policy=RETRY)
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
    description="Puts new files in the watched place and newly completed documents into batches, and has these looked at.",
)
def new_documents(context: dg.SensorEvaluationContext, sealtrail: Sealtrail) -> dg.SensorResult | dg.SkipReason:
    """The cursor names the ledger and the last addition of it that was announced. Additions are in the ledger before that, so a
    tick that is lost announces them again; a new instance hears of all, and so does one that served another workspace, or this
    one before its ledger was restored from a backup."""
    if places.is_missing_sample(sealtrail.path):
        return dg.SkipReason("There is no workspace yet; the job sample_workspace makes one.")
    with sealtrail.open() as opened:
        ledger, _, last = (context.cursor or "").partition(":")
        # Before anything is added, or it could catch up with the number unseen.
        if ledger == opened.ledger.identity and opened.ledger.is_behind(int(last)):
            opened.ledger.begin_anew()
        patience = timedelta(minutes=sealtrail.patience_minutes)
        intake.take_in(opened.workspace, opened.ledger, opened.watched, size=sealtrail.size, patience=patience)
        gather = timedelta(minutes=sealtrail.gather_minutes)
        intake.take_completed(opened.workspace, opened.ledger, size=sealtrail.size, gather=gather)
        first = ledger != opened.ledger.identity
        ledger = opened.ledger.identity
        grown = opened.ledger.batches(after=0 if first else int(last))
        left_out = [printable(f"{name}: {why}") for name, why in opened.ledger.left_out().items()]
    if left_out:
        context.log.warning(f"{len(left_out)} cannot be taken in; the first is {left_out[0]}")
    if not grown and not first:
        return dg.SkipReason(f"Nothing new has arrived; but {left_out[0]}" if left_out else "Nothing new has arrived.")
    asked = [
        dg.RunRequest(run_key=f"{one.key} {ledger} {one.last}", partition_key=one.key, asset_selection=[inventory.key])
        for one in grown  # those of which nothing is left too, so that their results say so
    ]
    if first:
        # A new instance need not wait for Sunday: the first report is to have the log in it, and comes without a batch too.
        asked.append(dg.RunRequest(run_key=f"first replay {ledger}", asset_selection=[audit_log_replay.key]))
    return dg.SensorResult(
        run_requests=asked,
        dynamic_partitions_requests=[BATCHES.build_add_request([batch.key for batch in grown])],
        cursor=f"{ledger}:{grown[-1].last if grown else 0}",
    )


@dg.sensor(
    job=sample_workspace,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has the sample workspace made when no workspace is named and it is not there.",
)
def no_workspace(context: dg.SensorEvaluationContext, sealtrail: Sealtrail) -> dg.RunRequest | dg.SkipReason:
    if not places.is_missing_sample(sealtrail.path):
        return dg.SkipReason("There is a workspace.")
    # No run key: one that was used is never run again, not after a run that failed either.
    now = _now()
    recent = dg.RunsFilter(job_name=sample_workspace.name, created_after=now - _SEEDING)
    for record in context.instance.get_run_records(recent, limit=1):  # the newest comes first
        if not record.dagster_run.is_finished:
            return dg.SkipReason("It is being made.")
        failed = record.dagster_run.is_failure_or_canceled
        if failed and now.timestamp() - (record.end_time or 0) < _PAUSE.total_seconds():
            return dg.SkipReason("Making it failed a moment ago; it is tried again ten minutes after.")
    return dg.RunRequest()


def _now() -> datetime:
    return datetime.now(UTC)


class Withdrawal(dg.Config):
    """Files that came in and were taken away on purpose."""

    batch: str = Field(description="Key of the batch, such as 2026-11-25/inbox-003.")
    by: str = Field(description="Who says that they were.")
    reason: str


@dg.asset(group_name="intake", retry_policy=RETRY)
def withdrawn_files(config: Withdrawal, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """The missing files of a batch leave it, or they would be missing in every night to come; a list of them is kept."""
    with sealtrail.open() as opened:
        done = withdrawal.withdraw(
            opened.workspace,
            opened.results,
            opened.ledger,
            opened.watched,
            config.batch,
            by=config.by,
            reason=config.reason,
        )
    return dg.MaterializeResult(
        metadata={
            "batch": config.batch,
            "withdrawn": len(done.names),
            "left": done.left,
            "first": dg.MetadataValue.json([printable(name) for name in done.names[:20]]),
            **({"file": dg.MetadataValue.path(done.file)} if done.file else {}),
        }
    )


ASSETS = [withdrawn_files]
JOBS = [sample_workspace, dg.define_asset_job("withdraw_files", selection=dg.AssetSelection.assets(withdrawn_files))]
SENSORS = [new_documents, no_workspace]
SCHEDULES: list[Any] = []
