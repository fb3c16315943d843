"""The dashboard's test workspace: a seeded one with roles, an altered contract, and what the controls find."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from streamlit.testing.v1 import AppTest

from dashboards import session
from signing_core import access, findings
from signing_core.access import LOCAL_ADMINISTRATOR, Access, Role
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


def alter_page(data: bytes, text: str) -> bytes:
    """Another text over the first page, as an incremental update: what a forger would do to a signed contract."""
    output = BytesIO(data)
    writer = IncrementalPdfFileWriter(output, strict=False)
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    leaf = page.get_object()
    font = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Font"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Type1"),
            generic.pdf_name("/BaseFont"): generic.pdf_name("/Helvetica"),
        }
    )
    resources = leaf["/Resources"]
    fonts = generic.DictionaryObject(resources.get("/Font", {}))
    fonts["/Forged"] = writer.add_object(font)
    leaf["/Resources"] = generic.DictionaryObject({**resources, generic.pdf_name("/Font"): fonts})
    shown = f"q BT /Forged 22 Tf 90 500 Td ({text}) Tj ET Q".encode()
    extra = writer.add_object(generic.StreamObject(stream_data=shown))
    held = leaf.raw_get("/Contents")
    known = held.get_object()
    parts = list(known) if isinstance(known, generic.ArrayObject) else [held]
    leaf["/Contents"] = generic.ArrayObject([*parts, extra])
    writer.mark_update(page)
    writer.write_in_place()
    return output.getvalue()


def furnish(folder: Path, planted: Any) -> Furnished:
    """Roles, an altered contract, and what the controls find."""
    ids = {one["kind"]: one["document_id"] for one in planted if one["document_id"]}
    with Workspace.open(folder) as workspace:
        administrator = Access(workspace, LOCAL_ADMINISTRATOR)
        for subject, role in PEOPLE.items():
            access.grant(administrator, subject, role)
        with reading(workspace.engine) as connection:
            query = sa.select(documents).where(documents.c.status == "completed", documents.c.id.not_in(ids.values()))
            row = connection.execute(query.order_by(documents.c.id)).first()
        assert row is not None
        file = workspace.objects.path(row.final_sha256)
        file.chmod(0o600)
        file.write_bytes(alter_page(file.read_bytes(), "The price is 90,000 euros."))
        ids["altered"] = row.id
        findings.refresh(workspace, printed=False)
    return Furnished(folder, ids)


def told(test: AppTest) -> str:
    """Everything that a page says, as one text."""
    parts = [
        one.value
        for kind in ("title", "header", "subheader", "markdown", "error", "info", "success", "warning")
        for one in getattr(test, kind)
    ]
    parts += [one.body if hasattr(one, "body") else one.value for one in test.html]
    return "\n".join(str(part) for part in parts)
