"""Results of the change analysis: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from signing_core.pdf.structure.model import Finding


class ChangeLevel(StrEnum):
    """The value of a signature's `changes`, from best to worst."""

    NONE = "none"
    PERMITTED = "permitted"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What came after a revision. One `error` finding at least when `forbidden`, one `warning` at least when `unknown`."""

    level: ChangeLevel
    findings: tuple[Finding, ...]
    """Codes are `change-*`, the gravest first; the permitted steps are there too, as `info` or `warning`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a revision and the newest state of the file differ; to be shown side by side."""

    pages: tuple[int, ...]
    """Pages of the newest state (from 1) whose looks may differ: content, resources, annotations or fields on them."""
    pages_before: int | None
    """Number of pages in the older state."""
    pages_after: int | None
    fields: tuple[str, ...]
    """Fully qualified names of fields added, removed, filled or changed."""
    annotations: tuple[str, ...]
    """`page N: Subtype` of annotations other than form fields that were added, removed or changed."""
