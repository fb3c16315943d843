"""Pictures from strangers: which kind a file is by its first bytes, and its pixels by the one decoder for that kind.

Never by a name or a declared type: no decoder but those here ever sees a stranger's file.
"""

from __future__ import annotations

import io
from typing import Any, Final

from PIL import Image

MOST_PIXELS: Final = 64_000_000
"""What phones of today make (50 million) and some; decoded it is 0.2 to 0.3 GB."""
LONGEST_SIDE: Final = 20_000

_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
)
_BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1"), "HEIC"),
    **dict.fromkeys((b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIC film"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
"""Of ISO/IEC 23008-12."""
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of the EXIF tag Orientation (Exif 3.0, 4.6.5.1.6)."""


def kind(data: bytes) -> str | None:
    """`PNG`, `JPEG`, `TIFF`, `WEBP`, `HEIC`; `GIF`, `BMP`, `AVIF`, `HEIC film` or `film`, which are not opened; None for what is no
    picture."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "film")
    return next((name for start, name in _STARTS if data.startswith(start)), None)


def opened(data: bytes, kind: str) -> Any:
    """A `PIL.Image.Image` of which no pixel is decoded yet. Decoders answer broken files with whatever they run into."""
    if kind == "HEIC":
        import pillow_heif

        # libheif's own limits stand before ours here: it reads sizes from the boxes, before any pixel.
        return pillow_heif.HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    # Phones append a depth map or a second view (MPO); the first picture is the photo.
    return Image.open(io.BytesIO(data), formats=["JPEG", "MPO"] if kind == "JPEG" else [kind])


def too_many_pixels(picture: Image.Image) -> bool:
    width, height = picture.size
    return width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE


def orientation(picture: Image.Image, kind: str) -> int:
    """The EXIF orientation that is still to be undone, 1 to 8."""
    # libheif has turned a HEIC already, by its own boxes, which stand above EXIF there (ISO/IEC 23008-12, 6.5.10).
    found = 1 if kind == "HEIC" else picture.getexif().get(0x0112, 1)
    return found if found in TURNS else 1


def transparent(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info


def eight_bits(picture: Image.Image) -> Image.Image:
    """Samples of sixteen bits scaled to eight: Pillow would cut them off at 255."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value / 257).convert("L")
    return picture
