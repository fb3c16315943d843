"""A printed authenticity certificate as life treats it: 62 seeded variants of one rendered page.

Used by `benchmarks/scanning.py` and by the tests of the readers. `page` is the certificate rendered at 200 dpi; each variant
says what was done to it and how strongly.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

DPI = 200
"""Of the page that the variants start from."""

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def variants(page: Image.Image, seed: int = 20261125) -> Iterator[tuple[str, str, Image.Image]]:
    """`(kind, strength, picture)` for each of the 62 variants, always the same for the same page and seed."""
    grey = page.convert("L")
    for number, (kind, strength, change) in enumerate(_CHANGES):
        yield kind, strength, change(grey, np.random.default_rng([seed, number]))


def scaled(page: Image.Image, dpi: float) -> Image.Image:
    return page.resize((round(page.width * dpi / DPI), round(page.height * dpi / DPI)), Image.Resampling.BOX)


def blur(page: Image.Image, rng: np.random.Generator, *, radius: float, dpi: int = 150) -> Image.Image:
    return _photo(scaled(page, dpi).filter(ImageFilter.GaussianBlur(radius)), rng)


def motion(page: Image.Image, rng: np.random.Generator, *, length: int, dpi: int = 150) -> Image.Image:
    pixels = np.asarray(scaled(page, dpi), dtype=np.float32)
    smeared = sum(np.roll(np.roll(pixels, step, axis=1), step // 2, axis=0) for step in range(length)) / length
    return _photo(_image(np.asarray(smeared)), rng)


def noise(page: Image.Image, rng: np.random.Generator, *, sigma: float, dpi: int = 150) -> Image.Image:
    pixels = np.asarray(scaled(page, dpi), dtype=np.float32)
    return _image(pixels + rng.normal(0, sigma, pixels.shape))


def specks(page: Image.Image, rng: np.random.Generator, *, share: float, dpi: int = 150) -> Image.Image:
    """Black and white pixels strewn over `share` of the page: dust, a bad copier."""
    pixels = np.asarray(scaled(page, dpi)).copy()
    hit = rng.random(pixels.shape)
    pixels[hit < share / 2] = 0
    pixels[hit > 1 - share / 2] = 255
    return Image.fromarray(pixels)


def jpeg(page: Image.Image, rng: np.random.Generator, *, quality: int, dpi: int) -> Image.Image:
    buffer = io.BytesIO()
    scaled(page, dpi).save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def resolution(page: Image.Image, rng: np.random.Generator, *, dpi: int) -> Image.Image:
    return _photo(scaled(page, dpi), rng, sigma=2)


def rotation(page: Image.Image, rng: np.random.Generator, *, degrees: float, dpi: int = 120) -> Image.Image:
    return _photo(scaled(page, dpi).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=90), rng)


def perspective(page: Image.Image, rng: np.random.Generator, *, tilt: float, dpi: int = 150) -> Image.Image:
    """The sheet on a table, photographed from the side: one edge is `tilt` shorter than the other."""
    flat = scaled(page, dpi)
    width, height = flat.size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    pull = rng.uniform(0.6, 1.0, 4) * tilt
    to = [
        (width * pull[0] / 2, height * pull[1] / 3),
        (width * (1 - pull[1] / 2), height * pull[0] / 4),
        (width * (1 - pull[2] / 8), height * (1 - pull[3] / 4)),
        (width * pull[3] / 6, height * (1 - pull[2] / 3)),
    ]
    warped = flat.transform(
        flat.size, Image.Transform.PERSPECTIVE, _coefficients(to, corners), Image.Resampling.BICUBIC, fillcolor=80
    )
    return _photo(warped.filter(ImageFilter.GaussianBlur(0.7)), rng)


def glare(page: Image.Image, rng: np.random.Generator, *, strength: float, dpi: int = 150) -> Image.Image:
    """A lamp mirrored beside the code and a shadow across it."""
    pixels = np.asarray(scaled(page, dpi), dtype=np.float32)
    height, width = pixels.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    centre = (width * rng.uniform(0.08, 0.28), height * rng.uniform(0.76, 0.88))
    lamp = np.exp(-(((x - centre[0]) / (width * 0.10)) ** 2 + ((y - centre[1]) / (height * 0.06)) ** 2))
    shadow = 1 - 0.55 * strength / (1 + np.exp(-(x + 0.4 * y - width * rng.uniform(0.3, 0.6)) / (width * 0.02)))
    lit = pixels * 0.85 * shadow + 20
    return _photo(_image(lit + (255 - lit) * lamp * strength), rng)


def fax(
    page: Image.Image, rng: np.random.Generator, *, lines: int, threshold: int, errors: int = 0, skew: float = 0.0
) -> Image.Image:
    """ITU-T T.4: 204 dots an inch across, 98 (standard) or 196 (fine) down, one bit, shown with square pixels."""
    turned = page.rotate(skew, Image.Resampling.BICUBIC, fillcolor=255)
    sent = turned.resize((round(page.width * 204 / DPI), round(page.height * lines / DPI)), Image.Resampling.BOX)
    bits = np.where(np.asarray(sent) > threshold, 255, 0).astype(np.uint8)
    for row in rng.integers(0, bits.shape[0], errors):  # a lost line repeats the one above it
        bits[row] = bits[row - 1]
    picture = Image.fromarray(bits)
    return picture.resize((picture.width, round(page.height * 204 / DPI)), Image.Resampling.NEAREST)


def worn(page: Image.Image, rng: np.random.Generator, *, folds: int, stain: float, dpi: int = 150) -> Image.Image:
    """Folds through the code, a stain on a corner of it."""
    sheet = scaled(page, dpi)
    draw = ImageDraw.Draw(sheet)
    left, top, right, bottom = (sheet.width * 0.075, sheet.height * 0.755, sheet.width * 0.28, sheet.height * 0.9)
    for _ in range(folds):
        y = rng.uniform(top, bottom)
        draw.line((0, y, sheet.width, y + rng.uniform(-20, 20)), fill=235, width=3)
    if stain:
        x, y = rng.uniform(left + 30, right), rng.uniform(top + 30, bottom)
        radius = stain * (right - left) / 2
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=70)
    return _photo(sheet.filter(ImageFilter.GaussianBlur(0.8)), rng)


def _photo(picture: Image.Image, rng: np.random.Generator, sigma: float = 4) -> Image.Image:
    """What every camera adds: grey paper, some noise, JPEG."""
    pixels = np.asarray(picture, dtype=np.float32) * 0.82 + 22
    buffer = io.BytesIO()
    _image(pixels + rng.normal(0, sigma, pixels.shape)).save(buffer, "JPEG", quality=80)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _coefficients(source: list[tuple[float, float]], target: list[tuple[float, float]]) -> list[float]:
    """Pillow's eight perspective coefficients that bring `source` back to `target`."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    values = [value for point in target for value in point]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]


