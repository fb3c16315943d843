"""Findings: the work list, one finding with its evidence, and the decision of two people on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from html import escape
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import files, look, queries, run_results, session, shared
from dashboards.queries import FindingFilters
from dashboards.words import language, t
from signing_core import findings
from signing_core.access import Access, Right
from signing_core.controls import CATALOGUE, in_words
from signing_core.errors import SealtrailError

SIZE = 25
WIDTHS = "84px minmax(180px,3fr) minmax(110px,1.4fr) 92px 92px 76px"
SHARES = (2.2, 7.8)


def page() -> None:
    mine = session.guard(Right.SEE_FINDINGS)
    chosen = shared.opened("finding")
    if chosen:
        _one(mine, chosen)
    else:
        _list(mine)


# The list


def _list(mine: Access) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title(t("Findings"))
        if mine.may(Right.DECIDE) and st.button(t("Look at everything again"), icon=":material/refresh:"):
            _refresh(mine)
    filters = _filters()
    number = int(st.session_state.get("fpage") or 1)
    rows, total = queries.find_findings(mine, filters, page=number, size=SIZE)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        look.html(look.muted(t("{number} found", number=total)))
        with st.container(horizontal=True, width="content"):
            files.downloads(
                lambda: _table(queries.find_findings(mine, filters, size=files.MOST_ROWS)[0]),
                "findings",
                disabled=not rows,
            )
    if not rows:
        look.nothing(t("Nothing is open. “Look at everything again” lets all controls look at every document."))
        return
    with st.container(gap=None, key="list"):
        left, right = st.columns(SHARES)
        with left:
            look.html(f"<div class='st-row st-head'><span>{escape(t('Finding'))}</span></div>")
        with right:
            heads = ("Severity", "What", "Document", "State", "Owner", "Due")
            look.row(WIDTHS, [escape(t(head)) for head in heads], head=True)
        names = _file_names(mine, rows)
        for row in rows:
            _line(row, names)
    if total > SIZE:
        st.pagination(-(-total // SIZE), key="fpage", bind="query-params")


def _filters() -> FindingFilters:
    first = shared.first_page("fpage")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            t("Search"),
            key="fdoc",
            bind="query-params",
            placeholder=t("Title or id of a document"),
            on_change=first,
            width=230,
        )
        state = shared.segmented(
            t("State"),
            ["live", "open", "proposed", "closed"],
            default="live",
            format_func=t,
            key="state",
            on_change=first,
        )
        severity = shared.segmented(
            t("Severity"),
            ["error", "warning", "info"],
            format_func=lambda one: f"{look.SIGNS[look.SEVERITY_TONES[one]]} {t(one)}",
            key="severity",
            on_change=first,
        )
        with st.popover(t("More filters"), icon=":material/tune:"):
            code = st.selectbox(
                t("Kind"),
                sorted(CATALOGUE),
                index=None,
                placeholder=t("Any"),
                key="code",
                bind="query-params",
                on_change=first,
            )
            gone = st.toggle(t("Also no longer found"), key="gone", bind="query-params", on_change=first)
    return FindingFilters(state or "live", severity, code, None, text, gone)


def _file_names(mine: Access, rows: list[sa.Row[Any]]) -> dict[str, list[str]]:
    return run_results.file_names(mine.workspace, [row.evidence for row in rows if row.document_id is None])


def _about(row: sa.Row[Any], names: dict[str, list[str]]) -> str:
    """What a finding is about: the document's title, or the names of files that came in."""
    files = dict.fromkeys(name for text in row.evidence for name in names.get(text.removeprefix("file "), ()))
    return row.title or ", ".join(files) or "–"


def _line(row: sa.Row[Any], names: dict[str, list[str]]) -> None:
    left, right = st.columns(SHARES, vertical_alignment="center")
    left.page_link("screens/findings.py", label=row.code, query_params={"finding": row.id})
    state = look.FINDING_TONES[row.state]
    with right:
        look.row(
            WIDTHS,
            [
                look.severity(row.severity),
                look.two_lines(row.message),
                look.two_lines(_about(row, names)),
                look.chip(t(row.state), state) if row.gone_at is None else look.chip(t("gone"), "quiet"),
                escape(row.assignee or t(row.team)),
                escape(look.when(row.due_at)[:10]) if row.due_at else look.muted("–"),
            ],
        )


def _table(rows: list[sa.Row[Any]]) -> list[dict[str, Any]]:
    names = (
        "id",
        "code",
        "severity",
        "team",
        "document_id",
        "title",
        "message",
        "state",
        "assignee",
        "due_at",
        "disposition",
        "reason",
        "proposed_by",
        "closed_by",
        "first_seen_at",
        "last_seen_at",
        "gone_at",
    )
    return [{name: str(value) if (value := getattr(row, name)) is not None else "" for name in names} for row in rows]


