"""The head of a document's page: where it stands, its verdict axis by axis, what is wrong with it, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import judged, look, queries
from dashboards.words import language, t
from signing_core.access import Access, Right, acting
from signing_core.controls import CATALOGUE, in_words
from signing_core.errors import SealtrailError
from signing_core.flow import Status
from signing_core.flow.values import ENDED
from signing_core.verdict import DocumentVerdict


def top(mine: Access, document: sa.Row[Any], status: dict[str, Any], found: DocumentVerdict | None) -> None:
    left, right = st.columns([5, 4], vertical_alignment="bottom")
    with left:
        st.title(document.title)
        look.html(f"{look.status(document.status)} &nbsp;{look.mono(document.id)}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        _buttons(mine, document, found)
    _steps(status)
    if found is not None:
        judged.strip(found)


def _buttons(mine: Access, document: sa.Row[Any], found: DocumentVerdict | None) -> None:
    if document.final_sha256 and mine.may(Right.RECORD) and st.button(t("Verify now"), icon=":material/verified:"):
        _try(lambda: _verify(mine, document.id))
    if document.status == Status.COMPLETED and mine.may(Right.EVIDENCE):
        st.download_button(
            t("Evidence pack"),
            lambda: acting.evidence(mine, document.id),
            f"evidence-{document.id}.zip",
            "application/zip",
            icon=":material/inventory_2:",
            on_click="ignore",
            disabled=found is None,
            help=None
            if found is not None
            else t("Its file is not in the archive, so there is nothing to give evidence of."),
        )
    if mine.may(Right.STEER) and Status(document.status) not in ENDED:
        if document.status == Status.DRAFT:
            if st.button(t("Send"), icon=":material/send:", type="primary"):
                _steer(lambda: acting.send(mine, document.id), t("Sent to the first party."))
        elif document.status in (Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT) and st.button(
            t("Resend"), icon=":material/forward_to_inbox:"
        ):
            _steer(
                lambda: acting.resend(mine, document.id),
                t("A new link is on its way; the one before ended."),
            )
        with st.popover(t("Void"), icon=":material/block:"):
            reason = st.text_input(t("Reason"), key="void_reason")
            if st.button(t("Withdraw the document"), type="primary", disabled=not reason.strip()):
                _steer(lambda: acting.void(mine, document.id, reason), t("The document was withdrawn."))


def _steer(step: Callable[[], object], said: str) -> None:
    def work() -> None:
        step()
        st.toast(said)

    if _try(work):
        st.rerun()


def _verify(mine: Access, document_id: str) -> None:
    verdict = acting.verify(mine, document_id, via="dashboard")
    st.toast(t("Verified and recorded: {integrity}", integrity=t(str(verdict.integrity))))


def _try(work: Callable[[], None]) -> bool:
    try:
        work()
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return False
    return True


def _steps(status: dict[str, Any]) -> None:
    """The three phases and the seal, left to right."""
    first, client = status["parties"]["first-party"], status["parties"]["client"]
    now = status["status"]
    stopped = now in ("declined", "expired", "voided")
    steps = [
        (t("Author"), status["author"], now != "draft", t("created {time}", time=look.when_text(status["created_at"]))),
        (t("First party"), first["name"], bool(first["signed_at"]), _signed(first)),
        (t("Client"), client["name"], bool(client["signed_at"]), _signed(client)),
        (
            t("Seal"),
            "",
            now == "completed",
            look.when_text(status["completed_at"]) if status["completed_at"] else t("not sealed yet"),
        ),
    ]
    items, current = [], True
    for name, who, done, what in steps:
        kind, sign = ("done", "✓") if done else ("", "○")
        if not done and current:
            kind, sign = ("stopped", "✕") if stopped else ("now", "●")
            what = f"{t(now)} · {what}" if stopped or now in ("signing", "sealing") else what
            current = False
        items.append(
            f"<li class='{kind}'><span class='name'>{sign} {escape(name)}</span>"
            f"<span class='what'>{escape(who)}</span><span class='what'>{escape(what)}</span></li>"
        )
    look.html(f"<ol class='st-steps' aria-label='{escape(t('Phases'))}'>{''.join(items)}</ol>")


def _signed(party: dict[str, Any]) -> str:
    if party["signed_at"]:
        return t("signed {time}", time=look.when_text(party["signed_at"]))
    if party["opened_at"]:
        return t("opened {time}", time=look.when_text(party["opened_at"]))
    return t("not opened yet")


def notices(
    mine: Access, document_id: str, document: sa.Row[Any], found: DocumentVerdict | None, missing: str | None
) -> None:
    """What is wrong, before everything else, with the way to it."""
    if missing:
        st.error(missing, icon=":material/error:")
    if found is not None and not found.in_order:
        said, reason = t("The stored file is {integrity}.", integrity=t(str(found.integrity))), judged.reason(found)
        st.error(f"{said} {judged.plainly(reason)}" if reason else said, icon=":material/error:")
    live = [row for row in queries.findings_of(mine, document_id) if row.state != "closed" and row.gone_at is None]
    for row in live:
        with st.container(horizontal=True, vertical_alignment="center"):
            look.html(f"<div class='st-note'>{look.severity(row.severity)} {_found(row)}</div>")
            st.page_link("screens/findings.py", label=t("Open the finding"), query_params={"finding": row.id})


def _found(row: sa.Row[Any]) -> str:
    if row.code not in CATALOGUE:  # of an earlier version
        return escape(row.message)
    return look.said(in_words(row.code, language()).meaning, row.message)
