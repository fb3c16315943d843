from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from signing_core.certificate import page, readback
from signing_core.certificate.facts import CertificateData, Picture
from signing_core.certificate.readers import FoundCode, ZbarReader, ZxingReader
from signing_core.pdf import render


class Missing:
    name = "missing 1.0"
    unavailable = "It is not installed; install it."

    def read(self, image: Image.Image) -> list[FoundCode]:
        raise AssertionError("a reader that is not there must not be asked")


def test_both_readers_read_exactly_the_text(printed: SimpleNamespace) -> None:
    result = readback.read_back(printed.image, printed.url)
    assert result.ok and result.reason is None
    assert [name.split()[0] for name in result.readers] == ["zxing-cpp", "zbar-py"]
    second = "read" if ZbarReader().unavailable is None else "not-done"
    assert list(result.readers.values()) == ["read", second]
    assert result.second_done == (second == "read")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_longest_certificate_reads_back_at_every_usual_resolution(
    extreme: CertificateData, url_of: Callable[[CertificateData], str], language: str
) -> None:
    pdf = page.typeset(extreme, url_of(extreme), language)
    for dpi in (readback.DPI, 175, 250, 300):
        result = readback.read_back(render.render(pdf, 1, dpi=dpi), url_of(extreme))
        assert result.ok, (dpi, result)


def test_a_strip_below_the_page_does_not_matter(printed: SimpleNamespace) -> None:
    taller = Image.new("RGB", (printed.image.width, printed.image.height + 60), "white")
    taller.paste(printed.image, (0, 0))
    assert readback.read_back(taller, printed.url).ok


def test_without_the_extra_the_second_reading_is_recorded_as_not_done(printed: SimpleNamespace) -> None:
    result = readback.read_back(printed.image, printed.url, readers=(ZxingReader(thorough=False), Missing()))
    assert result.ok and not result.second_done
    assert result.readers["missing 1.0"] == "not-done"


def test_without_any_reader_nothing_is_in_order(printed: SimpleNamespace) -> None:
    result = readback.read_back(printed.image, printed.url, readers=(Missing(),))
    assert not result.ok and result.reason


def test_another_text_is_not_in_order(printed: SimpleNamespace) -> None:
    result = readback.read_back(printed.image, printed.url[:-1] + ("A" if printed.url[-1] != "A" else "B"))
    assert not result.ok
    assert result.reason is not None and "another text" in result.reason


def test_a_covered_code_is_not_in_order(printed: SimpleNamespace) -> None:
    covered = printed.image.copy()
    ImageDraw.Draw(covered).rectangle((100, 1700, 420, 2100), fill="white")
    result = readback.read_back(covered, printed.url)
    assert not result.ok
    assert set(result.readers.values()) <= {"unreadable", "not-done"}


def test_one_reader_that_fails_is_enough(printed: SimpleNamespace) -> None:
    class Blind(Missing):
        unavailable = None  # type: ignore[assignment]

        def read(self, image: Image.Image) -> list[FoundCode]:
            return []

    assert not readback.read_back(printed.image, printed.url, readers=(ZxingReader(), Blind())).ok


def test_a_code_in_an_uploaded_signature_does_not_disturb(
    facts: CertificateData, url_of: Callable[[CertificateData], str]
) -> None:
    drawn = zxingcpp.create_barcode("HTTPS://EVIL.EXAMPLE", zxingcpp.BarcodeFormat.QRCode).to_image(scale=8)
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    client = dataclasses.replace(facts.parties[0], mark=Picture("image/png", buffer.getvalue()))
    pdf = page.typeset(dataclasses.replace(facts, parties=(client, facts.parties[1])), url_of(facts), "en")
    image = render.render(pdf, 1, dpi=readback.DPI)
    assert len(ZxingReader().read(image)) == 2, "the picture must be readable, else this shows nothing"
    assert readback.read_back(image, url_of(facts)).ok
