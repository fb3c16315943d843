"""Words that are small, pale, or that their font says nothing usable of are as well protected as others."""

from __future__ import annotations

import pdf_parts as parts
import pytest
from pdf_parts import CONTENT, FONT, PAGE, contract_objects, form_x_object, stream

from signing_core.pdf.revisions import parse
from signing_core.verification.changes import ChangeLevel, since

OBJECTS = contract_objects()
WHITE = form_x_object(b"1 g 0 0 300 300 re f", box=b"[0 0 300 300]", resources=b"<< >>")
RESOURCES = b"/F1 5 0 R /F2 70 0 R /F3 71 0 R >>"


def level(
    content: bytes,
    rect: bytes,
    look: bytes,
    *,
    resources: bytes = b"",
    font: bytes = OBJECTS[FONT],
    more: dict[int, bytes] | None = None,
    page: tuple[bytes, bytes] = (b"", b""),
) -> ChangeLevel:
    """Of a stamp with this look that comes to a page with this content once it is signed; `page` replaces a part of the page's entries."""
    own = OBJECTS[PAGE].replace(b"/F1 5 0 R >>", RESOURCES + b" " + resources).replace(*page)
    objects = {
        **OBJECTS, PAGE: own, CONTENT: stream(content), 70: font, 71: OBJECTS[FONT].replace(b"Helvetica", b"Times-Roman"), **(more or {}),
    }  # fmt: skip
    stamp = b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect %s /AP << /N 91 0 R >> >>" % rect
    added = {PAGE: own.replace(b"11 0 R]", b"11 0 R 90 0 R]"), 90: stamp, 91: look}
    structure = parse(parts.update(parts.signed(parts.original(objects)), added))
    covered = structure.signatures[0].covered_revision
    assert covered is not None
    return since(structure, covered, signature=0).level


@pytest.mark.parametrize("unit", [b"", b"/UserUnit 5 "])
def test_a_line_to_sign_on_is_what_people_see_as_one(unit: bytes) -> None:
    """A page that counts in large units, or is so small that it is looked at enlarged: 20 lines of what is 11 points on paper."""
    lines = b" ".join(
        b"1 0 0 1 60 %d Tm (Sample clause %d: the price is 1000 Euro.) Tj" % (760 - 16 * n, n) for n in range(20)
    )
    look = form_x_object(
        b"1 g 0 0 200 14 re f 0 g BT /F1 11 Tf 2 3.6 Td (Sample clause 3: the price is 9000 Euro.) Tj ET",
        box=b"[0 0 200 14]",
        resources=b"<< /Font << /F1 5 0 R >> >>",
    )
    page = (b"/MediaBox [0 0 595 842]", unit + b"/MediaBox [0 0 119 168.4]")
    content = b".2 0 0 .2 0 0 cm BT /F1 11 Tf " + lines + b" ET"
    assert level(content, b"[11.6 141.68 51.6 144.48]", look, page=page) is not ChangeLevel.PERMITTED


@pytest.mark.parametrize(
    ("font", "size", "text"),
    [
        (b"/F1", 4, b"NO RETURNS ARE TAKEN"),
        (b"/F3", 4, b"NO RETURNS ARE TAKEN"),
        (b"/F1", 3, b"12345678 1000 Euro 20000 Euro"),
    ],
)
def test_fine_print_is_no_line_to_sign_on(font: bytes, size: int, text: bytes) -> None:
    content = b"BT %s %d Tf 1 0 0 1 60 600 Tm (%s) Tj ET" % (font, size, text)
    assert level(content, b"[50 590 400 620]", WHITE) is not ChangeLevel.PERMITTED


def test_a_column_of_ones_is_no_line_to_sign_on() -> None:
    rows = b" ".join(
        b"1 0 0 1 60 %.2f Tm (Sample article %d) Tj 1 0 0 1 300 %.2f Tm (1) Tj" % (700 - 8.4 * n, n, 700 - 8.4 * n)
        for n in range(8)
    )
    nine = form_x_object(
        b"1 g 0 0 12 5.46 re f 0 g BT /F3 7 Tf 2 1 Td (9) Tj ET",
        box=b"[0 0 12 5.46]",
        resources=b"<< /Font << /F3 71 0 R >> >>",
    )
    rect = b"[298 %.2f 310 %.2f]" % (700 - 8.4 * 3 - 1, 700 - 8.4 * 3 + 4.46)
    assert level(b"BT /F3 7 Tf " + rows + b" ET", rect, nine) is not ChangeLevel.PERMITTED


