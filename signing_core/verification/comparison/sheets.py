"""One page of two states on one sheet of paper, at one scale, whatever size, margin or turn each has.

Where the pages differ in these, both are drawn once more on paper that holds them both, as the older one is turned, so that what
stayed comes out the same to the pixel. They lie with their coordinates on top of each other or, where more of it fits so, with
their upper left corners, as when a page was printed anew on other paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from signing_core.errors import SealtrailError
from signing_core.pdf import page_ink, render
from signing_core.verification.comparison import pictures
from signing_core.verification.comparison.pictures import Box

_MOST_PIXELS: Final = 16_000_000
"""Of one picture; a larger page is drawn at a lower resolution."""
_LONGEST: Final = 16_000
"""Pixels of a side."""
_SAME_POINTS: Final = 0.5
"""Sizes and edges that differ by less are the same: programs round."""

Rect = tuple[float, float, float, float]
"""Left, bottom, right, top in points of default user space."""
Shift = tuple[float, float]
"""What is added to coordinates of the newer page, to the right and upwards, to get those of the older one."""


@dataclass(frozen=True)
class Page:
    """A page as its viewer shows it."""

    number: int
    box: Rect
    """What of default user space is shown."""
    turns: int
    """Quarters of a turn clockwise."""

    def size(self, turns: int | None = None) -> tuple[float, float]:
        """Width and height in points, as it is turned or as another one is."""
        left, bottom, right, top = self.box
        across, up = right - left, top - bottom
        return (up, across) if (self.turns if turns is None else turns) % 2 else (across, up)

    def corner(self, turns: int) -> tuple[float, float]:
        """What lies in the upper left when the page is turned so, in default user space."""
        left, bottom, right, top = self.box
        return ((left, top), (left, bottom), (right, bottom), (right, top))[turns]

    def same_size(self, other: Page) -> bool:
        """The same paper, however it is turned."""
        return _near(self.size(0), other.size(0))

    def like(self, other: Page) -> bool:
        """Same paper, same margins, same turn."""
        return self.turns == other.turns and _near(self.box, other.box)


def _near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) < _SAME_POINTS for a, b in zip(one, other, strict=True))


def page(document: Any, number: int) -> Page | None:
    """None where there is no such page, or none that can be opened."""
    if number > len(document):
        return None
    try:
        handle = document[number - 1]
        try:
            return Page(number, tuple(handle.get_bbox()), (handle.get_rotation() // 90) % 4)
        finally:
            handle.close()
    except RuntimeError:
        return None


def resolution(dpi: float, *of: Page | None) -> float:
    """At which all of these pages can be drawn, at most `dpi`."""
    sizes = [one.size() for one in of if one is not None]
    largest = max((math.prod(size) for size in sizes), default=1.0)
    longest = max((max(size) for size in sizes), default=1.0)
    return min(dpi, 72 * math.sqrt(_MOST_PIXELS / max(largest, 1)), 72 * _LONGEST / max(longest, 1))


def drawn(document: Any, of: Page | None, dpi: float) -> Image.Image | None:
    """The page as its viewer shows it; one that cannot be drawn is one that is not there."""
    if of is None:
        return None
    try:
        return render.picture(document, of.number, dpi=dpi)
    except (SealtrailError, ValueError, RuntimeError, OSError):
        return None


@dataclass(frozen=True)
class Sheet:
    """Both states of a page drawn on one sheet. White lies around a page that is smaller than the sheet."""

    before: Image.Image
    after: Image.Image
    pages: tuple[Page, Page]
    paper: Rect
    """What of the older page's user space the sheet shows."""
    shift: Shift
    dpi: float

    @property
    def size(self) -> tuple[int, int]:
        return self.before.size

    def place(self, rect: Rect) -> Box:
        """A rectangle of the older page's user space, in pixels of the sheet."""
        left, top, right, bottom = page_ink.placed(rect, self.paper, self.pages[0].turns, self.dpi / 72)
        return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)

    def on_before(self, box: Box, picture: Image.Image) -> Box:
        """A box of the sheet, on the picture of the older page."""
        return self._on(box, self.pages[0], (0.0, 0.0), picture)

    def on_after(self, box: Box, picture: Image.Image) -> Box:
        """The same on that of the newer page, turned as its viewer shows it."""
        return self._on(box, self.pages[1], self.shift, picture)

    def hatched(self) -> tuple[Image.Image, Image.Image]:
        """Both with what is no part of the page hatched."""
        if self.alike:
            return self.before, self.after
        both = []
        for picture, rect in ((self.before, self.pages[0].box), (self.after, _moved(self.pages[1].box, self.shift))):
            ground, box = pictures.hatched(self.size), self.place(rect)
            ground.paste(picture.crop(box), box[:2])
            both.append(ground)
        return both[0], both[1]

    @property
    def alike(self) -> bool:
        """The pages have the same size, margins and turn, so the sheet shows them as their viewer does."""
        return self.pages[0].like(self.pages[1])

    def _on(self, box: Box, page: Page, shift: Shift, picture: Image.Image) -> Box:
        if self.alike:
            return box
        rect = _moved(_rect(box, self.paper, self.pages[0].turns, self.dpi / 72), (-shift[0], -shift[1]))
        left, top, right, bottom = page_ink.placed(rect, page.box, page.turns, picture.width / max(page.size()[0], 1))
        return round(left), round(top), round(right), round(bottom)


