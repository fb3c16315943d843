"""The runs themselves: one that was killed together with Dagster is marked as failed."""

from typing import Any

import dagster as dg

from pipelines import alive


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process was killed or ended with the machine; they are tried again.",
)
def lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    failed = alive.fail_those_gone(context.instance)
    if failed:
        context.log.warning(f"The process of {len(failed)} runs is gone: {', '.join(failed)}.")
        return dg.SkipReason(f"Marked as failed, for their process is gone: {', '.join(failed)}.")
    return dg.SkipReason("No run has lost its process.")


ASSETS: list[Any] = []
JOBS: list[Any] = []
SENSORS = [lost_runs]
SCHEDULES: list[Any] = []
