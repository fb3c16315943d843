"""One observation about a document or a signature."""

from __future__ import annotations

from dataclasses import dataclass

from signing_core.verdict.encoding import Json
from signing_core.verdict.terms import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation. `code` is stable and documented in docs/findings.md."""

    code: str
    severity: Severity
    message: str
    field: str | None = None
    """Signature field, or form field, that it is about."""
    revision: int | None = None
    """Counted from 1."""
    page: int | None = None
    """Counted from 1."""

    def to_json(self) -> Json:
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "field": self.field,
            "revision": self.revision,
            "page": self.page,
        }

    @classmethod
    def from_json(cls, content: Json) -> Finding:
        return cls(**content)
