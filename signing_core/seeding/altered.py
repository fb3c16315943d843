"""A contract that was altered after it was sealed: what an analyst has to find, page and place."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from signing_core import testing
from signing_core.desk import Desk
from signing_core.pdf import samples
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

TITLE: Final = "Service agreement 2025-0417"
BEFORE: Final = "EUR 1,850.00"
AFTER: Final = "EUR 18,500.00"


def plant(workspace: Workspace) -> str:
    """A completed contract of which the stored file now names another fee; returns the document's id."""
    play = testing.Play(Desk(workspace))
    document_id = play.create(samples.contract_pdf("en"), title=TITLE)
    play.to_completion(document_id)
    with reading(workspace.engine) as connection:
        query = sa.select(documents.c.final_sha256).where(documents.c.id == document_id)
        sha256 = str(connection.execute(query).scalar_one())
    file = workspace.objects.path(sha256)
    file.chmod(0o600)
    file.write_bytes(samples.overwritten(file.read_bytes(), BEFORE, AFTER))
    return document_id
