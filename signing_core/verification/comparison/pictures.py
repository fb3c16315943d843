"""Two pictures of one page: where they differ, and a third picture that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

_TOLERANCE: Final = 24
"""Grey levels of 255: how one shape comes out on another page of the same program stays below."""
_CELL: Final = 8
"""Pixels of a side of the squares in which differences are gathered to boxes."""
_MOST_BOXES: Final = 60
_GONE: Final = (200, 30, 30)
_NEW: Final = (31, 95, 190)

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Differing:
    """Where two pictures of the same size differ."""

    boxes: tuple[Box, ...]
    """Around what differs, from the top; what lies close together is one."""
    pixels: int


def compare(before: Image.Image, after: Image.Image) -> Differing:
    """Pictures of different sizes differ everywhere."""
    if before.size != after.size:
        return Differing(((0, 0, *after.size),), after.width * after.height)
    wrong = np.abs(_grey(before) - _grey(after)) > _TOLERANCE
    return Differing(_boxes(wrong), int(wrong.sum()))


def overlay(before: Image.Image | None, after: Image.Image | None, boxes: tuple[Box, ...]) -> Image.Image:
    """What is in both pale, what is gone red, what is new blue, each region framed. A page of one state only is all gone or new."""
    present = after or before
    if present is None:
        return Image.new("RGB", (1, 1), "white")
    blank = Image.new("RGB", present.size, "white")
    old, new = _grey(_on(before, blank)), _grey(_on(after, blank))
    shown = np.repeat((255 - (255 - np.minimum(old, new)) // 4)[:, :, None], 3, axis=2).astype(np.uint8)
    shown[new - old > _TOLERANCE] = _GONE
    shown[old - new > _TOLERANCE] = _NEW
    picture = Image.fromarray(shown)
    draw = ImageDraw.Draw(picture)
    for left, top, right, bottom in boxes:
        draw.rectangle((max(0, left - 4), max(0, top - 4), right + 3, bottom + 3), outline=(90, 90, 90), width=1)
    return picture


def _on(picture: Image.Image | None, blank: Image.Image) -> Image.Image:
    if picture is None or picture.size == blank.size:
        return picture or blank
    framed = blank.copy()
    framed.paste(picture)
    return framed


def _grey(picture: Image.Image) -> npt.NDArray[np.int16]:
    return np.asarray(picture.convert("L"), dtype=np.int16)


def _boxes(wrong: npt.NDArray[np.bool_]) -> tuple[Box, ...]:
    height, width = wrong.shape
    padded = np.zeros((-(-height // _CELL) * _CELL, -(-width // _CELL) * _CELL), dtype=bool)
    padded[:height, :width] = wrong
    cells = padded.reshape(padded.shape[0] // _CELL, _CELL, -1, _CELL).any(axis=(1, 3))
    left = {(int(y), int(x)) for y, x in np.argwhere(cells)}
    boxes: list[Box] = []
    while left and len(boxes) < _MOST_BOXES:
        group = [left.pop()]
        for y, x in group:  # grows while it is walked
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-2, -1, 0, 1, 2)} & left
            left -= near
            group += near
        ys, xs = [y for y, _ in group], [x for _, x in group]
        box = (min(xs) * _CELL, min(ys) * _CELL, min((max(xs) + 1) * _CELL, width), min((max(ys) + 1) * _CELL, height))
        boxes.append(box)
    return tuple(sorted(boxes, key=lambda box: (box[1], box[0])))
