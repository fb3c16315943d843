"""Writes the QR code (ISO/IEC 18004) of the authenticity certificate: one alphanumeric segment, error correction Q.

Q restores a quarter of the codewords, which is what folds, stamps and fax lines on a sheet of paper ask for. The symbol
becomes one outline and not a mosaic of squares, so that no renderer draws hairlines between neighbouring modules.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    try:
        code.add_data(QRData(text.encode("ascii"), mode=MODE_ALPHA_NUM, check_data=True), optimize=0)
        code.make(fit=True)
    except (ValueError, qrcode.exceptions.DataOverflowError):
        raise UsageError(
            "The text cannot be written as a QR code; it must be upper-case and at most 2,420 characters."
        ) from None
    rows = tuple(tuple(bool(module) for module in row) for row in code.modules)
    return QrSymbol(text, code.version, rows)


def _outline(rows: tuple[tuple[bool, ...], ...]) -> str:
    """Follow the borders between dark and light, the dark side on the right hand, corners only."""
    side = len(rows)

    def dark(x: int, y: int) -> bool:
        return 0 <= x < side and 0 <= y < side and rows[y][x]

    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for y in range(side):
        for x in range(side):
            if not rows[y][x]:
                continue
            if not dark(x, y - 1):
                edges.setdefault((x, y), []).append((1, 0))
            if not dark(x + 1, y):
                edges.setdefault((x + 1, y), []).append((0, 1))
            if not dark(x, y + 1):
                edges.setdefault((x + 1, y + 1), []).append((-1, 0))
            if not dark(x - 1, y):
                edges.setdefault((x, y + 1), []).append((0, -1))
    path: list[str] = []
    while edges:
        start = x, y = next(iter(edges))
        path.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}")
        step, run = edges[start][0], 0
        while True:
            ways = edges[x, y]
            if step not in ways:
                path.append(_line(step, run))
                step, run = ways[0], 0
            ways.remove(step)
            if not ways:
                del edges[x, y]
            x, y, run = x + step[0], y + step[1], run + 1
            if (x, y) == start:
                break
        path.append("z")
    return "".join(path)


def _line(step: tuple[int, int], run: int) -> str:
    return f"h{step[0] * run}" if step[0] else f"v{step[1] * run}"
