"""What registry and audit log of a workspace say of a file, in words that claim no more than was looked up.

Three questions that a reader must be able to tell apart: is this very file on record, is another file of this document, or is no such
document. And a fourth that no file answers: how the document ended. A signed revision of a voided document stays intact for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from signing_core.verdict import AuditLogState, Ended, RegistryState
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.signers import Note


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What both said of one file."""

    registry: RegistryState | None = None
    audit_log: AuditLogState | None = None
    ended: Ended | None = None

    def codes(self, *, of_a_document: bool) -> tuple[str, ...]:
        """The findings; `of_a_document` says that the file names a document of ours."""
        found: list[str] = []
        if self.registry in ("mismatch", "prefix") or (self.registry == "unknown" and of_a_document):
            found.append(f"registry-{self.registry}")
        # The log names what the steps left. Of a state in between, the registry has said already what it is.
        if self.audit_log in ("missing", "inconsistent") or (
            self.audit_log == "other-file" and self.registry != "prefix"
        ):
            found.append(f"audit-log-{self.audit_log}")
        if self.ended is not None:
            found.append(f"document-{self.ended}")
        return tuple(found)


def look_up(context: WorkspaceContext, sha256: str, document_id: str | None) -> OnRecord:
    """Ask both; what is not there to be asked says nothing."""
    registry = context.registry.lookup(sha256, document_id) if context.registry else None
    if context.audit_log is None or document_id is None:
        return OnRecord(registry)
    return OnRecord(registry, context.audit_log.inclusion(document_id, sha256), context.audit_log.ended(document_id))


def ask(
    context: WorkspaceContext | None, sha256: str, document_id: str | None, notes: list[Note]
) -> tuple[RegistryState | None, AuditLogState | None]:
    """The states of both, with the notes for what they have to say; None for what is not there to be asked."""
    if context is None:
        return None, None
    said = look_up(context, sha256, document_id)
    notes += [(code, "") for code in said.codes(of_a_document=document_id is not None)]
    return said.registry, said.audit_log
