"""A finding: of a control, of the reconciliation, or of a run over files and log."""

from __future__ import annotations

from dataclasses import dataclass

from signing_core.controls.catalogue import CATALOGUE, Owner, Severity


@dataclass(frozen=True, slots=True)
class ControlFinding:
    """One finding. `evidence` names what it rests on: `event 17`, `object SHA-256`, `message ID`; what is of no document also
    has in it what it is about: `file SHA-256`, `batch KEY`."""

    code: str
    document_id: str | None
    message: str
    evidence: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        return CATALOGUE[self.code].severity

    @property
    def owner(self) -> Owner:
        return CATALOGUE[self.code].owner

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "severity": self.severity,
            "owner": self.owner,
            "document_id": self.document_id,
            "message": self.message,
            "evidence": list(self.evidence),
        }
