"""The first reader: zxing-cpp, for pictures from anybody.

A picture is read as it is; where that fails, again and again after changes that help with what paper and cameras do to
a code. A text is reported only when the code's own error correction accepts it, never a part of one or a guess.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from typing import Final

import zxingcpp
from PIL import Image

from signing_core.certificate.readers import pictures
from signing_core.certificate.readers.interface import Corner, FoundCode
from signing_core.errors import UsageError

MAX_PIXELS: Final = 120_000_000
"""Pixels of a picture that is read at all: a phone's largest photo has 108 million."""

SECONDS: Final = 12.0
"""Of processor time, after which no further look at a picture is begun. The longest single look takes about two."""

_QUICK: Final = 4
"""Attempts that change the picture but do not enlarge it."""
_UNFLAT_TRIED: Final = 3
_SUSPECTS: Final = 24
"""Places, the largest first, that are looked at for finder patterns."""
_UNFLAT_PIXELS: Final = 40 * 40
"""Area of what is worth flattening: smaller, its modules are under two pixels wide."""
_FORMATS: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.MicroQRCode])
_Box = tuple[float, float, float, float]
_Corners = tuple[Corner, Corner, Corner, Corner]


class ZxingReader:
    """Reads with zxing-cpp; with `thorough` off, once and as it is, for pages that most likely hold no code."""

    def __init__(self, *, thorough: bool = True, max_pixels: int = MAX_PIXELS, seconds: float = SECONDS) -> None:
        self._thorough = thorough
        self._max_pixels = max_pixels
        self._seconds = seconds

    @property
    def name(self) -> str:
        from importlib.metadata import version  # costly to load, and seldom asked for

        return f"zxing-cpp {version('zxing-cpp')}"

    @property
    def unavailable(self) -> str | None:
        return None

    def read(self, image: Image.Image) -> list[FoundCode]:
        """See `QrReader.read`."""
        if image.width * image.height > self._max_pixels:
            raise UsageError(
                f"The picture has {image.width} x {image.height} pixels, more than the {self._max_pixels:,} that are read; "
                "give a smaller one."
            )
        if image.width < 8 or image.height < 8:
            return []
        picture = pictures.grey(image)
        found, suspects = _read(picture)
        if self._thorough and (not found or _unread(suspects, found)):
            found = _Search(picture, found, suspects, time.thread_time() + self._seconds).found()
        return sorted(found, key=lambda code: (code.corners[0][1], code.corners[0][0]))


class _Search:
    """The further looks at one picture, until its code is read or the time is up."""

    def __init__(self, picture: Image.Image, found: list[FoundCode], suspects: list[_Corners], until: float) -> None:
        self._picture = picture
        self._found = found
        self._suspects = suspects
        self._until = until
        self._flattened: list[_Box] = []

    def found(self) -> list[FoundCode]:
        """Where something like a code was seen, then everywhere, and in between as if the sheet were not flat."""
        self._near()
        if self._found:
            if _unread(self._suspects, self._found):
                # The corners of what was seen may be far off, so that no region held it. The quick ways must do here.
                for attempt in itertools.islice(pictures.attempts(self._picture), _QUICK):
                    self._found = _merged(self._found, self._attempted(attempt, (0, 0)))
            return self._found
        return self._unflat() or self._first_success(self._picture, (0, 0)) or self._unflat()

    def _near(self) -> None:
        boxes = [_box(corners) for corners in _unread(self._suspects, self._found)]
        for left, top, right, bottom in _regions(boxes, self._picture.size):
            region = self._picture.crop((left, top, right, bottom))
            self._found = _merged(self._found, self._first_success(region, (left, top)))

    def _unflat(self) -> list[FoundCode]:
        from signing_core.certificate.readers import dewarp

        worth = sorted((one for one in self._suspects if _area(one) >= _UNFLAT_PIXELS), key=_area, reverse=True)
        new = (one for one in worth if _box(one) not in self._flattened)
        for corners in dewarp.likeliest(self._picture, itertools.islice(new, _SUSPECTS))[:_UNFLAT_TRIED]:
            self._flattened.append(_box(corners))
            for symbol in dewarp.flattened(self._picture, corners):
                codes, _ = _read(symbol, "flattened")
                if codes:
                    return [FoundCode(code.text, code.symbology, corners, code.method) for code in codes[:1]]
                if self._late():
                    return []
        return []

    def _first_success(self, picture: Image.Image, offset: tuple[int, int]) -> list[FoundCode]:
        for attempt in pictures.attempts(picture):
            codes = self._attempted(attempt, offset)
            if codes or self._late():
                return codes
        return []

    def _attempted(self, attempt: pictures.Attempt, offset: tuple[int, int]) -> list[FoundCode]:
        codes, suspects = _read(attempt.picture, attempt.method, global_threshold=attempt.global_threshold)
        self._suspects += [_moved(corners, attempt.scale, offset) for corners in suspects]
        return [
            FoundCode(code.text, code.symbology, _moved(code.corners, attempt.scale, offset), code.method)
            for code in codes
        ]

    def _late(self) -> bool:
        return time.thread_time() > self._until


