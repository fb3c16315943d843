"""A JPEG's own bytes for a PDF, where every program reads them alike: the first picture of the file and nothing beside it.

What is left out is metadata: EXIF with the place where a photograph was taken, a thumbnail, comments, profiles, and the second
pictures that phones append. ISO 32000-2, 7.4.8; ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
from typing import Final

_TABLES: Final = (b"\xdb", b"\xc4", b"\xdd")  # quantization, Huffman, restart interval
_FRAMES: Final = (b"\xc0", b"\xc1", b"\xc2")  # baseline, extended and progressive, all Huffman
_JFIF, _ADOBE = b"JFIF\0", b"Adobe"
_SCAN_ENDS: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)


def bare(data: bytes) -> bytes | None:
    """None for one that has to be encoded anew: arithmetic, lossless or 12 bits, CMYK, RGB, or not as the standard has it."""
    out, at, components, rgb = [b"\xff\xd8"], 2, 0, False
    while data[at : at + 1] == b"\xff":
        marker = data[at + 1 : at + 2]
        if marker == b"\xff":  # a fill byte
            at += 1
            continue
        if marker == b"\xd9":
            return b"".join([*out, b"\xff\xd9"]) if components and not (rgb and components > 1) else None
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segment, body = data[at : at + 2 + length], data[at + 4 : at + 2 + length]
        at += 2 + length
        if length < 2 or len(segment) < 2 + length:
            return None
        if marker in _FRAMES:
            if components or not _plain(body):
                return None
            components = body[5]
        elif marker == b"\xee" and body.startswith(_ADOBE):
            rgb = body[11:12] == b"\x00"
        elif marker == b"\xda":
            end = _SCAN_ENDS.search(data, at)
            if end is None:
                return None
            segment, at = segment + data[at : end.start()], end.end() - 2
        elif marker not in _TABLES and not (marker == b"\xe0" and body.startswith(_JFIF)):
            if b"\xe0" <= marker <= b"\xef" or marker == b"\xfe":
                continue  # metadata
            return None
        out.append(segment)
    return None


def _plain(frame: bytes) -> bool:
    """Whether it has eight bits a sample, and is grey or YCbCr as JFIF numbers it."""
    components = [frame[at : at + 1] for at in range(6, len(frame), 3)]
    return frame[:1] == b"\x08" and (len(components) == 1 or components == [b"\x01", b"\x02", b"\x03"])
