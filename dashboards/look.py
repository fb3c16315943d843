"""How things look: one style sheet, states as a sign with a word (colour never alone), times with their offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Final, Literal

import streamlit as st

from dashboards.words import t

Tone = Literal["good", "bad", "warn", "info", "quiet"]

SIGNS: Final[Mapping[Tone, str]] = {"good": "✓", "bad": "✕", "warn": "▲", "info": "●", "quiet": "○"}

STATUS_TONES: Final[Mapping[str, Tone]] = {
    "draft": "quiet",
    "awaiting-first-party": "info",
    "awaiting-client": "info",
    "signing": "warn",
    "sealing": "warn",
    "completed": "good",
    "declined": "bad",
    "expired": "bad",
    "voided": "quiet",
}
FINDING_TONES: Final[Mapping[str, Tone]] = {"open": "quiet", "proposed": "info", "closed": "good"}
RUN_TONES: Final[Mapping[str, Tone]] = {"success": "good", "failure": "bad", "started": "info", "canceled": "quiet"}
SEVERITY_TONES: Final[Mapping[str, Tone]] = {"error": "bad", "warning": "warn", "info": "info"}
VERDICT_TONES: Final[Mapping[str, Tone]] = {
    "intact": "good",
    "altered": "bad",
    "indeterminate": "warn",
    "unsigned": "quiet",
    "trusted": "good",
    "untrusted": "bad",
    "unknown": "warn",
    "proven": "good",
    "claimed": "warn",
    "inconsistent": "bad",
    "TOTAL-PASSED": "good",
    "TOTAL-FAILED": "bad",
    "INDETERMINATE": "warn",
    "valid": "good",
    "invalid": "bad",
    "foreign": "warn",
    "absent": "quiet",
    "unreadable": "warn",
    "match": "good",
    "mismatch": "bad",
    "not-checked": "quiet",
    "known": "good",
    "prefix": "info",
    "included": "good",
    "other-file": "bad",
    "missing": "bad",
    "good": "good",
    "revoked": "bad",
    "none": "good",
    "permitted": "good",
    "forbidden": "bad",
    "whole-file": "good",
    "whole-revision": "good",
    "partial": "bad",
}

_CSS = """
<style>
:root { color-scheme: light dark; }
.block-container, [data-testid="stMainBlockContainer"] { padding-top: 3.7rem; padding-bottom: 3rem; max-width: 1400px; }
[data-testid="stVerticalBlock"] { gap: .6rem; }
h1 { font-size: 1.55rem !important; font-weight: 650 !important; letter-spacing: -.01em; padding: 0 0 .45rem !important; }
h2 { font-size: 1.12rem !important; font-weight: 620 !important; padding: .7rem 0 .35rem !important; }
h3 { font-size: .98rem !important; font-weight: 620 !important; padding: .55rem 0 .35rem !important; }
.st-chip { display:inline-flex; align-items:center; gap:.35em; padding:.06em .55em .06em .45em; border-radius: 999px;
  font-size:.8rem; line-height:1.5; font-weight:560; white-space:nowrap; border:1px solid transparent; }
