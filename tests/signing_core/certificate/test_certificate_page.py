from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from pyhanko.pdf_utils.content import ImportedPdfPage
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter

from signing_core import typesetting
from signing_core.certificate import page
from signing_core.certificate.facts import CertificateData, Picture
from signing_core.errors import TypesettingFailed
from signing_core.pdf import render
from signing_core.pdf.geometry import A4


def words_of(pdf: bytes) -> str:
    return " ".join(render.text(pdf, 1).split())


def box_of(pdf: bytes, text: str) -> tuple[float, float, float, float]:
    """Left, bottom, right, top in points of the first place where `text` stands."""
    document = pypdfium2.PdfDocument(pdf)
    handle = document[0].get_textpage()
    index, length = handle.search(text).get_next()
    boxes = [handle.get_charbox(i) for i in range(index, index + length)]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


@pytest.mark.parametrize("language", ["en", "de"])
def test_one_a4_page_states_everything(
    facts: CertificateData, url_of: Callable[[CertificateData], str], language: str
) -> None:
    url = url_of(facts)
    pdf = page.typeset(facts, url, language)
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx(A4, abs=0.01)
    text = words_of(pdf)
    stated = [
        facts.title,
        facts.document_id,
        facts.certificate_id,
        facts.signed_sha256,
        facts.organisation,
        "ab" * 32,
        " ".join(["9f" * 16] * 2),
        " ".join(["7e" * 16] * 2),
        "fd110d301d2f077d",
        "Sample Director",
        "Erika Mustermann",
        "d•••@example.org",
        "+49 ••• ••• 0012",
        "192.0.2.17",
        "2001:db8:85a3::8a2e:370:7334",
        "Firefox 145 on Windows",
        "Sample Seals GmbH time-stamping",
        "head -c 183456",
        "Sample Author",
        "Framework agreement.docx",
        "1a2b3c4d",
        "e…a@example.org",
    ]
    if language == "en":
        stated += [
            "First party",
            "5 and this certificate",
            "183,456 bytes",
            "by e-mail",
            "by text message",
            "Code 1 wrong entry",
            "Code 2 confirmed",
            "Opened 3 times, first",
            "25 Nov 2026, 13:59:30 +01:00",
            "25 Nov 2026, 14:01:57 +01:00",
            "drawn by hand",
            "with company stamp",
            "not recorded",
            "its time rests on the issuer's own clock",
        ]
    else:
        stated += ["183.456 Bytes", "per SMS", "Code 1 falsche Eingabe", "25.11.2026, 13:59:30 +01:00", "nicht erfasst"]
    for item in stated:
        assert item.upper() in text.upper(), item
    assert ("EMBEDDED" if language == "en" else "EINGEBAUT") in text
    assert url in text.replace(" ", "")


def test_every_time_has_its_offset(printed: SimpleNamespace) -> None:
    text = words_of(printed.pdf)
    assert len(re.findall(r"\d\d:\d\d:\d\d", text)) == len(re.findall(r"\d\d:\d\d:\d\d [+-]\d\d:\d\d", text)) >= 15


def test_what_is_none_is_not_recorded_and_nothing_else(
    facts: CertificateData, url_of: Callable[[CertificateData], str]
) -> None:
    blank = {
        field.name: None
        for field in dataclasses.fields(facts.parties[1])
        if field.name not in ("role", "name", "codes")
    }
    client = dataclasses.replace(facts.parties[1], codes=(), **blank)
    bare = dataclasses.replace(
        facts,
        parties=(facts.parties[0], client),
        time_stamps=None,
        seal_certificate_sha256=None,
        qr_key_id=None,
        created_at=None,
        log_sequence=None,
    )
    text = words_of(page.typeset(bare, url_of(facts), "en"))
    # contact, link sent and opened, codes, consent, time-stamp, signature, IP, device, X.509; then the five of the page
    assert text.count("not recorded") == 15
    assert "no picture recorded" in text
    assert "EMBEDDED" not in text


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_longest_facts_stay_on_the_page_and_in_their_place(
    extreme: CertificateData, url_of: Callable[[CertificateData], str], language: str
) -> None:
    pdf = page.typeset(extreme, url_of(extreme), language)
    assert len(pypdfium2.PdfDocument(pdf)) == 1
    text = words_of(pdf)
    say = {"en": ("9 more events", "Code 8 confirmed", "Device"), "de": ("9 weitere", "Code 8 bestätigt", "Gerät")}[
        language
    ]
    names = ("محمد", "王小明") if typesetting.cjk_installed() else ("محمد",)
    for item in (*say[:2], extreme.document_id, extreme.signed_sha256, *names):
        assert item in text or item[::-1] in text, item
    left, bottom, right, _ = box_of(pdf, say[2])
    assert bottom > box_of(pdf, "X.509")[3], "the last row runs into what stands below it"
    for name in (say[0], say[1], "Mozilla"):
        left, bottom, right, top = box_of(pdf, name)
        assert left >= 42 and right <= A4[0] - 42 and bottom > 0 and top < A4[1]
    read = zxingcpp.read_barcodes(render.render(pdf, 1, dpi=150), formats=zxingcpp.BarcodeFormat.QRCode)
    assert [code.text for code in read] == [url_of(extreme)]


