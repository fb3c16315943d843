"""The pages of one state of a file as PDFium draws them: parts as pixels, and single characters.

Pixels and characters come from the same drawing, so they lie on each other. Everything is placed in pixels of a page that is
drawn at a `scale` (pixels for each point), from its upper left corner.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from signing_core.errors import SealtrailError
from signing_core.pdf import render
from signing_core.pdf.structure import excerpt
from signing_core.pdf.structure.document import FileStructure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top: points, default user space."""
Area: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom: pixels."""
Picture: TypeAlias = "npt.NDArray[np.uint8]"
"""Height x width x (blue, green, red, nothing)."""

FAILURES: Final = (SealtrailError, pdfium.PdfiumError, ValueError, RuntimeError, OSError, MemoryError, OverflowError)
"""What asking PDFium for a page can raise."""
_HIDDEN: Final = 2
_NO_VIEW: Final = 32
_MOST_ITEMS: Final = 200_000


UNKNOWN: Final = "\ufffd"
"""The code of characters whose font says nothing usable of them."""
_NOT_PAINTED: Final = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)


class Character(NamedTuple):
    code: str
    area: tuple[float, float, float, float]
    """Left, top, right, bottom of its ink: pixels. Blanks have none: all zero."""
    base: float
    """Where its baseline is: pixels from the top."""
    upright: bool
    """Whether its line runs from left to right or right to left, as the page is shown."""
    colour: tuple[int, int, int] = (0, 0, 0)
    """Blue, green, red that it is filled with, as on white paper: 0 to 255."""
    painted: bool = True
    """Not the invisible text that lies over a scan."""


class Page:
    """A page of an open document; valid as long as that."""

    def __init__(self, handle: pdfium.PdfPage) -> None:
        self._handle = handle
        self.shown: Box = handle.get_bbox()
        """What of the page is shown."""
        self._turns = (handle.get_rotation() // 90) % 4
        self.size: tuple[float, float] = handle.get_size()
        """Width and height as shown: points, without the page's UserUnit."""
        self._characters: dict[float, list[Character]] = {}

    def close(self) -> None:
        self._handle.close()

    def area(self, box: Box, scale: float) -> Area | None:
        """The pixels that `box` touches; None when it lies outside of the page."""
        left, top, right, bottom = placed(box, self.shown, self._turns, scale)
        width, height = (int(side * scale + 0.999) for side in self.size)
        x0, y0 = int(max(left - 1, 0)), int(max(top - 1, 0))
        x1, y1 = int(min(right + 2, width)), int(min(bottom + 2, height))
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def picture(
        self,
        area: Area,
        scale: float,
        *,
        without: Collection[int] = (),
        seen: Collection[int] = (),
        annotations: bool = True,
        fields: bool = True,
        paper: int = 255,
    ) -> Picture:
        """A part of the page, on `paper`, with annotations (if `annotations`) and form fields (if `fields`) above them.

        `without` and `seen` are places in /Annots: annotations to leave out, and to draw though their flags keep them off
        the screen (12.5.3). Raises one of `FAILURES`.
        """
        import numpy as np

        left, top, right, bottom = area
        pixels: Picture = np.full((bottom - top, right - left, 4), paper, np.uint8)
        self._draw(pixels.ctypes.data_as(ctypes.c_void_p), area, scale, without, seen, annotations, fields)
        return pixels

    def bare(self, area: Area, scale: float) -> bool:
        """Whether the page without its annotations has one colour there. Raises one of `FAILURES`."""
        left, top, right, bottom = area
        pixels = bytearray(b"\xff") * (4 * (right - left) * (bottom - top))
        self._draw((ctypes.c_char * len(pixels)).from_buffer(pixels), area, scale, annotations=False)
        return pixels == pixels[:4] * (len(pixels) // 4)

    def _draw(
        self,
        pixels: object,
        area: Area,
        scale: float,
        without: Collection[int] = (),
        seen: Collection[int] = (),
        annotations: bool = True,
        fields: bool = True,
    ) -> None:
        left, top, right, bottom = area
        width, height = (int(side * scale + 0.999) for side in self.size)
        handle = raw.FPDFBitmap_CreateEx(right - left, bottom - top, raw.FPDFBitmap_BGRx, pixels, 4 * (right - left))
        if not handle:
            raise pdfium.PdfiumError("no bitmap")
        changed = []
        try:
            for index in {*without, *seen}:
                annotation = raw.FPDFPage_GetAnnot(self._handle.raw, index)
                if annotation:
                    flags = raw.FPDFAnnot_GetFlags(annotation)
                    changed.append((annotation, flags))
                    raw.FPDFAnnot_SetFlags(annotation, flags | _HIDDEN if index in without else flags & ~_NO_VIEW)
            drawing = handle, self._handle.raw, -left, -top, width, height, 0, raw.FPDF_ANNOT if annotations else 0
            raw.FPDF_RenderPageBitmap(*drawing)
            if annotations and fields and self._handle.formenv:
                raw.FPDF_FFLDraw(self._handle.formenv.raw, *drawing)
        finally:
            for annotation, flags in changed:
                raw.FPDFAnnot_SetFlags(annotation, flags)
                raw.FPDFPage_CloseAnnot(annotation)
            raw.FPDFBitmap_Destroy(handle)

    def characters(self, scale: float) -> list[Character]:
        """The characters of the page's content, in the order of its text."""
        if scale not in self._characters:
            reader = self._handle.get_textpage()
            try:
                count = min(raw.FPDFText_CountChars(reader.raw), _MOST_ITEMS)
                self._characters[scale] = [self._character(reader.raw, index, scale) for index in range(count)]
            finally:
                reader.close()
        return self._characters[scale]

    def _character(self, reader: object, index: int, scale: float) -> Character:
        left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
        code = chr(min(raw.FPDFText_GetUnicode(reader, index), 0x10FFFF))
        if not raw.FPDFText_GetCharBox(reader, index, left, right, bottom, top) or left.value == right.value:
            return Character(code, (0.0, 0.0, 0.0, 0.0), 0.0, True)
        raw.FPDFText_GetCharOrigin(reader, index, x, y)
        width, height = self.size
        if right.value - left.value > 2 * width and top.value - bottom.value > 2 * height:
            size = raw.FPDFText_GetFontSize(reader, index)  # its font has no usable box
            left.value, right.value, bottom.value, top.value = (
                x.value,
                x.value + size,
                y.value - size / 4,
                y.value + size,
            )
            code = UNKNOWN
        quarters = round(raw.FPDFText_GetCharAngle(reader, index) / (math.pi / 2))
        area = placed((left.value, bottom.value, right.value, top.value), self.shown, self._turns, scale)
        base = placed((x.value, y.value, x.value, y.value), self.shown, self._turns, scale)[1]
        upright = (quarters + self._turns) % 2 == 0
        parts = [ctypes.c_uint() for _ in range(4)]
        shown = raw.FPDFTextObj_GetTextRenderMode(raw.FPDFText_GetTextObject(reader, index)) not in _NOT_PAINTED
        if not raw.FPDFText_GetFillColor(reader, index, *parts):
            return Character(code, area, base, upright, painted=shown)
        red, green, blue = (255 - (255 - part.value) * parts[3].value // 255 for part in parts[:3])
        return Character(code, area, base, upright, (blue, green, red), shown)


class State:
    """A document as it was after one revision, opened by `opened`."""

    def __init__(self, document: pdfium.PdfDocument) -> None:
        self._document = document
        self._current: tuple[int, Page] | None = None

    def page(self, number: int) -> Page:
        """A page, counted from 1, valid until another one is asked for. Raises one of `FAILURES`."""
        if self._current is None or self._current[0] != number:
            if not 1 <= number <= len(self._document):
                raise ValueError(f"There is no page {number}.")
            if self._current is not None:
                self._current[1].close()
                self._current = None
            self._current = number, Page(self._document[number - 1])
        return self._current[1]


@contextmanager
def opened_pages(structure: FileStructure, numbers: list[int]) -> Iterator[tuple[State, dict[int, int]]]:
    """The newest state, for a look at a few pages: with the number that each has there. Raises one of `FAILURES`."""
    data = excerpt.some_pages(structure, numbers)
    with render.opened(data or structure.data, password=structure.text_password, forms=False) as document:
        yield State(document), {number: at if data else number for at, number in enumerate(numbers, 1)}


@contextmanager
def opened(structure: FileStructure, revision: int) -> Iterator[State]:
    """The file as it was after a revision; its pages live as long as the context. Raises one of `FAILURES`."""
    data = structure.revision_bytes(revision)
    with render.opened(data, password=structure.text_password) as document:
        yield State(document)


def placed(
    box: tuple[float, float, float, float], shown: tuple[float, float, float, float], turns: int, scale: float
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of `box` on a picture of what lies in `shown`, turned clockwise by so many quarters.

    Both boxes are (left, bottom, right, top) in default user space; `scale` is pixels for each point.
    """
    left, bottom, right, top = shown
    corners = []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        across, up = x - left, y - bottom
        wide, high = right - left, top - bottom
        if turns == 0:
            corners.append((across, high - up))
        elif turns == 1:
            corners.append((up, across))
        elif turns == 2:
            corners.append((wide - across, up))
        else:
            corners.append((high - up, wide - across))
    xs, ys = zip(*corners, strict=True)
    return min(xs) * scale, min(ys) * scale, max(xs) * scale, max(ys) * scale
