"""PEM blocks with a line above each that says what it is for; text around a block is allowed (RFC 7468, section 2)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

PURPOSE_LINE = "Sealtrail-Key: "

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")
_PURPOSE = re.compile(rb"^" + PURPOSE_LINE.encode() + rb"([a-z-]+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    pem: bytes
    purpose: str | None
    """What the last such line above it says; None when there is none between it and the block before."""
    body: bytes
    """Still in base64."""

    def der(self) -> bytes | None:
        """The decoded body; None when it is no base64."""
        try:
            return base64.b64decode(self.body)
        except ValueError:
            return None


def blocks(data: bytes) -> list[Block]:
    """The complete blocks, in their order."""
    found, end = [], 0
    for block in _BLOCK.finditer(data):
        heading = _PURPOSE.findall(data[end : block.start()])
        end = block.end()
        found.append(Block(block.group(), heading[-1].decode() if heading else None, block[2]))
    return found
