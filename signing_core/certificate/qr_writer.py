"""Writes the QR code (ISO/IEC 18004) of the authenticity certificate: one alphanumeric segment, error correction Q.

Q restores a quarter of the codewords, which is what folds, stamps and fax lines on a sheet of paper ask for. The symbol
becomes one outline and not a mosaic of squares, so that no renderer draws hairlines between neighbouring modules.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy
import qrcode
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import MODE_ALPHA_NUM, QRData

from signing_core.errors import UsageError

QUIET_ZONE = 4
"""Modules of white that ISO/IEC 18004, section 7.3.2 asks for on every side."""

WIDTH_MM = 40.0
"""Of the symbol on the page, without its quiet zone."""


@dataclass(frozen=True, slots=True)
class QrSymbol:
    text: str
    version: int
    """1 to 40; the symbol has `17 + 4 * version` modules a side."""
    rows: tuple[tuple[bool, ...], ...]
    """True is dark; without the quiet zone."""

    @property
    def modules(self) -> int:
        """Modules a side, without the quiet zone."""
        return len(self.rows)

    @property
    def module_mm(self) -> float:
        """Width of a module in millimetres when the symbol is `WIDTH_MM` wide."""
        return WIDTH_MM / self.modules

    def outline(self) -> str:
        """The dark area as an SVG path (fill rule even-odd), one unit a module, the quiet zone included on every side."""
        return _outline(self.rows)

    def svg(self) -> str:
        """The symbol with its quiet zone on white, one unit a module, to be scaled by whoever shows it."""
        side = self.modules + 2 * QUIET_ZONE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">'
            f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/>'
            f'<path fill="#000" fill-rule="evenodd" d="{self.outline()}"/></svg>'
        )


def write(text: str) -> QrSymbol:
    """The smallest symbol that holds `text`, with the mask that ISO/IEC 18004, section 7.8 prefers.

    Raises `UsageError` when the text has characters outside of the alphanumeric set (digits, upper-case letters and
    ``$%*+-./:`` and space) or is too long.
    """
    code = _Code(error_correction=ERROR_CORRECT_Q, border=0)
    try:
        code.add_data(QRData(text.encode("ascii"), mode=MODE_ALPHA_NUM, check_data=True), optimize=0)
        code.make(fit=True)
    except (ValueError, qrcode.exceptions.DataOverflowError):
        raise UsageError(
            "The text cannot be written as a QR code; it must be upper-case and at most 2,420 characters."
        ) from None
    rows = tuple(tuple(bool(module) for module in row) for row in code.modules)
    return QrSymbol(text, code.version, rows)


class _Code(qrcode.QRCode):  # type: ignore[misc]
    """The same symbol as its base makes. The mask is chosen on whole planes of modules, in a tenth of the time."""

    _free: Any = None
    """Which modules hold data."""
    _bare: Any = None
    """The symbol before any mask."""
    modules: Any

    def map_data(self, data: Any, mask_pattern: int) -> None:
        if self._free is None:
            self._free = numpy.array([[module is None for module in row] for row in self.modules])
            super().map_data(data, mask_pattern)
            self._bare = numpy.array(self.modules, dtype=bool) ^ self._turned(mask_pattern)
        else:
            fixed = numpy.array(self.modules, dtype=bool)
            self.modules = numpy.where(self._free, self._bare ^ self._turned(mask_pattern), fixed).tolist()

    def best_mask_pattern(self) -> int:
        """As ISO/IEC 18004, section 7.8.3 says; format and version information count as light, as with the base."""
        self.makeImpl(True, 0)
        points = [_points(self._bare ^ self._turned(number)) for number in range(8)]
        return points.index(min(points))

    def _turned(self, mask_pattern: int) -> Any:
        return self._free & _mask(mask_pattern, self.modules_count)


@functools.cache
def _mask(number: int, side: int) -> Any:
    """ISO/IEC 18004, table 10: which modules the mask turns over."""
    i, j = numpy.indices((side, side))
    conditions = (
        lambda: (i + j) % 2,
        lambda: i % 2,
        lambda: j % 3,
        lambda: (i + j) % 3,
        lambda: (i // 2 + j // 3) % 2,
        lambda: i * j % 2 + i * j % 3,
        lambda: (i * j % 2 + i * j % 3) % 2,
        lambda: (i * j % 3 + (i + j) % 2) % 2,
    )
    return conditions[number]() == 0


_FINDER_LIKE = (0b10111010000, 0b00001011101)


def _points(modules: Any) -> int:
    """ISO/IEC 18004, table 11: runs of five and more, blocks of one colour, rows that look like a finder, imbalance."""
    side = len(modules)
    lines = numpy.concatenate([modules, modules.T])
    # A column that differs from its neighbours ends the last run of each line.
    ends = numpy.ones((len(lines), side + 1), dtype=bool)
    ends[:, 1:side] = lines[:, 1:] != lines[:, :-1]
    line, place = numpy.nonzero(ends)
    runs = numpy.diff(place)[numpy.diff(line) == 0]
    long = runs[runs >= 5]
    points = int((long - 2).sum())
    equal = modules[:-1, :-1] == modules[1:, :-1]
    equal &= modules[:-1, 1:] == modules[1:, 1:]
    equal &= modules[:-1, :-1] == modules[:-1, 1:]
    points += 3 * int(equal.sum())
    windows = sum(lines[:, start : side - 10 + start].astype(numpy.int16) << (10 - start) for start in range(11))
    points += 40 * int(numpy.isin(windows, _FINDER_LIKE).sum())
    return points + 10 * int(abs(float(modules.sum()) / side**2 * 100 - 50) / 5)


def _outline(rows: tuple[tuple[bool, ...], ...]) -> str:
    """Follow the borders between dark and light, the dark side on the right hand, corners only."""
    plane = numpy.pad(numpy.array(rows, dtype=bool), 1)
    width = len(plane) + 1
    # From each grid point, numbered line by line, the borders that leave it; a dark module has its right, down, left, up.
    leaving: dict[int, list[int]] = {}
    for step, first, beside in ((1, 0, (-1, 0)), (width, 1, (0, 1)), (-1, width + 1, (1, 0)), (-width, width, (0, -1))):
        border = plane & ~numpy.roll(plane, (-beside[0], -beside[1]), (0, 1))
        y, x = numpy.nonzero(border)
        for point in (y * width + x + first).tolist():
            leaving.setdefault(point, []).append(step)
    shift = QUIET_ZONE - 1  # the plane has one light module around it
    words = {1: ("h", 1), -1: ("h", -1), width: ("v", 1), -width: ("v", -1)}
    path: list[str] = []
    for start in sorted(leaving):
        while ways := leaving[start]:
            path.append(f"M{start % width + shift} {start // width + shift}")
            point, step, run = start, ways[0], 0
            while True:
                ways = leaving[point]
                if step not in ways:
                    word, sign = words[step]
                    path.append(f"{word}{sign * run}")
                    step, run = ways[0], 0
                ways.remove(step)
                point += step
                run += 1
                if point == start:
                    break
            path.append("z")
    return "".join(path)
