"""The audit log: full replay, consistency with the last run, anchoring, protection from outside."""

from typing import Any

import dagster as dg

from pipelines.defs.common import FOLLOWS, RETRY, TIME_STAMPS, check
from pipelines.resources import Sealtrail
from signing_core.bulk import log_state

GROUP = "audit_log"


@dg.asset(group_name=GROUP, retry_policy=RETRY)
def audit_log_replay(sealtrail: Sealtrail) -> dg.MaterializeResult:
    """The whole log recomputed, and compared with everything that was signed and anchored of it."""
    with sealtrail.open() as opened:
        report = log_state.replay(opened.workspace, opened.results, jobs=opened.work.jobs)
        file = opened.results.folder / "audit_log.parquet"
    return dg.MaterializeResult(
        metadata={
            "events": report.events,
            "checkpoints": report.checkpoints,
            "anchors": report.anchors,
            "findings": len(report.findings),
            "first_findings": dg.MetadataValue.json([finding.to_json() for finding in report.findings[:20]]),
            "file": dg.MetadataValue.path(file),
        }
    )


@dg.asset(
    group_name=GROUP,
    deps=[audit_log_replay],
    automation_condition=FOLLOWS,
    retry_policy=RETRY,
    check_specs=[
        dg.AssetCheckSpec(
            "chain_unbroken",
            asset="audit_log_consistency",
            blocking=True,
            description="The last replay found no error, and the log continues the last run's checkpoint.",
        )
    ],
)
def audit_log_consistency(sealtrail: Sealtrail) -> dg.MaterializeResult:
    """The log against the checkpoint that the last run kept outside the database."""
    with sealtrail.open() as opened:
        found = log_state.consistency(opened.workspace, opened.results)
        problem = found.problem or log_state.replay_problem(opened.results)
    if problem:
        problem += " Nothing is anchored until the log is whole again; the report says what to do."
    return dg.MaterializeResult(
        metadata={"events": found.size, "events_at_last_run": found.before or 0},
        check_results=[check("chain_unbroken", problem)],
    )


@dg.asset(
    group_name=GROUP,
    deps=[audit_log_consistency],
    automation_condition=FOLLOWS,
    retry_policy=RETRY,
    pool=TIME_STAMPS,
)
def audit_log_anchoring(sealtrail: Sealtrail) -> dg.MaterializeResult:
    """A checkpoint, anchored, and kept for the next run. A log that is broken is not signed."""
    with sealtrail.open() as opened:
        done = log_state.anchor(opened.workspace, opened.results)
    return dg.MaterializeResult(
        metadata={
            "events": done.size,
            "anchors": len(done.kept.anchors),
            "by": ", ".join(anchor.by for anchor in done.kept.anchors) or "none",
            "problems": dg.MetadataValue.json([str(problem) for problem in done.kept.problems]),
        }
    )


@dg.asset(
    group_name=GROUP,
    retry_policy=RETRY,
    check_specs=[
        dg.AssetCheckSpec(
            "last_anchor_is_recent",
            asset="audit_log_protection",
            description="No event is without an outside anchor for more than a day.",
        )
    ],
)
def audit_log_protection(sealtrail: Sealtrail) -> dg.MaterializeResult:
    """How old the last outside anchor is. Asked before anchoring, or the answer would always be: fresh."""
    with sealtrail.open() as opened:
        state, problem = log_state.look_at_protection(opened.workspace, opened.results)
    return dg.MaterializeResult(
        metadata={name: value for name, value in state.items() if value is not None},
        check_results=[check("last_anchor_is_recent", problem, warning=True)],
    )


nightly_audit_log = dg.define_asset_job(
    "nightly_audit_log",
    selection=dg.AssetSelection.assets(audit_log_consistency, audit_log_anchoring, audit_log_protection),
)
full_replay = dg.define_asset_job("full_replay", selection=dg.AssetSelection.assets(audit_log_replay))

nightly_log = dg.ScheduleDefinition(
    name="nightly_log",
    job=nightly_audit_log,
    cron_schedule="30 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
weekly_replay = dg.ScheduleDefinition(
    name="weekly_replay",
    job=full_replay,
    cron_schedule="0 1 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

ASSETS = [audit_log_replay, audit_log_consistency, audit_log_anchoring, audit_log_protection]
JOBS = [nightly_audit_log, full_replay]
SENSORS: list[Any] = []
SCHEDULES = [nightly_log, weekly_replay]
