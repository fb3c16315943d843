"""Two states of a document side by side: compared by the core, kept for all sessions by the hashes of both, and shown."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st
from PIL import Image

from dashboards import look, pictures
from dashboards.words import t
from signing_core.errors import SealtrailError
from signing_core.verification.comparison import Mark, PageComparison, PageLook, TwoStates


@dataclass(frozen=True)
class Compared:
    """A `PageComparison` with its pictures as PNG."""

    page: int
    before: bytes | None
    """None when this state has no such page."""
    after: bytes | None
    difference: bytes | None
    """Where something was changed on a page that both have."""
    marks: tuple[Mark, ...]
    close_ups: tuple[tuple[int, bytes, bytes], ...]
    """Number of the change, then, now."""
    words_before: tuple[str, ...]
    words_after: tuple[str, ...]
    widths: tuple[int, int]
    """Pixels of the two whole pages, at one scale."""
    resized: tuple[str, str] | None
    turned: int


@st.cache_data(max_entries=64, show_spinner=False)
def overview(before_sha256: str, after_sha256: str, _before: bytes, _after: bytes) -> list[PageLook] | str:
    """Which pages differ, and how; or why they cannot be compared."""
    try:
        return TwoStates(_before, _after).look()
    except SealtrailError as error:
        return str(error)


@st.cache_data(max_entries=24, show_spinner=False)
def page(before_sha256: str, after_sha256: str, number: int, _before: bytes, _after: bytes) -> Compared:
    """One page of both states with its differences marked. Raises `DocumentRefused`."""
    found = TwoStates(_before, _after).page(number)
    return Compared(
        number,
        _png(found.before_marked),
        _png(found.after_marked),
        _png(found.difference if found.sheet is not None and found.changes else None),
        found.marks,
        tuple((close.number, pictures.png(close.before), pictures.png(close.after)) for close in found.close_ups),
        found.words_before,
        found.words_after,
        _widths(found),
        found.resized,
        found.turned,
    )


def show(shown: Compared, then: str, now: str) -> None:
    """What changed, enlarged; the whole page of both states below their titles; what the frames mean."""
    _reshaped(shown)
    for number, before, after in shown.close_ups:
        left, right = st.columns(2)
        for column, title, picture in (
            (left, t("Change {number}: what was there", number=number), before),
            (right, t("Change {number}: what is there now", number=number), after),
        ):
            with column.container(border=True):
                look.html(f"<b>{escape(title)}</b>")
                st.image(picture, width="stretch", alt=title)
    left, right = st.container(key="sheets").columns(shown.widths)
    for column, title, whole in ((left, then, shown.before), (right, now, shown.after)):
        with column:
            st.subheader(title)
            if whole is None:
                look.nothing(t("This state has no such page."))
            else:
                st.image(whole, width="stretch", alt=f"{title}, {t('page {page}', page=shown.page)}")
    _legend(shown)
    if shown.difference is not None:
        with st.expander(t("Both on top of each other: what is gone red, what is new blue")):
            st.image(shown.difference, alt=t("Both on top of each other: what is gone red, what is new blue"))


def _png(picture: Image.Image | None) -> bytes | None:
    return pictures.png(picture) if picture is not None else None


def _widths(found: PageComparison) -> tuple[int, int]:
    one, other = found.before or found.after, found.after or found.before
    return (one.width, other.width) if one and other else (1, 1)


def _reshaped(shown: Compared) -> None:
    if shown.resized is not None:
        then, now = shown.resized
        said = t("The page is of another size: {then} then, {now} now.", then=then, now=now)
        if shown.close_ups:
            said += " " + t("Changes are enlarged at the same scale; what is hatched is no part of the page.")
        st.warning(said, icon=":material/aspect_ratio:")
    if shown.turned:
        st.warning(
            t("The page was turned by {degrees}° clockwise.", degrees=shown.turned), icon=":material/rotate_right:"
        )


def _legend(shown: Compared) -> None:
    changed = sum(mark.kind == "changed" for mark in shown.marks)
    later = [mark.what for mark in shown.marks if mark.kind == "later-signature"]
    parts = []
    if changed:
        parts.append(look.chip(t("solid frame with a number: changed ({number})", number=changed), "bad"))
    if later:
        parts.append(
            look.chip(t("dashed frame: signature field filled later ({fields})", fields=", ".join(later)), "info")
        )
    if not parts:
        nothing = (
            t("nothing else differs on this page") if shown.resized or shown.turned else t("no difference on this page")
        )
        parts.append(look.chip(nothing, "good"))
    look.html(" ".join(parts))
    if shown.words_before or shown.words_after:
        look.facts(
            [
                (t("Words only then"), escape(" ".join(shown.words_before) or "–")),
                (t("Words only now"), escape(" ".join(shown.words_after) or "–")),
            ]
        )
