"""Plots, where a look says more than a table. Each has its facts as text, and as a table, for those who cannot see it.

Data are handed over as frames: inside of a chart every single value would be checked against Vega-Lite's schema, in a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import files, look
from dashboards.words import t

_VERDICTS: Final = {"intact": "#1f8a55", "indeterminate": "#b97a10", "altered": "#c03a3a", "unsigned": "#7d8896"}
_SEVERITIES: Final = {"error": "#c03a3a", "warning": "#b97a10", "info": "#2f6fc4"}
_HEIGHT: Final = 220
"""Pixels of a plot, its axes and legend included."""
_ROW: Final = 26
"""Pixels of a bar with its label."""
_MOST_LINES: Final = 100


def verdicts(days: Sequence[tuple[str, str, int]]) -> None:
    """Verifications by day; the verdict is told by colour and by its place in the stack and the legend's order."""
    total = sum(number for _, _, number in days)
    altered = sum(number for _, integrity, number in days if integrity == "altered")
    chart = (
        alt.Chart(pd.DataFrame([{"day": day, "verdict": t(one), "number": number} for day, one, number in days]))
        .mark_bar()
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(format=t("%d %b"), tickCount=5, labelOverlap=True)),
            y=alt.Y("number:Q", title=t("Verifications"), axis=alt.Axis(tickMinStep=1)),
            color=_scale("verdict", _VERDICTS),
            tooltip=[
                alt.Tooltip("day:T", title=t("Day"), format="%Y-%m-%d"),
                alt.Tooltip("verdict:N", title=t("Verdict")),
                alt.Tooltip("number:Q", title=t("Number")),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(
        chart,
        alt=t("Verifications by day: {total} in all, {altered} found altered.", total=total, altered=altered),
    )
    _as_table(
        [{"day": day, "verdict": one, "number": number} for day, one, number in reversed(days)],
        {"day": t("Day"), "verdict": t("Verdict"), "number": t("Number")},
        "verdicts-by-day",
    )


def durations(times: Sequence[tuple[datetime, float]]) -> None:
    """Hours from creation to completion."""
    hours = sorted(value for _, value in times)
    middle = hours[len(hours) // 2] if hours else 0.0
    chart = (
        alt.Chart(pd.DataFrame([{"done": done.isoformat(), "hours": round(value, 2)} for done, value in times]))
        .mark_circle(size=26, opacity=0.55, color="#2f6fc4")
        .encode(
            x=alt.X("done:T", title=None, axis=alt.Axis(format=t("%d %b"), tickCount=6)),
            y=alt.Y("hours:Q", title=t("Hours to completion"), scale=alt.Scale(type="symlog", nice=True, padding=12)),
            tooltip=[
                alt.Tooltip("done:T", title=t("Completed"), format="%Y-%m-%d %H:%M"),
                alt.Tooltip("hours:Q", title=t("Hours")),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(
        chart,
        alt=t(
            "Hours from creation to completion of {number} documents; half took less than {middle} hours.",
            number=len(hours),
            middle=f"{middle:.1f}",
        ),
    )
    newest = list(times[:_MOST_LINES])
    _as_table(
        [{"completed": look.when(done), "hours": f"{value:.2f}"} for done, value in newest],
        {"completed": t("Completed"), "hours": t("Hours")},
        "hours-to-completion",
    )


def findings(kinds: Sequence[tuple[str, str, int]]) -> None:
    """Open findings by kind; severity is told in words on the axis as well."""
    values = [
        {"kind": f"{code} · {t(severity)}", "severity": t(severity), "number": number}
        for code, severity, number in kinds
    ]
    chart = (
        alt.Chart(pd.DataFrame(values))
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", title=None, sort="-x", axis=alt.Axis(labelLimit=260, labelOverlap=False)),
            x=alt.X("number:Q", title=t("Open findings"), axis=alt.Axis(tickMinStep=1)),
            color=_scale("severity", _SEVERITIES),
            tooltip=[
                alt.Tooltip("kind:N", title=t("Kind")),
                alt.Tooltip("severity:N", title=t("Severity")),
                alt.Tooltip("number:Q", title=t("Number")),
            ],
        )
        .properties(height=110 + _ROW * len(values))
    )
    told = ", ".join(f"{code} {number}" for code, _, number in kinds)
    st.altair_chart(chart, alt=t("Open findings by kind: {told}.", told=told or "0"))
    _as_table(
        [{"kind": code, "severity": severity, "number": number} for code, severity, number in kinds],
        {"kind": t("Kind"), "severity": t("Severity"), "number": t("Number")},
        "findings-by-kind",
    )


def _as_table(rows: list[dict[str, Any]], names: Mapping[str, str], name: str) -> None:
    """The same without a picture: for the keyboard, for a screen reader, and to be taken away."""
    with st.popover(t("As a table"), icon=":material/table_rows:", type="tertiary"):
        with st.container(horizontal=True):
            files.downloads(rows, name)
        look.listing(
            list(names.values()),
            [[escape(t(str(row[key]))) for key in names] for row in rows[:_MOST_LINES]],
            caption=t("As a table"),
        )


def _scale(name: str, colours: dict[str, str]) -> alt.Color:
    return alt.Color(
        f"{name}:N",
        title=None,
        scale=alt.Scale(domain=[t(one) for one in colours], range=list(colours.values())),
        legend=alt.Legend(orient="top", columns=4, labelLimit=160, offset=4),
    )
