"""Where a party signs: a place on a page, an empty signature field that the document brings, or a text that is printed in it.

As text, in options and tables::

    2:120,230            page 2, 120 mm from its left and 230 mm from its top edge, as its viewer sees it
    2:120,230,80,25      the same with width and height
    field:Signature2     where the document's own empty signature field is
    text:Client:         above the last place where this is printed

Without any, the first `{{sign:client}}` or `{{sign:first-party}}` that is printed is taken, and painted over; else the
document's empty signature fields: one whose name has the role in it, else one after the other as they are read, the first
party's first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2 as pdfium
from PIL import Image
from pypdf.generic import ArrayObject, DictionaryObject

from signing_core.errors import UsageError
from signing_core.pdf import form_fields, placement, render
from signing_core.pdf.geometry import Box
from signing_core.pdf.names import SEAL_FIELD
from signing_core.pdf.source import Page, Source

_POINTS_PER_MM: Final = 72 / 25.4
_NUMBER: Final = r"(\d{1,4}(?:\.\d{1,3})?)"
_ON_PAGE: Final = re.compile(rf"(\d{{1,5}}):{_NUMBER},{_NUMBER}(?:,{_NUMBER},{_NUMBER})?")
_LEAST_FIELD: Final = (40.0, 14.0)
"""Width and height in points below which a signature field is no place to sign in."""
_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Placement:
    """Page counted from 1; points from the top-left corner of the page as its viewer sees it."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class AtField:
    """Where the document's own empty signature field of this full name is."""

    name: str


@dataclass(frozen=True, slots=True)
class AtText:
    """Above the last place where this text is printed."""

    text: str


Place = Placement | AtField | AtText


def parse(text: str) -> Place:
    """A place as it is written in options and tables. Raises `UsageError`."""
    kind, _, rest = text.strip().partition(":")
    rest = rest.strip()
    if kind in ("field", "text") and rest and len(rest) <= _LONGEST_TEXT:
        return AtField(rest) if kind == "field" else AtText(rest)
    found = _ON_PAGE.fullmatch("".join(text.split()))
    if found is None:
        raise UsageError(
            f"{text[:80]!r} is no place to sign; give PAGE:X,Y or PAGE:X,Y,WIDTH,HEIGHT in millimetres from the top left "
            "corner, field:NAME or text:PHRASE."
        )
    x, y, width, height = (float(number) * _POINTS_PER_MM if number else 0.0 for number in found.groups()[1:])
    return Placement(int(found[1]), x, y, width or placement.MARK_WIDTH_PT, height or placement.MARK_HEIGHT_PT)


@dataclass(frozen=True, slots=True)
class Cover:
    """A printed mark to be painted over: page from 0, box in the page's own coordinates, colour of the paper around it."""

    page: int
    box: Box
    paper: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """`boxes` by role: page from 0, and box in view coordinates. `told` has codes of `preparation_notes`."""

    boxes: dict[str, tuple[int, Box]]
    covers: tuple[Cover, ...]
    told: frozenset[str]


def find(source: Source, wanted: dict[str, AtField | AtText | None]) -> Found:
    """The places of the roles `wanted`, as far as the document has any.

    Raises `UsageError` for a field or text that it does not have.
    """
    with render.opened(source.data) as document:
        # Where PDFium counts other pages, it is not known where its texts are.
        printed = _Printed(source.pages, document if len(document) == len(source.pages) else None)
        return _Finding(source, printed).found(wanted)


class _Finding:
    def __init__(self, source: Source, printed: _Printed) -> None:
        self._source = source
        self._printed = printed
        self._fields = _signature_fields(source)
        self._boxes: dict[str, tuple[int, Box]] = {}
        self._covers: list[Cover] = []

    def found(self, wanted: dict[str, AtField | AtText | None]) -> Found:
        free = dict(self._fields)
        told = set()
        for role, place in wanted.items():
            if isinstance(place, AtField):
                if place.name not in free:
                    raise UsageError(_no_field(place.name, list(self._fields)))
                self._boxes[role] = free.pop(place.name)
            elif isinstance(place, AtText):
                self._boxes[role] = self._above(place.text)
        open_roles = [role for role, place in wanted.items() if place is None]
        for role in open_roles if open_roles and self._printed.all("{{sign:") else ():
            anchors = self._printed.all(f"{{{{sign:{role}}}}}")
            if anchors:
                page, text = anchors[0]
                self._boxes[role] = page, self._printed.room(page, text, above=False)
                self._covers += [
                    Cover(number, _grown(box), self._printed.paper(number, box)) for number, box in anchors
                ]
                told.add("anchors")
        waiting = [role for role in wanted if role not in self._boxes]
        for role in waiting:
            name = next((name for name in free if role.replace("-", "") in _letters(name)), None)
            if name is not None:
                self._boxes[role] = free.pop(name)
        for role in waiting:
            if role not in self._boxes and free:
                self._boxes[role] = free.pop(next(iter(free)))
        if len(free) < len(self._fields):
            told.add("signature-fields")
        if free:
            told.add("signature-fields-left")
        return Found(self._boxes, tuple(self._covers), frozenset(told))

    def _above(self, text: str) -> tuple[int, Box]:
        places = self._printed.all(text)
        if not places:
            raise UsageError(
                f"{self._source.name} does not have the text {text!r} on any page; give it as it is printed, or another place."
            )
        page, box = places[-1]
        return page, self._printed.room(page, box, above=True)


