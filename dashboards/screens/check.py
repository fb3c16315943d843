"""Verify: drop files, take a picture, paste the text of a QR code. Nothing is stored unless asked for."""

from __future__ import annotations

import io
from html import escape
from typing import Any

import sqlalchemy as sa
import streamlit as st
from PIL import Image

from dashboards import comparing, files, judged, look, session, shared
from dashboards.words import language, t
from signing_core.access import Access, Right, acting
from signing_core.certificate.registry import RegisteredDocument, WorkspaceRegistry
from signing_core.certificate.scan import Judge, ScanResult, scan
from signing_core.errors import SealtrailError
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import DocumentVerdict


def page() -> None:
    mine = session.guard(Right.VERIFY)
    st.title(t("Verify"))
    look.html(
        look.muted(t("What you give here is judged in memory and forgotten; nothing is stored unless you say so."))
    )
    way = shared.segmented(
        t("What do you have?"),
        ["files", "picture", "text"],
        default="files",
        format_func={
            "files": t("PDF files"),
            "picture": t("A picture of the QR code"),
            "text": t("The text of the QR code"),
        }.__getitem__,
        key="way",
    )
    if way == "picture":
        _picture(mine)
    elif way == "text":
        _text(mine)
    else:
        _files(mine)


def _files(mine: Access) -> None:
    given = st.file_uploader(t("PDF files"), type=["pdf"], accept_multiple_files=True, key="uploads")
    with st.expander(t("Password for encrypted files")):
        password = st.text_input(t("Password"), type="password", key="password")
    if not given:
        return
    found: list[tuple[str, bytes, DocumentVerdict]] = []
    bar = st.progress(0.0) if len(given) > 3 else None
    for number, file in enumerate(given, start=1):
        data = file.getvalue()
        found.append((file.name, data, judged.verdict(data, name=file.name, password=password)))
        if bar is not None:
            bar.progress(number / len(given), t("{number} of {total} judged", number=number, total=len(given)))
    if bar is not None:
        bar.empty()
    _table(found)
    names = [f"{number}. {name}" for number, (name, _, _) in enumerate(found, start=1)]
    chosen = st.selectbox(t("Look closer at"), names, key="closer") if len(names) > 1 else names[0]
    name, data, verdict = found[names.index(chosen)]
    _closer(mine, name, data, verdict)


def _table(found: list[tuple[str, bytes, DocumentVerdict]]) -> None:
    rows = [judged.row(verdict, name) for name, _, verdict in found]
    reasons = [judged.reason(verdict) for _, _, verdict in found]
    with st.container(horizontal=True, horizontal_alignment="right"):
        files.downloads(rows, "verdicts")
    look.listing(
        [t("File"), t("Integrity"), t("Indication"), t("Trust"), t("Registry"), t("Signatures"), t("Reason")],
        [
            [
                escape(row["file"]),
                look.verdict(row["integrity"]),
                look.verdict(row["indication"]) if row["indication"] else look.muted("–"),
                look.verdict(row["trust"]) if row["trust"] else look.muted("–"),
                look.verdict(row["registry"]) if row["registry"] else look.muted("–"),
                str(row["signatures"]),
                escape(judged.plainly(reason)) if reason else "–",
            ]
            for row, reason in zip(rows, reasons, strict=True)
        ],
        caption=t("Verdicts"),
    )


def _closer(mine: Access, name: str, data: bytes, verdict: DocumentVerdict) -> None:
    st.header(name)
    judged.strip(verdict)
    known = _known(mine, verdict.document_id)
    if known is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                "screens/document.py", label=known.title, icon=":material/article:", query_params={"id": known.id}
            )
            if mine.may(Right.RECORD) and st.button(t("Record this verdict"), icon=":material/save:"):
                acting.record(mine, known.id, verdict, via="upload")
                st.toast(t("The verdict is in the audit log; the file was not stored."))
    judged.signatures(verdict)
    judged.reasons(verdict.all_findings)
    if verdict.integrity == "altered" and known is not None:
        _against_ours(mine, known, data, verdict)


