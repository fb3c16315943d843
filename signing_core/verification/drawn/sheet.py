"""What later revisions draw is held against the signed page below it, character by character, at 300 dpi or more.

Nearly everything that is drawn after signing lies on empty paper, which one small picture of the signed page tells. Where
there is something, three pictures are compared: the signed page without what was changed since, the signed page, and the
later one. A character is covered when its ink is gone, or when ink was added with which it may read otherwise; other ink
is looked at in small tiles. Lines to sign on are no content. A colour laid over paper and ink alike leaves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cached_property
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final

from signing_core.pdf import page_ink
from signing_core.pdf.page_ink import FAILURES, Area, Box, Page, Picture, State
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.kinds import subtype_of
from signing_core.pdf.structure.values import Value
from signing_core.verification.drawn.appearance import (
    TEXT_MARKUP,
    box_of,
    differs_among_programs,
    rectangle,
    unlooked,
)
from signing_core.verification.drawn.paint import Effect, Extent, Maker, Observation, Paint, extent_of

if TYPE_CHECKING:
    from signing_core.verification.drawn import ink

_DPI: Final = 300
_LEAST_DPI: Final = 150
"""A decimal point of 6 points is then a pixel and a half."""
_LONG_SIDE: Final = 2000
"""Pixels at least, for pages that are small enough to be looked at through a glass."""
_MOST_PIXELS: Final = 16_000_000
"""Of one picture: a page of A4 at 400 dpi."""
_WIDE: Final = 32.0
"""Points around it in which the lines and frames that it crosses are known for what they are."""
_MOST_FOUND: Final = 5


def judge(structure: FileStructure, signed: int, later: int, paints: Sequence[Paint]) -> list[Observation]:
    """What `paints` do to the content of their pages. Raises `LimitReached`."""
    found: list[Observation] = []
    with suppress(*FAILURES):  # then each of them is looked at closely
        _glance(structure, signed, later, paints)
    with ExitStack() as stack:
        states: dict[int, State] = {}

        def page_of(revision: int, number: int) -> Page:
            if revision not in states:
                states[revision] = stack.enter_context(page_ink.opened(structure, revision))
            return states[revision].page(number)

        for number, group in groupby(sorted(paints, key=lambda paint: paint.page), key=lambda paint: paint.page):
            sheet = _Sheet(structure, (signed, later), number, [*group], page_of)
            found += islice(sheet.observations(), _MOST_FOUND)
    return found


def _glance(structure: FileStructure, signed: int, later: int, paints: Sequence[Paint]) -> None:
    """Remember where the content of pages has one colour: once for all states, for it is the same in all of them."""
    known = structure.analysed
    extents = ((paint.page, extent_of(structure, signed, later, paint)) for paint in paints)
    boxes = {(number, extent.near) for number, extent in extents if extent is not None}
    for number, box in boxes:
        leaf = pages.leaf(structure, number, len(structure.revisions))
        if leaf is not None and leaf.get("Contents") is None:  # our certificate pages are such
            known["bare", number, box] = True
    missing = sorted(item for item in boxes if ("bare", item[0], item[1]) not in known)
    if not missing:
        return
    with page_ink.opened_pages(structure, sorted({number for number, _ in missing})) as (state, numbers):
        for number, box in missing:
            page = state.page(numbers[number])
            scale = min(1.0, (_MOST_PIXELS / max(page.size[0] * page.size[1], 1)) ** 0.5)
            area = page.area(box, scale)
            bare = area is None or page.bare(area, scale)
            known["bare", number, box] = bare


def untouched_page_differs(
    structure: FileStructure, signed: int, later: int, page: int, paints: Sequence[Paint] = ()
) -> bool | None:
    """Whether a page that should look the same in both states, but for `paints`, does not, pixel by pixel.

    None when it cannot be drawn.
    """
    try:
        with page_ink.opened(structure, signed) as before, page_ink.opened(structure, later) as after:
            first, second = before.page(page), after.page(page)
            if (first.shown, first.size) != (second.shown, second.size):
                return True
            scale = min(1.5, (_MOST_PIXELS / max(first.size[0] * first.size[1], 1)) ** 0.5)
            area = first.area(first.shown, scale)
            if area is None:
                return None
            pictures = first.picture(area, scale), second.picture(area, scale)
            for item in paints:
                extent = extent_of(structure, signed, later, item)
                place = first.area(extent.box, scale) if extent is not None else None
                if place is not None:
                    left, top, right, bottom = place
                    for picture in pictures:
                        picture[top:bottom, left:right] = 0
            return not _same(*pictures)
    except FAILURES:
        return None


class _Sheet:
    """One page, and what is drawn on it."""

    def __init__(
        self, structure: FileStructure, revisions: tuple[int, int], number: int, paints: list[Paint],
        page_of: Callable[[int, int], Page],
    ) -> None:  # fmt: skip
        self._structure = structure
        self._signed, self._later = revisions
        self._number = number
        self._page_of = page_of
        self._paints = paints

    def observations(self) -> Iterator[Observation]:
        """What there is to say of each, most severe first."""
        found: list[Observation] = []
        for paint in self._paints:
            self._structure.budget.check()
            if len(found) >= _MOST_FOUND:
                break  # enough to look at the page
            extent = extent_of(self._structure, self._signed, self._later, paint)
            if extent is not None:
                try:
                    found += self._judge(paint, extent)
                except FAILURES:
                    found.append(self._unknown(paint, "cannot be drawn for comparison"))
        return iter(sorted(found, key=lambda observation: [*Effect].index(observation.effect)))

    def _judge(self, paint: Paint, extent: Extent) -> Iterator[Observation]:
        now, was, box, near = extent
        if self._structure.analysed.get(("bare", self._number, near)) and not self._others(paint, near):
            return
        page = self._page_of(self._signed, self._number)
        width, height = page.size
        former = self._places(paint.former, self._signed)
        # What is a line or a dot goes by what people see, not by the unit that the page counts in.
        enlarged = max(self._user_unit, _LONG_SIDE / max(width, height, 1) * 72 / _DPI)
        scale, aside = _DPI / 72 * enlarged, _WIDE / enlarged
        wide = box[0] - aside, box[1] - aside, box[2] + aside, box[3] + aside
        area, own = page.area(wide, scale), page.area(box, scale)
        if area is None or own is None:
            return
        size = (area[2] - area[0]) * (area[3] - area[1])
        if size > _MOST_PIXELS:
            scale *= (_MOST_PIXELS / size) ** 0.5
            area, own = page.area(wide, scale), page.area(box, scale)
        if scale < _LEAST_DPI / 72 * enlarged or area is None or own is None:
            yield self._unknown(paint, "is too large to be held against the page")
            return
        after = self._page_of(self._later, self._number)
        if (page.shown, page.size) != (after.shown, after.size):
            yield self._unknown(paint, "lies on a page of another size")
            return
        subtype = subtype_of(self._structure, paint.annotation, self._later) or subtype_of(
            self._structure, paint.former or {}, self._signed
        )
        # A marker's stroke is held against the words, not against strokes that others made before.
        marks, marks_now = self._marks(paint) if subtype in TEXT_MARKUP else (frozenset[int](), frozenset[int]())
        base = page.picture(area, scale, without=former | marks)
        before = page.picture(area, scale, without=marks) if was is not None else base
        at = self._places(paint.annotation, self._later)
        # What shows nothing by its entries is not drawn, whatever PDFium makes up for a field without a look.
        seen, without = (at, marks_now) if now is not None else (frozenset[int](), at | marks_now)
        drawn = after.picture(area, scale, seen=seen, without=without)
        inside = own[0] - area[0], own[1] - area[1], own[2] - area[0], own[3] - area[1]
        import numpy as np  # most that is drawn lies on empty paper, and needs none of this

        from signing_core.verification.drawn import ink

        place = ink.Place(
            (area[0], area[1]), scale / enlarged, lambda: page.characters(scale), paint.maker is not Maker.ANNOTATION and self._stayed(paint),
            subtype if subtype in TEXT_MARKUP else None, self._structure.budget.check,
        )  # fmt: skip
        reading = ink.compare(base, before, drawn, inside, place)
        yield from self._said(paint, reading, subtype)
        if now is None or reading.covered:
            return
        # PDFium draws fields above everything else, other programs in the order of /Annots.
        alone = after.picture(area, scale, seen=at, without=marks_now, fields=False) if subtype != "Widget" else drawn
        if not _same(alone, drawn):
            above = drawn.copy()
            for paper in (0, 255):
                pair = (
                    after.picture(area, scale, seen=at, without=gone | marks_now, fields=False, paper=paper)
                    for gone in (frozenset[int](), at)
                )
                touched = np.not_equal(*map(ink.packed, pair))
                above[touched] = alone[touched]
            if ink.compare(base, before, above, inside, place).covered:
                yield self._doubt(paint, certain=subtype not in TEXT_MARKUP)
                return
        if not reading.drawn or differs_among_programs(
            self._structure, paint.annotation, self._later, paint.former, self._signed
        ):
            opaque = _opaque(drawn, inside, frame=5 * place.scale if subtype == "Link" else 0)
            if ink.compare(base, before, opaque, inside, replace(place, markup=None)).covered:
                bare = unlooked(self._structure, paint.annotation, self._later)
                yield self._doubt(paint, certain=bare and subtype not in TEXT_MARKUP | {"Widget", "Link"})

    def _doubt(self, paint: Paint, *, certain: bool) -> Observation:
        """Not everybody sees the page as PDFium draws it; `certain`: some see it changed."""
        if not certain:
            return self._unknown(paint, "may be drawn differently by other programs, and lies over content")
        message = f"{paint.what}, as other programs draw it, hides content of page {self._number}."
        return Observation(Effect.HIDES, paint, message)

    def _others(self, paint: Paint, box: Box) -> bool:
        """Whether other annotations of the signed page show anything there."""
        return any(
            annotation is not paint.former
            and there[0] < box[2]
            and box[0] < there[2]
            and there[1] < box[3]
            and box[1] < there[3]
            for annotation, there in self._signed_boxes
        )

    @cached_property
    def _signed_boxes(self) -> list[tuple[dict[str, Value], Box]]:
        """The annotations of the signed page that show anything, and where."""
        boxes = ((item, box_of(self._structure, item, self._signed)) for item in self._annotations(self._signed))
        return [(item, box) for item, box in boxes if box is not None]

    def _said(self, paint: Paint, reading: ink.Reading, subtype: str) -> Iterator[Observation]:
        page = f"page {self._number}"
        if reading.covered and paint.maker is Maker.SIGNATURE:
            yield Observation(Effect.COVERS, paint, f"{paint.what} lies over words or other content of {page}.")
        elif reading.covered and reading.added_only and subtype in TEXT_MARKUP:
            yield Observation(Effect.COVERS, paint, f"{paint.what} is drawn across words of {page}.")
        elif reading.covered:
            yield Observation(Effect.HIDES, paint, f"{paint.what} hides content of {page}.")
        if reading.revealed:
            yield Observation(Effect.REVEALS, paint, f"{paint.what} covered content of {page} that shows now.")
        elif reading.hidden and not reading.covered:
            message = (
                f"{paint.what} lies over content of {page}, as it did when that was signed: it was not to be seen."
            )
            yield Observation(Effect.STILL_HIDES, paint, message)

    def _unknown(self, paint: Paint, why: str) -> Observation:
        return Observation(Effect.UNCLEAR, paint, f"{paint.what} {why} (page {self._number}).")

    def _stayed(self, paint: Paint) -> bool:
        """Whether it was in the same place when that was signed: an empty field is there to be filled."""
        was = rectangle(self._structure, (paint.former or {}).get("Rect"), self._signed)
        return was is not None and was == rectangle(self._structure, paint.annotation.get("Rect"), self._later)

    def _places(self, annotation: dict[str, Value] | None, revision: int) -> frozenset[int]:
        """Where an annotation is in the page's /Annots."""
        return frozenset(at for at, item in enumerate(self._annotations(revision)) if annotation and item is annotation)

    def _marks(self, paint: Paint) -> tuple[frozenset[int], frozenset[int]]:
        """Where the text markup of the signed page is in /Annots that is still the same, in the signed and in the later state."""
        (was, now) = (self._annotations(revision) for revision in (self._signed, self._later))
        same = [
            (old, new)
            for old, annotation in enumerate(was)
            if annotation is not paint.former and subtype_of(self._structure, annotation, self._signed) in TEXT_MARKUP
            for new, other in enumerate(now)
            if other is not paint.annotation and other == annotation
        ]
        return frozenset(old for old, _ in same), frozenset(new for _, new in same)

    def _annotations(self, revision: int) -> list[dict[str, Value]]:
        resolve = self._structure.resolve
        listed = resolve(self._leaf(revision).get("Annots"), revision)
        items = [resolve(item, revision) for item in listed] if isinstance(listed, list) else []
        return [item if isinstance(item, dict) else {} for item in items]

    @cached_property
    def _user_unit(self) -> float:
        """Points for each unit (7.7.3.3), which PDFium leaves out."""
        unit = self._structure.resolve(self._leaf(self._signed).get("UserUnit"), self._signed)
        return min(max(float(unit), 1.0), 100.0) if isinstance(unit, int | float) else 1.0

    def _leaf(self, revision: int) -> dict[str, Value]:
        return pages.leaf(self._structure, self._number, revision) or {}


def _same(a: Picture, b: Picture) -> bool:
    return a.shape == b.shape and bool((a == b).all())


def _opaque(picture: Picture, area: Area, *, frame: float) -> Picture:
    """The picture with `area` painted over, or the frame of it, so that nothing of it can be read."""
    import numpy as np

    left, top, right, bottom = area
    part = picture[top:bottom, left:right]
    filled = picture.copy()
    filled[top:bottom, left:right] = 0 if part.size and np.median(part[:, :, :3]) > 127 else 255
    edge = int(frame)
    if edge and right - left > 2 * edge and bottom - top > 2 * edge:
        filled[top + edge : bottom - edge, left + edge : right - edge] = part[edge:-edge, edge:-edge]
    return filled
