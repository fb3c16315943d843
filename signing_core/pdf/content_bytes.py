"""Where things end in the bytes of a content stream (ISO 32000-2, 7.3.4.2 and 8.9.7), for those who leave the rest as it is."""

from __future__ import annotations

import re
from typing import Final

_PART: Final = re.compile(rb"\\.|[()]", re.DOTALL)
IMAGE_END: Final = re.compile(rb"\sEI(?=[\s/<\[(]|\Z)")
"""The operator that ends an inline image."""


def end_of_string(data: bytes, position: int) -> int:
    """Behind the string whose opening parenthesis stands before `position`."""
    depth = 1
    for found in _PART.finditer(data, position):
        if found.group() == b"(":
            depth += 1
        elif found.group() == b")":
            depth -= 1
            if depth == 0:
                return found.end()
    return len(data)
