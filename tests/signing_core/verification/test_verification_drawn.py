"""What is drawn over a signed page: held against its characters and its other ink, not estimated."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pdf_parts as parts
import pytest
import reportlab
from pdf_parts import CATALOG, CONTENT, FONT, PAGE, PAGES
from PIL import Image
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont

from signing_core.pdf import page_ink, render
from signing_core.pdf.page_ink import Box
from signing_core.pdf.revisions import FileStructure, parse
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.model import Limits
from signing_core.verification import drawn
from signing_core.verification.drawn import Effect, Maker, Observation, Paint
from signing_core.verification.drawn.paint import extent_of

LINE = "Contract: the buyer pays EUR 1035.00 to the seller."
AMOUNT = LINE.index("1035")
VERA = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
registerFont(TTFont("Vera", VERA))
A4 = b"/MediaBox [0 0 595 842]"
TURNED = [A4 + b" /Rotate %d" % angle for angle in (90, 180, 270)]
CROPPED = A4 + b" /CropBox [40 500 400 800]"
MOVED = b"/MediaBox [-30 -50 565 792]"
DOUBLED = A4 + b" /UserUnit 2"
TEXT = b"/Font << /F1 5 0 R >>"
WHITE = b"1 g 0 0 600 900 re f "
HIDES, REVEALS, COVERS, DOUBTFUL = Effect.HIDES, Effect.REVEALS, Effect.COVERS, Effect.UNCLEAR


# -- files ----------------------------------------------------------------------------------------------------------------


def font_objects(name: str) -> dict[int, bytes]:
    if name != "Vera":
        return {FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name.encode()}
    widths = b" ".join(b"%d" % stringWidth(chr(code), name, 1000) for code in range(32, 127))
    program = VERA.read_bytes()
    return {
        FONT: b"<< /Type /Font /Subtype /TrueType /BaseFont /Vera /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 126 "
        b"/Widths [%s] /FontDescriptor 70 0 R >>" % widths,
        70: b"<< /Type /FontDescriptor /FontName /Vera /Flags 32 /FontBBox [-183 -236 1288 928] /ItalicAngle 0 /Ascent 928 "
        b"/Descent -236 /CapHeight 729 /StemV 80 /FontFile2 71 0 R >>",
        71: parts.stream(program, b"/Length1 %d" % len(program), compress=True),
    }


def page(line: str = LINE, font: str = "Helvetica", size: float = 11, entries: bytes = A4, more: bytes = b"") -> bytes:
    """One page with a line at (60, 760) and `more` content."""
    return parts.original(
        {
            CATALOG: b"<< /Type /Catalog /Pages 2 0 R >>",
            PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            PAGE: b"<< /Type /Page /Parent 2 0 R %s /Resources << %s >> /Contents 4 0 R /Annots [] >>"
            % (entries, TEXT),
            CONTENT: parts.stream(b"BT /F1 %g Tf 60 760 Td (%s) Tj ET " % (size, line.encode()) + more),
            **font_objects(font),
        }
    )


def scanned(data: bytes) -> bytes:
    """The page as a scanner sees it: 200 dpi, grey paper, noise, JPEG."""
    picture = np.asarray(render.render(data, 1, dpi=200).convert("L")).astype(float)
    noise = np.random.default_rng(1).normal(0, 6, picture.shape)
    file = io.BytesIO()
    grey = np.clip(245 - (255 - picture) * 0.85 + noise, 0, 255).astype(np.uint8)
    Image.fromarray(grey).save(file, "JPEG", quality=75)
    image = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
    entries = (
        b"<< /Type /Page /Parent 2 0 R %s /Resources << /XObject << /I 6 0 R >> >> /Contents 4 0 R /Annots [] >>" % A4
    )
    return parts.original(
        {
            CATALOG: b"<< /Type /Catalog /Pages 2 0 R >>",
            PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            PAGE: entries,
            CONTENT: parts.stream(b"q 595 0 0 842 0 0 cm /I Do Q"),
            6: parts.stream(file.getvalue(), image % grey.shape[::-1]),
            **font_objects("Helvetica"),
        }
    )


def over(
    data: bytes, box: Box, content: bytes | None, subtype: bytes = b"FreeText", entries: bytes = b"", *, flags: int = 4,
    resources: bytes = TEXT, more: Mapping[int, bytes] | None = None, number: int = 40,
) -> bytes:  # fmt: skip
    """`data` with an annotation (`number`) drawn over it; without `content` it has no look."""
    look = b"/AP << /N %d 0 R >>" % (number + 1) if content is not None else b""
    head = b"<< /Type /Annot /Subtype /%s /F %d /P 3 0 R /Rect [%.3f %.3f %.3f %.3f] " % (subtype, flags, *box)
    objects = {number: head + look + entries + b" >>", **(more or {})}
    if content is not None:
        size = b"[0 0 %.3f %.3f]" % (box[2] - box[0], box[3] - box[1])
        objects[number + 1] = parts.form_x_object(content, size, b"<< " + resources + b" >>")
    body, ref = parts.newest(data, PAGE), b"%d 0 R" % number
    objects[PAGE] = body if ref in body else body.replace(b"/Annots [", b"/Annots [%s " % ref)
    if subtype == b"Widget":
        objects[CATALOG] = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [%s] >> >>" % ref
    return parts.update(data, objects)


def annotations_of(structure: FileStructure, revision: int) -> list[dict[str, Any]]:
    ((_, leaf),) = pages.walk(structure, revision)
    return [structure.resolve(item, revision) for item in structure.resolve(leaf["Annots"], revision)]


def judged(
    data: bytes, maker: Maker = Maker.ANNOTATION, signed: int = 1, *, with_former: bool = False
) -> list[Observation]:
    """What is said of everything that the last revision draws or takes away."""
    structure = parse(data)
    later = len(structure.revisions)
    now, was = annotations_of(structure, later), annotations_of(structure, signed)
    paints = []
    for place in range(max(len(now), len(was))):
        new, old = now[place] if place < len(now) else {}, was[place] if with_former and place < len(was) else None
        box = drawn.box_of(structure, new or old or {}, later) or (0, 0, 0, 0)
        paints.append(Paint(1, box, maker, "The look", "f" if maker is not Maker.ANNOTATION else None, later, new, old))
    return drawn.judge(structure, signed, later, paints)


def said(found: list[Observation]) -> Effect | None:
    return found[0].effect if found else None


# -- attacks on an amount -------------------------------------------------------------------------------------------------


def at(index: int, font: str = "Helvetica", size: float = 11, line: str = LINE) -> tuple[float, float]:
    """(left side, width) of a character."""
    return 60 + stringWidth(line[:index], font, size), stringWidth(line[index], font, size)


def swap(place: int, digit: str, font: str = "Helvetica", size: float = 11) -> tuple[Box, bytes]:
    left, width = at(AMOUNT + place, font, size)
    text = b"0 g BT /F1 %g Tf 0 %g Td (%s) Tj ET" % (size, 0.02 * size, digit.encode())
    return (left, 760 - 0.02 * size, left + width, 760 + 0.73 * size), WHITE + text


def stroke(place: int, from_x: float, from_y: float, to_x: float, to_y: float, size: float = 11) -> tuple[Box, bytes]:
    """A line across a digit, in parts of its width and of the font's size; nothing behind it."""
    left, width = at(AMOUNT + place, "Helvetica", size)
    points = (from_x + 0.1) * width, (from_y + 0.05) * size, (to_x + 0.1) * width, (to_y + 0.05) * size
    box = (left - 0.1 * width, 760 - 0.05 * size, left + 1.1 * width, 760 + 0.78 * size)
    return box, b"0 G %g w %g %g m %g %g l S" % (0.07 * size, *points)


