"""What can be proven of a document: its files and their hashes, the QR code, its place in the audit log."""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import look
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.audit_log import events as audit
from signing_core.audit_log.log import AuditLog
from signing_core.desk import certificate_facts, verifying
from signing_core.errors import SealtrailError
from signing_core.flow import Status
from signing_core.storage.database import reading


def show(mine: Access, document: sa.Row[Any], status: dict[str, Any], data: bytes | None) -> None:
    rows = []
    for step in ("source", "prepared", "first-party", "client", "final"):
        file = status["files"].get(step)
        if file is None:
            continue
        try:
            held = hashlib.sha256(verifying.stored_file(mine.workspace, file["sha256"])).hexdigest()
            same = look.chip(t("match"), "good") if held == file["sha256"] else look.chip(t("mismatch"), "bad")
        except SealtrailError:
            same = look.chip(t("missing"), "bad")
        rows.append([escape(t(step)), look.mono(file["sha256"]), f"{file['length']:,}".replace(",", " "), same])
    st.subheader(t("Files of this document"))
    look.listing([t("Step"), "SHA-256", t("Bytes"), t("Stored bytes")], rows, caption=t("Files of this document"))
    if document.prefix_sha256:
        cut = hashlib.sha256(data[: document.prefix_length]).hexdigest() if data else None
        st.subheader(t("Signed prefix, as printed in the QR code"))
        look.facts(
            [
                (t("Length in bytes"), str(document.prefix_length)),
                ("SHA-256", look.mono(document.prefix_sha256)),
                (t("Of the file now"), look.mono(cut)),
            ]
        )
    if document.status == Status.COMPLETED:
        _qr(mine, document.id)
    if document.status == Status.COMPLETED and mine.may(Right.EVIDENCE):
        st.subheader(t("Proof of inclusion in the audit log"))
        try:
            proof = AuditLog(mine.workspace).prove_document(document.id)
        except SealtrailError as error:
            look.nothing(str(error))
            return
        checkpoint = proof.checkpoint
        look.facts(
            [
                (t("Event"), str(proof.index)),
                (t("Log"), look.mono(checkpoint.origin)),
                (t("Events under the checkpoint"), str(checkpoint.size)),
                (t("Root"), look.mono(checkpoint.root.hex())),
            ]
        )
        st.download_button(
            t("Download the proof"), str(proof), f"{document.id}.tlog-proof", "text/plain", on_click="ignore"
        )


def _qr(mine: Access, document_id: str) -> None:
    """The code as it was issued: to be scanned from the screen, and its text to be taken away."""
    from signing_core.certificate import qr_writer

    st.subheader(t("QR code of the authenticity certificate"))
    try:
        with reading(mine.workspace.engine) as connection:
            completed = next(
                event for event in audit.of_document(connection, document_id) if event.type == "document.completed"
            )
            _, text = certificate_facts.as_issued(mine.workspace, connection, document_id, completed)
        symbol = qr_writer.write(text)
    except StopIteration:
        look.nothing(t("The audit log has no event of the completion, so the code cannot be shown."))
        return
    except SealtrailError as error:
        look.nothing(str(error))
        return
    left, right = st.columns([1, 3], gap="medium")
    with left:
        st.image(symbol.svg(), width=190, alt=t("QR code of the authenticity certificate"))
    with right:
        st.code(text, language=None, wrap_lines=True)
        st.download_button(
            t("Download the QR code (SVG)"), symbol.svg(), f"{document_id}-qr.svg", "image/svg+xml", on_click="ignore"
        )
