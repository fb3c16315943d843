"""Something that came to be drawn after signing, where it is, and what it can do to what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from signing_core.pdf.page_ink import Box
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Value
from signing_core.verification.drawn.appearance import box_of

_NEAR: Final = 10.0
"""Points around what is drawn in which it may be read together with what is there."""


class Maker(StrEnum):
    """What draws."""

    SIGNATURE = "signature"
    """The look of a signature field that its own signature covers."""
    FIELD = "field"
    """The look of a filled or redrawn form field, in its own box."""
    ANNOTATION = "annotation"
    """A comment and everything else, also fields that nobody signed."""


@dataclass(frozen=True, slots=True)
class Paint:
    """Something that is drawn in the later state and was not, or not like that, in the signed state."""

    page: int
    """From 1, of the later state; the signed state has the same pages."""
    box: Box
    maker: Maker
    what: str
    """A phrase that begins a sentence: "The appearance of field client"."""
    field: str | None
    revision: int | None
    """That brought it."""
    annotation: dict[str, Value]
    """As in the later state; empty where it was removed."""
    former: dict[str, Value] | None = None
    """The same annotation or widget as it was in the signed state."""


class Effect(StrEnum):
    """What it does to the signed page, the gravest first."""

    HIDES = "hides"
    """Ink of the page is seen no more, or reads otherwise."""
    REVEALS = "reveals"
    """It lay over ink that is seen now."""
    COVERS = "covers"
    """It lies over ink, as signatures and underlines may; whether that still reads as it did is for somebody to look at."""
    UNCLEAR = "unclear"
    """Programs draw it differently, or it could not be drawn."""
    STILL_HIDES = "still-hides"
    """Ink lies below it that was not seen when that was signed either."""


@dataclass(frozen=True, slots=True)
class Observation:
    effect: Effect
    paint: Paint
    message: str
    """A sentence for an analyst."""


class Extent(NamedTuple):
    """Where something is drawn."""

    now: Box | None
    was: Box | None
    box: Box
    """Around both."""
    near: Box
    """And what may be read together with it."""


def extent_of(structure: FileStructure, signed: int, later: int, paint: Paint) -> Extent | None:
    page = pages.leaf(structure, paint.page, signed)
    turned = structure.resolve(pages.inherited(structure, page, "Rotate", signed), signed) not in (None, 0)
    now = box_of(structure, paint.annotation, later, turned=turned) if paint.annotation else None
    was = box_of(structure, paint.former, signed, turned=turned) if paint.former else None
    boxes = [box for box in (now, was) if box is not None]
    if not boxes:
        return None
    box = _around(boxes)
    return Extent(now, was, box, (box[0] - _NEAR, box[1] - _NEAR, box[2] + _NEAR, box[3] + _NEAR))


def _around(boxes: Sequence[Box]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)
