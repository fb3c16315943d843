"""Certificate pages as they come back: photographed by hand, crumpled, faxed, scanned coarsely. Always the same pictures.

Used by `benchmarks/scanning.py` and by the tests of the readers. A photo is made as a camera makes it: the sheet lies on a
table, is bent, lit, seen in perspective, blurred by lens and hand, falls on a sensor of so many pixels with its noise, and is
sharpened and compressed. Sizes of blurs are in pixels of the finished photo.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

DPI = 200
"""Of the pages that the pictures are made from."""

Array = np.ndarray


class Picture(NamedTuple):
    kind: str
    name: str
    image: Image.Image


@dataclass(frozen=True)
class Photo:
    """How one photo is taken."""

    megapixels: float = 2.0
    tilt: float = 0.15
    """How much shorter the far edges are."""
    turn: float = 4.0
    """Degrees."""
    fill: float = 0.88
    """Share of the frame that the sheet takes; over 1 the camera is nearer than the sheet is large."""
    defocus: float = 0.0
    """Radius of the disc that a point becomes."""
    motion: float = 0.0
    """Length of the line that a point becomes."""
    glare: float = 0.0
    shadow: float = 0.15
    noise: float = 4.0
    sharpening: int = 60
    quality: int = 75
    crumple: float = 0.0
    """Pixels, of a page of 200 dpi, by which folds move the print."""
    cut: float = 0.0
    """Millimetres of the bottom left corner that are torn off, along the edges; the code begins about 15 mm from them."""
    screen: float = 0.0
    """Dots per inch of the screen that is photographed instead of paper; 0 for paper."""


def photographed(page: Image.Image, rng: np.random.Generator, how: Photo) -> Image.Image:
    sheet = page.convert("L")
    if how.screen:
        sheet = _on_screen(sheet, how.screen)
    if how.crumple:
        sheet = _crumpled(sheet, rng, how.crumple)
    ink = Image.new("L", sheet.size, 255)
    if how.cut:
        side = how.cut * sheet.width / (page.width * 25.4 / DPI)
        height = sheet.height
        ImageDraw.Draw(ink).polygon([(0, height), (0, height - side * 1.15), (side, height)], fill=0)
    width = round((how.megapixels * 1e6 * 0.75) ** 0.5)
    height = round(width / 0.75)
    over = 1 if how.screen else 2
    corners = _corners(rng, sheet.size, (width * over, height * over), how)
    frame = (width * over, height * over)
    coefficients = _coefficients(corners, [(0, 0), (sheet.width, 0), (sheet.width, sheet.height), (0, sheet.height)])
    seen, mask = (
        np.asarray(
            picture.transform(frame, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR), np.float32
        )
        for picture in (sheet, ink)
    )
    table = 70 + 12 * np.asarray(
        Image.fromarray(rng.normal(0, 1, (height // 40 + 2, width // 3 + 2)).astype(np.float32)).resize(frame)
    )
    light = _box(np.where(mask > 127, seen * 0.78 + 26, table), over)
    light = _lit(light, rng, how)
    light = _blurred(light, rng, how)
    light = light + rng.normal(0, 1, light.shape) * how.noise * np.sqrt(0.4 + light / 255)
    finished = _image(light).filter(ImageFilter.UnsharpMask(1.2, how.sharpening, 2))
    return _jpeg(finished, how.quality)


def scanned(
    page: Image.Image, rng: np.random.Generator, *, dpi: float, skew: float = 0.0, noise: float = 5.0, quality: int = 60
) -> Image.Image:
    """A flat-bed or feeder: a sheet not quite straight, dull paper, the sensor's noise, JPEG."""
    turned = page.convert("L").rotate(skew, Image.Resampling.BICUBIC, fillcolor=255)
    light = np.asarray(_resized(turned, dpi, dpi), np.float32) * 0.85 + 30
    streaks = rng.normal(0, noise / 2, (1, light.shape[1]))
    return _jpeg(_image(light + streaks + rng.normal(0, noise, light.shape)), quality)


