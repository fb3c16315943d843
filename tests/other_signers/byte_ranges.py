"""The byte ranges that a file names (12.8.1, table 255), found in its raw bytes: the signatures themselves are not asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WRITTEN: Final = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass(frozen=True, order=True)
class ByteRange:
    end: int
    """The first byte behind what is signed."""
    gap_start: int
    gap_end: int
    """The hexadecimal string of /Contents, which is left out."""


def byte_ranges(data: bytes) -> list[ByteRange]:
    """Those that fit into the file, the oldest first."""
    ranges = set()
    for match in _WRITTEN.finditer(data):
        start, length, second, rest = map(int, match.groups())
        if start == 0 and 0 < length < second and second + rest <= len(data):
            ranges.add(ByteRange(second + rest, length, second))
    return sorted(ranges)
