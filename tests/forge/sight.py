"""What a file shows, asked of PDFium and of poppler: pictures, print, text. Nothing of ours is asked."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw

SCALE: Final = 1.25
"""Pixels to a point: a full stop of 8 points is three pixels, and every single one counts."""
_SCRATCH: Final = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@dataclass(frozen=True)
class Page:
    width: float
    height: float
    picture: Any
    """Rows and columns, all colours of a point in one number."""
    printed: Any
    text: str
    corner: tuple[float, float]
    """Lower left of what is shown, in the page's own coordinates."""
    turned: int = 0
    """Clockwise, in degrees."""

    def pixels(self, box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """First and last row, first and last column of a box in a picture of this page, with a pixel around it."""
        x0, y0, x1, y1 = (n - self.corner[i % 2] for i, n in enumerate(box))
        across, up = self.width, self.height
        if self.turned == 90:
            x0, y0, x1, y1 = y0, up - x1, y1, up - x0
        elif self.turned == 180:
            x0, y0, x1, y1 = across - x1, up - y1, across - x0, up - y0
        elif self.turned == 270:
            x0, y0, x1, y1 = across - y1, x0, across - y0, x1
        scale = shape[0] / up
        return int((up - y1) * scale) - 1, int((up - y0) * scale) + 2, int(x0 * scale) - 1, int(x1 * scale) + 2


@dataclass(frozen=True)
class Sight:
    pages: tuple[Page, ...]
    meta: tuple[str, ...]


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    document = pdfium.PdfDocument(data)
    try:
        document.init_forms()
        yield document
    finally:
        document.close()


def look(data: bytes) -> Sight | None:
    """None where PDFium cannot open the file."""
    try:
        with _opened(data) as document:
            meta = tuple(
                f"{key}: {document.get_metadata_value(key)}" for key in ("Title", "Author", "Subject", "Keywords")
            )
            return Sight(tuple(_page(document, number) for number in range(min(len(document), 20))), meta)
    except pdfium.PdfiumError:
        return None


def bare(data: bytes, number: int) -> Any:
    """The picture of a page without its annotations."""
    with _opened(data) as document:
        page = document[number]
        try:
            scale = min(SCALE, 2000 / max(*page.get_size(), 1))
            return _drawn(page, scale, 0, annotations=False)
        finally:
            page.close()


@lru_cache(maxsize=100)
def remembered(data: bytes) -> Sight | None:
    return look(data)


def _page(document: Any, number: int) -> Page:
    page = document[number]
    try:
        width, height = page.get_size()
        scale = min(SCALE, 2000 / max(width, height, 1))
        picture, printed = _drawn(page, scale, 0), _drawn(page, scale / 2, raw.FPDF_PRINTING)
        text = _text(page)
        corner, turned = page.get_cropbox()[:2], page.get_rotation()
    finally:
        page.close()
    return Page(width, height, picture, printed, text, corner, turned)


def _drawn(page: Any, scale: float, flags: int, *, annotations: bool = True) -> Any:
    bitmap = page.render(
        draw_annots=annotations,
        scale=scale,
        may_draw_forms=annotations,
        force_bitmap_format=raw.FPDFBitmap_BGRx,
        extra_flags=flags,
    )
    try:
        return bitmap.to_numpy().copy().view(np.uint32)[:, :, 0]
    finally:
        bitmap.close()


def grey(picture: Any) -> Any:
    """How bright each point is, 0 to 255."""
    if picture.dtype == np.uint32:
        return (picture & 255) * 0.11 + (picture >> 8 & 255) * 0.59 + (picture >> 16 & 255) * 0.3
    return picture.mean(axis=2)


def _text(page: Any) -> str:
    reader = page.get_textpage()
    try:
        return str(reader.get_text_bounded())
    finally:
        reader.close()


def text_in(data: bytes, page: int, box: tuple[float, float, float, float]) -> str:
    """What fields and annotations show inside a box, as text; nothing where PDFium cannot draw the page."""
    try:
        with _opened(data) as document:
            handle = document[page]
            handle.flatten()
            handle.close()
            handle = document[page]
            reader = handle.get_textpage()
            try:
                return str(reader.get_text_bounded(*box))
            finally:
                reader.close()
                handle.close()
    except pdfium.PdfiumError:
        return ""


def differing(before: Any, after: Any) -> Any:
    """Which pixels differ; None where the pictures are not of one size."""
    if before.shape != after.shape:
        return None
    changed = before != after
    return changed if changed.ndim == 2 else changed.any(axis=2)


# -- poppler --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Other:
    """A second opinion: pictures at 45 dpi."""

    pictures: tuple[Any, ...]


def second(data: bytes) -> Other | None:
    with tempfile.TemporaryDirectory(dir=_SCRATCH) as folder:
        file = Path(folder) / "file.pdf"
        file.write_bytes(data)
        drawn = _run("pdftoppm", "-cropbox", "-r", "45", str(file))
    return None if drawn is None else Other(tuple(_pictures(drawn)))


@lru_cache(maxsize=100)
def remembered_second(data: bytes) -> Other | None:
    return second(data)


def _run(*command: str) -> bytes | None:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return None


def _pictures(drawn: bytes) -> Iterator[Any]:
    at = 0
    while drawn[at : at + 2] == b"P6":
        head = drawn[at : at + 40].split(maxsplit=4)
        width, height = int(head[1]), int(head[2])
        begin = drawn.index(b"255\n", at) + 4
        at = begin + 3 * width * height
        yield np.frombuffer(drawn[begin:at], np.uint8).reshape(height, width, 3)
