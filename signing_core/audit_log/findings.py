"""What a verification of the log found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not in order, or, with severity `info`, worth knowing."""

    code: str
    """Stable."""
    message: str
    """One sentence."""
    seq: int | None = None
    """The event it is about, or the first one."""
    severity: Severity = "error"

    def to_json(self) -> dict[str, object]:
        return {"code": self.code, "severity": self.severity, "message": self.message, "seq": self.seq}
