"""Plots, where a look says more than a table. Each has its facts as text for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import altair as alt
import streamlit as st

from dashboards.words import t

_VERDICTS: Final = {"intact": "#1f8a55", "indeterminate": "#b97a10", "altered": "#c03a3a", "unsigned": "#7d8896"}
_SEVERITIES: Final = {"error": "#c03a3a", "warning": "#b97a10", "info": "#2f6fc4"}
_HEIGHT: Final = 190


def verdicts(days: Sequence[tuple[str, str, int]]) -> None:
    """Verifications by day; the verdict is told by colour and by its place in the stack and the legend's order."""
    total = sum(number for _, _, number in days)
    altered = sum(number for _, integrity, number in days if integrity == "altered")
    chart = (
        alt.Chart(alt.Data(values=[{"day": day, "verdict": t(one), "number": number} for day, one, number in days]))
        .mark_bar()
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(format="%d %b", tickCount=6)),
            y=alt.Y("number:Q", title=t("Verifications"), axis=alt.Axis(tickMinStep=1)),
            color=_scale("verdict", _VERDICTS),
            tooltip=["day:T", "verdict:N", "number:Q"],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(
        chart,
        alt=t("Verifications by day: {total} in all, {altered} found altered.", total=total, altered=altered),
    )


def durations(times: Sequence[tuple[datetime, float]]) -> None:
    """Hours from creation to completion."""
    hours = sorted(value for _, value in times)
    middle = hours[len(hours) // 2] if hours else 0.0
    chart = (
        alt.Chart(alt.Data(values=[{"done": done.isoformat(), "hours": round(value, 2)} for done, value in times]))
        .mark_circle(size=26, opacity=0.55, color="#2f6fc4")
        .encode(
            x=alt.X("done:T", title=None, axis=alt.Axis(format="%d %b", tickCount=6)),
            y=alt.Y("hours:Q", title=t("Hours to completion"), scale=alt.Scale(type="symlog")),
            tooltip=["done:T", "hours:Q"],
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


def findings(kinds: Sequence[tuple[str, str, int]]) -> None:
    """Open findings by kind; severity is told in words on the axis as well."""
    values = [{"kind": code, "severity": t(severity), "number": number} for code, severity, number in kinds]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", title=None, sort="-x", axis=alt.Axis(labelLimit=220)),
            x=alt.X("number:Q", title=t("Open findings"), axis=alt.Axis(tickMinStep=1)),
            color=_scale("severity", _SEVERITIES),
            tooltip=["kind:N", "severity:N", "number:Q"],
        )
        .properties(height=max(90, 24 * len(values)))
    )
    told = ", ".join(f"{code} {number}" for code, _, number in kinds)
    st.altair_chart(chart, alt=t("Open findings by kind: {told}.", told=told or "0"))


def _scale(name: str, colours: dict[str, str]) -> alt.Color:
    return alt.Color(
        f"{name}:N",
        title=None,
        scale=alt.Scale(domain=[t(one) for one in colours], range=list(colours.values())),
        legend=alt.Legend(orient="top"),
    )
