"""The value that every way of signing ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from signing_core.errors import MarkRefused

Kind = Literal["name", "drawn", "uploaded", "stamp"]
MediaType = Literal["image/svg+xml", "image/png"]

INK = "#1d2b5e"
"""The blue-black of a fountain pen: what names, drawings and generated stamps are set in, legible in grey as well."""

STAMP_INK = "#8a1c2c"
"""The red of a stamp pad, so that a stamp behind a signature cannot be taken for a part of it."""


@dataclass(frozen=True)
class Mark:
    """A party's signature as a picture, or a company stamp: transparent, upright, cropped to its ink, free of metadata."""

    kind: Kind
    """How it came to be: set from the `name`, `drawn` by hand, `uploaded`, or a company `stamp`."""
    media_type: MediaType
    """SVG for what we made ourselves, PNG (RGBA) for what came in as pixels."""
    data: bytes = field(repr=False)
    """The picture itself. It is personal data: it goes into the document and the `marks` table and nowhere else."""


def refuse(code: str, message: str) -> MarkRefused:
    """The exception to raise: `message` says in one sentence what is wrong and how to go on, `code` is stable."""
    return MarkRefused(message, code=code)