def faxed(
    page: Image.Image,
    rng: np.random.Generator,
    *,
    across: int = 100,
    down: int = 200,
    threshold: int = 128,
    skew: float = 0.0,
    lost: int = 0,
    square: bool = False,
) -> Image.Image:
    """One bit a dot (ITU-T T.4), as the receiving server stores it or shown with square pixels. Lost lines repeat the one above."""
    turned = page.convert("L").rotate(skew, Image.Resampling.BICUBIC, fillcolor=255)
    grey = np.asarray(_resized(turned, across, down), np.float32)
    bits = np.where(grey + rng.normal(0, 8, grey.shape) > threshold, 255, 0).astype(np.uint8)
    for row in sorted(rng.integers(1, bits.shape[0], lost)):
        bits[row] = bits[row - 1]
    picture = Image.fromarray(bits)
    if square:
        most = max(across, down)
        picture = picture.resize(
            (round(picture.width * most / across), round(picture.height * most / down)), Image.Resampling.NEAREST
        )
    return picture.convert("1")


def _corners(
    rng: np.random.Generator, sheet: tuple[int, int], frame: tuple[int, int], how: Photo
) -> list[tuple[float, float]]:
    """Where the sheet's corners lie in the frame; one that is larger than the frame shows its lower left part."""
    scale = how.fill * min(frame[0] / sheet[0], frame[1] / sheet[1])
    across, down = sheet[0] * scale / 2, sheet[1] * scale / 2
    angle = np.radians(how.turn) * rng.choice((-1, 1))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    far = how.tilt * rng.uniform(0.7, 1.0)
    near = how.tilt * rng.uniform(0.0, 0.4)
    flat = np.array([(-across, -down), (across, -down), (across, down), (-across, down)], float)
    flat[:2, 0] *= 1 - far
    flat[1:3, 1] *= 1 - near
    middle = np.array([frame[0] / 2, frame[1] / 2])
    if how.fill > 1:
        code = np.array([-across * 0.65, down * 0.72])
        middle = middle - turn @ code
    return [(float(x), float(y)) for x, y in flat @ turn.T + middle]


def _on_screen(sheet: Image.Image, dpi: float) -> Image.Image:
    """Every pixel as three upright stripes with dark seams between: what makes moire in a photo of it."""
    shown = np.asarray(_resized(sheet, dpi, dpi), np.uint8)
    large = np.repeat(np.repeat(shown, 4, 0), 4, 1).astype(np.float32)
    large[:, 3::4] *= 0.25
    large[3::4] *= 0.25
    large[:, 0::4] *= 0.8  # red and blue are darker than green
    large[:, 2::4] *= 0.55
    return _image(large * 1.25)


