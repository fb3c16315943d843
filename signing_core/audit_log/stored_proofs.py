"""The proofs that were handed out with finished documents, as they are kept: what the log was, in somebody else's hands too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from signing_core.audit_log.notes import NoteInvalid
from signing_core.audit_log.proofs import Proof
from signing_core.errors import StorageError
from signing_core.storage.database import reading
from signing_core.storage.schema import document_files

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace

STEP: Final = "proof"
"""The proof's name among the files of a document."""


class Kept(NamedTuple):
    """The proof of one document, or why it cannot be had, as the end of a sentence about it."""

    document_id: str
    proof: Proof | None
    problem: str = ""


def every(workspace: Workspace) -> Iterator[Kept]:
    """All of them, by document."""
    query = sa.select(document_files.c.document_id, document_files.c.sha256).where(document_files.c.step == STEP)
    with reading(workspace.engine) as connection:
        rows = connection.execute(query.order_by(document_files.c.document_id)).all()
    for document_id, sha256 in rows:
        yield _read(workspace, document_id, sha256)


def newest(workspace: Workspace) -> Proof | None:
    """The proof of the youngest document that has one; None when it cannot be read."""
    table = document_files
    query = sa.select(table.c.document_id, table.c.sha256).where(table.c.step == STEP)
    with reading(workspace.engine) as connection:
        row = connection.execute(query.order_by(table.c.document_id.desc()).limit(1)).first()
    return _read(workspace, row.document_id, row.sha256).proof if row is not None else None


def _read(workspace: Workspace, document_id: str, sha256: str) -> Kept:
    try:
        return Kept(document_id, Proof.parse(workspace.objects.get(sha256)))
    except (StorageError, NoteInvalid, ValueError) as error:
        return Kept(document_id, None, f"cannot be read: {error}")
