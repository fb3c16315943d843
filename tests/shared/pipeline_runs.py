"""Runs of the pipelines in this process: what the daemon would do, asset by asset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
from seeded import ARCHIVE

from pipelines.defs import audit_log, integrity, reports
from pipelines.defs.common import BATCHES
from pipelines.defs.intake import new_documents
from pipelines.resources import Sealtrail
from signing_core.bulk.report import Report
from signing_core.bulk.results import Results, rows_of

EXPECTED = {
    **ARCHIVE,
    "duplicate": "duplicate-file",
    "unsigned": "file-unsigned",
    "encrypted": "file-encrypted",
    "foreign": "file-foreign",
    "expired-certificate": "file-expired-certificate",
}
"""What the report calls each planted defect."""


class Runs:
    """One workspace, one instance."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance, **settings: Any) -> None:
        self.folder = folder
        self.instance = instance
        self.sealtrail = Sealtrail(
            workspace=str(folder), **{"jobs": 2, "settle_seconds": 0, "patience_minutes": 0, **settings}
        )
        self.results = Results(folder / "results")
        self._cursor: str | None = None

    def tick(self) -> list[str]:
        """One evaluation of the intake's sensor; the keys of the batches that it announced."""
        return [request.partition_key for request in self._evaluated() if request.partition_key]

    def asked(self) -> list[list[str]]:
        """One evaluation of the intake's sensor; the assets of each run that it asked for."""
        return [[key.to_user_string() for key in one.asset_selection or ()] for one in self._evaluated()]

    def _evaluated(self) -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            self.instance, cursor=self._cursor, resources={"sealtrail": self.sealtrail}, sensor_name="new_documents"
        ) as context:
            result = new_documents(context)
        if isinstance(result, dg.SkipReason):
            return []
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor
        for request in result.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        return list(result.run_requests or ())

    def batch(self, key: str, **more: Any) -> dg.ExecuteInProcessResult:
        return self.materialize(integrity.BATCH_ASSETS, partition_key=key, **more)

    def materialize(self, assets: list[Any], **more: Any) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            assets, instance=self.instance, resources={"sealtrail": self.sealtrail}, **{"raise_on_error": False, **more}
        )

    def everything(self) -> dg.ExecuteInProcessResult:
        """From the intake to the report; the run of the report."""
        for key in self.tick():
            assert self.batch(key).success
        assert self.materialize([integrity.controls, audit_log.audit_log_replay]).success
        done = self.materialize([reports.run_report])
        assert done.success
        return done

    @property
    def keys(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions(str(BATCHES.name)))

    def exceptions(self) -> list[dict[str, Any]]:
        """Of the newest report."""
        return rows_of(self.results.folder / "exceptions.parquet")


def found(exceptions: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """What each exception is about and what it is called."""
    return {(one["document_id"] or " ".join(one["files"]) or one["subject"], one["code"]) for one in exceptions}


def expected(planted: Any) -> set[tuple[str, str]]:
    """The same of the list of what was planted."""
    return {(" ".join(one["files"]) or one["document_id"], EXPECTED[one["kind"]]) for one in planted}


def read_planted(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())["planted"]
    return found


__all__ = ["BATCHES", "EXPECTED", "Report", "Runs", "expected", "found", "read_planted"]
