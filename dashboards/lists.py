"""The list of documents, as several pages show it: a link and the rest of the line beside it."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Final

import streamlit as st

from dashboards import look
from dashboards.queries import OPEN, DocumentRow
from dashboards.words import t

_WIDTHS: Final = "152px minmax(110px,1fr) 118px 62px 84px 118px"
_SHARES: Final = (2.2, 7.8)


def head() -> None:
    left, right = st.columns(_SHARES, vertical_alignment="center")
    with left:
        look.html(f"<div class='st-row st-head'><span>{escape(t('Title'))}</span></div>")
    with right:
        names = ("Status", "Client", "Last check", "Findings", "Created", "Completed")
        look.row(_WIDTHS, [escape(t(name)) for name in names], head=True)


def line(row: DocumentRow) -> None:
    """Title as a link to the document, reachable with the keyboard, and what one looks for at a glance."""
    left, right = st.columns(_SHARES, vertical_alignment="center")
    left.page_link("screens/document.py", label=row.title, query_params={"id": row.id})
    findings = look.muted("–")
    if row.open_findings and row.worst:
        findings = look.chip(str(row.open_findings), look.SEVERITY_TONES[row.worst])
    if row.completed_at:
        ends = _day(row.completed_at)
    else:
        ends = look.muted(f"{t('expires')} {look.when(row.expires_at)[:10]}") if row.status in OPEN else look.muted("–")
    with right:
        look.row(
            _WIDTHS,
            [
                look.status(row.status),
                escape(row.client or "–"),
                look.verdict(row.last_verdict) if row.last_verdict else look.muted("–"),
                findings,
                _day(row.created_at),
                ends,
            ],
        )


def _day(time: datetime) -> str:
    """The day; the time with its offset when pointed at, and in the document itself."""
    told = look.when(time)
    return f"<span title='{escape(told, quote=True)}'>{escape(told[:10])}</span>"
