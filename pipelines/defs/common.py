"""What the assets share: the partitions, when they run, how they try again."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from signing_core.bulk.exceptions import Case
from signing_core.bulk.legible import printable

BATCHES = dg.DynamicPartitionsDefinition(name="batches")
"""A partition is a batch of up to 5,000 documents, never one document."""

FOLLOWS = dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
"""Runs when what it is made from is new, and no blocking check of that has failed."""

NIGHT = "0 2 * * *"
"""When the nightly look at everything begins, in UTC."""


def gathers(by: str) -> dg.AutomationCondition[dg.AssetKey]:
    """Runs when anything that it is made from is new and nothing of that is under way. What was stopped does not hold it up: a
    batch that fails its checks must not keep the others from being reported, and the report names it.

    Where nothing of it has become new in a night, because there is no batch yet or none could be read, it runs all the same at
    the time `by` (cron, UTC): what is wrong may be just that.
    """
    condition = dg.AutomationCondition
    tonight = condition.newly_updated().since(condition.cron_tick_passed(NIGHT))
    asked = condition.any_deps_updated() | (condition.cron_tick_passed(by) & ~tonight)
    return (
        asked.since_last_handled()
        & ~condition.any_deps_in_progress()
        & ~condition.any_deps_match(condition.will_be_requested())
        & ~condition.in_progress()
    )


RETRY = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

SIGNING_KEY = "signing-key"
TIME_STAMPS = "time-stamps"


def check(name: str, problem: str | None, *, warning: bool = False) -> dg.AssetCheckResult:
    """The result of a check whose problem is a sentence, or None."""
    severity = dg.AssetCheckSeverity.WARN if warning else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(check_name=name, passed=problem is None, description=problem, severity=severity)


def counted(counts: Mapping[str, int], prefix: str = "") -> dict[str, int]:
    return {f"{prefix}{name}".replace(" ", "_"): count for name, count in counts.items()}


def worst(cases: Iterable[Case]) -> dg.TableMetadataValue:
    """Cases, each with what it is about and what was found first."""
    return table(
        ("severity", "what", "finding", "message"),
        [
            (case.severity, ", ".join(case.files) or case.document_id or case.subject, case.code, _brief(case))
            for case in cases
        ],
    )


def _brief(case: Case) -> str:
    """Its message; whole hashes, which are in the report, would push the words out of sight."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", case.row()["message"])


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dg.TableMetadataValue:
    """Plain texts: Markdown makes a link of whatever looks like an address, and these come from documents."""
    return dg.MetadataValue.table(
        [dg.TableRecord({name: cell(value) for name, value in zip(columns, row, strict=True)}) for row in rows],
        dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )


def cell(value: Any) -> str:
    """A text from outside as a cell of a table: the beginning of it, in a line."""
    return printable(" ".join(str(value).split())[:240])  # a direction mark would let a name show as another
