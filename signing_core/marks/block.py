"""The signature block: what a signature field shows."""

from __future__ import annotations

import functools
import math
from datetime import datetime
from typing import Any

from signing_core import typesetting
from signing_core.errors import UsageError
from signing_core.marks import scripts
from signing_core.marks.mark import Mark
from signing_core.marks.written import readable

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SMALLEST, _LARGEST = 3.0, 14_400.0
"""Points; the least and largest page that PDF readers are bound to show (ISO 32000-1, annex C.2)."""


def appearance(
    mark: Mark,
    *,
    width_pt: float,
    height_pt: float,
    name: str,
    label: str,
    signed_at: datetime,
    language: str,
    stamp: Mark | None = None,
) -> bytes:
    """A PDF of one page, `width_pt` x `height_pt` points, to become the /AP of a signature field (ISO 32000-1, 12.7.4.5).

    It shows the mark upright and whole, the stamp beside or above it, and below or to the right the
    name, the role (`label`, may be empty) and the time of signing with its offset, in the notation of `language` (`en`,
    `de`). Long text is set smaller, then on two lines, then cut with an ellipsis; where there is no room the role is left
    out first, then the time, then the name: the signature itself holds all three. The ground is transparent.

    `signed_at` is aware and is shown in its own offset. Raises `MarkRefused` when a character of name or role is in no
    installed font, `UsageError` for a size that is no page's or a time without offset.
    """
    if not all(math.isfinite(side) and _SMALLEST <= side <= _LARGEST for side in (width_pt, height_pt)):
        raise UsageError(
            f"A signature field of {width_pt} x {height_pt} points cannot be set: give {_SMALLEST:.0f} to {_LARGEST:.0f} points each way."
        )
    shown_name = readable(name)
    shown_label = readable(label) if label.strip() else None
    data: dict[str, Any] = {
        "width": width_pt,
        "height": height_pt,
        "mark": typesetting.picture(mark.media_type, mark.data),
        "stamp": typesetting.picture(stamp.media_type, stamp.data) if stamp else None,
        "name": shown_name,
        "label": shown_label,
        "time": _time(signed_at, language),
        "families": scripts.text_families(shown_name + (shown_label or "")),
    }
    return typesetting.compile_pdf(_template(), data, created_at=signed_at)


def _time(moment: datetime, language: str) -> tuple[str, str]:
    """Day and time of day, each to stay on one line: month names would need a locale, so they are written here."""
    if moment.utcoffset() is None:
        raise UsageError("The time of signing has no offset: give an aware datetime.")
    day = f"{moment:%d.%m.%Y}," if language == "de" else f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year},"
    return day, f"{moment:%H:%M:%S} UTC{_offset(moment)}"


def _offset(moment: datetime) -> str:
    digits = f"{moment:%z}"
    return f"{digits[:3]}:{digits[3:5]}"


@functools.cache
def _template() -> str:
    return typesetting.load_template("signing_core.marks", "block.typ")
