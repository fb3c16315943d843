"""Before a document leaves: both readers must read its QR code, exactly, from the rendered certificate page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from signing_core.certificate.readers import QrReader, ZbarReader, ZxingReader

Outcome = Literal["read", "wrong", "unreadable", "not-done"]

DPI = 200
"""What to render the page at: 4.6 pixels a module; zbar wants four."""


@dataclass(frozen=True, slots=True)
class Reading:
    reader: str
    outcome: Outcome
    """`wrong`: another text, or more than one code where ours stands; `not-done`: the reader is not installed."""
    milliseconds: float


@dataclass(frozen=True, slots=True)
class ReadbackResult:
    ok: bool
    """The first reader read exactly the expected text, and so did the second one, where it is installed."""
    reason: str | None
    """What is wrong, for a message; None when `ok`."""
    readings: tuple[Reading, ...]

    @property
    def readers(self) -> dict[str, Outcome]:
        """Name and version of each reader, and what came of it: for the audit event."""
        return {reading.reader: reading.outcome for reading in self.readings}

    @property
    def second_done(self) -> bool:
        return all(reading.outcome != "not-done" for reading in self.readings)


def read_back(page: Image.Image, expected: str, *, readers: Sequence[QrReader] | None = None) -> ReadbackResult:
    """Read `page`, the authenticity certificate of a document of ours rendered at `DPI`, and compare with `expected`.

    Only the part of the page where our code stands is read: an uploaded signature or stamp elsewhere on it may hold a
    code of its own, which is no business of this check. The readers look once, without any help.
    """
    used = readers if readers is not None else (ZxingReader(thorough=False), ZbarReader())
    corner = page.crop(_code_area(page.size))
    readings = tuple(_reading(reader, corner, expected) for reader in used)
    failed = next((reading for reading in readings if reading.outcome in ("wrong", "unreadable")), None)
    if failed is not None:
        reason = "read another text" if failed.outcome == "wrong" else "found no code"
        return ReadbackResult(False, f"{failed.reader} {reason}", readings)
    if not any(reading.outcome == "read" for reading in readings):
        return ReadbackResult(False, "no QR reader is installed", readings)
    return ReadbackResult(True, None, readings)


def _reading(reader: QrReader, picture: Image.Image, expected: str) -> Reading:
    if reader.unavailable is not None:
        return Reading(reader.name, "not-done", 0.0)
    started = time.perf_counter()
    texts = [code.text for code in reader.read(picture)]
    outcome: Outcome = "read" if texts == [expected] else "wrong" if texts else "unreadable"
    return Reading(reader.name, outcome, round((time.perf_counter() - started) * 1000, 2))


def _code_area(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The lower left of the page, with the code and its surroundings, whatever strip the page has below."""
    width, height = size
    return 0, round(height * 0.68), round(width * 0.36), height
