"""Everything that Dagster runs here: `dagster dev -w workspace.yaml` from the project's folder, or `make pipelines`."""

import dagster as dg

from pipelines.defs import audit_log, certificates, intake, integrity, reports, runs
from pipelines.resources import Sealtrail

PARTS = (intake, integrity, audit_log, reports, certificates, runs)

defs = dg.Definitions(
    assets=[asset for part in PARTS for asset in part.ASSETS],
    jobs=[job for part in PARTS for job in part.JOBS],
    sensors=[
        *(sensor for part in PARTS for sensor in part.SENSORS),
        dg.AutomationConditionSensorDefinition(
            "automation",
            target=dg.AssetSelection.all(),
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=10,
            description="Asks for what the automation conditions of the assets call for.",
        ),
    ],
    schedules=[schedule for part in PARTS for schedule in part.SCHEDULES],
    resources={"sealtrail": Sealtrail()},
    # A step shares its work out among processes of its own; another process for each step would only cost time.
    executor=dg.in_process_executor,
)