def _crumpled(sheet: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Folds in all directions: heights move the print aside, slopes shade it."""
    y, x = np.mgrid[0 : sheet.height, 0 : sheet.width].astype(np.float32)
    heights = np.zeros_like(x)
    for _ in range(16):
        angle, spacing = rng.uniform(0, np.pi), rng.uniform(90, 400)
        along = (x * np.cos(angle) + y * np.sin(angle)) / spacing + rng.uniform(0, 1)
        heights += np.abs(along - np.floor(along + 0.5)).astype(np.float32) * spacing
    soft = Image.fromarray(heights).resize((sheet.width // 6, sheet.height // 6), Image.Resampling.BOX)
    heights = np.asarray(soft.resize(sheet.size, Image.Resampling.BICUBIC))
    heights = heights - heights.mean()
    shift = heights / heights.std() * strength
    pixels = np.asarray(sheet, np.float32)
    rows = np.clip(np.rint(y + 0.8 * shift), 0, sheet.height - 1).astype(np.intp)
    columns = np.clip(np.rint(x + 0.6 * shift), 0, sheet.width - 1).astype(np.intp)
    slope = np.gradient(shift, axis=1) - 0.5 * np.gradient(shift, axis=0)
    return _image(pixels[rows, columns] * np.clip(1 + 1.6 * slope, 0.45, 1.1) - 10)


def _lit(light: Array, rng: np.random.Generator, how: Photo) -> Array:
    """A lamp, the photographer's shadow, a lens darker at its edges, a reflection near the code."""
    height, width = light.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = x / width, y / height
    edge = rng.uniform(0.25, 0.6)
    shadow = 1 - how.shadow / (1 + np.exp(-(u + rng.uniform(-0.5, 0.5) * v - edge) / 0.03))
    lens = 1 - 0.25 * ((u - 0.5) ** 2 + (v - 0.5) ** 2)
    lit = light * shadow * lens * rng.uniform(0.85, 1.1)
    if how.glare:
        at = (0.5, 0.5) if how.fill > 1 else (0.2, 0.78)
        centre = (at[0] + rng.uniform(-0.08, 0.08), at[1] + rng.uniform(-0.05, 0.05))
        lamp = np.exp(-(((u - centre[0]) / 0.13) ** 2 + ((v - centre[1]) / 0.08) ** 2))
        lit = lit + 260 * how.glare * lamp
    return np.clip(lit, 0, 255)


def _blurred(light: Array, rng: np.random.Generator, how: Photo) -> Array:
    size = 41
    y, x = np.mgrid[-20:21, -20:21].astype(float)
    kernel = np.exp(-(x**2 + y**2) / (2 * 0.55**2))
    spectrum = _spectrum(kernel, light.shape)
    if how.defocus:
        spectrum = spectrum * _spectrum(np.clip(how.defocus + 0.5 - np.hypot(x, y), 0, 1), light.shape)
    if how.motion:
        angle, line = rng.uniform(0, np.pi), np.zeros((size, size))
        for step in np.linspace(-how.motion / 2, how.motion / 2, 200):
            row, column = 20 + step * np.sin(angle), 20 + step * np.cos(angle)
            top, left = int(row), int(column)
            down, across = row - top, column - left
            for dy, dx, weight in (
                (0, 0, (1 - down) * (1 - across)),
                (0, 1, (1 - down) * across),
                (1, 0, down * (1 - across)),
                (1, 1, down * across),
            ):
                line[top + dy, left + dx] += weight
        spectrum = spectrum * _spectrum(line, light.shape)
    return np.fft.irfft2(np.fft.rfft2(light) * spectrum, s=light.shape)


def _spectrum(kernel: Array, shape: tuple[int, ...]) -> Array:
    padded = np.zeros(shape)
    padded[: kernel.shape[0], : kernel.shape[1]] = kernel / kernel.sum()
    return np.fft.rfft2(np.roll(padded, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)), (0, 1)))


