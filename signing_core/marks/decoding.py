"""Uploaded pictures: from bytes of a stranger to upright RGBA pixels, or one clear sentence.

Nothing of the file but its pixels comes out: no EXIF, XMP, comment, colour profile, thumbnail or second frame.
"""

from __future__ import annotations

import warnings

from PIL import Image

from signing_core import picture_files
from signing_core.errors import MarkRefused
from signing_core.marks.mark import refuse

MAX_BYTES = 20_000_000
MIN_SIDE = 16
WORKING_SIDE = 1600
"""The longer side to which pictures are shrunk before the ink is looked for, in pixels: 680 dpi of a 60 mm signature."""

_OTHERS = {
    "TIFF": "a TIFF picture",
    "GIF": "a GIF",
    "BMP": "a BMP picture",
    "AVIF": "an AVIF picture",
    "film": "a film or of an unknown kind",
}
_OTHER_STARTS = ((b"%PDF", "a PDF"), (b"PK\x03\x04", "a ZIP or office file"))
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
            picture = picture_files.opened(data, kind)
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
    kind = picture_files.kind(data)
    if kind in ("PNG", "JPEG", "WEBP", "HEIC"):
        return kind
    if kind == "HEIC film":
        raise refuse("animated", "The HEIC file is a film: give a still picture.")
    if kind is not None:
        raise refuse("format", f"The file is {_OTHERS[kind]}. {_TAKEN}")
    if data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise refuse("format", f"The file is an SVG or a web page. {_TAKEN}")
    for start, name in _OTHER_STARTS:
        if data.startswith(start):
            raise refuse("format", f"The file is {name}. {_TAKEN}")
    raise refuse("format", f"The file is of an unknown kind. {_TAKEN}")


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if picture_files.too_many_pixels(picture):
        raise refuse(
            "too-many-pixels",
            f"The picture has {width} x {height} pixels, more than {picture_files.MOST_PIXELS // 1_000_000} million or "
            f"{picture_files.LONGEST_SIDE} on a side: save it smaller.",
        )
    if min(width, height) < MIN_SIDE:
        raise refuse(
            "too-small", f"The picture has {width} x {height} pixels, too few for a signature: take it larger."
        )


def _upright(picture: Image.Image, kind: str) -> Image.Image:
    orientation = picture_files.orientation(picture, kind)
    picture = picture_files.eight_bits(picture)
    picture = picture.convert("RGBA" if picture_files.transparent(picture) else "RGB")
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    if orientation != 1:
        bare = bare.transpose(picture_files.TURNS[orientation])
    return bare.convert("RGBA")