def spot(left: float, bottom: float, width: float, height: float, *, white: bool = False) -> tuple[Box, bytes]:
    return (left, bottom, left + width, bottom + height), WHITE if white else b"0 g 0 0 99 99 re f"


POINT = LINE.index(".")
EDITS = {
    "one-digit-for-another": swap(2, "8"),
    "stroke-makes-3-an-8": stroke(2, 0.16, 0.1, 0.16, 0.6),
    "stroke-makes-1-a-7": stroke(0, 0.1, 0.68, 0.5, 0.68),
    "stroke-makes-0-an-8": stroke(1, 0.15, 0.36, 0.85, 0.36),
    "point-covered": spot(at(POINT)[0], 759.8, at(POINT)[1], 1.8, white=True),
    "point-added": spot(at(AMOUNT + 2)[0] - 0.5, 760, 1, 1),
    "point-made-a-comma": spot(at(POINT)[0] + 1, 758, 1, 2.5),
    "minus-added": spot(at(AMOUNT)[0] - 2.9, 762.7, 2.7, 0.9),
    "digit-appended": (
        (at(POINT + 3)[0], 760.0, at(POINT + 3)[0] + 6.2, 768.0),
        b"0 g BT /F1 11 Tf 0 0 Td (0) Tj ET",
    ),
}
PAGES_OF_ALL_KINDS = {
    "plain": A4, "rotated-90": TURNED[0], "rotated-180": TURNED[1], "rotated-270": TURNED[2], "cropped": CROPPED,
    "moved": MOVED, "user-unit": DOUBLED,
}  # fmt: skip


@pytest.mark.parametrize("font", ["Helvetica", "Times-Roman", "Courier", "Vera"])
@pytest.mark.parametrize("size", [6, 8, 10, 12])
def test_no_digit_can_be_put_over_another(font: str, size: float) -> None:
    data = page(font=font, size=size)
    for place, digit in enumerate("1035.00"):
        if digit != ".":
            other = "9" if digit != "9" else "3"
            assert said(judged(over(data, *swap(place, other, font, size)))) == HIDES, place