def _no_field(name: str, known: Sequence[str]) -> str:
    there = f"it has {', '.join(known[:10])}" if known else "it has none"
    return f"The document has no empty signature field {name!r} for this party ({there}); give another place."


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalpha())


def _signature_fields(source: Source) -> dict[str, tuple[int, Box]]:
    """The document's empty signature fields that can be seen, by full name, as they are read: page, box in view coordinates."""
    found: dict[str, tuple[int, Box]] = {}
    for number, page in enumerate(source.pages):
        annotations = source.get(page.dictionary, "/Annots")
        on_page = []
        for item in list.__iter__(annotations) if isinstance(annotations, ArrayObject) else ():
            widget = source.resolve(item)
            if (
                isinstance(widget, DictionaryObject)
                and form_fields.is_empty_signature(source, widget)
                and "/Rect" in widget
            ):
                box = source.box(widget.raw_get("/Rect"))
                seen = page.view.from_page(box) if box is not None else None
                name = form_fields.full_name(source, widget)
                if seen and seen.width >= _LEAST_FIELD[0] and seen.height >= _LEAST_FIELD[1] and name != SEAL_FIELD:
                    on_page.append((name, seen.intersected(Box(0, 0, page.view.width, page.view.height))))
        for name, seen in sorted(on_page, key=lambda one: (-one[1].y1, one[1].x0)):
            found.setdefault(name, (number, seen))
    return found


class _Printed:
    """What is printed where, by PDFium."""

    def __init__(self, pages: Sequence[Page], document: pdfium.PdfDocument | None) -> None:
        self._pages = pages
        self._document = document
        self._pictures: dict[int, Image.Image] = {}

    def all(self, text: str) -> list[tuple[int, Box]]:
        """Pages (from 0) and boxes, in the page's own coordinates, in which a text stands."""
        if self._document is None:
            return []
        result = []
        for number in range(len(self._pages)):
            with render.page_of(self._document, number + 1) as page:
                words = page.get_textpage()
                try:
                    search = words.search(text, match_case=True)
                    while (at := search.get_next()) is not None:
                        boxes = [words.get_charbox(at[0] + offset, loose=True) for offset in range(at[1])]
                        result.append((number, _around(boxes)))
                finally:
                    words.close()
        return result

    def room(self, number: int, text: Box, *, above: bool) -> Box:
        """The largest place at a text's left edge that covers nothing: on it, or above it and the line that it stands under."""
        view = self._pages[number].view
        seen = view.from_page(text)
        return placement.beside(self._picture(number), view.width, view.height, seen, above=above)

    def paper(self, number: int, text: Box) -> tuple[int, int, int]:
        """The most frequent colour around a text."""
        picture, view = self._picture(number), self._pages[number].view
        seen, scale = view.from_page(text), self._picture(number).height / view.height
        area = (
            int(seen.x0 * scale) - 1, int((view.height - seen.y1) * scale) - 1,
            int(seen.x1 * scale) + 2, int((view.height - seen.y0) * scale) + 2,
        )  # fmt: skip
        cut = picture.crop(area)
        colours: Any = cut.getcolors(cut.width * cut.height) or [(1, (255, 255, 255))]
        colour: tuple[int, int, int] = max(colours)[1]
        return colour

    def _picture(self, number: int) -> Image.Image:
        if number not in self._pictures:
            self._pictures[number] = render.picture(self._document, number + 1, dpi=placement.DPI)
        return self._pictures[number]


def _grown(box: Box) -> Box:
    """With what a font draws outside of its own measures."""
    by = max(box.width, box.height) * 0.02 + 0.8
    return Box(box.x0 - by, box.y0 - by, box.x1 + by, box.y1 + by)


def _around(boxes: Sequence[tuple[float, float, float, float]]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return Box(min(lefts), min(bottoms), max(rights), max(tops))