def _unread(suspects: Iterable[_Corners], found: Iterable[FoundCode]) -> list[_Corners]:
    boxes = [_box(code.corners) for code in found]
    return [corners for corners in suspects if not any(_overlap(_box(corners), box) for box in boxes)]


def _read(
    picture: Image.Image, method: str = "plain", *, global_threshold: bool = False
) -> tuple[list[FoundCode], list[_Corners]]:
    """The codes, and the corners of what looked like one but could not be read."""
    binarizer = zxingcpp.Binarizer.GlobalHistogram if global_threshold else zxingcpp.Binarizer.LocalAverage
    codes: list[FoundCode] = []
    suspects: list[_Corners] = []
    for barcode in zxingcpp.read_barcodes(
        picture, formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain, binarizer=binarizer, return_errors=True
    ):
        place = barcode.position
        at = place.top_left, place.top_right, place.bottom_right, place.bottom_left
        a, b, c, d = ((float(corner.x), float(corner.y)) for corner in at)
        if barcode.valid and barcode.text:
            symbology = "MicroQRCode" if barcode.format == zxingcpp.BarcodeFormat.MicroQRCode else "QRCode"
            codes.append(FoundCode(barcode.text, symbology, (a, b, c, d), method))
        else:
            suspects.append((a, b, c, d))
    return _merged([], codes), suspects


def _moved(corners: _Corners, scale: float, offset: tuple[int, int]) -> _Corners:
    a, b, c, d = ((x / scale + offset[0], y / scale + offset[1]) for x, y in corners)
    return a, b, c, d


def _merged(codes: list[FoundCode], more: Iterable[FoundCode]) -> list[FoundCode]:
    """The same text at the same place counts once."""
    merged = list(codes)
    for code in more:
        if not any(code.text == known.text and _overlap(_box(code.corners), _box(known.corners)) for known in merged):
            merged.append(code)
    return merged


def _regions(suspects: Sequence[_Box], size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Overlapping boxes become one; each is widened, since a misread corner may lie far inside the code."""
    boxes: list[_Box] = []
    for box in suspects:
        box = _wider(box, 0.4, size)
        while touching := next((other for other in boxes if _overlap(box, other)), None):
            boxes.remove(touching)
            box = (
                min(box[0], touching[0]),
                min(box[1], touching[1]),
                max(box[2], touching[2]),
                max(box[3], touching[3]),
            )
        boxes.append(box)
    whole = size[0] * size[1]
    ordered = sorted(boxes, key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))
    return [
        (int(left), int(top), int(right) + 1, int(bottom) + 1)
        for left, top, right, bottom in ordered[:8]
        if (right - left) * (bottom - top) < 0.7 * whole
    ]


def _wider(box: _Box, share: float, size: tuple[int, int]) -> _Box:
    left, top, right, bottom = box
    by = share * max(right - left, bottom - top) + 8
    return max(0.0, left - by), max(0.0, top - by), min(size[0] - 1.0, right + by), min(size[1] - 1.0, bottom + by)


def _box(corners: Sequence[Corner]) -> _Box:
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(down), max(across), max(down)


def _area(corners: _Corners) -> float:
    following = corners[1:] + corners[:1]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(corners, following, strict=True))) / 2


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