def _box(pixels: Array, by: int) -> Array:
    return pixels.reshape(pixels.shape[0] // by, by, pixels.shape[1] // by, by).mean((1, 3))


def _resized(sheet: Image.Image, across: float, down: float) -> Image.Image:
    return sheet.resize((round(sheet.width * across / DPI), round(sheet.height * down / DPI)), Image.Resampling.BOX)


def _jpeg(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def _image(pixels: Array) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _coefficients(source: Sequence[tuple[float, float]], target: Sequence[tuple[float, float]]) -> list[float]:
    """Pillow's eight perspective coefficients that bring `source` back to `target`."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    values = [value for point in target for value in point]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]


Make = Callable[[Image.Image, np.random.Generator], Image.Image]


def _photos(kind: str, base: Photo, *changes: dict[str, float]) -> Iterator[tuple[str, str, Make]]:
    for change in changes:
        how = replace(base, **change)  # type: ignore[arg-type]
        yield kind, _named(change), lambda page, rng, how=how: photographed(page, rng, how)


def _others(
    kind: str, make: Callable[..., Image.Image], *settings: dict[str, float]
) -> Iterator[tuple[str, str, Make]]:
    for setting in settings:
        yield kind, _named(setting), lambda page, rng, setting=setting: make(page, rng, **setting)


def _named(setting: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in setting.items())


_ONE, _TWO, _THREE = ({"megapixels": float(n)} for n in (1, 2, 3))

CASES: tuple[tuple[str, str, Make], ...] = (
    *_photos(
        "perspective", Photo(), *(size | {"tilt": t} for size in (_ONE, _TWO, _THREE) for t in (0.2, 0.4, 0.55, 0.65))
    ),
    *_photos("glare", Photo(), *(size | {"glare": g} for size in (_TWO, _THREE) for g in (0.3, 0.5, 0.7, 0.9, 1.1))),
    *_photos("defocus", Photo(megapixels=3), *({"defocus": d} for d in (1.0, 1.5, 2.0, 2.5, 3.0))),
    *_photos("defocus", Photo(megapixels=2, fill=1.6), *({"defocus": d} for d in (2.0, 3.0, 4.0, 5.0, 6.0))),
    *_photos("motion", Photo(megapixels=3), *({"motion": m} for m in (2.0, 3.0, 4.0, 5.0, 6.0))),
    *_photos("motion", Photo(megapixels=2, fill=1.6), *({"motion": m} for m in (4.0, 6.0, 8.0, 10.0, 12.0))),
    *_photos(
        "JPEG 40",
        Photo(quality=40),
        *(size | {"noise": n} for size in (_ONE, _TWO, _THREE) for n in (4.0, 9.0, 14.0, 20.0)),
    ),
    *_photos("crumple", Photo(megapixels=3), *({"crumple": c} for c in (2.0, 3.0, 4.0, 5.0, 6.0, 8.0))),
    *_photos("crumple", Photo(megapixels=2, fill=1.6), *({"crumple": c} for c in (3.0, 4.0, 6.0, 8.0))),
    *_photos("cut corner", Photo(megapixels=3), *({"cut": c} for c in (28.0, 34.0, 38.0, 41.0, 44.0))),
    *_photos("cut corner", Photo(megapixels=2, fill=1.6), *({"cut": c} for c in (32.0, 36.0, 40.0, 43.0, 46.0))),
    *_photos(
        "moire",
        Photo(megapixels=3, tilt=0.08, noise=3),
        *({"screen": d, "turn": t} for d in (96.0, 120.0) for t in (1.0, 6.0)),
    ),
    *_photos(
        "moire",
        Photo(megapixels=2, fill=1.6, tilt=0.08),
        *({"screen": d, "turn": t} for d in (80.0, 96.0, 120.0) for t in (1.0, 6.0)),
    ),
    *_others(
        "fax",
        faxed,
        {},
        {"square": True},
        {"threshold": 80},
        {"threshold": 190, "skew": 1.0},
        {"skew": 4.0, "lost": 60},
        {"across": 200, "down": 100},
        {"across": 200, "down": 100, "square": True},
        {"across": 200, "down": 100, "threshold": 85, "skew": -1.5},
        {"across": 200, "down": 100, "threshold": 185, "lost": 30},
        {"across": 200, "down": 100, "skew": 5.0, "lost": 60, "square": True},
    ),
    *_others(
        "coarse scan",
        scanned,
        *(
            {"dpi": d, "skew": s, "noise": n}
            for d in (72, 85, 100, 150)
            for s, n in ((0.7, 5.0), (-2.5, 12.0), (5.0, 20.0))
        ),
    ),
    *_photos(
        "together",
        Photo(),
        {"megapixels": 3.0, "tilt": 0.3, "glare": 0.6, "defocus": 1.5, "quality": 40},
        {"megapixels": 3.0, "crumple": 3.0, "motion": 3.0, "quality": 50},
        {"megapixels": 2.0, "crumple": 2.0, "shadow": 0.5, "noise": 8.0},
        {"megapixels": 2.0, "tilt": 0.35, "motion": 3.5, "quality": 40},
        {"megapixels": 1.0, "defocus": 1.2, "noise": 6.0},
        {"megapixels": 1.0, "fill": 1.6, "motion": 4.0, "glare": 0.7, "quality": 40},
        {"megapixels": 1.0, "fill": 1.6, "crumple": 3.0, "defocus": 2.0},
        {"megapixels": 2.0, "fill": 1.6, "cut": 34.0, "crumple": 3.0, "quality": 40},
        {"megapixels": 3.0, "turn": 25.0, "tilt": 0.5, "shadow": 0.6, "noise": 12.0, "quality": 40},
        {"megapixels": 2.0, "turn": 90.0, "glare": 0.7, "defocus": 1.6},
    ),
)
"""Kind, strength, and what makes the picture of a page; from what everybody reads to what nobody does."""


def pictures(pages: Sequence[Image.Image], kinds: Sequence[str] = ()) -> Iterator[tuple[int, Picture]]:
    """Each case, of one of the pages by turns: the page's number and the picture. `kinds` chooses; empty for all."""
    for number, (kind, name, make) in enumerate(CASES):
        if not kinds or kind in kinds:
            page = number % len(pages)
            seed = zlib.crc32(f"{kind}, {name}".encode())
            yield page, Picture(kind, name, make(pages[page], np.random.default_rng([20261130, seed])))