.st-chip b { font-weight:700; font-size:.78em; }
.st-good { color:#14663c; background:#e4f4ea; border-color:#b9e0c8; }
.st-bad  { color:#a01c1c; background:#fdeaea; border-color:#f3c1c1; }
.st-warn { color:#7a4b00; background:#fdf2dc; border-color:#efd7a3; }
.st-info { color:#1d4f91; background:#e7f0fb; border-color:#bdd5f2; }
.st-quiet{ color:#55606e; background:#eff1f4; border-color:#d8dde3; }
.st-dark .st-good { color:#8fdcae; background:#12301f; border-color:#24573a; }
.st-dark .st-bad  { color:#ffb0ab; background:#3d1716; border-color:#6f2b29; }
.st-dark .st-warn { color:#f4cc83; background:#352608; border-color:#634a17; }
.st-dark .st-info { color:#a9ccf8; background:#13263f; border-color:#294a75; }
.st-dark .st-quiet{ color:#b4bcc7; background:#22272e; border-color:#3a424c; }
.st-muted { opacity:.68; font-size:.84rem; }
.st-mono { font-family: "IBM Plex Mono", ui-monospace, Menlo, Consolas, monospace; font-size:.8rem; word-break:break-all; }
.st-code { word-break:normal; }
.st-whole { white-space:nowrap; word-break:normal; }
table.st-facts { border-collapse:collapse; width:100%; font-size:.88rem; }
table.st-facts th { text-align:left; font-weight:500; opacity:.7; padding:.22rem .9rem .22rem 0; white-space:nowrap; vertical-align:top; width:1%; }
table.st-facts td { padding:.22rem 0; vertical-align:top; }
table.st-list { border-collapse:collapse; width:100%; font-size:.87rem; }
table.st-list th { text-align:left; font-weight:560; font-size:.78rem; opacity:.7; padding:.25rem .8rem .25rem 0; border-bottom:1px solid rgba(128,136,148,.4); white-space:nowrap; }
table.st-list td { padding:.32rem .8rem .32rem 0; border-bottom:1px solid rgba(128,136,148,.18); vertical-align:top; }
.st-row { display:grid; align-items:center; gap:.1rem .9rem; font-size:.86rem; min-height:1.6rem; }
.st-head { font-size:.76rem; font-weight:560; opacity:.66; min-height:1.2rem; }
.st-row > span { overflow:hidden; text-overflow:ellipsis; white-space:nowrap; }
.st-two { display:-webkit-box; -webkit-box-orient:vertical; -webkit-line-clamp:2; overflow:hidden; white-space:normal; line-height:1.3; overflow-wrap:anywhere; }
.st-rule { border:0; border-top:1px solid rgba(128,136,148,.2); margin:0; }
ol.st-steps { display:flex; gap:3px; margin:.2rem 0 .4rem !important; padding:0 !important; list-style:none !important; }
.st-steps li { flex:1; margin:0 !important; padding:.5rem .7rem .5rem .1rem !important; border-top:3px solid rgba(128,136,148,.35); font-size:.86rem; }
.st-steps li.done { border-top-color:#1f8a55; } .st-steps li.now { border-top-color:#2f6fc4; }
.st-steps li.stopped { border-top-color:#c03a3a; }
.st-steps .name { font-weight:620; display:block; }
.st-steps .what { display:block; opacity:.75; font-size:.82rem; }
ol.st-time { list-style:none !important; margin:0 !important; padding:0 0 0 .35rem !important; font-size:.88rem; }
ol.st-time li { position:relative; margin:0 !important; padding:0 0 .62rem 1.35rem !important; border-left:2px solid rgba(128,136,148,.3); }
ol.st-time li:last-child { border-left-color:transparent; }
ol.st-time li::before { content:""; position:absolute; left:-.36rem; top:.38rem; width:.6rem; height:.6rem; border-radius:50%;
  background:#7d8896; box-shadow:0 0 0 3px var(--st-ground, rgba(255,255,255,1)); }
.st-dark ol.st-time li::before { box-shadow:0 0 0 3px #11151b; }
ol.st-time li.good::before { background:#1f8a55; } ol.st-time li.bad::before { background:#c03a3a; border-radius:1px; }
ol.st-time li.warn::before { background:#b97a10; border-radius:1px; transform:rotate(45deg); }
ol.st-time time { font-variant-numeric: tabular-nums; opacity:.75; font-size:.82rem; }
ol.st-time .more { display:block; opacity:.78; font-size:.82rem; }
.st-grade { font-size:.74rem; border:1px solid rgba(128,136,148,.45); border-radius:3px; padding:0 .35em; margin-left:.45em; opacity:.85; }
.st-axes { display:grid; grid-template-columns:repeat(8,minmax(0,1fr)); gap:.5rem .7rem; padding:.6rem .8rem; border:1px solid rgba(128,136,148,.25); border-radius:8px; font-size:.84rem; }
@media (max-width: 1150px) { .st-axes { grid-template-columns:repeat(4,1fr); } }
.st-axes .st-mono { font-size:.68rem; word-break:normal; }
.st-note { font-size:.88rem; }
.st-banner { font-size:.82rem; opacity:.95; padding:.15rem 0 .3rem; }
[data-testid="stPageLink"] a { padding:.05rem .2rem; min-height:1.7rem; } [data-testid="stPageLink"] p { font-weight:540; }
.st-key-list [data-testid="stPageLink"] a:not(:hover) { background:transparent !important; }
.st-key-list [data-testid="stHorizontalBlock"] { border-bottom:1px solid rgba(128,136,148,.16); padding:.08rem 0; }
 [data-testid="stPageLink"] p { font-size:.88rem; }
[data-testid="stMetric"] { padding:.55rem .8rem; } [data-testid="stMetricValue"] { font-size:1.55rem; }
.st-key-sheets [data-testid="stImage"] img { outline:1px solid rgba(128,136,148,.45); outline-offset:-1px; }
@media (max-width: 760px) { .st-steps { flex-direction:column; } }
</style>
"""


def style() -> None:
    """Once for each run, before anything else."""
    st.html(_CSS)


def _ground() -> str:
    return "st-dark" if st.context.theme.type == "dark" else "st-light"


def html(body: str) -> None:
    """Our own markup; every value in it was escaped where it was put in."""
    st.html(f'<div class="{_ground()}">{body}</div>')


def chip(word: str, tone: Tone) -> str:
    """A sign and a word on a coloured ground, as HTML."""
    return f'<span class="st-chip st-{tone}"><b aria-hidden="true">{SIGNS[tone]}</b>{escape(word)}</span>'


def status(value: str) -> str:
    return chip(t(value), STATUS_TONES.get(value, "quiet"))


def severity(value: str) -> str:
    return chip(t(value), SEVERITY_TONES.get(value, "info"))


def verdict(value: str | None) -> str:
    return chip(t(value), VERDICT_TONES.get(value, "info")) if value else chip(t("not recorded"), "quiet")


def when(time: datetime | None, *, seconds: bool = False) -> str:
    """A time in the workspace's zone, always with its offset; what was not observed is `not recorded`."""
    from dashboards import session

    if time is None:
        return t("not recorded")
    local = time.astimezone(session.workspace().zone)
    text = local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    offset = local.strftime("%z")
    return f"{text} {offset[:3]}:{offset[3:]}"


def when_text(text: str | None, *, seconds: bool = False) -> str:
    return when(datetime.fromisoformat(text) if text else None, seconds=seconds)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values (HTML) below each other."""
    body = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{value}</td></tr>" for name, value in pairs)
    html(f"<table class='st-facts'>{body}</table>")


def listing(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> None:
    """A small table (cells are HTML) that a screen reader and a keyboard can walk through."""
    top = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    html(
        f"<table class='st-list' aria-label='{escape(caption, quote=True)}'>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def row(widths: str, cells: Iterable[str], *, head: bool = False) -> None:
    """One line of a grid, its columns as CSS widths."""
    body = "".join(f"<span>{cell}</span>" for cell in cells)
    html(f"<div class='st-row{' st-head' if head else ''}' style='grid-template-columns:{widths}'>{body}</div>")


def two_lines(text: str) -> str:
    """Text of a cell in up to two lines; the whole of it is said by the pointer."""
    return f"<span class='st-two' title='{escape(text, quote=True)}'>{escape(text)}</span>"


def mono(text: str | None) -> str:
    return f"<span class='st-mono'>{escape(text)}</span>" if text else muted(t("not recorded"))


def code(text: str) -> str:
    """The code of a finding, which breaks at its hyphens."""
    return f"<span class='st-mono st-code'>{escape(text)}</span>"


def wrapped_at(parting: str, text: str) -> str:
    """Text that breaks only after `parting`, not at hyphens: a batch at its slash, a time before its clock."""
    head, found, tail = text.partition(parting)
    return f"<span class='st-whole'>{escape(head + found)}</span><wbr><span class='st-whole'>{escape(tail)}</span>"


def with_commands(text: str) -> str:
    """Prose in which commands stand between backticks."""
    parts = [escape(part) for part in text.split("`")]
    return "".join(f"<span class='st-mono'>{part}</span>" if number % 2 else part for number, part in enumerate(parts))


def muted(text: str) -> str:
    return f"<span class='st-muted'>{escape(text)}</span>"


def said(text: str, recorded: str) -> str:
    """A sentence in the language of the session, and below it the one that was recorded, which is English."""
    return f"{escape(text)}<br><span class='st-muted' lang='en'>{escape(recorded)}</span>"


def refused(text: str) -> None:
    st.error(text, icon=":material/lock:")


def nothing(text: str) -> None:
    """An empty list says why it is empty."""
    html(f"<p class='st-muted'>{escape(text)}</p>")
