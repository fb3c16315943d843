"""What a signer saw beside what the file shows now, page by page, with what differs marked.

Two states are drawn and compared point by point. What lies in a signature field that was filled later is how signing works, and
is marked as such; everything else that differs was changed, whatever the file says about itself.
"""

from __future__ import annotations

import io
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy
import streamlit as st
from PIL import Image, ImageDraw

from signing_core.errors import SealtrailError
from signing_core.pdf import render, revisions
from signing_core.pdf.structure import pages as page_tree

_TOLERANCE: Final = 48
"""Grey levels of 255: rounding of the drawing program stays below."""
_CELL: Final = 6
"""Pixels of a side of the squares in which differences are gathered to boxes."""
_ROUGH_DPI: Final = 50
_SHOWN_DPI: Final = 88
_CLOSE_DPI: Final = 176
_MOST_CLOSEUPS: Final = 3
_COLOURS: Final = {"later-signature": (31, 95, 190), "changed": (200, 30, 30)}

Kind = Literal["later-signature", "changed"]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Mark:
    """A region that differs; in pixels of the pictures, or as the whole page."""

    kind: Kind
    box: Box
    what: str
    """The field's name for a later signature, else empty."""


@dataclass(frozen=True)
class PageComparison:
    page: int
    """From 1."""
    before: bytes | None
    """PNG; None when this state has no such page."""
    after: bytes | None
    marks: tuple[Mark, ...]
    closeups: tuple[tuple[bytes, bytes], ...] = ()
    """What changed, cut out and enlarged, as PNG: then and now."""
    text_before: tuple[str, ...] = ()
    """Words that only the older state has."""
    text_after: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageState:
    page: int
    kind: Literal["same", "later-signature", "changed"]


