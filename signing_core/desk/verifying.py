"""Verifying a document of the archive, with an event that says what came out."""

from __future__ import annotations

from datetime import datetime

from signing_core.audit_log import events as audit
from signing_core.desk import judging
from signing_core.errors import DocumentUnknown, StorageError, UsageError
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify


def stored_file(workspace: Workspace, sha256: str) -> bytes:
    """The stored bytes, as they are: also those that are no longer what their name says. Raises `ObjectMissing`."""
    try:
        return workspace.objects.get(sha256)
    except StorageError:
        if workspace.objects.exists(sha256):
            return workspace.objects.path(sha256).read_bytes()
        raise


def verify_stored(workspace: Workspace, document_id: str, *, at: datetime | None = None) -> DocumentVerdict:
    """The verdict on the finished file as it is in the store now; records nothing.

    Raises `DocumentUnknown`, `UsageError` for a document that is not completed, `ObjectMissing`.
    """
    import sqlalchemy as sa

    with reading(workspace.engine) as connection:
        row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one_or_none()
    if row is None:
        raise DocumentUnknown(f"There is no document {document_id} in this workspace.")
    if row.final_sha256 is None:
        raise UsageError(f"Document {document_id} is not completed, so there is no finished file to verify.")
    data = stored_file(workspace, row.final_sha256)
    return verify(data, at=at or workspace.clock(), workspace_context=judging.context_of(workspace))


def record(workspace: Workspace, document_id: str, verdict: DocumentVerdict, *, actor: str, via: str) -> audit.Event:
    """Append `document.verified`: verdict, hash of the file that was judged, policy, and where it was judged."""
    with writing(workspace.engine) as connection:
        return audit.append(
            connection,
            type="document.verified",
            time=workspace.clock(),
            document_id=document_id,
            actor=actor,
            data={
                "integrity": str(verdict.integrity),
                "indication": str(verdict.indication) if verdict.indication else None,
                "sub_indication": str(verdict.sub_indication) if verdict.sub_indication else None,
                "sha256": verdict.sha256,
                "policy": verdict.policy.sha256,
                "via": via,
            },
        )
