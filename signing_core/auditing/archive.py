"""Every finished file of the archive judged as it is in the store now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from signing_core.audit_log.log import COMPLETED
from signing_core.desk import judging
from signing_core.desk.verifying import stored_file
from signing_core.errors import StorageError
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, documents
from signing_core.storage.workspace import Workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify
from signing_core.verification.batch_report import BatchReport


def verify_archive(
    workspace: Workspace,
    document_ids: Iterable[str] | None = None,
    *,
    at: datetime | None = None,
    progress: bool = False,
) -> BatchReport:
    """Verdicts on the stored files of completed documents, by default of all of them; records nothing.

    `at` is the time to judge for, by default now. A file that is gone is `not_judged`, with the reason; an id that is
    unknown or not completed is left out. `progress` shows a bar.
    """
    from tqdm.auto import tqdm

    at = at or workspace.clock()
    context = judging.context_of(workspace)
    verdicts: list[DocumentVerdict] = []
    missing: list[tuple[str, str]] = []
    for document_id, sha256 in tqdm(_finished(workspace, document_ids), unit="document", disable=not progress):
        try:
            data = stored_file(workspace, sha256)
        except StorageError as error:
            missing.append((document_id, str(error)))
        else:
            verdicts.append(verify(data, at=at, workspace_context=context))
    return BatchReport.of(verdicts, not_judged=missing)


def _finished(workspace: Workspace, document_ids: Iterable[str] | None) -> list[tuple[str, str]]:
    """Ids and SHA-256 of completed documents, by registry or log, of which the log is believed: whoever deletes or changes
    a row in the registry hides no document."""
    table = audit_events
    of_log = sa.select(table.c.document_id, table.c.body).where(table.c.type == COMPLETED)
    registered = sa.select(documents.c.id, documents.c.final_sha256).where(documents.c.final_sha256.is_not(None))
    with reading(workspace.engine) as connection:
        found = {row.id: str(row.final_sha256) for row in connection.execute(registered)}
        for row in connection.execute(of_log.order_by(table.c.seq)):
            found[row.document_id] = _named(row.body) or found.get(row.document_id, "")
    wanted = sorted(found) if document_ids is None else list(document_ids)
    return [(document_id, found[document_id]) for document_id in wanted if found.get(document_id)]


def _named(body: bytes) -> str:
    try:
        return str(json.loads(body)["data"]["sha256"])
    except (ValueError, KeyError, TypeError):
        return ""  # verifying the log says what is wrong with the event