def least_type(pdf: bytes) -> float:
    """The smallest type on the page, in points."""
    handle = pypdfium2.PdfDocument(pdf)[0].get_textpage()
    drawn = [i for i in range(handle.count_chars()) if pypdfium2.raw.FPDFText_GetUnicode(handle.raw, i) > 0x20]
    return min(float(pypdfium2.raw.FPDFText_GetFontSize(handle.raw, i)) for i in drawn)


@pytest.mark.parametrize("paper", [A4, (612.0, 792.0), (612.0, 1008.0)])
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_longest_facts_are_legible_on_every_paper(
    extreme: CertificateData, url_of: Callable[[CertificateData], str], paper: tuple[float, float], language: str
) -> None:
    pdf = page.typeset(dataclasses.replace(extreme, paper=paper), url_of(extreme), language)
    assert pypdfium2.PdfDocument(pdf)[0].get_size() == pytest.approx(paper, abs=0.01)
    assert least_type(pdf) >= 6.49
    last = {"en": "Device", "de": "Gerät"}[language]
    assert box_of(pdf, last)[1] > box_of(pdf, "X.509")[3], "the last row runs into what stands below it"
    read = zxingcpp.read_barcodes(render.render(pdf, 1, dpi=150), formats=zxingcpp.BarcodeFormat.QRCode)
    assert [code.text for code in read] == [url_of(extreme)]


def test_nothing_leaves_the_margins(extreme: CertificateData, url_of: Callable[[CertificateData], str]) -> None:
    """No ink in the margins beside the two cards, whatever the parties are called."""
    image = np.asarray(render.render(page.typeset(extreme, url_of(extreme), "de"), 1, dpi=72).convert("L"))
    between = image[110:610, :40], image[110:610, 556:]
    assert all(part.min() > 250 for part in between)


@pytest.mark.parametrize(
    "hostile",
    [
        '#panic("out")',
        '"]; #read("/etc/passwd") [',
        "*bold* _it_ $x^2$ `raw` <label> @ref // comment /* */ \\u{41}",
        "#{ while true {} }",
        "{host} {0} %s \x00\x1b[31m\r\n",
    ],
)
def test_no_text_breaks_out_of_the_layout(
    facts: CertificateData, url_of: Callable[[CertificateData], str], hostile: str
) -> None:
    client = dataclasses.replace(facts.parties[1], name=hostile, organisation=hostile, contact=hostile, device=hostile)
    data = dataclasses.replace(facts, title=hostile, organisation=hostile, parties=(facts.parties[0], client))
    shown = " ".join("".join(c if c.isprintable() else " " for c in hostile).split())
    text = words_of(page.typeset(data, url_of(facts), "en"))
    assert shown[:20].replace(" ", "") in text.replace(" ", "")
    assert hostile.strip("\x00")[:5] in page.summary(data, "en") or "\x00" in hostile


def test_direction_marks_cannot_turn_a_name_around(
    facts: CertificateData, url_of: Callable[[CertificateData], str]
) -> None:
    client = dataclasses.replace(facts.parties[1], name="Erika \u202enamretsuM\u2066")
    data = dataclasses.replace(facts, parties=(facts.parties[0], client))
    assert page.typeset(data, url_of(facts), "en") == page.typeset(
        dataclasses.replace(data, parties=(facts.parties[0], dataclasses.replace(client, name="Erika namretsuM"))),
        url_of(facts),
        "en",
    )


