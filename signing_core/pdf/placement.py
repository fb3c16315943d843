"""Where the parties' marks go on the last page of a document.

Nothing that can be seen may be covered. Room is taken from the page only where its rendered picture shows that there is
nothing; else the page grows at the bottom by a band for the marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageDraw

from signing_core.pdf.geometry import Box

MARK_WIDTH_PT: Final = 220.0
MARK_HEIGHT_PT: Final = 72.0
_LEAST_WIDTH_PT: Final = 120.0
_LEAST_HEIGHT_PT: Final = 36.0  # of a mark beside a text
_STEP_PT: Final = 6.0
_RULE_PT: Final = 14.0  # above a text, in which the line to sign on may be
_MARGIN_PT: Final = 56.0  # of the outer marks to the edges of the page
_GAP_PT: Final = 20.0  # between marks, and between text and marks
_FOOTER: Final = 0.12  # part of the page's height at its bottom in which a footer may stand below the marks
DPI: Final = 36
"""Resolution of the picture that is looked at."""


_TONES: Final = 3  # of 255: how much a pixel may differ from the paper and still be blank


@dataclass(frozen=True, slots=True)
class Layout:
    """`boxes` in view coordinates of the page *after* it has grown at the bottom by `band` points."""

    boxes: tuple[Box, ...]
    band: float


def automatic(
    picture: Image.Image | None, width: float, height: float, count: int, taken: Sequence[Box] = ()
) -> Layout:
    """Places `count` marks on a page of `width` by `height` points as seen, of which `picture` is the rendering.

    Without a picture nothing is known to be blank.
    `taken` are boxes that are not blank although the picture shows nothing there, in view coordinates.
    """
    left, right = _margins(picture, width)
    room = width - left - right
    columns = max(1, min(count, 2 if room >= 2 * 120 + _GAP_PT else 1))
    mark_width = min(MARK_WIDTH_PT, (room - (columns - 1) * _GAP_PT) / columns)
    mark_height = MARK_HEIGHT_PT * min(1.0, mark_width / 120)
    rows = -(-count // columns)
    needed = rows * mark_height + (rows - 1) * _GAP_PT
    top = None if picture is None else _blank_top(_with(picture, height, taken), height, needed + 2 * _GAP_PT)
    band = 0.0
    if top is None:
        band = needed + _GAP_PT
        top = band - _GAP_PT / 2
    else:
        top -= _GAP_PT
    boxes = []
    for index in range(count):
        row, column = divmod(index, columns)
        x0 = left if column == 0 else width - right - mark_width
        y1 = top - row * (mark_height + _GAP_PT)
        boxes.append(Box(x0, y1 - mark_height, x0 + mark_width, y1))
    return Layout(tuple(boxes), band)


def beside(picture: Image.Image, width: float, height: float, text: Box, *, above: bool) -> Box:
    """A place for a mark at a printed text: on it, or `above` it and the line that is drawn there to sign on.

    All in view coordinates. As large as a mark may be where that covers nothing, else the largest that does not; where there
    is nothing blank at all, the least that can be read.
    """
    ink = _off_paper(picture)
    scale = picture.height / height
    bottom = min(text.y1 + 1 if above else text.y0, height - _LEAST_HEIGHT_PT)
    left = max(0.0, min(text.x0, width - _LEAST_WIDTH_PT))
    if not above:  # what is painted over is blank
        ImageDraw.Draw(ink).rectangle(_pixels(text, height, scale, 2), fill=0)
    best = Box(left, bottom, min(width, left + _LEAST_WIDTH_PT), bottom + _LEAST_HEIGHT_PT)
    reach = 0.0
    tall = _LEAST_HEIGHT_PT
    while tall <= min(MARK_HEIGHT_PT, height - bottom):
        wide = min(MARK_WIDTH_PT, width - left)
        while wide >= _LEAST_WIDTH_PT:
            more = 1 / scale  # than a pixel of the picture may say
            looked_at = Box(left, bottom + (_RULE_PT if above else 0), left + wide + more, bottom + tall + more)
            if ink.crop(_pixels(looked_at, height, scale, 0)).getbbox() is None:
                if wide * tall > reach:
                    reach, best = wide * tall, Box(left, bottom, left + wide, bottom + tall)
                break
            wide -= _STEP_PT
        tall += _STEP_PT
    return best


def _pixels(box: Box, height: float, scale: float, more: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a box in a picture, grown by `more`."""
    return (
        max(0, int(box.x0 * scale) - more),
        max(0, int((height - box.y1) * scale) - more),
        max(1, int(box.x1 * scale) + more),
        max(1, int((height - box.y0) * scale) + more),
    )


def _margins(picture: Image.Image | None, width: float) -> tuple[float, float]:
    """The left and right margin of what is on the page, so that marks line up with the text; ours where it has none."""
    usual = min(_MARGIN_PT, width * 0.08)
    marked = _off_paper(picture).getbbox() if picture is not None else None
    if picture is None or marked is None:
        return usual, usual
    scale = width / picture.width
    left, right = marked[0] * scale, (picture.width - marked[2]) * scale
    most = width * 0.2
    return (left if usual / 2 <= left <= most else usual), (right if usual / 2 <= right <= most else usual)


def _off_paper(picture: Image.Image) -> Image.Image:
    """1 where the picture differs from its most frequent tone, the paper, else 0."""
    tones = picture.convert("L")
    paper = max(range(256), key=tones.histogram().__getitem__)
    return ImageChops.difference(tones, Image.new("L", tones.size, paper)).point(lambda v: 0 if v <= _TONES else 1)


def _with(picture: Image.Image, height: float, taken: Sequence[Box]) -> Image.Image:
    if not taken:
        return picture
    result = picture.copy()
    scale = picture.height / height
    for box in taken:
        corners = (box.x0 * scale, (height - box.y1) * scale, box.x1 * scale, (height - box.y0) * scale)
        ImageDraw.Draw(result).rectangle(corners, fill=(90, 120, 30))
    return result


def _blank_top(picture: Image.Image, height: float, needed: float) -> float | None:
    """The top, in points from the bottom of the page, of a blank band of at least `needed` points below all text.

    Only a footer may stand under it. None where there is no such band.
    """
    rows, columns = picture.height, picture.width
    pixels = _off_paper(picture).tobytes()
    marked = [row for row in range(rows) if any(pixels[row * columns : (row + 1) * columns])]
    footer = int(rows * (1 - _FOOTER))
    start = max((row + 1 for row in marked if row < footer), default=int(rows * 0.08))
    end = min((row for row in marked if row >= max(start, footer)), default=int(rows * 0.97))
    per_row = height / rows
    return height - start * per_row if (end - start) * per_row >= needed else None
