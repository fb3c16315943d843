"""QR codes out of the content stream of a certificate page: the outlines that `qr_writer` drew, not a picture of them.

The symbol is one path with whole numbers, filled by the even-odd rule (ISO 32000-2, 8.5.3.3.3), and all its lines run along the
axes: a module is dark when an odd number of corners lies above and to the left of it. What is not such a path, or is no code,
gives nothing.
"""

from __future__ import annotations

from typing import Final

import zxingcpp

_LARGEST: Final = 177 + 2 * 4
"""Modules a side of version 40, with the quiet zone (ISO/IEC 18004, 5.3.1)."""
_MOST: Final = 16
"""Outlines that are looked at."""
_BEGIN: Final = b"scn "
_END: Final = b"\nf*\n"
_OPERATORS: Final = b"mlh\n"
_ROWS: Final = {b"%d" % number: number for number in range(_LARGEST)}
_COLUMNS: Final = {digits: 1 << (_LARGEST - 1 - number) for digits, number in _ROWS.items()}
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
    rows = [0] * _LARGEST
    try:
        for column, row in zip(
            map(_COLUMNS.__getitem__, corners[::2]), map(_ROWS.__getitem__, corners[1::2]), strict=True
        ):
            rows[row] ^= column
    except (KeyError, ValueError):
        return None
    edges = [at for at, row in enumerate(rows) if row]
    side = edges[0] + edges[-1] if edges else _LARGEST + 1  # the quiet zone is as wide on all sides
    if side > _LARGEST:
        return None
    lines: list[bytes] = []
    above = 0
    for row in rows[:side]:
        above ^= row
        dark, reach = above, 1
        while reach < side:  # the parity of all corners to the left
            dark ^= dark >> reach
            reach *= 2
        lines.append(f"{dark:0{_LARGEST}b}"[:side].encode().translate(_BLACK_AND_WHITE))
    return memoryview(b"".join(lines)).cast("B", (side, side))
