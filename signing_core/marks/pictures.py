"""A signature or a company stamp that comes as a picture: a photo, a scan, or a file made with care."""

from __future__ import annotations

import io
from typing import Literal

from PIL import Image

from signing_core.marks import decoding, ink
from signing_core.marks.mark import Mark, refuse

OUTPUT_SIDES = {"uploaded": 640, "stamp": 480}
"""The longer side of what is kept, in pixels: 270 dpi of a signature 60 mm wide, 350 dpi of a stamp of 35 mm. Every pixel is
stored in the document and costs time whenever a block is set."""
_LEAST_EXTENT = 24


def uploaded(data: bytes) -> Mark:
    """A signature from a PNG, JPEG, WebP or HEIC file: ink cut out of its paper, upright, as RGBA PNG without metadata.

    A picture that comes transparent keeps its transparency. Raises `MarkRefused`: `empty`, `format`, `animated`,
    `too-large` (above 20 MB), `too-many-pixels` (above 64 million), `too-small`, `damaged`, `no-paper`.
    """
    return _cut_out(data, "uploaded", window=0.12, subject="signature")


def stamp(data: bytes) -> Mark:
    """A company stamp from a picture, as `uploaded`, its colours and solid parts kept."""
    return _cut_out(data, "stamp", window=0.6, subject="stamp")


def _cut_out(data: bytes, kind: Literal["uploaded", "stamp"], *, window: float, subject: str) -> Mark:
    picture = ink.extract(decoding.decode(data), window=window, subject=subject)
    if max(picture.size) < _LEAST_EXTENT:
        raise refuse(
            "too-small", f"The {subject} in the picture is only {max(picture.size)} pixels large: take it nearer."
        )
    picture.thumbnail((OUTPUT_SIDES[kind],) * 2, Image.Resampling.LANCZOS)
    # Colour in steps of 16 and strength in steps of 15: no eye sees them in ink, and the file is a third as large.
    colour, strength = ([min(255, round(value / step) * step) for value in range(256)] for step in (16, 15))
    picture = picture.point(colour * 3 + strength)
    written = io.BytesIO()
    picture.save(written, "PNG", compress_level=9)
    return Mark(kind, "image/png", written.getvalue())
