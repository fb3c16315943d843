"""Every finished file of the archive judged as it is in the store now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from signing_core.desk import judging
from signing_core.desk.verifying import stored_file
from signing_core.errors import StorageError
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify
from signing_core.verification.batch_report import BatchReport

_TOGETHER = 400


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
    query = sa.select(documents.c.id, documents.c.final_sha256).where(documents.c.final_sha256.is_not(None))
    with reading(workspace.engine) as connection:
        if document_ids is None:
            return [(row.id, row.final_sha256) for row in connection.execute(query.order_by(documents.c.id))]
        wanted = list(document_ids)
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _TOGETHER):
            some = query.where(documents.c.id.in_(wanted[start : start + _TOGETHER]))
            found |= {row.id: row.final_sha256 for row in connection.execute(some)}
    return [(document_id, found[document_id]) for document_id in wanted if document_id in found]