def _refresh(mine: Access) -> None:
    mine.require(Right.DECIDE)
    bar = st.progress(0.0, t("The controls look at every document."))

    def progress(number: int, of: int) -> None:
        bar.progress(number / max(of, 1))

    done = findings.refresh(mine.workspace, progress=progress)
    bar.empty()
    st.toast(
        t(
            "{documents} documents, {new} new findings, {reopened} found again, {gone} no longer found.",
            documents=done.documents,
            new=done.new,
            reopened=done.reopened,
            gone=done.gone,
        )
    )


# One finding


def _one(mine: Access, finding_id: str) -> None:
    row = queries.finding(mine, finding_id)
    st.page_link("screens/findings.py", label=t("All findings"), icon=":material/arrow_back:")
    if row is None:
        look.nothing(t("There is no such finding."))
        return
    st.title(row.code)
    look.html(f"{look.severity(row.severity)} &nbsp;{escape(row.message)}")
    left, right = st.columns([5, 4], gap="large")
    with left:
        st.subheader(t("What it means"))
        if row.code in CATALOGUE:
            meaning, action = in_words(row.code, language())
            look.facts([(t("Meaning"), escape(meaning)), (t("What to do"), look.with_commands(action))])
        st.subheader(t("Evidence"))
        look.facts(
            [
                (t("Document"), escape(_about(row, _file_names(mine, [row])))),
                (t("Rests on"), "<br>".join(look.mono(text) for text in row.evidence) or look.muted("–")),
                (t("First found"), escape(look.when(row.first_seen_at))),
                (t("Last found"), escape(look.when(row.last_seen_at))),
                (t("No longer found since"), escape(look.when(row.gone_at)) if row.gone_at else look.muted("–")),
            ]
        )
        if row.document_id:
            with st.container(horizontal=True):
                for view, label, icon in (
                    ("overview", "Open the document", "article"),
                    ("seen", "What signers saw", "difference"),
                    ("trail", "Audit trail", "timeline"),
                ):
                    st.page_link(
                        "screens/document.py",
                        label=t(label),
                        icon=f":material/{icon}:",
                        query_params={"id": row.document_id, "view": view},
                    )
    with right:
        st.subheader(t("Decision"))
        look.facts(_decision(row))
        if mine.may(Right.DECIDE):
            _decide(mine, row)


def _decision(row: sa.Row[Any]) -> list[tuple[str, str]]:
    tone = look.FINDING_TONES[row.state]
    lines = [
        (t("State"), look.chip(t(row.state), tone)),
        (t("Owner"), escape(row.assignee or t(row.team))),
        (t("Due"), escape(look.when(row.due_at)[:10]) if row.due_at else look.muted("–")),
    ]
    if row.disposition:
        lines += [
            (t("Disposition"), escape(t(row.disposition))),
            (t("Reason"), escape(row.reason or "")),
            (t("Proposed by"), f"{escape(row.proposed_by)} {look.muted(look.when(row.proposed_at))}"),
        ]
    if row.closed_by:
        lines.append((t("Closed by"), f"{escape(row.closed_by)} {look.muted(look.when(row.closed_at))}"))
    return lines


def _decide(mine: Access, row: sa.Row[Any]) -> None:
    if row.state == "proposed":
        if row.proposed_by == mine.person.subject:
            st.info(t("A second person has to agree to what you proposed."), icon=":material/group:")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.button(t("Agree and close"), type="primary", icon=":material/done_all:"):
                _do(lambda: findings.close(mine, row.id))
            why = st.text_input(t("Why it goes back"), key="why")
            if st.button(t("Send back"), icon=":material/undo:", disabled=not why.strip()):
                _do(lambda: findings.send_back(mine, row.id, why))
    if row.state == "open":
        with st.form("propose"):
            disposition = st.segmented_control(
                t("What it is"), findings.DISPOSITIONS, default="accepted", required=True, format_func=t
            )
            reason = st.text_area(t("Reason"), height=90)
            if st.form_submit_button(t("Propose"), type="primary"):
                _do(lambda: findings.propose(mine, row.id, disposition or "accepted", reason))
    if row.state != "closed":
        with st.expander(t("Owner and due date")), st.form("assign"):
            assignee = st.text_input(t("Owner (e-mail)"), row.assignee or "")
            due = st.date_input(t("Due"), row.due_at.date() if row.due_at else None, format="YYYY-MM-DD")
            if st.form_submit_button(t("Save")):
                moment = None
                if isinstance(due, date):
                    moment = datetime.combine(due, time(17), session.workspace().zone).astimezone(UTC)
                _do(lambda: findings.assign(mine, row.id, assignee=assignee, due_at=moment))


def _do(work: Any) -> None:
    try:
        work()
    except SealtrailError as error:
        st.error(t(str(error)), icon=":material/error:")
    else:
        st.rerun()


page()
