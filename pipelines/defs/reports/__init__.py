"""The run report."""

from typing import Any

import dagster as dg

from pipelines.defs.audit_log import audit_log_replay
from pipelines.defs.common import GATHERS, RETRY, counted, table
from pipelines.defs.integrity import BATCH_ASSETS, controls
from pipelines.resources import Sealtrail
from signing_core.bulk import gathering, report

_WITH_BOTH = GATHERS & ~dg.AutomationCondition.any_deps_missing().allow(
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
        )
    summary = made.summary
    documents = summary["documents"]
    return dg.MaterializeResult(
        metadata={
            "documents": documents,
            "exceptions": summary["exceptions"],
            "exception_rate": round(summary["exceptions"] / documents, 5) if documents else 0.0,
            **counted(summary["by_severity"], "severity_"),
            "worst": table(gathering.worst(made.cases)),
            # A browser follows no link from a web page to a file: the dashboard shows the report, the paths are to be copied.
            "report": dg.MetadataValue.url(f"{sealtrail.dashboard_url}/runs?runview=reports&report={made.folder.name}"),
            "dashboard": dg.MetadataValue.url(f"{sealtrail.dashboard_url}/findings"),
            "html": dg.MetadataValue.path(made.html),
            "pdf": dg.MetadataValue.path(made.pdf),
            "sha256": dg.MetadataValue.json(summary["sha256"]),
        }
    )


ASSETS = [run_report]
JOBS = [dg.define_asset_job("report", selection=dg.AssetSelection.assets(run_report))]
SENSORS: list[Any] = []
SCHEDULES: list[Any] = []
