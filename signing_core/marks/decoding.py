"""Uploaded pictures: from bytes of a stranger to upright RGBA pixels, or one clear sentence.

Nothing of the file but its pixels comes out: no EXIF, XMP, comment, colour profile, thumbnail or second frame.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image

from signing_core.errors import MarkRefused
from signing_core.marks.mark import refuse

MAX_BYTES = 20_000_000
MAX_PIXELS = 64_000_000
"""What phones of today make (50 million) and some; decoded it is 0.2 to 0.3 GB."""
MAX_SIDE = 20_000
MIN_SIDE = 16
WORKING_SIDE = 1600
"""The longer side to which pictures are shrunk before the ink is looked for, in pixels: 680 dpi of a 60 mm signature."""

_OTHER_KINDS = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"PK\x03\x04", "a ZIP or office file"),
)
_HEIC_STILL = (b"heic", b"heix", b"heim", b"heis", b"mif1")
_HEIC_MOVING = (b"msf1", b"hevc", b"hevx", b"hevm", b"hevs")
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of the EXIF tag Orientation (Exif 3.0, 4.6.5.1.6)."""
_TAKEN = "Give a PNG, JPEG, WebP or HEIC picture."


def decode(data: bytes) -> Image.Image:
    """The picture as RGBA, EXIF orientation applied, its longer side at most 1,600 pixels.

    Raises `MarkRefused`: `empty`, `too-large` (bytes), `too-many-pixels`, `too-small`, `format` for any other kind of
    file, `animated`, `damaged`.
    """
    if not data:
        raise refuse("empty", f"The picture file is empty. {_TAKEN}")
    if len(data) > MAX_BYTES:
        raise refuse(
            "too-large", f"The picture file is larger than {MAX_BYTES // 1_000_000} MB: take or save it smaller."
        )
    kind = _kind(data)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and odd metadata; the limits here are ours, and metadata is dropped.
            warnings.simplefilter("ignore")
            picture = _open(data, kind)
            _check_size(picture)
            if kind in ("PNG", "WEBP") and getattr(picture, "n_frames", 1) > 1:
                raise refuse("animated", "The picture is animated: give a still PNG, JPEG, WebP or HEIC picture.")
            if kind == "JPEG":
                picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
            picture.load()
            return _upright(picture, kind)
    except MarkRefused:
        raise
    except Image.DecompressionBombError:
        raise refuse("too-many-pixels", "The picture has more pixels than any camera makes: save it smaller.") from None
    except MemoryError:
        raise refuse("too-many-pixels", "The picture needs more memory than there is: save it smaller.") from None
    except Exception:
        # Decoders answer broken files with whatever they run into (OSError, ValueError, SyntaxError, struct.error, ...).
        raise refuse("damaged", f"The {kind} picture is cut off or damaged: take or save it again.") from None


def _kind(data: bytes) -> str:
    """By the first bytes, never by a name or a declared type: only four decoders ever see a stranger's file."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIC_MOVING:
            raise refuse("animated", "The HEIC file is a film: give a still picture.")
        if data[8:12] in _HEIC_STILL:
            return "HEIC"
        if data[8:12] in (b"avif", b"avis"):
            raise refuse("format", f"The file is an AVIF picture. {_TAKEN}")
        raise refuse("format", f"The file is a film or of an unknown kind. {_TAKEN}")
    if data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise refuse("format", f"The file is an SVG or a web page. {_TAKEN}")
    for start, name in _OTHER_KINDS:
        if data.startswith(start):
            raise refuse("format", f"The file is {name}. {_TAKEN}")
    raise refuse("format", f"The file is of an unknown kind. {_TAKEN}")


def _open(data: bytes, kind: str) -> Image.Image:
    if kind == "HEIC":
        import pillow_heif

        # libheif's own limits stand before ours here: it reads sizes from the boxes, before any pixel.
        return pillow_heif.HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    if kind == "JPEG":
        # Phones append a depth map or a second view (MPO); the first picture is the photo.
        return Image.open(io.BytesIO(data), formats=["JPEG", "MPO"])
    return Image.open(io.BytesIO(data), formats=[kind])


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise refuse(
            "too-many-pixels",
            f"The picture has {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} million or {MAX_SIDE} on a side: "
            "save it smaller.",
        )
    if min(width, height) < MIN_SIDE:
        raise refuse(
            "too-small", f"The picture has {width} x {height} pixels, too few for a signature: take it larger."
        )


def _upright(picture: Image.Image, kind: str) -> Image.Image:
    # libheif has turned a HEIC already, by its own boxes, which stand above EXIF there (ISO/IEC 23008-12, 6.5.10).
    orientation = 1 if kind == "HEIC" else picture.getexif().get(0x0112, 1)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        # Sixteen bits a sample: Pillow would cut them off at 255 instead of scaling.
        picture = picture.convert("I").point(lambda value: value / 257).convert("L")
    has_alpha = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    picture = picture.convert("RGBA" if has_alpha else "RGB")
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    if orientation in _TURN:
        bare = bare.transpose(_TURN[orientation])
    return bare.convert("RGBA")
