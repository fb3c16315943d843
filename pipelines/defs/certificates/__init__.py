"""Certificates in bulk: creation, sealing, re-issue, renewal. Started by hand or by `dagster asset materialize`, renewal by night."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.defs.common import RETRY, SIGNING_KEY, TIME_STAMPS, table
from pipelines.resources import Sealtrail
from signing_core.bulk import creation, reissue, renewal, sealing
from signing_core.desk import Author, Signer

GROUP = "certificates"
_SHOWN = 20


class Creation(dg.Config):
    """What is to be made of a table of parties."""

    table: str = Field(description="CSV or Excel file; its first row names the columns.")
    template: str = Field(description="Name of a template of the workspace's directory.")
    author: str
    author_email: str
    first_party: str = Field("", description="For rows that name none, with first_party_contact.")
    first_party_contact: str = ""
    first_party_organisation: str = ""
    language: str = Field("", description="en or de, for rows that name none.")
    send: bool = Field(False, description="Whether the first party gets its link at once.")


class Reissue(dg.Config):
    documents: list[str] = Field(description="Ids of completed documents.")
    send: bool = False


class Renewal(dg.Config):
    before_days: int = Field(90, ge=1, description="Time-stamps that end within so many days are renewed.")


@dg.asset(group_name=GROUP, retry_policy=RETRY)
def created_documents(config: Creation, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Documents of a template and a table; the same table again makes nothing twice."""
    order = creation.Order(
        template=config.template,
        author=Author(config.author, config.author_email),
        first_party=Signer(config.first_party, config.first_party_contact, config.first_party_organisation or None)
        if config.first_party
        else None,
        language=config.language or None,
        send=config.send,
    )
    with sealtrail.open() as opened:
        done = creation.create(opened.workspace, opened.results, Path(config.table), order)
    # What is in the rows is in bad_rows.csv alone: nothing is ever erased from the events of a run.
    bad = [(one.row, one.column or "", one.cause) for one in done.bad[:_SHOWN]]
    return dg.MaterializeResult(
        metadata={
            "documents": len(done.documents),
            "made_now": done.made_now,
            "bad_rows": len(done.bad),
            "first_bad_rows": table(("row", "column", "cause"), bad),
            "tables": dg.MetadataValue.path(str(done.folder)),
        }
    )


@dg.asset(group_name=GROUP, retry_policy=RETRY, pool=SIGNING_KEY)
def sealed_documents(sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Everything that waits in signing or sealing, once; for after an outage, as background work does it too."""
    with sealtrail.open() as opened:
        done = sealing.seal_waiting(opened.workspace)
    return dg.MaterializeResult(
        metadata={
            "completed": len(done.completed),
            "signed": len(done.signed),
            "still_waiting": len(done.still_waiting),
            "reasons": dg.MetadataValue.json(dict(list(done.still_waiting.items())[:_SHOWN])),
        }
    )


@dg.asset(group_name=GROUP, retry_policy=RETRY)
def reissued_documents(config: Reissue, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Successors of documents, each naming the one that it supersedes."""
    with sealtrail.open() as opened:
        done = reissue.reissue_all(opened.workspace, config.documents, send=config.send)
    return dg.MaterializeResult(
        metadata={
            "reissued": len(done.successors),
            "made_now": done.made_now,
            "failed": len(done.failed),
            # All of them: it is a list that somebody wrote, and nothing else says which of it failed.
            "successors": dg.MetadataValue.json(done.successors),
            "reasons": dg.MetadataValue.json(done.failed),
        }
    )


@dg.asset(
    group_name=GROUP,
    retry_policy=RETRY,
    pool=TIME_STAMPS,
    automation_condition=dg.AutomationCondition.on_cron("0 3 * * *"),
)
def renewed_time_stamps(config: Renewal, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Archive time-stamps that would end soon, followed by the next one."""
    with sealtrail.open() as opened:
        before = timedelta(days=config.before_days)
        done = renewal.renew_due(opened.workspace, opened.results, before=before, policy=opened.work.policy)
        file = opened.results.folder / "time_stamps.parquet"
    return dg.MaterializeResult(
        metadata={
            "renewed": len(done.renewed),
            "not_due": done.not_due,
            "failed": len(done.failed),
            "reasons": dg.MetadataValue.json(dict(list(done.failed.items())[:_SHOWN])),
            "file": dg.MetadataValue.path(file),
        }
    )


ASSETS = [created_documents, sealed_documents, reissued_documents, renewed_time_stamps]
JOBS = [
    dg.define_asset_job("create_documents", selection=dg.AssetSelection.assets(created_documents)),
    dg.define_asset_job("seal_documents", selection=dg.AssetSelection.assets(sealed_documents)),
    dg.define_asset_job("reissue_documents", selection=dg.AssetSelection.assets(reissued_documents)),
    dg.define_asset_job("renew_time_stamps", selection=dg.AssetSelection.assets(renewed_time_stamps)),
]
SENSORS: list[Any] = []
SCHEDULES: list[Any] = []
