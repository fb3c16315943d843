"""Pages as pictures: right, limited, and without anything left open."""

from __future__ import annotations

import concurrent.futures
import gc

import pypdfium2 as pdfium
import pytest

from signing_core.errors import DocumentRefused, UsageError
from signing_core.pdf import render


def test_pages_are_counted_and_drawn(make):
    assert render.page_count(make.contract(3)) == 3
    picture = render.render(make.contract(3), 2, dpi=72)
    assert picture.mode == "RGB" and picture.size == (596, 842)
    assert picture.getpixel((590, 830)) == (255, 255, 255)
    assert picture.convert("L").getextrema()[0] < 100
    assert "Page 3, line 20" in render.text(make.contract(3), 3)


def test_signatures_are_drawn(flow):
    assert render.render(flow.client.data, 2, dpi=72) != render.render(flow.prepared, 2, dpi=72)


def test_a_password_opens_what_it_protects(make):
    data = make.encrypted("secret", "owner")
    assert render.page_count(data, password="secret") == 2
    assert render.render(data, 1, dpi=30, password="secret").width > 200
    for password in (None, "wrong"):
        with pytest.raises(DocumentRefused) as refused:
            render.page_count(data, password=password)
        assert refused.value.code == "password"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"\x00" * 4000])
def test_what_is_no_pdf_is_refused(data):
    with pytest.raises(DocumentRefused) as refused:
        render.render(data, 1)
    assert refused.value.code == "damaged"


@pytest.mark.parametrize(("page", "dpi"), [(0, 100), (3, 100), (-1, 100), (1, 0), (1, 10_000)])
def test_pages_and_resolutions_that_do_not_exist_are_refused(make, page, dpi):
    with pytest.raises(UsageError):
        render.render(make.contract(2), page, dpi=dpi)


def test_a_huge_page_becomes_a_picture_within_the_limit(make):
    picture = render.render(make.contract(1, size=(14_000, 14_000), lines=1), 1, dpi=300)
    assert 0.9 * render.MAX_PIXELS < picture.width * picture.height <= render.MAX_PIXELS * 1.001


def test_too_many_pages_are_refused(make, monkeypatch):
    monkeypatch.setattr(render, "MAX_PAGES", 2)
    with pytest.raises(DocumentRefused) as refused:
        render.page_count(make.contract(3))
    assert refused.value.code == "too-many-pages"


def test_nothing_stays_open(make):
    def alive() -> int:
        gc.collect()
        kinds = (pdfium.PdfDocument, pdfium.PdfPage, pdfium.PdfBitmap, pdfium.PdfTextPage)
        return sum(isinstance(one, kinds) and bool(one.raw) for one in gc.get_objects())

    before = alive()
    for _ in range(5):
        render.render(make.form(), 1, dpi=30)
        render.text(make.form(), 1)
        with pytest.raises(UsageError):
            render.render(make.form(), 9)
    assert alive() == before


def test_a_document_is_closed_even_when_its_use_fails(make):
    with pytest.raises(RuntimeError), render.opened(make.form()) as document:
        page = document[0]
        raise RuntimeError
    assert document.raw is None and page.raw is None


def test_threads_can_render_at_the_same_time(make):
    data = make.contract(4)
    expected = [render.render(data, page, dpi=40) for page in (1, 2, 3, 4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert list(pool.map(lambda page: render.render(data, page, dpi=40), (1, 2, 3, 4))) == expected
