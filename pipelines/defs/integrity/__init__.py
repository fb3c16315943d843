"""Integrity: what is in a batch, what its signatures and certificates say, what registry, log and mail say of it."""

import warnings
from collections import Counter
from typing import Any

import dagster as dg

from pipelines import places
from pipelines.defs.common import BATCHES, FOLLOWS, NIGHT, RETRY, check, counted, gathers
from pipelines.resources import Sealtrail
from signing_core.bulk import certificates, checks, flow_controls, reconciling, registry, signatures
from signing_core.bulk import inventory as inventories

GROUP = "integrity"


def _of_batch(name: str, asset: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    # Partitioned, or one bad batch would stop all; in Dagster 1.13 that warns of being a preview.
    with warnings.catch_warnings(category=dg.PreviewWarning, action="ignore"):
        return dg.AssetCheckSpec(name, asset=asset, blocking=blocking, description=description, partitions_def=BATCHES)


def _blocking(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    return _of_batch(name, asset, description, blocking=True)


@dg.asset(
    group_name=GROUP,
    partitions_def=BATCHES,
    retry_policy=RETRY,
    check_specs=[
        _blocking("complete", "inventory", "Every file is listed, and few are missing or cannot be read."),
        _of_batch("withdrawals_whole", "inventory", "What says which files were withdrawn can be read."),
    ],
)
def inventory(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Path, size, SHA-256 and first sight of every file of the batch, read now."""
    key = context.partition_key
    with sealtrail.open() as opened:
        made = inventories.make(opened.workspace, opened.results, opened.ledger, opened.watched, key)
        problem = checks.inventory_complete(opened.results, opened.ledger, key, opened.bounds)
        withdrawals = checks.withdrawals_whole(opened.results, key)
        file = opened.results.of(key, "inventory")
    states = Counter(made.column("state").to_pylist())
    sizes = [size for size in made.column("size").to_pylist() if size is not None]
    return dg.MaterializeResult(
        metadata={
            "documents": made.num_rows,
            **counted(states),
            "bytes": sum(sizes),
            "file": dg.MetadataValue.path(file),
        },
        check_results=[check("complete", problem), check("withdrawals_whole", withdrawals, warning=True)],
    )


@dg.asset(
    group_name=GROUP,
    partitions_def=BATCHES,
    deps=[inventory],
    automation_condition=FOLLOWS,
    retry_policy=RETRY,
    check_specs=[
        _blocking("verdict_for_every_document", "signature_verdicts", "No file of the inventory is without a verdict."),
        _blocking("failed_within_bounds", "signature_verdicts", "So few fail that the documents are to blame."),
    ],
)
def signature_verdicts(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """The verdict on every different file; what was judged before under the same rules is taken over."""
    key = context.partition_key
    with sealtrail.open() as opened:
        done = signatures.make(opened.workspace, opened.results, opened.watched, key, opened.work)
        every = checks.verdict_for_every_document(opened.results, key)
        bounds = checks.failed_within_bounds(opened.results, key, opened.bounds)
        file = opened.results.of(key, "signatures")
        policy = opened.work.policy.reference()
    integrity = Counter(done.table.column("integrity").to_pylist())
    elapsed = [one for one in done.table.column("elapsed_ms").to_pylist() if one is not None]
    count = done.table.num_rows
    return dg.MaterializeResult(
        metadata={
            "documents": count,
            "judged_now": done.judged,
            "taken_over": count - done.judged,
            **counted(integrity),
            "failed_rate": round(1 - integrity["intact"] / count, 4) if count else 0.0,
            "milliseconds_each": round(sum(elapsed) / len(elapsed), 1) if elapsed else 0.0,
            "policy": f"{policy.id} {policy.sha256}",
            "rules": done.rules,
            "file": dg.MetadataValue.path(file),
        },
        check_results=[check("verdict_for_every_document", every), check("failed_within_bounds", bounds)],
    )


@dg.asset(
    group_name=GROUP,
    partitions_def=BATCHES,
    deps=[signature_verdicts],
    automation_condition=FOLLOWS,
    retry_policy=RETRY,
)
def certificate_verdicts(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Authenticity certificate, seal and QR code of every file."""
    with sealtrail.open() as opened:
        made = certificates.make(opened.results, context.partition_key)
        file = opened.results.of(context.partition_key, "certificates")
    states = Counter(made.column("state").to_pylist())
    return dg.MaterializeResult(metadata={**counted(states), "file": dg.MetadataValue.path(file)})


@dg.asset(
    group_name=GROUP,
    partitions_def=BATCHES,
    deps=[signature_verdicts],
    automation_condition=FOLLOWS,
    retry_policy=RETRY,
)
def registry_comparison(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """What registry and audit log say of every file."""
    with sealtrail.open() as opened:
        made = registry.make(opened.workspace, opened.results, context.partition_key)
        file = opened.results.of(context.partition_key, "registry")
    states = Counter(made.column("registry").to_pylist())
    log = Counter(one or "not ours" for one in made.column("audit_log").to_pylist())
    return dg.MaterializeResult(
        metadata={**counted(states), **counted(log, "log_"), "file": dg.MetadataValue.path(file)}
    )


@dg.asset(
    group_name=GROUP,
    partitions_def=BATCHES,
    deps=[inventory],
    automation_condition=FOLLOWS,
    retry_policy=RETRY,
)
def reconciliation(context: dg.AssetExecutionContext, sealtrail: Sealtrail) -> dg.MaterializeResult:
    """Stored bytes = registry = audit event = attachment as mailed, and the printed certificate = the events."""
    with sealtrail.open() as opened:
        done = reconciling.make(opened.workspace, opened.results, context.partition_key, jobs=opened.work.jobs)
        file = opened.results.of(context.partition_key, "reconciliation")
    return dg.MaterializeResult(
        metadata={**counted(done.states), "certificates_set_again": done.set_again, "file": dg.MetadataValue.path(file)}
    )


@dg.asset(group_name=GROUP, deps=[inventory], automation_condition=gathers(by="30 2 * * *"), retry_policy=RETRY)
def controls(sealtrail: Sealtrail) -> dg.MaterializeResult:
    """What an auditor looks for, in every document's history; the documents that are still running included."""
    with sealtrail.open() as opened:
        done = flow_controls.make(opened.workspace, opened.results)
        file = opened.results.folder / "controls.parquet"
    return dg.MaterializeResult(
        metadata={"documents": done.documents, **counted(done.findings), "file": dg.MetadataValue.path(file)}
    )


BATCH_ASSETS = [inventory, signature_verdicts, certificate_verdicts, registry_comparison, reconciliation]

integrity_of_a_batch = dg.define_asset_job(
    "integrity_of_a_batch",
    selection=dg.AssetSelection.assets(*BATCH_ASSETS),
    description="Everything about one batch, in one run.",
)


@dg.schedule(
    cron_schedule=NIGHT,
    execution_timezone="UTC",
    job=integrity_of_a_batch,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every batch, every night: files are read anew, verdicts that still hold are taken over.",
)
def nightly_integrity(context: dg.ScheduleEvaluationContext, sealtrail: Sealtrail) -> Any:
    announced = set(context.instance.get_dynamic_partitions(str(BATCHES.name)))
    if places.is_missing_sample(sealtrail.path):
        return dg.SkipReason("There is no workspace yet; the job sample_workspace makes one.")
    with sealtrail.open() as opened:
        # Not those of another workspace that the instance served before.
        keys = [batch.key for batch in opened.ledger.batches() if batch.documents and batch.key in announced]
    if not keys:
        return dg.SkipReason("There is no batch yet.")
    night = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return [dg.RunRequest(run_key=f"{night} {key}", partition_key=key) for key in keys]


ASSETS = [*BATCH_ASSETS, controls]
JOBS = [integrity_of_a_batch]
SENSORS: list[Any] = []
SCHEDULES = [nightly_integrity]
