"""Whether a prepared document shows what its source shows: every page drawn from both, by two programs where both are there.

PDFium draws in this process; Poppler's `pdftoppm`, where it is installed, in one of its own. Pages grew at their bottom, so what is
compared is the part that was there before. A point differs when nothing of its tone is within a pixel of it in the other picture:
edges that fall between two pixels another way do not count, a letter more or less does.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from signing_core.errors import DocumentRefused
from signing_core.limited import worker
from signing_core.pdf import render
from signing_core.pdf.geometry import Box

_DPI: Final = 72.0
_MOST_PIXELS: Final = 3_000_000
"""Of one picture: larger pages are drawn smaller."""
_TOGETHER: Final = 12_000_000
"""Pixels of the pages that Poppler draws at a time."""
_TONES: Final = 48
"""Of 255."""
_FEWEST: Final = 6
"""Differing points of a page that count."""
_MARGIN: Final = 2.0
"""Points around what is not compared: half a border, and letters that reach out of their box."""
_FRAME: Final = re.compile(rb"P5\s+(\d+)\s+(\d+)\s+255\s")

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Difference:
    """A page, counted from 1, that looks different in what `program` draws."""

    program: str
    page: int


@dataclass(frozen=True, slots=True)
class Likeness:
    programs: tuple[str, ...]
    """Which drew both files whole."""
    differences: tuple[Difference, ...]

    @property
    def agreed(self) -> list[int]:
        """Pages that look different in every program."""
        pages = [{one.page for one in self.differences if one.program == program} for program in self.programs]
        return sorted(set.intersection(*pages)) if pages else []


def compare(source: bytes, prepared: bytes, pages: int, *, leave_out: Sequence[tuple[int, Box]] = ()) -> Likeness:
    """The first `pages` pages of both, but for what is meant to differ: (page, box as seen in points). Raises `DocumentRefused` for a file that PDFium cannot open."""
    sizes = _sizes(source)
    if len(sizes) != pages:
        raise DocumentRefused(
            f"The PDF has {len(sizes)} pages in one program and {pages} in another; print it to a PDF and take that.",
            code="ambiguous",
        )
    without = [
        _Without(height, [box for number, box in leave_out if number == page])
        for page, (_, height) in enumerate(sizes, 1)
    ]
    programs = ["PDFium"]
    differences = [Difference("PDFium", page) for page in _by_pdfium(source, prepared, sizes, without)]
    by_poppler = _by_poppler(source, prepared, sizes, without) if shutil.which("pdftoppm") else None
    if by_poppler is not None:
        programs.append("Poppler")
        differences += [Difference("Poppler", page) for page in by_poppler]
    return Likeness(tuple(programs), tuple(differences))


@dataclass(frozen=True, slots=True)
class _Without:
    """What of a page is not compared."""

    height: float
    """Of the page, in points."""
    boxes: Sequence[Box]

    def alike(self, dpi: float, before: Grey, after: Grey) -> bool:
        if self.boxes:
            height, width = min(before.shape[0], after.shape[0]), min(before.shape[1], after.shape[1])
            before, after = before[:height, :width], after[:height, :width].copy()
            for box in self.boxes:
                top, left = ((value - _MARGIN) * dpi / 72 for value in (self.height - box.y1, box.x0))
                bottom, right = ((value + _MARGIN) * dpi / 72 + 1 for value in (self.height - box.y0, box.x1))
                part = slice(max(0, int(top)), max(0, int(bottom))), slice(max(0, int(left)), max(0, int(right)))
                after[part] = before[part]
        return alike(before, after)


def alike(before: Grey, after: Grey) -> bool:
    """Whether the upper left part of `after` shows what `before` shows."""
    height, width = min(before.shape[0], after.shape[0]), min(before.shape[1], after.shape[1])
    # The last row and column of a picture are part of a pixel only, where a page's size is no whole number of them.
    before, after = before[: height - 1, : width - 1], after[: height - 1, : width - 1]
    if before.size == 0 or np.array_equal(before, after):
        return True
    return _strange(before, after) + _strange(after, before) < _FEWEST


def _strange(one: Grey, other: Grey) -> int:
    """How many points of `one` are lighter or darker than everything around the same place of `other`."""
    darkest, lightest = _around(other, np.minimum), _around(other, np.maximum)
    tones = one.astype(np.int16)
    return int(
        np.count_nonzero((tones < darkest.astype(np.int16) - _TONES) | (tones > lightest.astype(np.int16) + _TONES))
    )


def _around(picture: Grey, choose: Any) -> Grey:
    """The darkest (`np.minimum`) or lightest of each point and its eight neighbours."""
    result = picture.copy()
    choose(result[1:], picture[:-1], out=result[1:])
    choose(result[:-1], picture[1:], out=result[:-1])
    rows = result.copy()
    choose(result[:, 1:], rows[:, :-1], out=result[:, 1:])
    choose(result[:, :-1], rows[:, 1:], out=result[:, :-1])
    return result


def _sizes(data: bytes) -> list[tuple[float, float]]:
    """Width and height of each page as seen, in points."""
    with render.opened(data, forms=False) as document:
        return [document.get_page_size(index) for index in range(len(document))]


def _dpi(sizes: Sequence[tuple[float, float]]) -> float:
    largest = max(max(width, 1.0) * max(height, 1.0) for width, height in sizes)
    return min(_DPI, float(72 * (_MOST_PIXELS / largest) ** 0.5))


def _by_pdfium(
    source: bytes, prepared: bytes, sizes: Sequence[tuple[float, float]], without: Sequence[_Without]
) -> list[int]:
    different = []
    with render.opened(source) as before, render.opened(prepared) as after:
        for page, size in enumerate(sizes, 1):
            dpi = _dpi([size])
            pictures = (render.picture(document, page, dpi=dpi).convert("L") for document in (before, after))
            if not without[page - 1].alike(dpi, *(np.asarray(picture) for picture in pictures)):
                different.append(page)
    return different


def _by_poppler(
    source: bytes, prepared: bytes, sizes: Sequence[tuple[float, float]], without: Sequence[_Without]
) -> list[int] | None:
    """None when it does not draw both files, which is no fault of preparation."""
    different = []
    for first, last in _batches(sizes):
        dpi = _dpi(sizes[first - 1 : last])
        drawn = [_frames(data, first, last, dpi) for data in (source, prepared)]
        if any(len(frames) != last - first + 1 for frames in drawn):
            return None
        pairs = zip(*drawn, strict=True)
        different += [page for page, pair in enumerate(pairs, first) if not without[page - 1].alike(dpi, *pair)]
    return different


def _batches(sizes: Sequence[tuple[float, float]]) -> Iterator[tuple[int, int]]:
    """(first, last) page of so many as are drawn together, counted from 1."""
    first, pixels = 1, 0.0
    for page, (width, height) in enumerate(sizes, 1):
        pixels += min(width * height, _MOST_PIXELS)
        if pixels > _TOGETHER and page > first:
            yield first, page - 1
            first, pixels = page, min(width * height, _MOST_PIXELS)
    yield first, len(sizes)


def _frames(data: bytes, first: int, last: int, dpi: float) -> list[Grey]:
    # The page as its viewer sees it is its crop box (ISO 32000-2, 14.11.2).
    options = ["-gray", "-cropbox", "-r", f"{dpi:.4f}", "-f", str(first), "-l", str(last), "-q", "-"]
    said = worker.run(["pdftoppm", *options], data, answer=8 * _TOGETHER)
    frames, at = [], 0
    while said is not None and (head := _FRAME.match(said, at)) is not None:
        width, height = int(head[1]), int(head[2])
        at = head.end() + width * height
        if at > len(said):
            break
        frames.append(np.frombuffer(said, np.uint8, width * height, head.end()).reshape(height, width))
    return frames
