"""What the assets share: the partitions, when they run, how they try again."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from signing_core.bulk.exceptions import Case

BATCHES = dg.DynamicPartitionsDefinition(name="batches")
"""A partition is a batch of up to 5,000 documents, never one document."""

FOLLOWS = dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
"""Runs when what it is made from is new, and no blocking check of that has failed."""

GATHERS = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
    & ~dg.AutomationCondition.in_progress()
)
"""Runs when anything that it is made from is new and nothing of that is under way. What was stopped does not hold it up: a
batch that fails its checks must not keep the others from being reported, and the report names it."""

RETRY = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

SIGNING_KEY = "signing-key"
TIME_STAMPS = "time-stamps"


def check(name: str, problem: str | None, *, warning: bool = False) -> dg.AssetCheckResult:
    """The result of a check whose problem is a sentence, or None."""
    severity = dg.AssetCheckSeverity.WARN if warning else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(check_name=name, passed=problem is None, description=problem, severity=severity)


def counted(counts: Mapping[str, int], prefix: str = "") -> dict[str, int]:
    return {f"{prefix}{name}".replace(" ", "_"): count for name, count in counts.items()}


def table(cases: Iterable[Case]) -> dg.MarkdownMetadataValue:
    """Cases as a table; what came from a document cannot break it."""
    lines = ["| | what | finding | message |", "|---|---|---|---|"]
    for case in cases:
        row = case.row()
        what = ", ".join(case.files) or case.document_id or case.subject
        lines.append("| " + " | ".join(cell(text) for text in (case.severity, what, case.code, row["message"])) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def cell(value: Any) -> str:
    """A text as a cell of a Markdown table: a line of it, its marks only marks."""
    text = " ".join(str(value).split())[:240]
    for mark in "\\|`*_[]<>":
        text = text.replace(mark, "\\" + mark)
    return text
