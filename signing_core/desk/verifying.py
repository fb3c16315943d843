"""Verifying a document of the archive, with an event that says what came out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from signing_core.audit_log import checks
from signing_core.audit_log import events as audit
from signing_core.desk import judging
from signing_core.errors import DocumentUnknown, ObjectDamaged, ObjectMissing, UsageError
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify


def stored_file(workspace: Workspace, sha256: str) -> bytes:
    """The stored bytes, as they are: also those that are no longer what their name says.

    Raises `ObjectMissing`, and `ObjectDamaged` for what cannot be read.
    """
    try:
        return workspace.objects.get(sha256)
    except ObjectDamaged as damaged:
        try:
            return workspace.objects.path(sha256).read_bytes()
        except (OSError, ObjectMissing):
            raise damaged from None


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


def record(
    workspace: Workspace,
    document_id: str | None,
    verdict: DocumentVerdict,
    *,
    actor: str,
    via: str,
    personal: Mapping[str, Any] | None = None,
) -> audit.Event:
    """Append `document.verified`: who checked which file how (`via`), and what came out. `personal` says who asked."""
    with writing(workspace.engine) as connection:
        return checks.record(
            connection,
            document_id=document_id,
            method=via,
            sha256=verdict.sha256,
            integrity=str(verdict.integrity),
            indication=str(verdict.indication) if verdict.indication else None,
            time=workspace.clock(),
            actor=actor,
            details={
                "sub_indication": str(verdict.sub_indication) if verdict.sub_indication else None,
                "policy": verdict.policy.sha256,
            },
            personal=personal,
        )