def lay(documents: tuple[Any, Any], pages: tuple[Page, Page], dpi: float, shift: Shift | None = None) -> Sheet | None:
    """Both on one sheet, which lie as `shift` says; unsaid, so that less differs. None for a page that cannot be drawn."""
    one, other = pages
    if one.like(other):
        dpi = resolution(dpi, *pages)
        before, after = (drawn(*each, dpi) for each in zip(documents, pages, strict=True))
        if before is None or after is None:
            return None
        return Sheet(before, _sized(after, before.size), pages, one.box, (0.0, 0.0), dpi)
    (x0, y0), (x1, y1) = one.corner(one.turns), other.corner(one.turns)
    shifts = {(0.0, 0.0), (x0 - x1, y0 - y1)} if shift is None else {shift}
    laid = (_laid(documents, pages, dpi, each) for each in sorted(shifts) if _meet(one.box, _moved(other.box, each)))
    sheets = [sheet for sheet in laid if sheet is not None]
    return min(sheets, key=lambda sheet: pictures.differing(sheet.before, sheet.after).sum(), default=None)


def _laid(documents: tuple[Any, Any], pages: tuple[Page, Page], dpi: float, shift: Shift) -> Sheet | None:
    own = pages[0].box, _moved(pages[1].box, shift)
    paper = (*map(min, own[0][:2], own[1][:2]), *map(max, own[0][2:], own[1][2:]))
    paper = (paper[0], paper[1], paper[2], paper[3])
    turns, back = pages[0].turns, (-shift[0], -shift[1])
    dpi = resolution(dpi, Page(0, paper, turns))
    found: list[Image.Image] = []
    for document, of, wide, rect in zip(documents, pages, (paper, _moved(paper, back)), own, strict=True):
        with reshaped(document, of, wide, turns):
            picture = drawn(document, of, dpi)
        if picture is None:
            return None
        size = found[0].size if found else picture.size
        # What lies beyond the page's own edges is there in the file, but nobody sees it.
        blank = Image.new("RGB", size, "white")
        left, top, right, bottom = page_ink.placed(rect, paper, turns, dpi / 72)
        box = (round(left), round(top), round(right), round(bottom))
        blank.paste(picture.crop(box), box[:2])
        found.append(blank)
    return Sheet(found[0], found[1], pages, paper, shift, dpi)


@contextmanager
def reshaped(document: Any, of: Page, paper: Rect, turns: int) -> Iterator[None]:
    """The page of the open document with another box and turn, until the block ends."""
    _shape(document, of.number, paper, turns)
    try:
        yield
    finally:
        _shape(document, of.number, of.box, of.turns)


def _shape(document: Any, number: int, box: Rect, turns: int) -> None:
    handle = document[number - 1]
    try:
        handle.set_mediabox(*box)
        handle.set_cropbox(*box)
        handle.set_rotation(turns * 90)
    finally:
        handle.close()


def _sized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Sizes that differ by a rounded pixel are made the same."""
    return picture if picture.size == size else picture.crop((0, 0, *size))


def _moved(rect: Rect, by: Shift) -> Rect:
    return rect[0] + by[0], rect[1] + by[1], rect[2] + by[0], rect[3] + by[1]


def _meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _rect(box: Box, paper: Rect, turns: int, scale: float) -> Rect:
    """Back from a picture of `paper` to default user space."""
    left, bottom, right, top = paper
    x0, y0, x1, y1 = (edge / scale for edge in box)
    if turns == 0:
        return left + x0, top - y1, left + x1, top - y0
    if turns == 1:
        return left + y0, bottom + x0, left + y1, bottom + x1
    if turns == 2:
        return right - x1, bottom + y0, right - x0, bottom + y1
    return right - y1, top - x1, right - y0, top - x0