@pytest.mark.parametrize("kind", PAGES_OF_ALL_KINDS)
@pytest.mark.parametrize("edit", EDITS)
def test_an_amount_cannot_be_made_another(kind: str, edit: str) -> None:
    data = over(page(entries=PAGES_OF_ALL_KINDS[kind]), *EDITS[edit])
    assert said(judged(data)) == HIDES
    assert said(judged(data, Maker.SIGNATURE)) == COVERS


@pytest.mark.parametrize("edit", EDITS)
def test_nor_on_a_scanned_page(edit: str) -> None:
    assert said(judged(over(scanned(page()), *EDITS[edit]))) == HIDES


def test_many_small_pieces_are_one_cover() -> None:
    """Each takes a few pixels only."""
    data = page()
    left, width = at(AMOUNT + 2)
    for piece in range(12):
        part = left + piece * width / 12
        data = over(data, (part, 759.8, part + width / 24, 768.2), WHITE, number=40 + 2 * piece)
    changes = judged(data)
    assert said(changes) == HIDES
    assert len(changes) <= 5


@pytest.mark.parametrize(
    ("colours", "cover"),
    [
        (b"1 0 0 rg", b"1 g"),
        (b".55 g", b"1 g"),
        (b".7 .6 0 rg", b"1 g"),
        (b"0 0 .4 rg 50 740 400 40 re f 1 g", b"0 0 .4 rg"),
    ],
)
def test_text_of_any_colour_on_any_paper(colours: bytes, cover: bytes) -> None:
    data = page("", more=colours + b" BT /F1 11 Tf 60 760 Td (%s) Tj ET" % LINE.encode())
    left, width = at(POINT)
    assert said(judged(over(data, (left, 759.8, left + width, 761.6), cover + b" 0 0 99 99 re f"))) == HIDES
    assert said(judged(over(data, (60, 740, 300, 790), b"q Q"))) is None


@pytest.mark.parametrize("leader", ["Total ........1035.00", "Total ________1035.00", "Total --------1035.00"])
def test_a_digit_in_place_of_a_leader(leader: str) -> None:
    """The line is no content; what stands beside the amount is read with it."""
    left, width = at(leader.index("1035") - 1, line=leader)
    box = (left - 3, 758, left + width, 768)
    assert said(judged(over(page(leader), box, WHITE + b"0 g BT /F1 11 Tf 0 2 Td (9) Tj ET"))) == HIDES


def test_what_a_character_is_called_does_not_make_it_a_line_to_sign_on() -> None:
    """Lines of invisible underscores lie over the amount."""
    rows = b" ".join(b"BT 3 Tr /F1 11 Tf 60 %d Td (%s) Tj ET" % (760 + row, b"_" * 60) for row in range(-2, 9))
    for data in (page(more=rows), scanned(page(more=rows))):
        assert said(judged(over(data, *swap(2, "8")))) == HIDES


@pytest.mark.parametrize("grey", [b".3 g", b".5 g", b".7 g"])
def test_points_that_are_paler_than_the_text(grey: bytes) -> None:
    box, content = EDITS["point-added"]
    assert said(judged(over(page(), box, content.replace(b"0 g", grey)))) == HIDES


def test_a_minus_before_digits_is_content() -> None:
    line = "Balance -1035.00 EUR"
    left, width = at(line.index("-"), line=line)
    assert said(judged(over(page(line), *spot(left, 760, width, 5, white=True)))) == HIDES


# -- honest ---------------------------------------------------------------------------------------------------------------


