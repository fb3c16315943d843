"""One picture file in a limited process: what a page needs of each picture in it.

A JPEG stays as it is encoded, without its metadata, where every program reads it alike (`jpeg`). All others are drawn anew: upright
pixels of sRGB on white, at most as many as paper at 300 dpi needs, kept exactly where JPEG would not take less than a third of the
bytes.
"""

from __future__ import annotations

import io
import warnings
import zlib
from typing import Any, Final

from PIL import Image, ImageCms

from signing_core import picture_files
from signing_core.errors import DocumentRefused
from signing_core.pdf.conversion import jpeg

_LONGEST: Final = 3600
"""Points of the longer side: of A4 at 300 dpi, and some."""
_JPEG: Final = {"quality": 90, "subsampling": 0}
_SMALLER, _PREVIEW, _RAW = 254, 1, 50706  # TIFF: NewSubfileType and its bit for a preview; DNGVersion
_MOST_UNEVEN: Final = 4.0


def pages(data: bytes, kind: str, name: str) -> list[dict[str, Any]]:
    """A `page_file.Picture` as keywords for each picture in the file. Raises `DocumentRefused`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd metadata; the limits here are ours
            return _pages(data, kind, name)
    except (DocumentRefused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels(name) from None
    except Exception:
        # Decoders answer broken files with whatever they run into (OSError, ValueError, SyntaxError, struct.error, ...).
        raise DocumentRefused(
            f"{name} is cut off or damaged, or a rare kind of {kind}; take the picture again or save it as PNG.",
            code="damaged",
        ) from None


def _pages(data: bytes, kind: str, name: str) -> list[dict[str, Any]]:
    picture = picture_files.opened(data, kind)
    frames = getattr(picture, "n_frames", 1) if kind != "JPEG" else 1
    if frames > 1 and kind in ("PNG", "WEBP"):
        raise DocumentRefused(
            f"{name} is an animated picture, of which nobody can say what was signed; save the one picture that is meant as "
            "PNG and take that.",
            code="animated",
        )
    found = []
    for frame in range(frames):
        if frame:
            picture.seek(frame)
        if picture_files.too_many_pixels(picture):
            raise _too_many_pixels(name)
        tags = getattr(picture, "tag_v2", {})
        if _RAW in tags:
            raise DocumentRefused(
                f"{name} is a camera's raw picture; save it as JPEG or PNG and take that.", code="format"
            )
        if frames > 1 and tags.get(_SMALLER, 0) & _PREVIEW:
            continue
        picture.load()
        own = jpeg.bare(data) if kind == "JPEG" else None
        turned = picture_files.orientation(picture, kind)
        stretch = _stretch(picture) if kind == "TIFF" else 1.0
        found.append(
            {
                **(_encoded(own, picture, "DCTDecode") if own is not None else _drawn(picture, exact=kind != "HEIC")),
                "orientation": turned,
                "stretch": stretch,
            }
        )
    return found


def _drawn(picture: Image.Image, *, exact: bool) -> dict[str, Any]:
    if picture.mode == "1":
        return _encoded(zlib.compress(picture.tobytes()), picture, "FlateDecode")
    picture = _on_white(_in_srgb(picture_files.eight_bits(picture)))
    picture.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    about = io.BytesIO()
    picture.save(about, "JPEG", **_JPEG)
    kept = zlib.compress(picture.tobytes(), 3) if exact else b""
    if kept and len(kept) <= 3 * about.tell():
        return _encoded(kept, picture, "FlateDecode")
    return _encoded(about.getvalue(), picture, "DCTDecode")


def _encoded(data: bytes, picture: Image.Image, coding: str) -> dict[str, Any]:
    return {
        "data": data,
        "coding": coding,
        "width": picture.width,
        "height": picture.height,
        "bits": 1 if picture.mode == "1" else 8,
        "grey": picture.mode in ("1", "L"),
    }


def _in_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "CMYK"):
        return picture
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        drawn = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    return drawn if drawn is not None else picture


def _on_white(picture: Image.Image) -> Image.Image:
    if picture_files.transparent(picture):
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


def _stretch(picture: Image.Image) -> float:
    """How much wider than high a point is: a fax has 204 of them to the inch across and 98 or 196 down."""
    across, down = picture.info.get("dpi", (1, 1))
    stretch = float(down) / float(across) if across and down else 1.0
    return stretch if 1 / _MOST_UNEVEN <= stretch <= _MOST_UNEVEN else 1.0


def _too_many_pixels(name: str) -> DocumentRefused:
    return DocumentRefused(
        f"{name} has more than {picture_files.MOST_PIXELS // 1_000_000} million points, or more than "
        f"{picture_files.LONGEST_SIDE:,} on a side; save it smaller and take that.",
        code="too-many-pixels",
    )