WORDS = b"BT /F2 14 Tf 1 0 0 1 60 600 Tm (The buyer pays 1000 Euro) Tj ET"
BLANKS = stream(
    b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def 1 begincodespacerange <00> <ff> "
    b"endcodespacerange 1 beginbfrange <20> <7e> [ " + b"<00a0> " * 95 + b"] endbfrange endcmap end end"
)
SAID_TO_BE_BLANK = OBJECTS[FONT][:-2] + b"/ToUnicode 81 0 R >>"
WITHOUT_A_BOX = (
    b"<< /Type /Font /Subtype /Type3 /FontBBox [-9000000 -9000000 9000000 9000000] /FontMatrix [.001 0 0 .001 0 0] /FirstChar 48 "
    b"/LastChar 49 /Widths [600 600] /CharProcs << /a 72 0 R /b 73 0 R >> /Encoding << /Differences [48 /a /b] >> /Resources << >> >>"
)
GLYPHS = {
    72: stream(b"600 0 -9000000 -9000000 9000000 9000000 d1 60 w 100 30 400 640 re S"),
    73: stream(b"600 0 -9000000 -9000000 9000000 9000000 d1 60 w 300 0 m 300 700 l S"),
}
GROUP = b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Group << /S /Transparency >> /Resources << /Font << /F2 70 0 R >> >>"
SHADING = (
    b"/Pattern << /P << /Type /Pattern /PatternType 2 /Shading << /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 600 0] "
    b"/Extend [true true] /Function << /FunctionType 2 /N 1 /Domain [0 1] /C0 [.86] /C1 [.86] >> >> >> >>"
)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (b".86 g " + WORDS, {}),
        (b"0 g .86 G .8 w " + WORDS.replace(b"BT", b"BT 1 Tr"), {}),
        (b"/G gs /X Do", {"resources": b"/ExtGState << /G << /ca .14 >> >> /XObject << /X 80 0 R >>", "more": {80: stream(b"0 g " + WORDS, GROUP)}}),
        (b"0 g " + WORDS + b" /G gs 1 g 40 580 300 40 re f", {"resources": b"/ExtGState << /G << /ca .86 >> >>"}),
        (b"/Pattern cs /P scn " + WORDS, {"resources": SHADING}),
        (b".86 g " + WORDS, {"font": SAID_TO_BE_BLANK, "more": {81: BLANKS}}),
        (b".86 g BT /F2 14 Tf 1 0 0 1 60 600 Tm (1000) Tj ET", {"font": WITHOUT_A_BOX, "more": GLYPHS}),
    ],
    ids=["fill", "stroke", "group", "veil", "shading", "said to be blank", "without a box"],
)  # fmt: skip
def test_pale_words_are_told_by_how_they_look(content: bytes, more: dict[str, object]) -> None:
    assert level(content, b"[50 590 400 620]", WHITE, **more) is not ChangeLevel.PERMITTED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "ink", "more"),
    [
        (b"(1000 Euro)", 0.101, {"font": SAID_TO_BE_BLANK, "more": {81: BLANKS}}),
        (b"(1000)", 0.27, {"font": WITHOUT_A_BOX, "more": GLYPHS}),
    ],
)
def test_no_digit_is_put_before_an_amount(text: bytes, ink: float, more: dict[str, object]) -> None:
    """2 points between the 9 and the 1 of 1000, in 18 points: less than Helvetica itself leaves there."""
    left = 100 + 18 * ink - 2 - 0.46 * 18
    nine = form_x_object(
        b"BT /F1 18 Tf -.72 1 Td (9) Tj ET", box=b"[0 0 8.46 18]", resources=b"<< /Font << /F1 5 0 R >> >>"
    )
    content, rect = b"BT /F2 18 Tf 1 0 0 1 100 600 Tm " + text + b" Tj ET", b"[%.3f 599 %.3f 617]" % (left, left + 8.46)
    assert level(content, rect, nine, **more) is not ChangeLevel.PERMITTED  # type: ignore[arg-type]


def test_a_comment_beside_all_this_is_one() -> None:
    assert level(WORDS, b"[300 300 500 360]", form_x_object(b"0 g 0 0 40 20 re f")) is ChangeLevel.PERMITTED
