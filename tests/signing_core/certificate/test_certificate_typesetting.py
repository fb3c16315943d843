from __future__ import annotations

import concurrent.futures
import multiprocessing
import subprocess
import sys

import pypdfium2
import pytest

from signing_core import typesetting
from signing_core.errors import TypesettingFailed

PAGE = "#let data = json(bytes(sys.inputs.data))\n#set page(width: 100pt, height: 50pt, margin: 5pt)\n"


def text_of(pdf: bytes) -> str:
    return pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded()


def set_one(number: int) -> str:
    return text_of(typesetting.compile_pdf(PAGE + "#data.name", {"name": f"page {number}"}))


def test_threads_set_their_own_pages() -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(set_one, range(40))) == [f"page {number}" for number in range(40)]


def _in_child(context: str) -> str:
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(context)) as pool:
        return pool.submit(_page_text, 7).result(60)


def _page_text(number: int) -> str:
    try:
        return set_one(number)
    except TypesettingFailed as error:
        return str(error)


def test_a_forked_process_says_that_it_cannot_instead_of_hanging() -> None:
    set_one(0)
    assert "spawn or forkserver" in _in_child("fork")


def test_svg_is_one_page_of_outlines() -> None:
    svg = typesetting.compile_svg(PAGE + "#data.name", {"name": "محمد"})
    assert svg.startswith(b"<svg") and b"<text" not in svg
    with pytest.raises(TypesettingFailed, match="more than the one page"):
        typesetting.compile_svg(PAGE + "a #pagebreak() b", {})


def test_a_pdf_can_be_an_archive() -> None:
    assert b"pdfaid:part" in typesetting.compile_pdf(PAGE + "#data.name", {"name": "x"}, standards=("a-2b",))


@pytest.mark.parametrize("source", ['#read("/etc/passwd")', '#read("../../etc/passwd")', "#let x = ", "#data.missing"])
def test_what_cannot_be_set_is_said_in_one_sentence(source: str) -> None:
    with pytest.raises(TypesettingFailed) as caught:
        typesetting.compile_pdf(PAGE + source, {"secret": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value) and "\n" not in str(caught.value)


def test_only_fonts_of_the_packages_are_used() -> None:
    assert {"Noto Sans", "Noto Sans Arabic", "Source Serif 4", "IBM Plex Mono"} <= typesetting.installed_families()
    assert typesetting.text_families()[0] == "Noto Sans"
    assert all("site-packages" in str(path) or "dist-packages" in str(path) for path in typesetting.font_files())


def test_importing_the_core_does_not_load_typst() -> None:
    script = "import sys, signing_core; print([m for m in ('typst', 'zxingcpp', 'PIL', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
