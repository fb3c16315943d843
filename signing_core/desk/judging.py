"""What a workspace knows that a verification can use: its anchors and keys, the files it stores, its audit log."""

from __future__ import annotations

import hashlib
from typing import Final

import sqlalchemy as sa

from signing_core.audit_log import authentication, files
from signing_core.audit_log import events as audit
from signing_core.errors import StorageError
from signing_core.flow import Status
from signing_core.flow.values import spoken
from signing_core.storage.database import reading
from signing_core.storage.schema import document_files, documents
from signing_core.storage.workspace import Workspace
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import AuditLogState, DocumentVerdict, Ended, Indication, Integrity, RegistryState
from signing_core.verification import WorkspaceContext


def context_of(workspace: Workspace) -> WorkspaceContext:
    """What the workspace believes, with its registry and its audit log."""
    return WorkspaceContext(of_workspace(workspace), Registry(workspace), LogView(workspace), workspace.log_origin)


def why_not_complete(verdict: DocumentVerdict, document_id: str) -> str | None:
    """Why a freshly sealed document must not be completed; None when it may."""
    if verdict.document_id != document_id:
        return f"it names document {verdict.document_id}"
    roles = [signature.role for signature in verdict.signatures if signature.kind == "signature"]
    if roles != ["first-party", "client", "seal"]:
        return f"its signatures are those of {', '.join(spoken(str(role)) for role in roles) or 'nobody'}"
    if verdict.integrity is Integrity.INTACT and verdict.indication is Indication.TOTAL_PASSED:
        if (
            verdict.certificate.prefix == "match"
            and verdict.certificate.qr == "valid"
            and verdict.certificate.sealed_by_us
        ):
            return None
        return f"its certificate is not in order ({verdict.certificate.to_json()})"
    return _because(verdict)


def _because(verdict: DocumentVerdict) -> str:
    """The verdict with the gravest findings that there are, whatever their severity: a reason is never empty."""
    found = [*verdict.findings, *(finding for signature in verdict.signatures for finding in signature.findings)]
    said = [
        finding.message
        for severity in ("error", "warning", "info")
        for finding in found
        if finding.severity == severity
    ]
    stated = " ".join(str(part) for part in (verdict.indication, verdict.sub_indication) if part)
    return f"{verdict.integrity}, {stated}: {'; '.join(dict.fromkeys(said[:3])) or 'no finding says why'}"


class Registry:
    """The files that the workspace stores, by what they hash to."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def lookup(self, sha256: str, document_id: str | None) -> RegistryState:
        """`known`, `prefix`, `mismatch` or `unknown`; see `verification.Registry`."""
        with reading(self._workspace.engine) as connection:
            row = connection.execute(
                sa.select(document_files.c.step, documents.c.status, documents.c.final_sha256)
                .join(documents, documents.c.id == document_files.c.document_id)
                .where(document_files.c.sha256 == sha256, document_files.c.step != "source")
            ).first()
            if row is not None:
                return "known" if row.final_sha256 == sha256 or row.step.startswith("renewed-") else "prefix"
            if document_id is None:
                return "unknown"
            known = connection.execute(sa.select(documents).where(documents.c.id == document_id)).first()
        if known is None or known.status != Status.COMPLETED:
            return "unknown"
        return "prefix" if sha256 in self._ends(known.final_sha256 or "") else "mismatch"

    def _ends(self, final_sha256: str) -> set[str]:
        """What the file hashes to at the end of each of its revisions; only those of the steps are in the database."""
        from signing_core.pdf import revisions

        try:
            final = self._workspace.objects.get(final_sha256)
        except (StorageError, ValueError):
            return set()  # lost or damaged: then no file can be an earlier state of it, and reconciliation says why
        cuts = {end for one in revisions.parse(final).revisions for end in (one.end, one.end_with_eol)}
        return {hashlib.sha256(memoryview(final)[:cut]).hexdigest() for cut in cuts}


_ENDINGS: Final[dict[str, Ended]] = {
    "document.voided": "voided",
    "document.declined": "declined",
    "document.expired": "expired",
}


class LogView:
    """The audit log of the workspace, as far as one document is concerned."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def inclusion(self, document_id: str, sha256: str) -> AuditLogState | None:
        """`included`, `other-file`, `missing` or `inconsistent`; see `verification.LogView`.

        That somebody had a file verified is an event too, whatever that file was: it makes none of it the document's.
        """
        log = self._of(document_id)
        with reading(self._workspace.engine) as connection:
            key = authentication.at_hand(connection)
            if key is not None and authentication.forged(connection, log, key) is not None:
                return "inconsistent"
        try:
            known = files.of(log)
        except files.Unreadable:
            return "inconsistent"
        if not known:
            return "missing"
        return "included" if any(one.sha256 == sha256 for one in known) else "other-file"

    def ended(self, document_id: str) -> Ended | None:
        """By the last event that ended it without a completion."""
        return next((_ENDINGS[event.type] for event in reversed(self._of(document_id)) if event.type in _ENDINGS), None)

    def _of(self, document_id: str) -> list[audit.Event]:
        with reading(self._workspace.engine) as connection:
            return audit.of_document(connection, document_id)
