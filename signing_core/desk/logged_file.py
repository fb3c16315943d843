"""The file that a step works on: read back from the store and held against what the audit log says it is.

The log is believed, not the registry: whoever can write to database and object store can put another file into both, and a
name into every row. The log's last event that made a file names the one that may be shown, signed, sealed, renewed and
delivered; and between that and the states before it lie exactly the revisions of those steps. The events themselves are held
against what the signer of checkpoints remembers, outside the database, and each has to be written with the key ring.
"""

from __future__ import annotations

from signing_core.audit_log import authentication, files
from signing_core.audit_log import events as audit
from signing_core.audit_log.files import LoggedFile
from signing_core.audit_log.log import AuditLog
from signing_core.errors import FileNotAsLogged, LogInconsistent, StorageError
from signing_core.pdf import succession
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace


def states(workspace: Workspace, document_id: str) -> list[LoggedFile]:
    """Every state of the document's file that the log names, oldest first; at least one. Raises `FileNotAsLogged`."""
    with reading(workspace.engine) as connection:
        log = audit.of_document(connection, document_id)
        forged = authentication.forged(connection, log)
    try:
        found = files.of(log)
        if not found:
            raise files.Unreadable("names no file of it")
        if forged is not None:
            raise _refused(document_id, authentication.said(forged.seq, forged.type))
        AuditLog(workspace).vouch(one.event for one in found)
    except files.Unreadable as wrong:
        raise _refused(document_id, f"the audit log {wrong}") from None
    except LogInconsistent as error:
        raise _refused(document_id, f"the audit log is not what was signed of it. {error}") from error
    return found


def standing(
    workspace: Workspace, document_id: str, recorded: str | None = None, *, step: str | None = None
) -> list[LoggedFile]:
    """The states up to the one that stands, or up to the last `step` of that name.

    `recorded` is the SHA-256 that somebody else has for it, the registry or a message. Raises `FileNotAsLogged`.
    """
    known = states(workspace, document_id)
    while step is not None and known and known[-1].stage.step != step:
        known.pop()
    if not known:
        raise _refused(document_id, f"the audit log has no step {step} of it")
    last = known[-1]
    if recorded is not None and recorded != last.sha256:
        raise _refused(document_id, f"event {last.event.seq} names another file than the registry, {last.sha256}")
    return known


def read(workspace: Workspace, document_id: str, recorded: str | None = None, *, step: str | None = None) -> bytes:
    """The file that stands, see `standing`, whole and with exactly the revisions of its steps. Raises `FileNotAsLogged`."""
    known = standing(workspace, document_id, recorded, step=step)
    last = known[-1]
    try:
        data = workspace.objects.get(last.sha256)
    except (StorageError, ValueError) as error:
        raise _refused(document_id, f"the file of event {last.event.seq} cannot be had: {error}") from error
    stages = [one.stage for one in known]
    wrong = succession.not_a_prefix(data, stages) or succession.other_revisions(data, stages)
    if wrong is not None:
        raise _refused(document_id, f"the file of event {last.event.seq} {wrong}")
    return data


def check_next(workspace: Workspace, document_id: str, stored: bytes, stage: succession.Stage) -> None:
    """Hold what a step made, as it was read back, against the states before it. Raises `FileNotAsLogged`."""
    stages = [*(one.stage for one in states(workspace, document_id)), stage]
    wrong = succession.not_a_prefix(stored, stages) or succession.other_revisions(stored, stages)
    if wrong is not None:
        raise _refused(document_id, f"the new file {wrong}")


def problem(workspace: Workspace, document_id: str, recorded: str | None = None) -> FileNotAsLogged | None:
    """What `read` raises, for who must not read in a transaction of the one writer."""
    try:
        read(workspace, document_id, recorded)
    except FileNotAsLogged as error:
        return error
    return None


def _refused(document_id: str, why: str) -> FileNotAsLogged:
    return FileNotAsLogged(
        f"The stored file of document {document_id} is not the one on record ({why}); nothing was done with it. "
        "Find out who can write to database and object store, and restore it from a backup."
    )
