"""Today: what needs somebody, since the last visit and in all; everything leads to where it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import Final

import streamlit as st

from dashboards import look, plots, queries, run_results, session
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.audit_log.log import AuditLog
from signing_core.desk import endings
from signing_core.errors import KeyUnavailable
from signing_core.flow import Status

_RUNS: Final = 6


@st.cache_data(ttl=20, max_entries=64, show_spinner=False)
def _today(who: str, since: datetime | None, _mine: Access) -> queries.Today:
    return queries.today(_mine, since=since)


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def _verdicts(who: str, _mine: Access) -> list[tuple[str, str, int]]:
    return queries.verdicts_by_day(_mine)


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def _durations(who: str, _mine: Access) -> list[tuple[datetime, float]]:
    return queries.signing_times(_mine, most=500)


def _who(mine: Access) -> str:
    """What is kept for a while is kept for one person in one workspace."""
    return f"{mine.workspace.path} {mine.person.subject} {sorted(mine.person.roles)}"


def page() -> None:
    mine = session.guard(Right.SEE_OWN)
    since = queries.visit(mine)
    now = _today(_who(mine), since, mine)
    st.title(t("Today"))
    look.html(
        look.muted(
            t("Last visit {time}", time=look.when(since))
            if since
            else t("This is your first visit: everything is new.")
        )
    )
    if mine.may(Right.SEE_ALL):
        _endings(mine)
    left, right = st.columns([5, 4], gap="large")
    with left:
        if mine.may(Right.SEE_FINDINGS):
            _exceptions(mine, now)
        _documents(t("Stuck: signing or sealing for more than an hour"), now.stuck, t("Nothing is stuck."))
        _documents(t("About to expire"), now.expiring, t("Nothing expires within three days."))
        if mine.may(Right.SEE_FINDINGS):
            _plots(mine)
    with right:
        _statuses(now)
        if mine.may(Right.SEE_LOG):
            _log(mine)
        if mine.may(Right.SEE_FINDINGS):
            _runs()


def _endings(mine: Access) -> None:
    """X.509 certificates of the house that end within 90 days or have ended, with what to do: only then."""
    now = mine.workspace.clock()
    try:
        ends = endings.due(mine.workspace)
    except KeyUnavailable as error:
        look.html(f"<p class='st-note' role='alert'>{look.said(t('The keys cannot be read.'), str(error))}</p>")
        return
    if not ends:
        return
    st.subheader(t("Keys that end"))
    for one in ends:
        days = one.threshold(now) or 0
        told = t(
            endings.ENDED if one.ended(now) else endings.ENDS,
            what=t(endings.WHAT[one.key]),
            name=one.name,
            day=f"{one.ends:%Y-%m-%d}",
            days=one.days(now),
        )
        way = t(endings.WAYS[one.way], key=one.key)
        sign = look.chip(t("ended") if one.ended(now) else f"≤ {days}", "bad" if days <= 7 else "warn")
        look.html(f"<p class='st-note' role='alert'>{sign} {look.with_commands(f'{told}; {way}.')}</p>")


def _exceptions(mine: Access, now: queries.Today) -> None:
    st.subheader(t("Exceptions"))
    with st.container(gap=None, key="list"):
        for severity in ("error", "warning", "info"):
            one, other = st.columns([3, 5], vertical_alignment="center")
            one.page_link(
                "screens/findings.py",
                label=t("{number} open", number=now.findings_open.get(severity, 0)),
                query_params={"severity": severity},
            )
            with other:
                new = now.findings_new.get(severity, 0)
                look.row(
                    "120px 1fr",
                    [
                        look.severity(severity),
                        f"<b>{look.two_lines(t('{number} new since the last visit', number=new))}</b>"
                        if new
                        else look.muted(t("none new")),
                    ],
                )
    if now.proposed:
        st.page_link(
            "screens/findings.py",
            label=t("{number} wait for a second person", number=now.proposed),
            icon=":material/group:",
            query_params={"state": "proposed"},
        )
    if now.undelivered:
        told = t("{number} messages did not arrive for certain", number=now.undelivered)
        if mine.may(Right.SEE_LOG):
            st.page_link(
                "screens/log.py", label=told, icon=":material/warning:", query_params={"type": "message.failed"}
            )
        else:
            look.html(look.chip(told, "warn"))


def _documents(title: str, rows: tuple[queries.DocumentRow, ...], none: str) -> None:
    st.subheader(title)
    if not rows:
        look.nothing(none)
        return
    with st.container(gap=None):
        for row in rows:
            one, other = st.columns([3, 6], vertical_alignment="center")
            one.page_link("screens/document.py", label=row.title, query_params={"id": row.id})
            with other:
                time = row.expires_at if row.status.startswith("awaiting") else row.updated_at
                look.row("150px 190px", [look.status(row.status), escape(look.when(time))])


def _statuses(now: queries.Today) -> None:
    st.subheader(t("Documents"))
    with st.container(gap=None):
        for status in Status:
            number = now.by_status.get(str(status), 0)
            if not number:
                continue
            one, other = st.columns([1, 4], vertical_alignment="center")
            one.page_link(
                "screens/documents.py",
                label=f"{number:,}".replace(",", " "),
                query_params={"status": str(status)},
            )
            with other:
                look.html(look.status(str(status)))


def _log(mine: Access) -> None:
    st.subheader(t("Audit log"))
    protection = AuditLog(mine.workspace).protection()
    now = mine.workspace.clock()
    if protection.anchored_at is None:
        anchor = look.chip(t("never anchored from outside"), "warn")
    else:
        old = now - protection.anchored_at > timedelta(hours=2)
        anchor = look.chip(look.when(protection.anchored_at), "warn" if old else "good")
    look.facts(
        [
            (t("Last outside anchor"), anchor),
            (t("Events not protected from outside"), f"{protection.unprotected:,}".replace(",", " ")),
            (t("Since"), escape(look.when(protection.unprotected_since))),
        ]
    )
    st.page_link("screens/log.py", label=t("Open the audit log"), icon=":material/account_tree:")


def _runs() -> None:
    """The last runs, each with what it found more or less than the one before."""
    st.subheader(t("Last runs"))
    runs = run_results.runs(session.workspace(), most=_RUNS + 1)
    if not runs:
        look.nothing(t("No run has left results yet."))
    else:
        bad = [sum(number for name, number in run.by_integrity.items() if name != "intact") for run in runs]
        look.listing(
            [t("Batch"), t("Made"), t("Documents"), t("Not intact"), t("Trend")],
            [
                [
                    look.wrapped_at("/", run.name),
                    look.wrapped_at(" ", look.when(run.at)),
                    str(run.documents),
                    look.chip(str(bad[number]), "warn" if bad[number] else "good"),
                    _trend(bad[number], bad[number + 1] if number + 1 < len(bad) else None),
                ]
                for number, run in enumerate(runs[:_RUNS])
            ],
            caption=t("Last runs"),
        )
    st.page_link("screens/runs.py", label=t("Open the runs"), icon=":material/play_circle:")


def _trend(now: int, before: int | None) -> str:
    if before is None:
        return look.muted("–")
    if now == before:
        return look.muted(t("as before"))
    return escape(f"▲ +{now - before}" if now > before else f"▼ −{before - now}")


def _plots(mine: Access) -> None:
    st.subheader(t("Verdicts over time"))
    days = _verdicts(_who(mine), mine)
    if days:
        plots.verdicts(days)
    else:
        look.nothing(t("No verification was recorded in the last 30 days."))
    kinds = queries.findings_by_code(mine)
    if kinds:
        st.subheader(t("Findings by kind"))
        plots.findings(kinds)
    st.subheader(t("From creation to completion"))
    plots.durations(_durations(_who(mine), mine))


page()
