"""What the rest of the core asks of a QR reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PIL import Image

Corner = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A QR code whose error correction and checks came out right: a text is whole or it is not here."""

    text: str
    symbology: str
    """`QRCode` or `MicroQRCode`."""
    corners: tuple[Corner, Corner, Corner, Corner]
    """Top left, top right, bottom right, bottom left of the symbol, in pixels of the picture that was given."""
    method: str
    """How it was made legible: `plain` or what the picture went through first."""


@runtime_checkable
class QrReader(Protocol):
    @property
    def name(self) -> str:
        """The library and its version."""
        ...

    @property
    def unavailable(self) -> str | None:
        """Why this reader cannot be used here, in one sentence with the way on; None when it can."""
        ...

    def read(self, image: Image.Image) -> list[FoundCode]:
        """Every QR code in the picture, each once, top to bottom. Empty when there is none.

        Raises `UsageError` when the reader is not available or the picture is over its pixel limit.
        """
        ...