@dataclass(frozen=True)
class _Field:
    name: str
    page: int
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the page."""


@st.cache_data(max_entries=64, show_spinner=False)
def overview(before_sha256: str, after_sha256: str, _before: bytes, _after: bytes) -> list[PageState] | str:
    """Which pages differ, and how; or why they cannot be compared. Keyed by the hashes of the two states."""
    try:
        number = max(render.page_count(_before), render.page_count(_after))
        return [PageState(page, _kind(_compare(_before, _after, page, _ROUGH_DPI)[2])) for page in range(1, number + 1)]
    except SealtrailError as error:
        return str(error)


@st.cache_data(max_entries=24, show_spinner=False)
def page(before_sha256: str, after_sha256: str, number: int, _before: bytes, _after: bytes) -> PageComparison:
    """One page of both states with its differences marked. Raises `DocumentRefused`."""
    one, other, marks = _compare(_before, _after, number, _SHOWN_DPI)
    old, new = _words(_before, number), _words(_after, number)
    return PageComparison(
        number,
        _png(_marked(one, marks)) if one else None,
        _png(_marked(other, marks)) if other else None,
        tuple(marks),
        _closeups(_before, _after, number, marks),
        tuple(word for word in old if word not in set(new)),
        tuple(word for word in new if word not in set(old)),
    )


@st.cache_data(max_entries=48, show_spinner=False)
def picture(sha256: str, number: int, _data: bytes, dpi: int = _SHOWN_DPI) -> bytes:
    """One page as PNG."""
    return _png(render.render(_data, number, dpi=dpi))


def _kind(marks: list[Mark]) -> Literal["same", "later-signature", "changed"]:
    if any(mark.kind == "changed" for mark in marks):
        return "changed"
    return "later-signature" if marks else "same"


def _compare(
    before: bytes, after: bytes, number: int, dpi: int
) -> tuple[Image.Image | None, Image.Image | None, list[Mark]]:
    one, other = _drawn(before, number, dpi), _drawn(after, number, dpi)
    if one is None or other is None or one.size != other.size:
        present = other or one
        size = present.size if present else (1, 1)
        return one, other, [Mark("changed", (0, 0, *size), "")]
    grey = [numpy.asarray(picture.convert("L"), dtype=numpy.int16) for picture in (one, other)]
    differs = numpy.abs(grey[0] - grey[1]) > _TOLERANCE
    if not differs.any():
        return one, other, []
    fields = [field for field in _later_fields(before, after) if field.page == number]
    marks: list[Mark] = []
    height, width = differs.shape
    for field in fields:
        left, top = int(field.box[0] * width) - 2, int(field.box[1] * height) - 2
        right, bottom = int(field.box[2] * width) + 3, int(field.box[3] * height) + 3
        box = (max(0, left), max(0, top), min(width, right), min(height, bottom))
        part = differs[box[1] : box[3], box[0] : box[2]]
        if part.any():
            marks.append(Mark("later-signature", box, field.name))
            part[...] = False
    marks += [Mark("changed", box, "") for box in _boxes(differs)]
    return one, other, marks


def _drawn(data: bytes, number: int, dpi: int) -> Image.Image | None:
    return render.render(data, number, dpi=dpi) if number <= render.page_count(data) else None


def _later_fields(before: bytes, after: bytes) -> list[_Field]:
    """Signature fields that are filled in the newer state and were there, empty, in the older one."""
    old, new = revisions.parse(before), revisions.parse(after)
    filled_before = {name for record in old.signatures for name in record.fields}
    filled_after = {name for record in new.signatures for name in record.fields}
    if not old.revisions:
        return []
    last = len(old.revisions)
    sizes = {}
    for number, (ref, leaf) in enumerate(page_tree.walk(old, last), start=1):
        box = old.resolve(leaf.get("CropBox") or leaf.get("MediaBox"), last)
        if ref is not None and isinstance(box, list) and len(box) == 4 and not leaf.get("Rotate"):
            sizes[ref.number] = (number, [float(str(value)) for value in box])
    found = []
    for field in old.form(last).fields:
        if field.name in filled_before or field.name not in filled_after:
            continue
        for widget in field.widgets:
            owner, rect = widget.dict.get("P"), widget.dict.get("Rect")
            place = sizes.get(getattr(owner, "number", -1))
            if place is None or not isinstance(rect, list):
                continue
            number, (x0, y0, x1, y1) = place
            left, low, right, high = (float(str(value)) for value in rect)
            width, height = x1 - x0, y1 - y0
            box = ((left - x0) / width, (y1 - high) / height, (right - x0) / width, (y1 - low) / height)
            found.append(_Field(field.name, number, box))
    return found


def _boxes(differs: numpy.ndarray) -> list[Box]:
    """Boxes around what differs; what lies close together is one."""
    height, width = differs.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    padded = numpy.zeros((rows * _CELL, columns * _CELL), dtype=bool)
    padded[:height, :width] = differs
    cells = padded.reshape(rows, _CELL, columns, _CELL).any(axis=(1, 3))
    boxes: list[Box] = []
    left = {(int(y), int(x)) for y, x in numpy.argwhere(cells)}
    while left and len(boxes) < 40:
        start = left.pop()
        queue, group = deque([start]), [start]
        while queue:
            y, x = queue.popleft()
            for near in [(y + dy, x + dx) for dy in (-2, -1, 0, 1, 2) for dx in (-4, -3, -2, -1, 0, 1, 2, 3, 4)]:
                if near in left:
                    left.remove(near)
                    queue.append(near)
                    group.append(near)
        ys, xs = [y for y, _ in group], [x for _, x in group]
        boxes.append((min(xs) * _CELL - 3, min(ys) * _CELL - 3, (max(xs) + 1) * _CELL + 3, (max(ys) + 1) * _CELL + 3))
    return sorted(boxes, key=lambda box: (box[1], box[0]))


def _marked(picture: Image.Image, marks: list[Mark]) -> Image.Image:
    """Changed regions get a thick solid frame with a number, later signatures a thin dashed one: no colour needed."""
    shown = picture.copy()
    draw = ImageDraw.Draw(shown, "RGBA")
    number = 0
    for mark in marks:
        colour = _COLOURS[mark.kind]
        if mark.kind == "changed":
            number += 1
            draw.rectangle(mark.box, outline=(*colour, 255), width=3, fill=(*colour, 28))
            x, y = max(0, mark.box[0]), max(0, mark.box[1] - 15)
            draw.rectangle((x, y, x + 16, y + 15), fill=(*colour, 255))
            draw.text((x + 5, y + 2), str(number), fill=(255, 255, 255, 255))
        else:
            _dashed(draw, mark.box, colour)
    return shown


def _dashed(draw: ImageDraw.ImageDraw, box: Box, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = box
    for x in range(left, right, 10):
        for y in (top, bottom - 1):
            draw.line((x, y, min(x + 5, right), y), fill=(*colour, 255), width=2)
    for y in range(top, bottom, 10):
        for x in (left, right - 1):
            draw.line((x, y, x, min(y + 5, bottom)), fill=(*colour, 255), width=2)


def _closeups(before: bytes, after: bytes, number: int, marks: list[Mark]) -> tuple[tuple[bytes, bytes], ...]:
    boxes = [mark.box for mark in marks if mark.kind == "changed"][:_MOST_CLOSEUPS]
    one, other = (_drawn(data, number, _CLOSE_DPI) if boxes else None for data in (before, after))
    if one is None or other is None or one.size != other.size:
        return ()
    scale = _CLOSE_DPI / _SHOWN_DPI
    found = []
    for left, top, right, bottom in boxes:
        # Enough around it to read what it stands in; the same place of both.
        middle, half = (left + right) / 2, max((right - left) / 2 + 40, 150)
        box = [round(value * scale) for value in (middle - half, top - 26, middle + half, bottom + 26)]
        width, height = min(one.width, other.width), min(one.height, other.height)
        place = (max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3]))
        found.append((_png(one.crop(place)), _png(other.crop(place))))
    return tuple(found)


def _words(data: bytes, number: int) -> list[str]:
    try:
        return render.text(data, number).split() if number <= render.page_count(data) else []
    except SealtrailError:
        return []


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
