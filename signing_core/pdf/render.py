"""Pages as pictures, and their text, with PDFium.

PDFium is not thread-safe: every use in the process goes through one lock here, and every handle is closed before the
lock is released. Signature fields are drawn only after `init_forms()`.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from signing_core.errors import DocumentRefused, UsageError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS: Final = 40_000_000
"""Most pixels of one picture: an A4 page at 600 dpi has 35 million."""

MAX_SIDE: Final = 30_000
"""Most pixels of a side: files may say that a page is a hair wide and endlessly long."""

MAX_PAGES: Final = 10_000
"""Most pages of a document that is opened at all."""

_COVERS: Final = 0.75
"""Share of a page that the picture of a scan takes."""
_MOST_OBJECTS: Final = 50_000
"""Of a page, that are looked at for what it shows: recognised text makes one of each word."""

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it tells every XFA form how to install another build

_LOCK = threading.RLock()
_ERR_PASSWORD: Final = 4  # FPDF_ERR_PASSWORD


@contextmanager
def opened(data: bytes, *, password: str | None = None, forms: bool = True) -> Iterator[pdfium.PdfDocument]:
    """The document, open under the lock. Raises `DocumentRefused` (`password`, `damaged`, `too-many-pages`)."""
    with _LOCK:
        try:
            document = pdfium.PdfDocument(data, password=password)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) == _ERR_PASSWORD:
                raise DocumentRefused(
                    "The PDF is protected by a password, so its pages cannot be shown; save a copy that opens without one.",
                    code="password",
                ) from error
            raise DocumentRefused(
                "The PDF is damaged, so its pages cannot be shown; save it again with the program that made it.",
                code="damaged",
            ) from error
        try:
            if len(document) > MAX_PAGES:
                raise DocumentRefused(
                    f"The PDF has {len(document)} pages, more than the {MAX_PAGES} that are shown; split it.",
                    code="too-many-pages",
                )
            if forms:
                document.init_forms()
            yield document
        finally:
            document.close()


def page_count(data: bytes, *, password: str | None = None) -> int:
    """How many pages the document has. Raises `DocumentRefused`."""
    with opened(data, password=password, forms=False) as document:
        return len(document)


def render(data: bytes, page: int, *, dpi: float = 100, password: str | None = None) -> Image.Image:
    """One page, counted from 1, as its viewer sees it: an RGB picture on white, annotations and signatures drawn.

    The resolution is lowered where the picture would exceed `MAX_PIXELS` or `MAX_SIDE`. Raises `DocumentRefused` for a file that
    PDFium cannot open and `UsageError` for a page or resolution that does not exist.
    """
    if not 1 <= dpi <= 2400:
        raise UsageError(f"A resolution of {dpi} dpi is not possible; choose one between 1 and 2400.")
    with opened(data, password=password) as document:
        return picture(document, page, dpi=dpi)


def text(data: bytes, page: int, *, password: str | None = None, fields: bool = False) -> str:
    """The text of a page's content, counted from 1; with `fields` also what annotations and signature fields show.

    Raises like `render`.
    """
    with opened(data, password=password, forms=fields) as document:
        if fields:
            with page_of(document, page) as handle:
                handle.flatten()  # in memory; what was drawn on top is content for whoever opens the page next
        return page_text(document, page)


def page_text(document: pdfium.PdfDocument, page: int) -> str:
    """The text of one page of a document that is already `opened`, as `text` gives it."""
    with page_of(document, page) as handle:
        reader = handle.get_textpage()
        try:
            return str(reader.get_text_bounded())
        finally:
            reader.close()


def picture(document: pdfium.PdfDocument, page: int, *, dpi: float) -> Image.Image:
    """One page of a document that is already `opened`, as `render` gives it."""
    with page_of(document, page) as handle:
        width, height = handle.get_size()
        scale = min(dpi / 72, (MAX_PIXELS / max(width * height, 1e-6)) ** 0.5, MAX_SIDE / max(width, height, 1e-6))
        bitmap = handle.render(scale=scale, may_draw_forms=True, rev_byteorder=True)
        try:
            # PIL shares the bitmap's memory, so the copy has to be made before the bitmap is closed.
            drawn: Image.Image = bitmap.to_pil()
            return drawn.convert("RGB") if drawn.mode != "RGB" else drawn.copy()
        finally:
            bitmap.close()


def is_picture(document: pdfium.PdfDocument, page: int) -> bool:
    """Whether a page of an `opened` document, counted from 1, shows nothing but pictures, one of which covers it: a scan.

    Text under the picture, and text that is not painted (ISO 32000-2, 9.3.6, mode 3), is what character recognition adds.
    """
    with page_of(document, page) as handle, suppress(pdfium.PdfiumError):
        left, bottom, right, top = handle.get_cropbox()
        covered = seen = False
        for thing in itertools.islice(handle.get_objects(max_depth=1), _MOST_OBJECTS):
            if thing.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
                a, b, c, d = thing.get_bounds()
                across, down = min(c, right) - max(a, left), min(d, top) - max(b, bottom)
                if across > 0 and down > 0 and across * down >= _COVERS * (right - left) * (top - bottom):
                    covered, seen = True, False
            elif thing.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
                mode = pdfium_c.FPDFTextObj_GetTextRenderMode(thing)
                seen = seen or mode != pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE
            else:
                seen = True
            if covered and seen:
                return False
        return covered
    return False


@contextmanager
def page_of(document: pdfium.PdfDocument, page: int) -> Iterator[pdfium.PdfPage]:
    """One page, counted from 1, of a document that is already `opened`. Raises `UsageError` and `DocumentRefused`."""
    if not 1 <= page <= len(document):
        raise UsageError(f"There is no page {page}: the document has {len(document)}, counted from 1.")
    try:
        handle = document[page - 1]
    except pdfium.PdfiumError as error:
        raise DocumentRefused(
            f"Page {page} of the PDF is damaged and cannot be shown; save the file again with the program that made it.",
            code="damaged",
        ) from error
    try:
        yield handle
    finally:
        handle.close()
