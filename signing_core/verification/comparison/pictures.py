"""Two pictures of one page: where they differ, and pictures that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

TOLERANCE: Final = 24
"""Grey levels of 255: how one shape comes out on another page of the same program stays below."""
_CELL: Final = 6
"""Pixels of a side of the squares in which differences are gathered to boxes."""
_ACROSS, _DOWN = 4, 2
"""Squares between two differences that are one: a space between words, the gap between two lines."""
_MOST_BOXES: Final = 60
_GONE: Final = (200, 30, 30)
_NEW: Final = (31, 95, 190)
_CHANGED: Final = (200, 30, 30)
_LATER: Final = (31, 95, 190)
_QUIET: Final = (90, 90, 90)

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""
Mask = npt.NDArray[np.bool_]
Kind = Literal["later-signature", "changed"]


@dataclass(frozen=True)
class Mark:
    """A region that differs."""

    kind: Kind
    box: Box
    what: str = ""
    """The field's name for a later signature, else empty."""


def differing(before: Image.Image, after: Image.Image, tolerance: int = TOLERANCE) -> Mask:
    """Which pixels of two pictures of the same size differ, by row and column."""
    wrong: Mask = np.abs(_grey(before) - _grey(after)) > tolerance
    return wrong


def boxes(wrong: Mask) -> tuple[Box, ...]:
    """Boxes around what differs, from the top; what lies close together is one."""
    height, width = wrong.shape
    padded = np.zeros((-(-height // _CELL) * _CELL, -(-width // _CELL) * _CELL), dtype=bool)
    padded[:height, :width] = wrong
    cells: Mask = np.asarray(padded.reshape(padded.shape[0] // _CELL, _CELL, -1, _CELL).any(axis=(1, 3)))
    groups = [
        (x0 * _CELL, y0 * _CELL, min(x1 * _CELL, width), min(y1 * _CELL, height)) for x0, y0, x1, y1 in _groups(cells)
    ]
    return tuple(sorted(groups, key=lambda box: (box[1], box[0]))[:_MOST_BOXES])


def _groups(cells: Mask) -> list[Box]:
    """Row by row: what stands close to something of the rows just above belongs to it, and may join two groups."""
    group_of: list[int] = []  # of each stretch of a row; the first one of a group is itself
    stretches: list[tuple[int, int, int]] = []  # row, first and last column
    recent: list[int] = []

    def first(of: int) -> int:
        while group_of[of] != of:
            group_of[of] = group_of[group_of[of]]
            of = group_of[of]
        return of

    for y in np.flatnonzero(cells.any(axis=1)).tolist():
        recent = [one for one in recent if y - stretches[one][0] <= _DOWN]
        columns = np.flatnonzero(cells[y])
        gaps = np.flatnonzero(np.diff(columns) > _ACROSS)
        above = list(recent)
        for start, end in zip(columns[[0, *gaps + 1]].tolist(), columns[[*gaps, -1]].tolist(), strict=True):
            number = len(stretches)
            stretches.append((y, start, end))
            group_of.append(number)
            recent.append(number)
            for one in above:
                if start - _ACROSS <= stretches[one][2] and stretches[one][1] <= end + _ACROSS:
                    group_of[first(number)] = first(one)
    found: dict[int, Box] = {}
    for number, (y, start, end) in enumerate(stretches):
        left, top, right, bottom = found.get(first(number), (start, y, end + 1, y + 1))
        found[first(number)] = (min(left, start), min(top, y), max(right, end + 1), max(bottom, y + 1))
    return list(found.values())


def overlay(before: Image.Image | None, after: Image.Image | None, marks: Iterable[Mark]) -> Image.Image:
    """What is in both pale, what is gone red, what is new blue, each region framed. A page of one state only is all gone or new."""
    present = after or before
    if present is None:
        return Image.new("RGB", (1, 1), "white")
    blank = Image.new("RGB", present.size, "white")
    old, new = _grey(before or blank), _grey(after or blank)
    shown = np.repeat((255 - (255 - np.minimum(old, new)) // 4)[:, :, None], 3, axis=2).astype(np.uint8)
    shown[new - old > TOLERANCE] = _GONE
    shown[old - new > TOLERANCE] = _NEW
    return framed(Image.fromarray(shown), marks, quiet=True)


def framed(picture: Image.Image, marks: Iterable[Mark], *, quiet: bool = False) -> Image.Image:
    """Changed regions get a solid frame with a number, later signatures a dashed one, so that no colour is needed.

    `quiet`: thin and grey, over a picture that has colours of its own.
    """
    shown = picture.copy()
    draw = ImageDraw.Draw(shown, "RGBA")
    number = 0
    for mark in marks:
        left, top, right, bottom = mark.box
        box = (max(0, left - 3), max(0, top - 3), min(shown.width - 1, right + 2), min(shown.height - 1, bottom + 2))
        number += mark.kind == "changed"
        if box[0] >= box[2] or box[1] >= box[3]:
            continue  # it lies beside this page
        if mark.kind == "later-signature":
            _dashed(draw, box, _QUIET if quiet else _LATER)
        else:
            colour = _QUIET if quiet else _CHANGED
            draw.rectangle(box, outline=(*colour, 255), width=1 if quiet else 3, fill=None if quiet else (*colour, 28))
            _numbered(draw, box, number, colour)
    return shown


def _numbered(draw: ImageDraw.ImageDraw, box: Box, number: int, colour: tuple[int, int, int]) -> None:
    """On top of the frame's upper left corner."""
    x, y = box[0], max(0, box[1] - 16)
    text = str(number)
    draw.rectangle((x, y, x + 9 + 7 * len(text), y + 15), fill=(*colour, 255))
    draw.text((x + 5, y + 2), text, fill=(255, 255, 255, 255))


def _dashed(draw: ImageDraw.ImageDraw, box: Box, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = box
    for x in range(left, right, 10):
        for y in (top, bottom):
            draw.line((x, y, min(x + 5, right), y), fill=(*colour, 255), width=2)
    for y in range(top, bottom, 10):
        for x in (left, right):
            draw.line((x, y, x, min(y + 5, bottom)), fill=(*colour, 255), width=2)


def hatched(size: tuple[int, int]) -> Image.Image:
    """What lies around a page: grey, with slanting lines, never to be taken for paper."""
    rows, columns = np.ogrid[: size[1], : size[0]]
    lines = (rows + columns) % 12 < 2
    return Image.fromarray(np.where(lines, 150, 205).astype(np.uint8)).convert("RGB")


def _grey(picture: Image.Image) -> npt.NDArray[np.int16]:
    return np.asarray(picture.convert("L"), dtype=np.int16)
