"""What happened to a document, and every verification ever made of it."""

from __future__ import annotations

from datetime import UTC
from html import escape
from typing import Any

import streamlit as st

from dashboards import files, look, run_results, trail
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.desk import views


def events(mine: Access, document_id: str) -> None:
    entries = trail.of_document(mine, document_id)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        look.html(
            look.muted(
                t(
                    "Observed: seen by our server or proven. Asserted: said by somebody. Not recorded: there is nothing of it."
                )
            )
        )
        files.downloads(trail.rows(entries), f"trail-{document_id}")
    look.html(trail.as_html(entries))


def checks(mine: Access, document_id: str) -> None:
    """Every verification of this document: those in the audit log, and those of the runs."""
    rows = _recorded(mine, document_id) + _of_runs(mine, document_id)
    if not rows:
        look.nothing(t("No verification was recorded yet. “Verify now” makes one."))
        return
    rows.sort(key=lambda one: str(one["time"]), reverse=True)
    with st.container(horizontal=True, horizontal_alignment="right"):
        files.downloads(rows, f"verifications-{document_id}")
    look.listing(
        [t("Time"), t("By"), t("Via"), t("Integrity"), t("Indication"), t("Kept in"), t("SHA-256 of the file")],
        [
            [
                escape(look.when_text(row["time"], seconds=True)),
                escape(t(row["by"])),
                escape(t(row["via"])),
                look.verdict(row["integrity"]),
                escape(row["indication"] or "–"),
                escape(row["kept in"]),
                look.mono(row["sha256"]),
            ]
            for row in rows
        ],
        caption=t("Verifications"),
    )


def _recorded(mine: Access, document_id: str) -> list[dict[str, Any]]:
    return [
        {
            "time": event["time"],
            "by": event["actor"],
            "via": str(event["data"].get("method") or "not recorded"),
            "integrity": event["data"].get("integrity"),
            "indication": event["data"].get("indication"),
            "kept in": f"{t('Audit log')} #{event['seq']}",
            "sha256": event["data"].get("sha256"),
        }
        for event in views.history(mine.workspace, document_id)
        if event["type"] == "document.verified"
    ]


def _of_runs(mine: Access, document_id: str) -> list[dict[str, Any]]:
    if not mine.may(Right.SEE_FINDINGS):
        return []
    return [
        {
            "time": row["at"].astimezone(UTC).isoformat() if row["at"] else None,
            "by": "system",
            "via": "run",
            "integrity": row["integrity"],
            "indication": row["indication"],
            "kept in": f"{t('Run')} {row['run']}",
            "sha256": row["sha256"],
        }
        for row in _run_verdicts(str(mine.workspace.path), document_id, mine)
    ]


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _run_verdicts(path: str, document_id: str, _mine: Access) -> list[dict[str, Any]]:
    return run_results.of_document(_mine.workspace, document_id)
