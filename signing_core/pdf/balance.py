"""Whether a page's content leaves the graphics state as it found it.

Content that is appended to a page inherits whatever the page's own content leaves behind. A page may save the state (q)
without restoring it (Q) or the other way round, which viewers forgive; what is appended then has to make up for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from pypdf.generic import StreamObject

from signing_core.pdf.content_bytes import IMAGE_END, end_of_string
from signing_core.pdf.source import Source

_MOST: Final = 500
"""Unbalanced operators that are made up for; viewers give up earlier than that."""

_TOKEN: Final = re.compile(
    rb"%[^\r\n]*"  # a comment
    rb"|<[0-9A-Fa-f\s]*>"  # a hexadecimal string
    rb"|\("  # the start of a string, whose end is looked for by counting
    rb"|(?<![^\s\]>)}])(?:BI|q|Q)(?![^\s\[<(/{%])"
)


def saves(source: Source, contents: Iterable[Any]) -> tuple[int, int]:
    """How many q are missing at the beginning, and how many Q at the end, of a page's content streams."""
    with source.guarded():
        streams = [source.resolve(item) for item in contents]
        data = b"\n".join(stream.get_data() for stream in streams if isinstance(stream, StreamObject))
    return count(data)


def count(data: bytes) -> tuple[int, int]:
    """The same for the bytes of one content stream (ISO 32000-2, 7.8.2)."""
    depth = lowest = position = 0
    while found := _TOKEN.search(data, position):
        position = found.end()
        token = found.group()
        if token == b"q":
            depth += 1
        elif token == b"Q":
            depth -= 1
            lowest = min(lowest, depth)
        elif token == b"(":
            position = end_of_string(data, position)
        elif token == b"BI":
            end = IMAGE_END.search(data, position)
            position = end.end() if end else len(data)
    return min(-lowest, _MOST), min(depth - lowest, _MOST)
