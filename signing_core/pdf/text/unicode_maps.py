"""ToUnicode CMaps (9.10.3): which characters the codes of a font stand for, by the font's own word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.values import Value
from signing_core.pdf.text.encodings import character_of

MOST_RANGE: Final = 65_536
MOST_ENTRIES: Final = 200_000


def to_unicode(cmap: bytes, width: int) -> dict[int, str]:
    """The mappings of a ToUnicode CMap (9.10.3) for codes of `width` bytes. What is damaged is left out."""
    mappings: dict[int, str] = {}
    total = 0
    for kind, operands in _blocks(cmap):
        step = 2 if kind == b"bfchar" else 3
        for at in range(0, len(operands) - step + 1, step):
            low, high, target = operands[at], operands[at + step - 2], operands[at + step - 1]
            if not (isinstance(low, bytes) and isinstance(high, bytes) and len(low) == len(high) == width):
                continue
            first = int.from_bytes(low, "big")
            count = int.from_bytes(high, "big") - first + 1
            if not 0 < count <= MOST_RANGE or total + count > MOST_ENTRIES:
                continue
            total += count
            if isinstance(target, list):
                texts = [_utf16(item) for item in target[:count]]
            else:
                texts = list(_increments(target, count))
            mappings.update((first + index, text) for index, text in enumerate(texts) if text)
    return mappings


def _blocks(cmap: bytes) -> Iterator[tuple[bytes, list[Value]]]:
    """(kind, operands) of each block of mappings."""
    position = 0
    while (start := re.compile(rb"begin(bfchar|bfrange)").search(cmap, position)) is not None:
        operands: list[Value] = []
        position = start.end()
        while True:
            try:
                value, position = parse_value(cmap, position, depth=4)
            except Malformed:
                break  # its end, or damage
            operands.append(value)
        yield start[1], operands


def _increments(target: Value, count: int) -> Iterator[str]:
    """The targets of a range: the last byte counts up, and where programs let it pass 255, the whole code unit."""
    text = _utf16(target)
    for step in range(count if text else 0):
        last = ord(text[-1]) + step
        yield text[:-1] + chr(last) if last <= 0x10FFFF else ""


def _utf16(value: Value) -> str:
    if isinstance(value, str):
        return character_of(value)
    return value.decode("utf-16-be", "replace").replace("\ufffd", "") if isinstance(value, bytes) else ""
