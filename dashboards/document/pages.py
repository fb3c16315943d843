"""The signatures of a document, and its pages one by one."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import judged, look, pictures
from dashboards.words import t
from signing_core.access import Access
from signing_core.desk import verifying, views
from signing_core.errors import SealtrailError
from signing_core.flow import State
from signing_core.verdict import DocumentVerdict


def signatures(found: DocumentVerdict | None, missing: str | None) -> None:
    if found is None:
        look.nothing(missing or t("The document is not completed, so there is no finished file to verify."))
        return
    judged.signatures(found)
    st.subheader(t("Reasons"))
    judged.reasons(found.all_findings)


def sheets(mine: Access, document: sa.Row[Any], data: bytes | None) -> None:
    if data is None:
        try:
            data = verifying.stored_file(mine.workspace, State.from_json(document.state).document_sha256)
        except SealtrailError as error:
            st.error(str(error))
            return
    number = st.pagination(document.pages, key="sheet") if document.pages > 1 else 1
    sha256 = hashlib.sha256(data).hexdigest()
    left, right = st.columns([3, 1])
    try:
        left.image(
            pictures.page(sha256, number, data, 100),
            width="stretch",
            alt=t("Page {page} of the document", page=number),
        )
    except SealtrailError as error:
        left.error(str(error))
    with right:
        st.download_button(
            t("Download the PDF"),
            data,
            views.file_name(document.title, document.id),
            "application/pdf",
            on_click="ignore",
        )
