"""One picture of each kind of `benchmarks/worst_paper.py` that has to be read, and texts that must never be made up."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from signing_core.certificate import qr_writer
from signing_core.certificate.readers import ZxingReader, dewarp
from signing_core.certificate.readers.zxing import SECONDS

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def worst_paper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worst_paper", PROJECT / "benchmarks" / "worst_paper.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["worst_paper"] = module  # for its dataclass
    spec.loader.exec_module(module)
    return module


NEAR = {"megapixels": 1.0, "fill": 2.2, "tilt": 0.1}
"""A small photo from close by."""
PHOTOS: dict[str, dict[str, float]] = {
    "a whole page in one megapixel": {"megapixels": 1.0, "tilt": 0.2},
    "perspective": NEAR | {"tilt": 0.45},
    "glare": NEAR | {"glare": 0.7},
    "defocus": NEAR | {"defocus": 3.5},
    "a strong defocus": {"megapixels": 2.0, "fill": 1.6, "defocus": 5.0},
    "motion": NEAR | {"motion": 5.0},
    "JPEG 40": NEAR | {"quality": 40, "noise": 14.0},
    "crumple": NEAR | {"crumple": 3.0},
    "cut corner": NEAR | {"cut": 36.0},
    "moire": NEAR | {"screen": 110.0},
    "together": NEAR | {"crumple": 1.5, "motion": 2.0, "glare": 0.4, "quality": 40},
}


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_photo_of_each_kind_is_read(kind: str, printed: SimpleNamespace, worst_paper: ModuleType) -> None:
    how = worst_paper.Photo(**PHOTOS[kind])
    photo = worst_paper.photographed(printed.image, np.random.default_rng(5), how)
    assert [code.text for code in ZxingReader().read(photo)] == [printed.url]


@pytest.mark.parametrize(
    "settings",
    [{}, {"skew": 2.0, "lost": 20}, {"across": 200, "down": 100}, {"across": 200, "down": 100, "threshold": 90}],
    ids=str,
)
def test_a_fax_is_read(settings: dict[str, Any], printed: SimpleNamespace, worst_paper: ModuleType) -> None:
    fax = worst_paper.faxed(printed.image, np.random.default_rng(5), **settings)
    assert fax.mode == "1"
    assert [code.text for code in ZxingReader().read(fax)] == [printed.url]


@pytest.mark.parametrize(("dpi", "skew", "noise"), [(72, 1.0, 6.0), (100, -3.0, 12.0), (150, 5.0, 20.0)])
def test_a_coarse_scan_is_read(
    dpi: int, skew: float, noise: float, printed: SimpleNamespace, worst_paper: ModuleType
) -> None:
    scan = worst_paper.scanned(printed.image, np.random.default_rng(5), dpi=dpi, skew=skew, noise=noise)
    assert [code.text for code in ZxingReader().read(scan)] == [printed.url]


def drawn(modules: np.ndarray, scale: int = 4) -> Image.Image:
    pixels = np.where(np.pad(modules, 4), 0, 255).astype(np.uint8)
    return Image.fromarray(np.kron(pixels, np.ones((scale, scale), np.uint8)))


@settings(max_examples=25, deadline=None)
@given(
    text=st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=1, max_size=250),
    share=st.floats(0.0, 0.5),
    block=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_spoilt_modules_give_the_text_or_none(text: str, share: float, block: bool, seed: int) -> None:
    """However many modules are turned, strewn or in one place: another text is never read."""
    modules = np.array(qr_writer.write(text).rows)
    rng = np.random.default_rng(seed)
    if block:
        side = max(1, int(len(modules) * share**0.5))
        row, column = rng.integers(0, len(modules) - side + 1, 2)
        spoilt = (slice(row, row + side), slice(column, column + side))
        modules[spoilt] = rng.random((side, side)) < 0.5
    else:
        modules ^= rng.random(modules.shape) < share
    found = [code.text for code in ZxingReader(seconds=1.0).read(drawn(modules))]
    assert found in ([text], [])


def test_what_all_codes_of_a_size_share_is_in_the_codes_that_we_write() -> None:
    for length in (1, 40, 120, 250):
        modules = np.where(np.array(qr_writer.write("A" * length).rows), -1, 1)
        known = dewarp._known(len(modules))
        assert (modules[known != 0] == known[known != 0]).all()
        assert (known != 0).sum() > 200


@pytest.mark.slow
def test_a_hopeless_picture_is_given_up_within_the_budget() -> None:
    rng = np.random.default_rng(8)
    finders = drawn(np.array(qr_writer.write("A" * 250).rows) ^ (rng.random((61, 61)) < 0.3), 12)
    strewn = Image.fromarray(rng.integers(0, 255, (2000, 1500), dtype=np.uint8))
    strewn.paste(finders, (100, 300))
    for picture in (strewn, strewn.resize((9000, 12000), Image.Resampling.BICUBIC)):
        started = time.thread_time()
        assert ZxingReader().read(picture) == []
        assert time.thread_time() - started < SECONDS + 6


def test_no_further_look_is_begun_when_the_time_is_up(printed: SimpleNamespace, worst_paper: ModuleType) -> None:
    photo = worst_paper.photographed(
        printed.image, np.random.default_rng(5), worst_paper.Photo(**NEAR | {"defocus": 4.5})
    )
    assert ZxingReader(seconds=0.0).read(photo) == []
    assert [code.text for code in ZxingReader().read(photo)] == [printed.url]


def test_an_easy_picture_is_read_at_the_first_look(printed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from signing_core.certificate.readers import pictures

    monkeypatch.setattr(pictures, "attempts", lambda picture: pytest.fail("looked again"))
    assert [code.method for code in ZxingReader().read(printed.image)] == ["plain"]
