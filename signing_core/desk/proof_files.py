"""The proof that travels with every sealed PDF: where its completion stands in the audit log, under a signed checkpoint.

It is made once, when the first message is sent, and kept, so that every party gets the same.
"""

from __future__ import annotations

from signing_core.audit_log.log import AuditLog
from signing_core.audit_log.stored_proofs import STEP
from signing_core.desk import records
from signing_core.errors import DocumentUnknown
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace


def proof_of(workspace: Workspace, document_id: str) -> str:
    """The document's proof in the form of C2SP tlog-proof; made on first use, with a checkpoint and its anchors.

    Raises `DocumentUnknown` for a document that is not completed, `LogInconsistent`, `StorageError`.
    """
    with reading(workspace.engine) as connection:
        kept = records.files(connection, document_id).get(STEP)
        completed = records.load(connection, document_id).final_sha256 is not None
    if kept is not None:
        return workspace.objects.get(kept.sha256).decode()
    if not completed:
        raise DocumentUnknown(f"Document {document_id} is not completed; it has a proof once it is sealed.")
    log = AuditLog(workspace)
    if not log.covers(log.event_of(document_id).seq):
        log.checkpoint_and_anchor()
    text = str(log.prove_document(document_id))
    sha256 = workspace.objects.put(text.encode())
    with writing(workspace.engine) as connection:
        first = records.files(connection, document_id).get(STEP)
        if first is None:
            records.add_file(connection, document_id, STEP, sha256, len(text.encode()), workspace.clock())
            return text
    return workspace.objects.get(first.sha256).decode()


def file_name(document_id: str) -> str:
    """What the proof is called beside the PDF."""
    return f"{document_id}.tlog-proof"