def _against_ours(mine: Access, known: Any, data: bytes, verdict: DocumentVerdict) -> None:
    """An altered file beside the one we have."""
    if known.final_sha256 is None:
        return
    try:
        ours = mine.workspace.objects.get(known.final_sha256)
        states = comparing.overview(known.final_sha256, verdict.sha256 or "", ours, data)
    except SealtrailError as error:
        look.nothing(str(error))
        return
    if isinstance(states, str):
        look.nothing(t("The two states cannot be drawn: {why}", why=states))
        return
    changed = [one.page for one in states if one.state != "same"]
    if not changed:
        look.nothing(t("Every page looks as in our archive; what was changed cannot be seen."))
        return
    number = st.segmented_control(t("Pages that differ"), changed, default=changed[0], required=True, key="differs")
    shown = comparing.page(known.final_sha256, verdict.sha256 or "", int(number or changed[0]), ours, data)
    comparing.show(shown, t("In our archive"), t("This file"))


def _known(mine: Access, document_id: str | None) -> Any:
    if document_id is None:
        return None
    query = sa.select(documents).where(documents.c.id == document_id, mine.visible())
    with reading(mine.workspace.engine) as connection:
        return connection.execute(query).one_or_none()


def _picture(mine: Access) -> None:
    left, right = st.columns(2)
    with left:
        taken = st.camera_input(t("Take a picture")) if st.toggle(t("Use the camera")) else None
    with right:
        given = st.file_uploader(t("Or choose a picture"), type=["png", "jpg", "jpeg", "webp"], key="picture")
    chosen = taken or given
    if chosen is None:
        return
    try:
        picture = Image.open(io.BytesIO(chosen.getvalue()))
        found = scan(picture.convert("RGB"), language=language(), **_keys(mine))
    except (SealtrailError, OSError) as error:
        st.error(t("The picture cannot be read: {why}", why=error))
        return
    if not found:
        st.warning(t("There is no QR code in this picture; take it closer, straight and with more light."))
    for one in found:
        _code(mine, one)


def _text(mine: Access) -> None:
    text = st.text_area(t("Text of the QR code"), placeholder="HTTPS://…/V/…", key="qr_text", height=110)
    if text.strip():
        judge = Judge(language=language(), **_keys(mine))
        _code(mine, judge.text(text.strip()))


class _Seen:
    """The registry as far as the person sees it: what it may not see is unknown here as well."""

    def __init__(self, mine: Access) -> None:
        self._mine = mine
        self._all = WorkspaceRegistry(mine.workspace.engine)

    def find(self, document_id: str) -> RegisteredDocument | None:
        return self._all.find(document_id) if _known(self._mine, document_id) is not None else None


def _keys(mine: Access) -> dict[str, Any]:
    return {"trust": of_workspace(mine.workspace), "registry": _Seen(mine)}


def _code(mine: Access, one: ScanResult) -> None:
    state = one.to_json()
    qr = str(state.get("qr") or "foreign")
    look.html(look.chip(t(qr), look.VERDICT_TONES.get(qr, "warn")))
    look.facts(
        [
            (t("Document"), look.mono(state.get("document_id"))),
            (t("Certificate id"), look.mono(state.get("certificate_id"))),
            (t("Issued"), escape(look.when_text(state.get("issued_at")))),
            (t("What this proves"), "<br>".join(escape(line) for line in state.get("proves") or []) or look.muted("–")),
            (
                t("What it does not prove"),
                "<br>".join(escape(line) for line in state.get("does_not_prove") or []) or look.muted("–"),
            ),
        ]
    )
    known = _known(mine, state.get("document_id"))
    if known is not None:
        st.page_link("screens/document.py", label=known.title, icon=":material/article:", query_params={"id": known.id})


page()
