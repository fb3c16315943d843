"""One document: where it stands, what happened, what each signer saw, and what can be proven of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import judged, look, session, shared
from dashboards.document import head, history, overview, pages, proofs, seen
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.desk import verifying, views
from signing_core.errors import SealtrailError

VIEWS = ("overview", "seen", "trail", "signatures", "pages", "hashes", "checks")
TITLES = {
    "overview": "Overview",
    "seen": "What signers saw",
    "trail": "Audit trail",
    "signatures": "Signatures",
    "pages": "Pages",
    "hashes": "Hashes and proofs",
    "checks": "Verifications",
}


def page() -> None:
    document_id = str(st.query_params.get("id") or "")
    if not document_id:
        session.guard(Right.SEE_OWN)
        st.title(t("Document"))
        look.nothing(t("Choose a document from the list."))
        st.page_link("screens/documents.py", label=t("Documents"), icon=":material/description:")
        return
    mine = session.guard(Right.SEE_OWN, document_id=document_id)
    document = mine.document(document_id)
    status = views.status(mine.workspace, document_id)
    data, missing = _stored(mine, document)
    found = judged.verdict(data) if data is not None else None
    head.top(mine, document, status, found)
    head.notices(mine, document_id, document, found, missing)
    view = shared.segmented(
        t("View"),
        VIEWS,
        default="overview",
        format_func=lambda one: t(TITLES[one]),
        key="view",
        label_visibility="collapsed",
    )
    shown: dict[str, Callable[[], None]] = {
        "overview": lambda: overview.show(document, status, found),
        "seen": lambda: seen.show(mine, document, data),
        "trail": lambda: history.events(mine, document_id),
        "signatures": lambda: pages.signatures(found, missing),
        "pages": lambda: pages.sheets(mine, document, data),
        "hashes": lambda: proofs.show(mine, document, status, data),
        "checks": lambda: history.checks(mine, document_id),
    }
    shown[view or "overview"]()


def _stored(mine: Access, document: sa.Row[Any]) -> tuple[bytes | None, str | None]:
    """The finished file as it lies in the store now, whatever it hashes to; and why there is none."""
    if document.final_sha256 is None:
        return None, None
    try:
        return verifying.stored_file(mine.workspace, document.final_sha256), None
    except SealtrailError as error:
        return None, str(error)


page()