def test_the_same_facts_give_the_same_bytes(facts: CertificateData, printed: SimpleNamespace) -> None:
    assert page.typeset(facts, printed.url, "en") == printed.pdf


def test_the_code_is_40_mm_wide_with_a_quiet_zone(printed: SimpleNamespace) -> None:
    dpi = 600
    image = render.render(printed.pdf, 1, dpi=dpi).convert("L")
    code = zxingcpp.read_barcode(image, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code is not None
    corners = code.position
    width = (corners.top_right.x - corners.top_left.x) / dpi * 25.4
    height = (corners.bottom_left.y - corners.top_left.y) / dpi * 25.4
    assert (width, height) == pytest.approx((40, 40), abs=0.15)
    quiet = round(4 * 40 / 69 / 25.4 * dpi) - 3
    pixels = np.asarray(image)
    x, y, right, bottom = corners.top_left.x, corners.top_left.y, corners.bottom_right.x, corners.bottom_right.y
    for side in (
        pixels[y - quiet : y - 3, x - quiet : right + quiet],
        pixels[bottom + 4 : bottom + quiet, x - quiet : right + quiet],
        pixels[y - quiet : bottom + quiet, x - quiet : x - 3],
        pixels[y - quiet : bottom + quiet, right + 4 : right + quiet],
    ):
        assert side.min() == 255


def test_pyhanko_takes_the_page_as_a_form_xobject(printed: SimpleNamespace, tmp_path: Any) -> None:
    reader = PdfFileReader(io.BytesIO(printed.pdf))
    assert "/Annots" not in reader.root["/Pages"]["/Kids"][0]
    path = tmp_path / "page.pdf"
    path.write_bytes(printed.pdf)
    content = ImportedPdfPage(str(path))
    content.set_writer(PdfFileWriter())
    assert content.as_form_xobject()["/BBox"] is not None


@pytest.mark.parametrize("mode", ["RGBA", "L"])
def test_pictures_in_pixels_are_shown_with_their_transparency(
    facts: CertificateData, url_of: Callable[[CertificateData], str], mode: str
) -> None:
    image = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (100, 30, 200, 70))
    buffer = io.BytesIO()
    (image if mode == "RGBA" else image.convert("L")).save(buffer, "PNG")
    client = dataclasses.replace(facts.parties[1], mark=Picture("image/png", buffer.getvalue()))
    data = dataclasses.replace(facts, parties=(facts.parties[0], client))
    drawn = np.asarray(render.render(page.typeset(data, url_of(facts), "en"), 1, dpi=72)).astype(int)
    red = (drawn[..., 0] > 150) & (drawn[..., 1] < 60) & (drawn[..., 2] < 60)
    assert red.any() == (mode == "RGBA")
    assert red[:, :300].sum() == 0, "the client's picture stands in the client's card"


@pytest.mark.parametrize(
    "broken", [Picture("image/svg+xml", b"<svg"), Picture("image/png", b"no"), Picture("image/gif", b"GIF89a")]
)
def test_a_damaged_picture_is_said_to_be(
    facts: CertificateData, url_of: Callable[[CertificateData], str], broken: Picture
) -> None:
    data = dataclasses.replace(facts, parties=(dataclasses.replace(facts.parties[0], mark=broken), facts.parties[1]))
    with pytest.raises(TypesettingFailed):
        page.typeset(data, url_of(facts), "en")


def test_the_summary_tells_the_page_in_words(facts: CertificateData) -> None:
    for language in ("en", "de"):
        text = page.summary(facts, language)
        for item in (
            facts.document_id,
            facts.certificate_id,
            facts.title,
            facts.signed_sha256,
            "Erika Mustermann",
            "+01:00",
        ):
            assert item in text


def test_scripts_without_a_font_are_noticed_beforehand() -> None:
    assert typesetting.unsupported("Nguyễn Thị Ánh Ľubomír Łukasz Дмитрий محمد") == ""
    assert typesetting.unsupported("\U00012000 a \U00012000") == "\U00012000"
    assert typesetting.cjk_installed() == (typesetting.unsupported("王小明") == "")