def signature_picture(*, opaque: bool) -> dict[int, bytes]:
    """A curve of blue ink, on white or on nothing."""
    ink = np.zeros((120, 400), np.uint8)
    for x in range(1600):
        y = 60 + 50 * math.sin(x / 68) * math.cos(x / 244)
        ink[int(y) - 2 : int(y) + 3, 10 + x * 380 // 1600] = 255
    colours = np.zeros((120, 400, 3), np.uint8)
    colours[:, :, 2] = 160
    if opaque:
        colours[ink == 0] = 255
    head = b"/Type /XObject /Subtype /Image /Width 400 /Height 120 /BitsPerComponent 8 "
    mask = b"" if opaque else b"/SMask 61 0 R "
    return {
        60: parts.stream(colours.tobytes(), head + mask + b"/ColorSpace /DeviceRGB", compress=True),
        61: parts.stream(ink.tobytes(), head + b"/ColorSpace /DeviceGray", compress=True),
    }


LINES = {
    "dots-of-text": b"BT /F1 11 Tf 60 659 Td (................................................) Tj ET",
    "after-a-label": b"BT /F1 11 Tf 20 659 Td (Client: ................................................) Tj ET",
    "underscores": b"BT /F1 11 Tf 60 659 Td (__________________________) Tj ET",
    "solid": b"0.7 w 50 660 m 300 660 l S",
    "dashed": b"0.7 w [3 2] 0 d 50 660 m 300 660 l S",
    "round-dots": b"1 J 1 w [0 3] 0 d 50 660 m 300 660 l S",
    "dots-one-by-one": b" ".join(b"%d 659 1 1 re f" % (50 + 4 * n) for n in range(60)),
    "frame": b"0.5 w 60 640 200 60 re S",
    "on-a-panel": b"0.9 g 40 600 300 120 re f 0 G 0.5 w 50 660 m 300 660 l S",
}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("entries", [A4, TURNED[0], CROPPED, DOUBLED])
def test_a_scan_over_the_line_it_belongs_on(line: str, opaque: bool, entries: bytes) -> None:
    pictures = signature_picture(opaque=opaque)
    look = b"q 150 0 0 45 0 0 cm /I Do Q"
    data = over(
        page(more=LINES[line], entries=entries), (70, 640, 220, 685), look, b"Widget", b"/FT /Sig /T (s)",
        resources=b"/XObject << /I 60 0 R >>", more=pictures,
    )  # fmt: skip
    assert said(judged(data, Maker.SIGNATURE)) is None


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("line", ["dots-of-text", "solid"])
def test_a_scan_over_the_line_of_a_scanned_page(opaque: bool, line: str) -> None:
    pictures = signature_picture(opaque=opaque)
    data = scanned(page(more=LINES[line]))
    look = b"q 150 0 0 45 0 0 cm /I Do Q"
    more = {"resources": b"/XObject << /I 60 0 R >>", "more": pictures}
    data = over(data, (70, 640, 220, 685), look, b"Widget", b"/FT /Sig /T (s)", **more)  # type: ignore[arg-type]
    assert said(judged(data, Maker.SIGNATURE)) is None


def test_a_scan_over_words_is_left_open() -> None:
    more = {"resources": b"/XObject << /I 60 0 R >>", "more": signature_picture(opaque=True)}
    box = (60.0, 745.0, 210.0, 790.0)
    data = over(page(), box, b"q 150 0 0 45 0 0 cm /I Do Q", b"Widget", b"/FT /Sig /T (s)", **more)  # type: ignore[arg-type]
    (change,) = judged(data, Maker.SIGNATURE)
    assert change.effect is COVERS
    assert change.message == "The look lies over words or other content of page 1."


@pytest.mark.parametrize("box", [(60, 700, 260, 755), (320, 745, 470, 785), (60, 772, 260, 820)])
def test_a_signature_beside_text(box: Box) -> None:
    look = WHITE + b"0 g BT /F1 9 Tf 4 12 Td (Signed by Sample Client) Tj ET"
    assert said(judged(over(page(), box, look, b"Widget", b"/FT /Sig /T (s)"), Maker.SIGNATURE)) is None


COMB = b"0.5 w 100 600 144 18 re " + b" ".join(
    b"%g 600 m %g 618 l" % (100 + 14.4 * n, 100 + 14.4 * n) for n in range(1, 10)
)
FORMS = {
    "comb": COMB + b" S",
    "label-and-frame": b"BT /F1 11 Tf 65 604 Td (Date:) Tj ET 0.5 w 98 598 148 22 re S",
    "inside-a-sentence": b"BT /F1 11 Tf 85 604 Td (I,) Tj 161 0 Td (, agree to 10) Tj ET",
    "box-to-tick": b"0.8 w 104 604 9 9 re S",
}


def field(content: bytes | None, signed_look: bytes | None = None, more: bytes = b"") -> bytes:
    """A text field with `signed_look`, then with `content`."""
    box = (100, 600, 244, 618)
    entries = b"/FT /Tx /T (f) /DA (/F1 11 Tf 0 g)"
    return over(over(page(more=more), box, signed_look, b"Widget", entries), box, content, b"Widget", entries)


@pytest.mark.parametrize("form", ["comb", "label-and-frame", "inside-a-sentence"])
@pytest.mark.parametrize("background", [b"", WHITE])
def test_a_field_filled_in_its_own_box(form: str, background: bytes) -> None:
    digits = b" ".join(b"1 0 0 1 %g 5 Tm (%d) Tj" % (4 + 14.4 * n, n) for n in range(10))
    data = field(background + b"0 g BT /F1 11 Tf " + digits + b" ET", more=FORMS[form])
    assert said(judged(data, Maker.FIELD, 2, with_former=True)) is None


def test_a_field_over_an_amount_is_no_empty_box() -> None:
    data = field(WHITE + b"0 g BT /F1 11 Tf 2 5 Td (9) Tj ET", more=b"BT /F1 11 Tf 102 605 Td (1) Tj ET")
    assert said(judged(data, Maker.FIELD, 2, with_former=True)) == HIDES


def test_a_drawn_digit_is_no_line_of_a_comb() -> None:
    data = field(WHITE, more=b"2 w 110 603 m 110 615 l S")
    assert said(judged(data, Maker.FIELD, 2, with_former=True)) == HIDES


def test_a_point_between_two_digits_is_none_of_a_field_either() -> None:
    data = field(b"0 g 8 5 1 1 re f", more=b"BT /F1 11 Tf 102 605 Td (10) Tj ET")
    assert said(judged(data, Maker.FIELD, 2, with_former=True)) == HIDES


def test_what_another_field_showed_is_content_even_when_that_is_drawn_anew() -> None:
    """Only what the field itself showed before may go."""
    box, entries = (100, 600, 244, 618), b"/FT /Tx /T (f)"
    value = b"0 g BT /F1 11 Tf 2 5 Td (1000) Tj ET"
    data = over(page(), box, value, b"Widget", entries)
    for content in (value, b"0 g BT /F1 11 Tf 2 5 Td (9000) Tj ET"):
        anew = over(data, box, content, b"Widget", entries)
        assert said(judged(anew, Maker.FIELD, 2, with_former=True)) is None
        covered = over(anew, (100, 603, 110, 615), WHITE, number=50)
        assert HIDES in [item.effect for item in judged_by_number(covered, 2)]


def test_a_comment_over_the_value_of_a_field() -> None:
    """PDFium draws fields above comments, other programs do not."""
    data = over(page(), (100, 600, 244, 618), b"0 g BT /F1 11 Tf 2 5 Td (1000) Tj ET", b"Widget", b"/FT /Tx /T (f)")
    for subtype, expected in ((b"Square", HIDES), (b"Highlight", DOUBTFUL)):
        structure = parse(over(data, (100, 603, 110, 615), b"1 1 0 rg 0 0 99 99 re f", subtype, number=50))
        new = Paint(1, (0, 0, 0, 0), Maker.ANNOTATION, "The comment", None, 3, annotations_of(structure, 3)[0])
        assert said(drawn.judge(structure, 2, 3, [new])) == expected


def judged_by_number(data: bytes, signed: int) -> list[Observation]:
    """As `judged`, with the last annotation as the field that was there and the first one new."""
    structure = parse(data)
    later = len(structure.revisions)
    comment, widget = annotations_of(structure, later)
    (former,) = annotations_of(structure, signed)
    new = Paint(1, (0, 0, 0, 0), Maker.ANNOTATION, "The comment", None, later, comment)
    redrawn = Paint(1, (0, 0, 0, 0), Maker.FIELD, "The look", "f", later, widget, former)
    return drawn.judge(structure, signed, later, [redrawn, new])


def test_nested_looks_without_end() -> None:
    forms = {
        100 + n: parts.form_x_object(b"/X Do", b"[0 0 9 9]", b"<< /XObject << /X %d 0 R >> >>" % (101 + n))
        for n in range(900)
    }
    look = b"/XObject << /X 100 0 R >>"
    data = over(page(), (58, 757, 250, 770), b"/X Do", resources=look, more=forms)
    assert said(judged(data)) == DOUBTFUL
    loop = over(page(), (58, 757, 250, 770), b"/X Do", resources=b"/XObject << /X 41 0 R >>")
    assert said(judged(loop)) is None


# -- comments -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [b"1 1 0", b"0 1 0", b"1 .6 .8", b"0 1 1"])
@pytest.mark.parametrize("blending", [b"/BM /Multiply", b"/ca .4"])
@pytest.mark.parametrize("box", [(58, 757, 250, 770), (100, 750, 180, 790), (80, 762, 140, 775)])
def test_a_highlight_leaves_what_it_marks(colour: bytes, blending: bytes, box: Box) -> None:
    more = b"/ExtGState << /G << %s >> >>" % blending
    for data in (page(), scanned(page())):
        marked = over(data, box, b"/G gs " + colour + b" rg 0 0 300 300 re f", b"Highlight", resources=more)
        assert said(judged(marked)) is None


def line_of(subtype: bytes, height: float) -> bytes:
    return over(page(), (58, 755, 330, 770), b"1 0 0 RG .8 w 2 %g m 260 %g l S" % (height, height), subtype)


@pytest.mark.parametrize("colour", [b"1 1 0", b"0 1 0", b"1 0.8 0.8"])
@pytest.mark.parametrize("box", [(120, 757, 300, 772), (60, 757, 300, 772)])
def test_a_second_marker_over_a_first(box: Box, colour: bytes) -> None:
    blended = TEXT + b" /ExtGState << /G << /BM /Multiply >> >>"
    stroke = b"/G gs %s rg 0 0 300 15 re f"
    marked = over(page(), (60, 757, 280, 772), stroke % b"1 1 0", b"Highlight", resources=blended)
    twice = over(marked, box, stroke % colour, b"Highlight", resources=blended, number=50)
    assert said(last_of(twice, 2)) is None
    assert said(last_of(over(marked, box, b"1 1 0 rg 0 0 300 15 re f", b"Highlight", number=50), 2)) == HIDES


def last_of(data: bytes, signed: int) -> list[Observation]:
    """What is said of the one annotation that came after `signed`."""
    structure = parse(data)
    later = len(structure.revisions)
    (new,) = (item for item in annotations_of(structure, later) if item not in annotations_of(structure, signed))
    box = drawn.box_of(structure, new, later) or (0, 0, 0, 0)
    return drawn.judge(structure, signed, later, [Paint(1, box, Maker.ANNOTATION, "The look", None, later, new)])


@pytest.mark.parametrize("grey", [0.5, 0.8, 0.9, 0.95])
def test_pale_letters_are_letters(grey: float) -> None:
    void = page(more=b" BT /F1 30 Tf %g g 60 600 Td (VOID) Tj ET" % grey)
    assert said(judged(over(void, (60, 590, 200, 640), b"1 g 0 0 140 50 re f"))) == HIDES
    assert said(judged(over(void, (60, 590, 200, 640), b"0 g 5 20 m 100 40 l S"), Maker.SIGNATURE)) == COVERS


def test_pale_tints_are_no_letters() -> None:
    table = page(more=b" 0.92 g 60 590 300 40 re f 0.96 g 60 550 300 40 re f")
    assert (
        said(judged(over(table, (100, 570, 200, 610), b"1 g 0 0 100 40 re f 0 g 5 20 m 90 30 l S"), Maker.SIGNATURE))
        is None
    )


def test_lines_under_and_through_words() -> None:
    assert said(judged(line_of(b"Underline", 3.3))) is None
    assert said(judged(line_of(b"Underline", 9))) == COVERS
    assert said(judged(line_of(b"StrikeOut", 9))) == COVERS


@pytest.mark.parametrize("subtype", [b"Highlight", b"Underline", b"StrikeOut"])
def test_markup_that_is_none(subtype: bytes) -> None:
    assert said(judged(over(page(), (58, 757, 250, 770), b"1 1 0 rg 0 0 300 30 re f", subtype))) == HIDES
    assert said(judged(over(page(), *EDITS["stroke-makes-3-an-8"], subtype))) == COVERS
    assert said(judged(over(page(), *EDITS["point-made-a-comma"], subtype))) == COVERS


WITHOUT_LOOK = {
    b"FreeText": b"/DA (/Helv 10 Tf) /Contents (x)", b"Line": b"/L [60 %d 200 %d]", b"Polygon": b"/Vertices [60 %d 200 %d 90 %d]",
    b"Ink": b"/InkList [[60 %d 200 %d]]", b"Square": b"", b"Circle": b"", b"Stamp": b"", b"Redact": b"", b"Watermark": b"",
    b"Caret": b"", b"Text": b"", b"FileAttachment": b"",
}  # fmt: skip


@pytest.mark.parametrize("subtype", WITHOUT_LOOK)
def test_what_programs_draw_by_themselves_is_opaque(subtype: bytes) -> None:
    entries = WITHOUT_LOOK[subtype]
    high, low = (entries % ((height,) * entries.count(b"%d")) for height in (765, 465))
    assert said(judged(over(page(), (58, 757, 250, 770), None, subtype, high))) == HIDES
    assert said(judged(over(page(), (58, 457, 250, 470), None, subtype, low))) is None
    if low != high:  # outside of its rectangle
        assert said(judged(over(page(), (58, 457, 250, 470), None, subtype, high))) == HIDES


def test_what_is_not_known_to_be_drawn_is_doubt() -> None:
    text = (58.0, 757.0, 250.0, 770.0)
    assert (
        said(judged(over(page(), text, None, b"Highlight", b"/QuadPoints [58 770 250 770 58 757 250 757]"))) == DOUBTFUL
    )
    assert said(judged(over(page(), text, None, b"Link", b"/Border [0 0 0]"))) is None
    assert said(judged(over(page(), text, None, b"Link"))) == DOUBTFUL
    assert said(judged(over(page(), (40, 740, 450, 790), None, b"Link"))) is None
    assert said(judged(over(page(), text, None, b"Popup"))) is None
    assert said(judged(over(page(), text, None, b"Widget", b"/FT /Tx /MK << /BG [1 1 1] >>"))) == DOUBTFUL
    assert said(judged(over(page(), text, None, b"Widget", b"/FT /Tx"))) is None


def test_looks_that_are_not_drawn_by_all() -> None:
    box = (58.0, 757.0, 250.0, 770.0)
    opaque = {50: parts.form_x_object(WHITE, b"[0 0 192 13]")}
    speck = b"1 0 0 rg 0 0 .4 .4 re f"
    for entries in (b"/AP << /N 41 0 R /R 50 0 R >>", b"/AP << /N 41 0 R /D << /Off 50 0 R >> >>"):
        data = over(page(), box, speck, b"Stamp", more=opaque).replace(b"/AP << /N 41 0 R >>", entries)
        assert said(judged(reread(data))) == DOUBTFUL
    mask = b"/ExtGState << /G << /SMask << /S /Alpha /G 50 0 R >> >> >>"
    assert said(judged(over(page(), box, b"/G gs " + WHITE, resources=mask, more=opaque))) is not None
    assert said(judged(over(page(), box, speck, resources=b"/ExtGState << /G << /BM /Exclusion >> >>"))) == DOUBTFUL
    assert said(judged(over(page(), box, speck, entries=b"/OC << /Type /OCG /Name (n) >>"))) == DOUBTFUL
    assert said(judged(over(page(), box, speck))) is None
    # PDFium draws no widget that is in no form.
    lost = over(page(), box, WHITE, b"Widget").replace(b"/Fields [40 0 R]", b"/Fields [      ]")
    assert said(judged(lost)) == DOUBTFUL


def reread(data: bytes) -> bytes:
    """The update written again, after bytes were put into it."""
    at_update = data.index(b"%%EOF\n") + 6
    objects = {}
    for number in (PAGE, 40, 41, 50):
        if b"\n%d 0 obj\n" % number in data[at_update - 1 :]:
            objects[number] = parts.newest(data, number)
    return parts.update(data[:at_update], objects)


@pytest.mark.parametrize(
    ("flags", "seen"), [(4, True), (0, True), (2, False), (6, False), (32, True), (36, True), (32 | 256, True)]
)
def test_flags_that_hide(flags: int, seen: bool) -> None:
    data = over(page(), (58, 757, 250, 770), WHITE, b"Stamp", flags=flags)
    structure = parse(data)
    (annotation,) = annotations_of(structure, 2)
    assert (drawn.box_of(structure, annotation, 2) is not None) is seen
    assert (said(judged(data)) is not None) is seen


def test_where_nothing_is_shown() -> None:
    for look in (b"q Q", b"/Tx BMC EMC", b"q 0 0 10 10 re W n Q"):
        structure = parse(over(page(), (58, 757, 250, 770), look, b"Widget", b"/FT /Sig"))
        assert drawn.box_of(structure, annotations_of(structure, 2)[0], 2) is None
    for right in (58, 58.3):  # PDFium draws text of a look that is pressed flat
        flat = parse(over(page(), (58, 757, right, 770), WHITE))
        assert drawn.box_of(flat, annotations_of(flat, 2)[0], 2) is not None


@pytest.mark.parametrize("box", [(58, 257, 90, 270), (58, 257, 58, 257)])
def test_a_look_without_bounds_is_cut_off_nowhere(box: Box) -> None:
    """PDFium paints the whole page with it."""
    data = over(page(), box, b"1 g -900 -900 3000 3000 re f").replace(b"/BBox", b"/Nope")
    assert said(judged(data)) in (HIDES, DOUBTFUL)


def test_a_note_that_does_not_turn_with_its_page() -> None:
    """It hangs from its upper left corner, outside of its rectangle."""
    structure = parse(over(page(entries=TURNED[0]), (100, 300, 110, 400), WHITE, b"Stamp", flags=4 | 16))
    box = drawn.box_of(structure, annotations_of(structure, 2)[0], 2)
    assert box == (0, 300, 200, 500)


# -- what lay over content when that was signed ---------------------------------------------------------------------------


def test_a_note_that_does_not_turn_reaches_no_further_where_pages_are_upright() -> None:
    (upright,), (turned,) = (
        [
            extent_of(structure, 1, 2, Paint(1, (0, 0, 0, 0), Maker.ANNOTATION, "The look", None, 2, note))
            for note in notes
        ]
        for structure in (
            parse(over(page(entries=entries), (30, 80, 130, 98), b"1 0 0 rg 0 0 9 9 re f", b"Text", flags=28))
            for entries in (A4, TURNED[0])
        )
        for notes in [annotations_of(structure, 2)]
    )
    assert upright is not None and turned is not None
    assert upright.box == (30, 80, 130, 98)
    assert turned.box == (-70, -2, 130, 198)


def test_what_was_covered_must_not_come_to_light() -> None:
    text = b"BT /F1 11 Tf 102 605 Td (the price is 1000 Euro) Tj ET"
    for content in (b"0 g 140 0 1 1 re f", None, b"q Q"):
        data = field(content, signed_look=WHITE, more=text)
        assert said(judged(data, Maker.FIELD, 2, with_former=True)) == REVEALS


def test_what_is_covered_still_is_a_warning() -> None:
    text = b"BT /F1 11 Tf 102 605 Td (the price is 1000 Euro) Tj ET"
    data = field(WHITE + b"0 g BT /F1 11 Tf 2 5 Td (filled) Tj ET", signed_look=WHITE, more=text)
    (change,) = judged(data, Maker.FIELD, 2, with_former=True)
    assert change.effect is Effect.STILL_HIDES


def test_a_comment_that_is_taken_away() -> None:
    noted = over(page(), (58, 757, 250, 770), WHITE, b"Stamp")
    emptied = parts.update(noted, {PAGE: parts.newest(page(), PAGE)})
    assert said(judged(emptied, signed=2, with_former=True)) == REVEALS
    beside = over(page(), (58, 457, 250, 470), WHITE, b"Stamp")
    emptied = parts.update(beside, {PAGE: parts.newest(page(), PAGE)})
    assert said(judged(emptied, signed=2, with_former=True)) is None


# -- the rest -------------------------------------------------------------------------------------------------------------


def test_over_empty_paper_the_later_state_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    original = page_ink.opened

    def noted(structure: FileStructure, revision: int) -> AbstractContextManager[page_ink.State]:
        opened.append(revision)
        return original(structure, revision)

    monkeypatch.setattr(page_ink, "opened", noted)
    assert judged(over(page(), (60, 300, 260, 360), WHITE + b"0 g 5 5 20 20 re f")) == []
    assert opened == [], "the glance at the content is enough"


def test_pages_that_cannot_be_drawn_or_compared() -> None:
    box = (58.0, 757.0, 250.0, 770.0)
    data = over(page(), box, WHITE)
    resized = parts.update(data, {PAGE: parts.newest(data, PAGE).replace(A4, b"/MediaBox [0 0 700 900]")})
    assert said(judged(resized)) == DOUBTFUL
    structure = parse(data)
    (annotation,) = annotations_of(structure, 2)
    elsewhere = Paint(7, box, Maker.ANNOTATION, "The look", None, 2, annotation)
    assert said(drawn.judge(structure, 1, 2, [elsewhere])) == DOUBTFUL


def test_a_page_too_large_to_be_held_against() -> None:
    data = over(page(entries=b"/MediaBox [0 0 14400 14400]"), (0, 0, 14400, 14400), b"0 g 0 0 1 1 re f")
    assert said(judged(data)) == DOUBTFUL


def test_the_budget_ends_it() -> None:
    structure = parse(over(page(), *EDITS["point-covered"]), limits=Limits(seconds=0.0))
    (annotation,) = annotations_of(structure, 2)
    structure.budget.start()
    with pytest.raises(LimitReached):
        drawn.judge(structure, 1, 2, [Paint(1, (0, 0, 1, 1), Maker.ANNOTATION, "The look", None, 2, annotation)])


@pytest.mark.parametrize(
    "entries",
    [b"/Rect [1 2 3]", b"/Rect (x)", b"/Rect [(a) 700 400 800]", b"/AP 7", b"/AP << /N [1] >>", b"/QuadPoints [[[[[1]]]] (x)]",
     b"/BS 3 /Border 7", b"/F (x)", b"/L [1e30 0 -1e30 5]", b"/Subtype [1]", b"/AP << /N << /A 41 0 R >> >>"],
)  # fmt: skip
def test_entries_of_no_sense(entries: bytes) -> None:
    data = parts.update(
        page(), {PAGE: parts.newest(page(), PAGE).replace(b"[]", b"[40 0 R]"), 40: b"<< %s >>" % entries}
    )
    judged(data)


def test_a_page_that_was_drawn_on_has_to_be_the_same_beside_it() -> None:
    signed = page()
    noted = over(signed, (300, 300, 400, 330), b"1 0 0 rg 0 0 100 30 re f")
    note = Paint(1, (0, 0, 0, 0), Maker.ANNOTATION, "The look", None, 2, annotations_of(parse(noted), 2)[0])
    forged = parts.update(noted, {CONTENT: parts.stream(b"BT /F1 11 Tf 60 760 Td (9888) Tj ET")})
    for data, expected in ((noted, False), (forged, True)):
        structure = parse(data)
        paints = [replace(note, annotation=annotations_of(structure, len(structure.revisions))[0])]
        assert drawn.untouched_page_differs(structure, 1, len(structure.revisions), 1, paints) is expected
        assert drawn.untouched_page_differs(structure, 1, len(structure.revisions), 1) is True


def test_pages_that_should_be_the_same() -> None:
    same = parse(parts.update(page(), {99: b"<< >>"}))
    assert drawn.untouched_page_differs(same, 1, 2, 1) is False
    assert drawn.untouched_page_differs(same, 1, 2, 2) is None
    marked = parse(over(page(), *EDITS["point-added"]))
    assert drawn.untouched_page_differs(marked, 1, 2, 1) is True
    cut = parse(parts.update(page(), {PAGE: parts.newest(page(), PAGE).replace(A4, CROPPED)}))
    assert drawn.untouched_page_differs(cut, 1, 2, 1) is True