def _many(kind: str, change: Callable[..., Image.Image], *settings: dict[str, float]) -> list[tuple[str, str, Change]]:
    return [
        (kind, ", ".join(f"{name} {value:g}" for name, value in one.items()), partial(change, **one))
        for one in settings
    ]


_CHANGES: list[tuple[str, str, Change]] = [
    *_many("blur", blur, *({"radius": r} for r in (0.8, 1.2, 1.6, 2.0, 2.4, 2.8))),
    *_many("blur", motion, *({"length": n} for n in (3, 5, 7))),
    *_many("noise", noise, *({"sigma": s} for s in (15, 30, 45, 60, 80))),
    *_many("noise", specks, *({"share": s} for s in (0.02, 0.05, 0.10, 0.15))),
    *_many("jpeg", jpeg, *({"quality": q, "dpi": d} for d in (150, 100) for q in (40, 20, 10, 5))),
    *_many("resolution", resolution, *({"dpi": d} for d in (110, 90, 80, 70, 62))),
    *_many("rotation", rotation, *({"degrees": d} for d in (3, 17, 45, 90, 133, 180, 271))),
    *_many("perspective", perspective, *({"tilt": t} for t in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8))),
    *_many("glare", glare, *({"strength": s} for s in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9))),
    *_many(
        "fax",
        fax,
        {"lines": 196, "threshold": 128},
        {"lines": 196, "threshold": 100, "errors": 60},
        {"lines": 196, "threshold": 150, "skew": 2},
        {"lines": 98, "threshold": 128},
        {"lines": 98, "threshold": 128, "errors": 20},
        {"lines": 98, "threshold": 110, "skew": 1.5},
    ),
    *_many(
        "worn",
        worn,
        {"folds": 2, "stain": 0},
        {"folds": 4, "stain": 0},
        {"folds": 1, "stain": 0.3},
        {"folds": 2, "stain": 0.45},
    ),
]
