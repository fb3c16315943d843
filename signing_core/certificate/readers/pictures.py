"""What a picture goes through before it is read again. Grey in, grey out; every change says how to get back.

Sizes are bounded, so that the largest picture taken in costs seconds and not minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageFilter, ImageOps

MAX_WORKING_PIXELS: Final = 16_000_000
"""Of a picture that is enlarged for another try."""
MAX_FILTERED_PIXELS: Final = 8_000_000
"""Of a picture that goes through a filter: larger ones have pixels to spare and are shrunk first."""


_WORTH_HALVING: Final = 160
"""Pixels of the shorter side: averaging four pixels takes noise away where modules are large."""


@dataclass(frozen=True, slots=True)
class Attempt:
    method: str
    picture: Image.Image
    scale: float
    """Pixels of `picture` for one pixel of the original."""
    global_threshold: bool = False
    """Whether one threshold for the whole picture is to be used and not one for each neighbourhood."""


def grey(image: Image.Image) -> Image.Image:
    """Any Pillow image as 8-bit grey; what is transparent becomes white, the colour of the paper."""
    if image.mode in ("L", "1"):
        return image.convert("L")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        import numpy as np

        pixels = np.asarray(image, dtype=np.float64)
        low, high = (float(np.nanmin(pixels)), float(np.nanmax(pixels))) if pixels.size else (0.0, 0.0)
        spread = (pixels - low) / (high - low) * 255 if high > low else pixels * 0
        return Image.fromarray(np.nan_to_num(spread).astype(np.uint8))
    if image.has_transparency_data:
        ink = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink).convert("L")
    return image.convert("RGB").convert("L")


def attempts(picture: Image.Image) -> Iterator[Attempt]:
    """Ways to make a code legible that is not read as it is, the cheap and fruitful ones first. `picture` is grey."""
    yield Attempt("one threshold", picture, 1.0, global_threshold=True)
    base, scale = _shrunk(picture)
    if scale < 1:
        yield Attempt("shrunk", base, scale)
    if min(base.size) >= _WORTH_HALVING:
        half, by = _scaled(base, 0.5, Image.Resampling.BOX)
        yield Attempt("halved", half, scale * by)
    calm = base.filter(ImageFilter.MedianFilter(3))
    yield Attempt("denoised", calm, scale)
    yield Attempt("contrast", ImageOps.autocontrast(base, 2).point(_DARKER), scale, global_threshold=True)
    for method, source, factor, change, threshold in _CHANGED:
        larger, by = _enlarged(calm if source == "calm" else base, factor)
        yield Attempt(method, change(larger), scale * by, threshold)


def _sharpened(radius: float, percent: int) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.filter(ImageFilter.UnsharpMask(radius, percent, 0))


def _smoothed(radius: float) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def _binarised(picture: Image.Image) -> Image.Image:
    """Each pixel against the mean of its neighbourhood, for uneven light."""
    import numpy as np

    around = picture.filter(ImageFilter.BoxBlur(8))
    return Image.fromarray(
        np.where(np.asarray(picture, np.int16) > np.asarray(around, np.int16) - 2, 255, 0).astype(np.uint8)
    )


def _levelled(picture: Image.Image) -> Image.Image:
    """Each pixel by how far it is from its neighbourhood, as neighbourhoods go: takes reflections and shadows away."""
    import numpy as np

    off = np.asarray(picture, np.float32) - np.asarray(picture.filter(ImageFilter.BoxBlur(_AROUND)), np.float32)
    spread = Image.fromarray(np.clip(off**2 / 16, 0, 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(_AROUND))
    usual = np.sqrt(np.maximum(np.asarray(spread, np.float32), 1) * 16)
    return Image.fromarray(np.clip(128 + off / usual * 70, 0, 255).astype(np.uint8))


def _refocused(radius: float, noise: float, *, disc: bool = False) -> Callable[[Image.Image], Image.Image]:
    """A Wiener filter against a blur of this radius in pixels: a bell, or the disc that a lens out of focus makes of a point.

    `noise` is its share in the picture: higher is tamer.
    """

    def change(picture: Image.Image) -> Image.Image:
        import numpy as np

        pixels = np.asarray(picture, np.float32)
        down, across = np.fft.fftfreq(pixels.shape[0])[:, None], np.fft.rfftfreq(pixels.shape[1])[None, :]
        if disc:
            at = np.hypot(down * pixels.shape[0], np.fft.fftfreq(pixels.shape[1])[None, :] * pixels.shape[1])
            point = np.clip(radius + 0.5 - at, 0, 1).astype(np.float32)
            blur = np.fft.rfft2(point / point.sum()).real
        else:
            blur = np.exp(-2 * (np.pi * radius) ** 2 * (across**2 + down**2)).astype(np.float32)
        sharp = np.fft.irfft2(np.fft.rfft2(pixels) * (blur / (blur**2 + noise)), s=pixels.shape)
        return Image.fromarray(np.clip(sharp, 0, 255).astype(np.uint8))

    return change


_AROUND: Final = 15
"""Radius of a pixel's neighbourhood: a few modules of a code in a photo of a whole page."""
_DARKER: Final = [round(255 * (level / 255) ** 2) for level in range(256)]
_CHANGED: Final[tuple[tuple[str, str, float, Callable[[Image.Image], Image.Image], bool], ...]] = (
    ("levelled", "base", 1, _levelled, False),
    ("refocused", "base", 1, _refocused(2.0, 0.02), False),
    ("smoothed", "base", 1, _smoothed(1.5), False),
    ("enlarged", "base", 2, lambda picture: picture, True),
    ("enlarged, smoothed", "base", 2, _smoothed(1.5), False),
    ("denoised, enlarged", "calm", 2, lambda picture: picture, False),
    ("enlarged, sharpened", "base", 3, _sharpened(6, 300), False),
    ("enlarged, binarised", "base", 3, _binarised, False),
    *((f"refocused, lens {radius}", "base", 1, _refocused(radius, 0.005, disc=True), False) for radius in (3, 4, 5, 6)),
)


def _shrunk(picture: Image.Image) -> tuple[Image.Image, float]:
    factor = (MAX_FILTERED_PIXELS / (picture.width * picture.height)) ** 0.5
    return (picture, 1.0) if factor >= 1 else _scaled(picture, factor, Image.Resampling.BOX)


def _enlarged(picture: Image.Image, factor: float) -> tuple[Image.Image, float]:
    most = (MAX_WORKING_PIXELS / (picture.width * picture.height)) ** 0.5
    return _scaled(picture, min(factor, most), Image.Resampling.BICUBIC)


def _scaled(picture: Image.Image, factor: float, how: Image.Resampling) -> tuple[Image.Image, float]:
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, how), size[0] / picture.width
