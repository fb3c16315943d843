"""The run report."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import dagster as dg

from pipelines.defs.audit_log import audit_log_replay
from pipelines.defs.common import RETRY, counted, gathers, worst
from pipelines.defs.integrity import BATCH_ASSETS, controls
from pipelines.resources import Sealtrail
from signing_core.bulk import gathering, report

_PARTITION: Final = "dagster/partition"
_EVALUATED: Final = timedelta(minutes=1)
"""The conditions are evaluated more often than that."""
_WITH_BOTH = gathers(by="30 3 * * *") & ~dg.AutomationCondition.any_deps_missing().allow(
    dg.AssetSelection.assets(controls, audit_log_replay)
)
"""The first report is to have the controls and the log in it."""


@dg.asset(
    group_name="reports",
    deps=[*BATCH_ASSETS, controls, audit_log_replay],
    automation_condition=_WITH_BOTH,
    retry_policy=RETRY,
)
def run_report(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Exceptions first, what was checked under which policy, counts, trend: HTML, PDF, Parquet; hashes in the audit log."""
    with sealtrail.open() as opened:
        made = report.make(
            opened.workspace,
            opened.results,
            opened.ledger,
            run_id=context.run.run_id,
            bounds=opened.bounds,
            under_way=_under_way(context.instance),
        )
    summary = made.summary
    documents = summary["documents"]
    return dg.MaterializeResult(
        metadata={
            "documents": documents,
            "exceptions": summary["exceptions"],
            "exception_rate": round(summary["exceptions"] / documents, 5) if documents else 0.0,
            **counted(summary["by_severity"], "severity_"),
            # A browser follows no link from a web page to a file: the dashboard shows the report, the paths are to be copied.
            "report": dg.MetadataValue.url(f"{sealtrail.dashboard_url}/runs?runview=reports&report={made.folder.name}"),
            "dashboard": dg.MetadataValue.url(f"{sealtrail.dashboard_url}/findings"),
            "html": dg.MetadataValue.path(made.html),
            "pdf": dg.MetadataValue.path(made.pdf),
            "sha256": dg.MetadataValue.json(summary["sha256"]),
            "worst": worst(gathering.worst(made.cases)),
        }
    )


def _under_way(instance: dg.DagsterInstance) -> set[str]:
    """The batches that a run is at or waits to be at; and those whose last run came to a good end just now, for what is made from
    that is asked for at the next evaluation of the conditions."""
    state = dg.DagsterRunStatus
    ended = (state.SUCCESS, state.FAILURE, state.CANCELED)
    just_now = datetime.now(UTC) - _EVALUATED
    unfinished = dg.RunsFilter(statuses=[one for one in state if one not in ended])
    found = {run.tags.get(_PARTITION) for run in instance.get_runs(unfinished)}
    last: dict[str | None, bool] = {}
    for record in instance.get_run_records(dg.RunsFilter(statuses=list(ended), updated_after=just_now)):
        run = record.dagster_run
        last.setdefault(run.tags.get(_PARTITION), run.status is state.SUCCESS)  # the newest comes first
    found.update(key for key, well in last.items() if well)
    return {key for key in found if key}


ASSETS = [run_report]
JOBS = [dg.define_asset_job("report", selection=dg.AssetSelection.assets(run_report))]
SENSORS: list[Any] = []
SCHEDULES: list[Any] = []
