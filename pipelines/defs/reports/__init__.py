"""The run report."""

from typing import Any

import dagster as dg

from pipelines.defs.audit_log import audit_log_replay
from pipelines.defs.common import RETRY, counted, table
from pipelines.defs.integrity import certificate_verdicts, controls, reconciliation, registry_comparison
from pipelines.resources import Sealtrail
from signing_core.bulk import gathering, report

_WHATEVER_IS_THERE = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
)
"""Like `eager()`, but a batch that was stopped must not keep the others from being reported: the report names it."""


@dg.asset(
    group_name="reports",
    deps=[certificate_verdicts, registry_comparison, reconciliation, controls, audit_log_replay],
    automation_condition=_WHATEVER_IS_THERE,
    retry_policy=RETRY,
)
def run_report(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Exceptions first, what was checked under which policy, counts, trend: HTML, PDF, Parquet; hashes in the audit log."""
    with sealtrail.open() as opened:
        made = report.make(
            opened.workspace, opened.results, opened.ledger, run_id=context.run.run_id, policy=opened.work.policy
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
            "report": dg.MetadataValue.url(made.html.as_uri()),
            "pdf": dg.MetadataValue.url(made.pdf.as_uri()),
            "dashboard": dg.MetadataValue.url(sealtrail.dashboard_url),
            "sha256": dg.MetadataValue.json(summary["sha256"]),
        }
    )


ASSETS = [run_report]
JOBS = [dg.define_asset_job("report", selection=dg.AssetSelection.assets(run_report))]
SENSORS: list[Any] = []
SCHEDULES: list[Any] = []
