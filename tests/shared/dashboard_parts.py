"""The dashboard's test workspace: a seeded one with roles, an altered contract, and what the controls find."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from dashboards import session
from signing_core import access, findings
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Role
from signing_core.desk import verifying
from signing_core.errors import SealtrailError
from signing_core.seeding import altered
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

SCRIPT = Path(session.__file__).with_name("app.py")
ANNA, BEN = "anna.analyst@example.org", "ben.analyst@example.org"
PEOPLE = {
    ANNA: Role.ANALYST,
    BEN: Role.ANALYST,
    "ada.auditor@example.org": Role.AUDITOR,
    "author1@example.org": Role.AUTHOR,
    "director.one@example.org": Role.FIRST_PARTY,
}


@dataclass(frozen=True)
class Furnished:
    folder: Path
    documents: dict[str, str]
    """Ids by planted defect, and `altered`: a contract of which page 1 was changed after it was sealed."""


def furnish(folder: Path, planted: Any) -> Furnished:
    """Roles, an altered contract, and what the controls find."""
    ids = {one["kind"]: one["document_id"] for one in planted if one["document_id"]}
    with Workspace.open(folder) as workspace:
        administrator = Access(workspace, LOCAL_ADMINISTRATOR)
        for subject, role in PEOPLE.items():
            access.grant(administrator, subject, role)
        ids["altered"] = altered.plant(workspace)
        _verify_some(workspace)
        findings.refresh(workspace, printed=False)
    return Furnished(folder, ids)


def _verify_some(workspace: Workspace) -> None:
    """Some verdicts on record, a bad one among them."""
    with reading(workspace.engine) as connection:
        query = sa.select(documents.c.id).where(documents.c.status == "completed").order_by(documents.c.id.desc())
        newest = list(connection.execute(query.limit(8)).scalars())
    for document_id in newest:
        with suppress(SealtrailError):  # one file is missing on purpose
            verdict = verifying.verify_stored(workspace, document_id)
            verifying.record(workspace, document_id, verdict, actor="analyst", via="dashboard")


def told(test: AppTest) -> str:
    """Everything that a page says, as one text."""
    parts = [
        one.value
        for kind in ("title", "header", "subheader", "markdown", "error", "info", "success", "warning")
        for one in getattr(test, kind)
    ]
    parts += [one.body if hasattr(one, "body") else one.value for one in test.html]
    return "\n".join(str(part) for part in parts)
