"""QR codes out of the content stream of a certificate page: the outlines that `qr_writer` drew, not a picture of them.

The symbol is one path with whole numbers, filled by the even-odd rule (ISO 32000-2, 8.5.3.3.3), and all its lines run along the
axes: a module is dark when an odd number of corners lies above and to the left of it. What is not such a path, or is no code,
gives nothing.
"""

from __future__ import annotations

from operator import add
from typing import Final

import zxingcpp

_SIDE: Final = 177 + 2 * 4
"""Modules of the largest symbol, version 40, with its quiet zone (ISO/IEC 18004, 5.3.1)."""
_MOST: Final = 16
"""Outlines that are looked at."""
_BEGIN: Final = b"scn "
_END: Final = b"\nf*\n"
_OPERATORS: Final = b"mlh\n"
_COLUMNS: Final = {b"%d" % number: number for number in range(_SIDE)}
_ROWS: Final = {digits: number * _SIDE for digits, number in _COLUMNS.items()}
_BLACK_AND_WHITE: Final = bytes.maketrans(b"10", b"\0\xff")
_FORMATS: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


def texts(content: bytes) -> list[str]:
    """What the codes say, in the order in which they are drawn."""
    found: list[str] = []
    end = -1
    for _ in range(_MOST):
        end = content.find(_END, end + 1)
        if end < 0:
            break
        begin = content.rfind(_BEGIN, 0, end)
        plane = _plane(content[begin + len(_BEGIN) : end]) if begin >= 0 else None
        if plane is not None:
            codes = zxingcpp.read_barcodes(
                plane,
                formats=_FORMATS,
                text_mode=zxingcpp.TextMode.Plain,
                binarizer=zxingcpp.Binarizer.BoolCast,
                is_pure=True,
            )
            found += [code.text for code in codes if code.valid and code.text]
    return found


def _plane(outline: bytes) -> memoryview | None:
    """The area within an outline as a picture, a pixel for each module; None when it is no outline of a symbol."""
    corners = outline.translate(None, _OPERATORS).split()
    cells = bytearray(b"0" * _SIDE * _SIDE)
    if len(corners) % 2:
        return None
    try:
        for corner in map(add, map(_ROWS.__getitem__, corners[1::2]), map(_COLUMNS.__getitem__, corners[::2])):
            cells[corner] ^= 1  # turns 0 into 1 and back
    except KeyError:
        return None
    plane = int(cells, 2)
    for reach in (
        _SIDE,
        1,
    ):  # the parity of all corners above, then of those to the left: rows above have an even number
        while reach < len(cells):
            plane ^= plane >> reach
            reach *= 2
    drawn = f"{plane:0{len(cells)}b}".encode().translate(_BLACK_AND_WHITE)
    return memoryview(drawn).cast("B", (_SIDE, _SIDE))
