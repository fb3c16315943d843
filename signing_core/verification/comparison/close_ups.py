"""Changes enlarged, then and now, with enough around them to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from signing_core.verification.comparison import sheets
from signing_core.verification.comparison.page import DPI, CloseUp
from signing_core.verification.comparison.pictures import Box
from signing_core.verification.comparison.sheets import Sheet

_DPI: Final = 2 * DPI
_MOST: Final = 3
_BESIDE, _ABOVE = 40, 26
"""Pixels at `DPI` that are shown to the sides of a change, above and below it."""
_LEAST_WIDTH: Final = 300


def of(documents: tuple[Any, Any], sheet: Sheet, changes: Sequence[Box]) -> tuple[CloseUp, ...]:
    """The first of the changes, but for those of half a page and more, as they lie on `sheet`."""
    wanted = [(number, box) for number, box in enumerate(changes[:_MOST], start=1) if not _tall(sheet, box)]
    if not wanted:
        return ()
    close = sheets.lay(documents, sheet.pages, _DPI, sheet.shift)
    if close is None:
        return ()
    before, after = close.hatched()
    scale = close.dpi / sheet.dpi
    found = []
    for number, (left, top, right, bottom) in wanted:
        middle, half = (left + right) / 2, max((right - left) / 2 + _BESIDE, _LEAST_WIDTH / 2)
        x0, y0, x1, y1 = (round(edge * scale) for edge in (middle - half, top - _ABOVE, middle + half, bottom + _ABOVE))
        place = (max(0, x0), max(0, y0), min(close.size[0], x1), min(close.size[1], y1))
        found.append(CloseUp(number, before.crop(place), after.crop(place)))
    return tuple(found)


def _tall(sheet: Sheet, box: Box) -> bool:
    """Enlarged it would be as high as the page, and no easier to read."""
    return box[3] - box[1] > sheet.size[1] / 2
