from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageOps

from signing_core.certificate import qr_writer
from signing_core.certificate.readers import QrReader, ZbarReader, ZxingReader
from signing_core.errors import UsageError


def texts(image: Image.Image, **options: Any) -> list[str]:
    return [code.text for code in ZxingReader(**options).read(image)]


def symbol(text: str, scale: int = 6) -> Image.Image:
    rows = qr_writer.write(text).rows
    pixels = np.where(np.pad(np.array(rows), 4), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize((pixels.shape[1] * scale, pixels.shape[0] * scale), Image.Resampling.NEAREST)


def test_both_readers_fit_the_protocol() -> None:
    assert isinstance(ZxingReader(), QrReader)
    assert isinstance(ZbarReader(), QrReader)
    assert ZxingReader().unavailable is None


def test_the_rendered_certificate_is_read_as_it_is(printed: SimpleNamespace) -> None:
    (code,) = ZxingReader().read(printed.image)
    assert (code.text, code.symbology, code.method) == (printed.url, "QRCode", "plain")
    (left, top), _, (right, bottom), _ = code.corners
    assert right - left == pytest.approx(40 / 25.4 * 200, abs=2)
    assert bottom - top == pytest.approx(40 / 25.4 * 200, abs=2)


@pytest.mark.slow
def test_degraded_certificates_are_read_and_never_wrongly(printed: SimpleNamespace, degraded: ModuleType) -> None:
    reader, read, count = ZxingReader(), 0, 0
    for kind, strength, image in degraded.variants(printed.image):
        found = [code.text for code in reader.read(image)]
        assert found in ([printed.url], []), f"a wrong text after {kind} {strength}"
        read += bool(found)
        count += 1
    assert count == 62
    assert read >= 58


@pytest.mark.corpus
def test_foreign_codes_are_read_and_never_wrongly(qr_corpus: Path) -> None:
    reader, read, wrong, count = ZxingReader(), 0, [], 0
    for picture in sorted(p for p in qr_corpus.glob("*/*") if p.suffix in (".png", ".jpg", ".webp")):
        expectation = picture.with_suffix(".txt")
        if not expectation.exists():
            continue
        expected = expectation.read_bytes().decode()
        with Image.open(picture) as image:
            found = [code.text for code in reader.read(image)]
        count += 1
        read += expected in found
        if found and expected not in found:
            wrong.append(picture)
    assert count == 137
    assert wrong == []
    assert read == 137


@pytest.mark.parametrize("degrees", [0, 8, 45, 90, 135, 180, 200, 270, 333])
def test_any_rotation(degrees: float) -> None:
    turned = symbol("ROTATED").rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert texts(turned) == ["ROTATED"]


def test_several_codes_top_to_bottom() -> None:
    page = Image.new("L", (900, 1200), 255)
    for number, place in enumerate(((500, 50), (60, 400), (450, 800))):
        page.paste(symbol(f"CODE {number}"), place)
    assert texts(page) == ["CODE 0", "CODE 1", "CODE 2"]


def test_a_hard_code_beside_an_easy_one_is_read_too() -> None:
    page = np.full((700, 700), 255, np.uint8)
    easy, hard = np.asarray(symbol("EASY")), np.asarray(symbol("HARD" * 12)).copy()
    rng = np.random.default_rng(2)
    hard[rng.random(hard.shape) < 0.21] = 0
    hard[rng.random(hard.shape) < 0.21] = 255
    page[10 : 10 + easy.shape[0], 10 : 10 + easy.shape[1]] = easy
    page[330 : 330 + hard.shape[0], 330 : 330 + hard.shape[1]] = hard
    plain = texts(Image.fromarray(page), thorough=False)
    assert plain == ["EASY"], "the hard one must be hard, else this shows nothing"
    assert texts(Image.fromarray(page)) == ["EASY", "HARD" * 12]


def test_a_crumpled_sheet_is_flattened(printed: SimpleNamespace) -> None:
    cut = printed.image.convert("L").crop((90, 1720, 520, 2120))
    pixels = np.asarray(cut)
    y, x = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]].astype(float)
    shift_y = 3 * np.sin(x / 31) * np.sin(y / 43)
    shift_x = 3 * np.sin(y / 34 + 1) * np.sin(x / 40)
    rows = np.clip(np.rint(y + shift_y), 0, pixels.shape[0] - 1).astype(int)
    columns = np.clip(np.rint(x + shift_x), 0, pixels.shape[1] - 1).astype(int)
    crumpled = Image.fromarray(pixels[rows, columns])
    assert zxingcpp.read_barcodes(crumpled) == []
    (code,) = ZxingReader().read(crumpled)
    assert (code.text, code.method) == (printed.url, "flattened")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F", "HSV", "LAB"])
def test_every_mode_of_pillow(mode: str) -> None:
    image = symbol("MODES")
    if mode == "LAB":
        image = Image.merge("LAB", (image, Image.new("L", image.size, 128), Image.new("L", image.size, 128)))
    else:
        image = image.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr", "HSV", "P") else image.convert(mode)
    assert texts(image) == ["MODES"]


def test_transparent_paper_is_white() -> None:
    ink = Image.new("RGBA", symbol("INK").size, (0, 0, 0, 0))
    ink.paste((0, 0, 0, 255), mask=ImageOps.invert(symbol("INK")))
    assert texts(ink) == ["INK"]


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (3, 4000), (400, 300)])
def test_pictures_without_a_code(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    assert texts(Image.new("RGB", size, "white")) == []
    assert texts(Image.fromarray(rng.integers(0, 255, size[::-1], dtype=np.uint8))) == []


def test_the_pixel_limit_is_kept() -> None:
    with pytest.raises(UsageError, match="more than"):
        ZxingReader(max_pixels=10_000).read(Image.new("L", (101, 100)))


def test_without_zbar_the_second_reader_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "zbar" else find(name, *rest))
    reader = ZbarReader()
    assert reader.unavailable is not None and "sealtrail[zbar]" in reader.unavailable
    with pytest.raises(UsageError, match="sealtrail"):
        reader.read(Image.new("L", (100, 100)))
