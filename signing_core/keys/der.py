"""As much of DER (ITU-T X.690) as making a time-stamp token needs: an object tree for each would cost 50 times more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

SEQUENCE: Final = 0x30
SET: Final = 0x31
OCTET_STRING: Final = 0x04
NULL: Final = b"\x05\x00"


def tlv(tag: int, *contents: bytes) -> bytes:
    """One value with its tag and length."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def context(number: int, *contents: bytes) -> bytes:
    """A constructed value with the context tag `number`: explicit tagging, or implicit of a constructed type."""
    return tlv(0xA0 | number, *contents)


def integer(value: int) -> bytes:
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv(0x02, value.to_bytes(size, "big", signed=True))


def generalized_time(at: datetime) -> bytes:
    """In UTC, to the millisecond; no fraction when it is zero and no trailing zeros (X.690, clause 11.7)."""
    at = at.astimezone(UTC)
    fraction = f".{at.microsecond // 1000:03}".rstrip("0").rstrip(".")
    return tlv(0x18, f"{at.year:04}{at:%m%d%H%M%S}{fraction}Z".encode())


def set_of(tag: int, *elements: bytes) -> bytes:
    """Elements in the order of their encodings (X.690, clause 11.6)."""
    return tlv(tag, *sorted(elements))


def object_identifier(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return tlv(0x06, content)
