"""A signature set from a name, in a script font where one has the letters, legible always."""

from __future__ import annotations

import functools

from signing_core import typesetting
from signing_core.errors import UsageError
from signing_core.marks import scripts
from signing_core.marks.mark import INK, Mark, refuse

STYLES = tuple(scripts.HAND)
MAX_NAME = 120
"""Characters; more cannot be read in any signature field."""


def from_name(name: str, style: str = "caveat") -> Mark:
    """`name` as a signature: SVG, every glyph an outline, so that it looks the same everywhere.

    `style` is one of `STYLES`. Letters that its font lacks are taken from the other script font, then from book faces:
    Greek in an italic, Arabic in a Naskh hand and from right to left, Hebrew, Devanagari, and Chinese, Japanese and
    Korean where the extra `cjk` is installed.

    Raises `MarkRefused`: `empty`, `too-large` above 120 characters, `unreadable-name` when a character is in no installed
    font; `UsageError` for an unknown style.
    """
    if style not in scripts.HAND:
        raise UsageError(f"There is no signature style {style!r}: choose one of {', '.join(STYLES)}.")
    text = readable(name)
    parts = scripts.runs(text, scripts.hand_families(style, text))
    assert parts is not None  # noqa: S101  (readable() has just made sure)
    data = {"runs": [part.to_json() for part in parts], "rtl": scripts.right_to_left(text), "ink": INK}
    return Mark("name", "image/svg+xml", typesetting.compile_svg(_template(), data))


def readable(name: str) -> str:
    """`name` tidied to what will be shown, or `MarkRefused` where it cannot be shown whole. Worth asking as soon as a party is named."""
    text = scripts.tidy(name)
    if not any(c.isalnum() for c in text):
        raise refuse("empty", "The name has no letters: give the name to sign with.")
    if len(text) > MAX_NAME:
        raise refuse(
            "too-large",
            f"The name has more than {MAX_NAME} characters: give it shorter, or draw the signature by hand.",
        )
    if missing := scripts.unreadable(text, scripts.text_families(text)):
        raise refuse("unreadable-name", _unreadable(text, missing))
    return text


def _unreadable(text: str, missing: str) -> str:
    shown = ", ".join(f"U+{ord(c):04X}" for c in missing[:5]) + (" and more" if len(missing) > 5 else "")
    if scripts.cjk_missing(missing) and not typesetting.cjk_installed():
        return (
            f"The name {text!r} needs a Chinese, Japanese or Korean font ({shown}): install the extra sealtrail[cjk], "
            "or give the name in another script."
        )
    return f"The name {text!r} has characters that no installed font can draw ({shown}): leave them out or write them differently."


@functools.cache
def _template() -> str:
    return typesetting.load_template("signing_core.marks", "name.typ")
