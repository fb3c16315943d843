"""Verdicts for showing: judged once for each state of a file and day, and drawn axis by axis with the reasons."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from html import escape
from typing import Any

import streamlit as st

from dashboards import look, session
from dashboards.words import language, t
from signing_core.desk import judging
from signing_core.verdict import DocumentVerdict, Finding, SignatureVerdict
from signing_core.verification import verify
from signing_core.verification.wording import in_words


def verdict(data: bytes, *, name: str | None = None, password: str | None = None) -> DocumentVerdict:
    """The verdict on a file for now. What the registry and the log say of it is part of it, so it is kept for a minute."""
    return _judged(hashlib.sha256(data).hexdigest(), name, password, session.workspace().clock().date(), data)


@st.cache_data(max_entries=256, ttl=60, show_spinner=False)
def _judged(sha256: str, name: str | None, password: str | None, day: object, _data: bytes) -> DocumentVerdict:
    workspace = session.workspace()
    return verify(
        _data, at=workspace.clock(), password=password or None, workspace_context=judging.context_of(workspace)
    )


def axes(found: DocumentVerdict) -> list[tuple[str, str]]:
    """Name and value (HTML) of every axis, the bottom line first; none is folded into another."""
    indication = look.verdict(str(found.indication)) if found.indication else look.muted(t("unsigned"))
    if found.sub_indication:
        indication += f"<br><span class='st-mono'>{escape(str(found.sub_indication))}</span>"
    return [
        (t("Integrity"), look.verdict(str(found.integrity))),
        (t("Indication"), indication),
        (t("Trust"), look.verdict(str(found.trust)) if found.trust else look.muted("–")),
        (t("Time"), look.verdict(str(found.time)) if found.time else look.muted("–")),
        (t("Certificate QR"), look.verdict(found.certificate.qr)),
        (t("Signed prefix"), look.verdict(found.certificate.prefix)),
        (t("Registry"), look.verdict(found.registry) if found.registry else look.muted("–")),
        (t("Audit log"), look.verdict(found.audit_log) if found.audit_log else look.muted("–")),
    ]


def strip(found: DocumentVerdict) -> None:
    """All axes side by side."""
    cells = "".join(
        f"<div><div class='st-muted'>{escape(name)}</div><div>{value}</div></div>" for name, value in axes(found)
    )
    look.html(f"<div class='st-axes'>{cells}</div>")


def reasons(findings: Iterable[Finding], *, least: str = "info") -> None:
    """The findings as a table, in their order: in the language of the session, and below in the verification's own words."""
    shown = [one for one in findings if one.severity != "info" or least == "info"]
    if not shown:
        look.nothing(t("Nothing was found."))
        return
    look.listing(
        [t("Severity"), t("What"), t("Where"), t("Code")],
        [
            [
                look.severity(one.severity),
                look.said(plainly(one), one.message),
                escape(_where(one)),
                look.code(one.code),
            ]
            for one in shown
        ],
        caption=t("Reasons"),
    )


def signatures(found: DocumentVerdict) -> None:
    """Every signature and document time-stamp with its axes."""
    look.listing(
        [
            t("Signature"),
            t("Indication"),
            t("Intact"),
            t("Coverage"),
            t("Changes since"),
            t("Trust"),
            t("Revocation"),
            t("Time"),
            t("Level"),
        ],
        [_signature(one) for one in found.signatures],
        caption=t("Signatures"),
    )


def _signature(one: SignatureVerdict) -> list[str]:
    name = t(one.role) if one.role else t(one.kind)
    when = escape(look.when(one.proven_time or one.claimed_time))
    proof = look.verdict("proven") if one.proven_time else look.verdict("claimed")
    by = ""
    if one.time_authority:
        by = one.time_authority.name + (f", {t('embedded')}" if one.time_authority.embedded else "")
    sub = f"<br><span class='st-mono'>{escape(str(one.sub_indication))}</span>" if one.sub_indication else ""
    intact = {True: look.chip(t("yes"), "good"), False: look.chip(t("no"), "bad"), None: look.chip(t("open"), "warn")}
    return [
        f"<b>{escape(name)}</b><br>{look.muted(one.signer or t('not recorded'))}",
        look.verdict(str(one.indication)) + sub,
        intact[one.intact],
        look.verdict(one.coverage),
        look.verdict(one.changes),
        look.verdict(str(one.trust)),
        look.verdict(one.revocation),
        f"{when} {proof}<br>{look.muted(by)}",
        escape(one.level or "–"),
    ]


def plainly(one: Finding) -> str:
    """What it means, in the language of the session."""
    return in_words(one.code, language()).meaning


def reason(found: DocumentVerdict) -> Finding | None:
    """Why a file is not in order, as far as a finding says it."""
    return None if found.in_order else found.reason


def row(found: DocumentVerdict, name: str) -> dict[str, Any]:
    """A line of a table of verdicts to be taken away; its reason is the record of it, in English."""
    why = reason(found)
    return {
        "file": name,
        "integrity": str(found.integrity),
        "indication": str(found.indication) if found.indication else None,
        "sub_indication": str(found.sub_indication) if found.sub_indication else None,
        "trust": str(found.trust) if found.trust else None,
        "registry": found.registry,
        "audit_log": found.audit_log,
        "document_id": found.document_id,
        "signatures": len(found.signatures),
        "reason": why.message if why else None,
        "sha256": found.sha256,
    }


def _where(one: Finding) -> str:
    parts = []
    if one.page is not None:
        parts.append(t("page {page}", page=one.page))
    if one.field:
        parts.append(one.field)
    if one.revision is not None:
        parts.append(t("revision {revision}", revision=one.revision))
    return ", ".join(parts) or "–"
