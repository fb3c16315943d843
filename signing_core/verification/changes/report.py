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
