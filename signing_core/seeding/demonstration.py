"""The workspace of `sealtrail serve --demo`: seeded once, kept, and ready to be worked on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from signing_core import access, findings
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Role
from signing_core.desk import sources, verifying
from signing_core.errors import SealtrailError
from signing_core.seeding import altered
from signing_core.seeding.make import seed
from signing_core.seeding.plan import AUTHORS, DIRECTORS
from signing_core.storage import directory
from signing_core.storage.database import reading, writing
from signing_core.storage.locks import file_lock
from signing_core.storage.schema import documents
from signing_core.storage.settings_file import FILE_NAME
from signing_core.storage.workspace import Workspace

DOCUMENTS: Final = 200
_COMPLETED: Final = 0.5
"""Share of documents that are completed: these take the time."""
_VERIFIED: Final = 40
"""Documents that have been verified already when the demonstration opens."""

PEOPLE: Final = (
    ("anna.analyst@example.org", Role.ANALYST),
    ("ben.analyst@example.org", Role.ANALYST),
    ("ada.auditor@example.org", Role.AUDITOR),
    (AUTHORS[0].email, Role.AUTHOR),
    (DIRECTORS[0].contact, Role.FIRST_PARTY),
)
_TEMPLATE: Final = """#let data = json(bytes(sys.inputs.data)).fields
= Sample agreement
Between Sample Seals GmbH and #data.client, in #data.place.
"""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


def prepare(folder: Path, *, documents: int = DOCUMENTS, progress: Progress | None = None) -> bool:
    """Make the demonstration's workspace at `folder` unless it is there; whether it was made now.

    It is made beside its place and renamed when it is whole, so what was killed half-way is never opened.
    """

    def tell(what: str) -> Callable[[int, int], None]:
        return lambda done, of: progress(what, done, of) if progress else None

    folder.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(folder.parent / f"{folder.name}.lock", wait=900):
        if (folder / FILE_NAME).is_file():
            return False
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        seed(
            unfinished,
            documents=documents - 1,
            completed=_COMPLETED,
            planted=folder.with_name("planted.json"),
            progress=tell("documents"),
        )
        with Workspace.open(unfinished) as workspace:
            _furnish(workspace)
            altered.plant(workspace)
            _verify_some(workspace, tell("verifications"))
            findings.refresh(workspace, progress=tell("controls"))
        unfinished.rename(folder)
    return True


def _furnish(workspace: Workspace) -> None:
    """People with roles, parties and a template."""
    administrator = Access(workspace, LOCAL_ADMINISTRATOR)
    for subject, role in PEOPLE:
        access.grant(administrator, subject, role)
    now = workspace.clock()
    with writing(workspace.engine) as connection:
        for director in DIRECTORS:
            directory.add_party(
                connection,
                kind="first-party",
                name=director.name,
                language="en",
                now=now,
                organisation=director.organisation,
                email=director.contact,
            )
        directory.add_party(
            connection, kind="client", name="Erika Mustermann", language="de", now=now, email="erika@example.net"
        )
    fields = [{"name": name, "type": "text"} for name in ("client", "place")]
    sources.add_template(workspace, "Sample agreement", _TEMPLATE.encode(), kind="typst", fields=fields)


def _verify_some(workspace: Workspace, progress: Callable[[int, int], None]) -> None:
    with reading(workspace.engine) as connection:
        query = sa.select(documents.c.id).where(documents.c.final_sha256.is_not(None)).order_by(documents.c.id.desc())
        ids = list(connection.execute(query.limit(_VERIFIED)).scalars())
    for number, document_id in enumerate(ids, start=1):
        try:
            verdict = verifying.verify_stored(workspace, document_id)
        except SealtrailError:
            continue  # its file is gone: that is one of the planted defects, and the controls will say so
        verifying.record(workspace, document_id, verdict, actor="analyst", via="demonstration")
        progress(number, len(ids))
