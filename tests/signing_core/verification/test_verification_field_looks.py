"""Whether a filled field shows its value: texts, numbers in formats, choices, buttons, and fonts that lie."""

from __future__ import annotations

import io
import zlib

import fontpkg
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from signing_core.pdf.revisions import parse
from signing_core.verification.field_looks import Judgement, Look, judge

WIN = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
DINGBATS = b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def look(content: bytes, fonts: bytes = b"/Helv " + WIN, box: bytes = b"0 0 200 20", more: bytes = b"") -> bytes:
    head = b"/Type /XObject /Subtype /Form /BBox [%s] /Resources << /Font << %s >> %s >>"
    return stream(content, head % (box, fonts, more))


def shown(operand: bytes, size: int = 12, before: bytes = b"", after: bytes = b"") -> bytes:
    return b"/Tx BMC q %s BT /Helv %d Tf 0 g 2 6 Td %s Tj ET %s Q EMC" % (before, size, operand, after)


def judged(
    entries: bytes,
    objects: dict[int, bytes],
    *,
    form: bytes = b"",
    signed: bytes | None = None,
    rect: bytes = b"60 600 260 620",
) -> Judgement:
    """The judgement on a widget with these entries; its looks are among the objects, from 10 on."""
    widget = b"<< /Type /Annot /Subtype /Widget /T (f) /Rect [%s] %s >>"
    bodies = {
        1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R 5 0 R] %s >> >>" % form,
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Annots [4 0 R] >>",
        4: widget % (rect, entries),
        5: widget % (rect, signed or b""),
        **objects,
    }
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in bodies.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    size = max(bodies) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    structure = parse(bytes(out))
    fields = [field.own for field in structure.form(1).fields]
    return judge(structure, 1, fields[0], (1, fields[1]) if signed is not None else None)


def text_look(value: bytes, content: bytes, more: bytes = b"", **options: bytes) -> Judgement:
    return judged(b"/FT /Tx /V %s /AP << /N 10 0 R >> %s" % (value, more), {10: look(content)}, **options)  # type: ignore[arg-type]


def utf16(value: str) -> bytes:
    return b"<FEFF" + value.encode("utf-16-be").hex().encode() + b">"


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (b"(Anna Schmidt)", shown(b"(Anna Schmidt)")),
        (b"(-10.00)", shown(b"(-10.00)")),
        (utf16("\u221210"), shown(b"(-10)")),
        (b"(Anna\\rSchmidt)", shown(b"(Anna)") + b" BT /Helv 12 Tf 50 6 Td (Schmidt) Tj ET"),
        (b"(AB12)", b"BT /Helv 12 Tf 5 6 Td (A) Tj 20 0 Td (B) Tj 20 0 Td (1) Tj 20 0 Td (2) Tj ET"),
        (b"(1035)", b"BT /Helv 12 Tf 50 6 Td (35) Tj -40 0 Td (10) Tj ET"),  # drawn in another order
        (b"(AB)", b"BT /Helv 12 Tf 5 6 Td [(A) -50 (B)] TJ ET"),
        (b"()", b"/Tx BMC EMC"),
        (b"(framed)", b"0.9 g 0 0 200 20 re f 0 G 1 w 0.5 0.5 199 19 re S " + shown(b"(framed)")),
        (b"(white)", b"0 0 0.5 rg 0 0 200 20 re f BT 1 g /Helv 12 Tf 2 6 Td (white) Tj ET"),
        (utf16("\ufb01n"), shown(b"(fin)")),
        (utf16("100 €"), shown(b"(100 \\200)")),
    ],
)
def test_the_value_is_shown(value: bytes, content: bytes) -> None:
    assert text_look(value, content) == Judgement(Look.VALUE)


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (b"(NOT approved)", shown(b"(approved)")),
        (b"(approved)", shown(b"(NOT approved)")),
        (b"(-10.00)", shown(b"(1000)")),
        (b"(-10.00)", shown(b"(10.00)")),
        (b"(1035)", shown(b"(9888)")),
        (b"(10.00)", shown(b"(1000)")),
        (b"(Approved)", shown(b"(approved)")),
        (b"()", shown(b"(10)")),
        (b"(10)", b"/Tx BMC EMC"),
        (b"(10)", shown(b"(10)") + b" BT /Helv 12 Tf 60 6 Td (000) Tj ET"),
    ],
)
def test_something_else_is_shown(value: bytes, content: bytes) -> None:
    judgement = text_look(value, content)
    assert judgement.look is Look.OTHER
    assert judgement.reason


@pytest.mark.parametrize(
    "content",
    [
        shown(b"(10)") + b" 1 g 0 0 200 20 re f",  # painted over
        shown(b"(10)") + b" 0 G 1 w 0 10 m 200 10 l S",  # struck out
        b"0 G 1 w 0 10 m 200 10 l S " + shown(b"(10)"),
        shown(b"(10)") + b" 1 G 2 w 0 6.5 m 200 6.5 l S",  # a white line over the foot, where a point is
        b"BT 1 g /Helv 12 Tf 2 6 Td (10) Tj ET",  # white on white
        b"BT /Helv 1 Tf 2 6 Td (10) Tj ET",
        b"BT /Helv 90 Tf 2 6 Td (10) Tj ET",
        b"BT /Helv 12 Tf 300 6 Td (10) Tj ET",  # beside the box
        b"BT /Helv 12 Tf 2 6 Td (10) Tj 0 0 Td (99) Tj ET",  # upon each other
        b"BT /Helv 12 Tf -1 0 0 -1 50 12 Tm (10) Tj ET",  # turned: 6 and 9
        b"0 0 5 20 re W n " + shown(b"(10)"),  # clipped
        shown(b"(10)") + b" 60 5 m 62 15 l 70 5 l 75 9 l 80 1 l 90 3 l S",  # drawn as a path
        shown(b"(10)") + b" 30 5 2 10 re f",  # a rectangle that could be a 1
        shown(b"(10)") + b" BI /W 1 /H 1 ID x EI",
        shown(b"(10)") + b" /Im Do",
        b"/OC /x BDC " + shown(b"(10)") + b" EMC",
        b"BT 7 Tr /Helv 12 Tf 2 6 Td (10) Tj ET",
        b"/Missing 12 Tf (10) Tj",
        b"BT /Helv 12 Tf 2 6 Td (10) Tj ] ET",
        b"/Pattern cs /P scn " + shown(b"(10)").replace(b"0 g", b""),
    ],
)
def test_what_cannot_be_read_with_certainty_is_unknown(content: bytes) -> None:
    judgement = text_look(b"(10)", content)
    assert judgement.look is Look.UNKNOWN
    assert judgement.reason


def test_a_letter_that_is_cut_in_half_may_be_another() -> None:
    assert text_look(b"(2)", b"q 0 0 12 20 re W n " + shown(b"(2)") + b" Q") == Judgement(Look.VALUE)
    assert text_look(b"(2)", b"q 0 0 5.3 20 re W n " + shown(b"(2)") + b" Q").look is Look.UNKNOWN


def test_reasons_cut_long_values() -> None:
    judgement = text_look(b"(%s)" % (b"x" * 5000), shown(b"(y)"))
    assert judgement.look is Look.OTHER
    assert len(judgement.reason) < 200


def test_without_an_appearance_viewers_draw_the_value() -> None:
    assert judged(b"/FT /Tx /V (10)", {}).look is Look.VALUE
    other_font = judged(b"/FT /Tx /V (10) /DA (/X 9 Tf)", {}, signed=b"/FT /Tx /DA (/Helv 9 Tf)")
    assert other_font.look is Look.UNKNOWN


def test_a_former_appearance_is_open_where_viewers_make_it_anew() -> None:
    entries, signed = b"/FT /Tx /V (10) /AP << /N 10 0 R >>", b"/FT /Tx /AP << /N 10 0 R >>"
    objects = {10: look(b"/Tx BMC EMC")}
    assert judged(entries, objects, signed=signed, form=b"/NeedAppearances true").look is Look.UNKNOWN
    assert judged(entries, objects, signed=signed).look is Look.OTHER
    objects[11] = look(b"/Tx BMC q Q EMC")
    again = judged(entries, objects, signed=signed.replace(b"10", b"11"), form=b"/NeedAppearances true")
    assert again.look is Look.OTHER


def scripted(value: bytes, operand: bytes, script: bytes, colour: bytes = b"0 g") -> Look:
    action = b"/AA << /F << /S /JavaScript /JS (%s) >> >>" % script.replace(b"\\", rb"\\").replace(
        b"(", rb"\("
    ).replace(b")", rb"\)")
    return text_look(b"(" + value + b")", shown(operand).replace(b"0 g", colour), action).look


@pytest.mark.parametrize(
    ("value", "operand", "script"),
    [
        (b"119.047619047619", b"(119.05)", b'AFNumber_Format(2, 0, 0, 0, "", true);'),
        (b"119.047619047619", b"(119.047619047619)", b'AFNumber_Format(2, 0, 0, 0, "", true);'),
        (b"1234567.5", b"(1,234,567.50)", b'AFNumber_Format(2, 0, 0, 0, "", true)'),
        (b"1234567.5", b"(1234567.50)", b'AFNumber_Format(2, 1, 0, 0, "", true)'),
        (b"1234567.5", b"(1.234.567,50 \\200)", b'AFNumber_Format(2, 2, 0, 0, " \\u20ac", false)'),
        (b"1234567.5", b"(1234567,50)", b'AFNumber_Format(2, 3, 0, 0, "", true)'),
        (b"1234567.5", b"(1'234'567.50)", b'AFNumber_Format(2, 4, 0, 0, "", true)'),
        (b"-10", b"(-$10.00)", b'AFNumber_Format(2, 0, 0, 0, "$", true)'),
        (b"-10", b"(\\($10.00\\))", b'AFNumber_Format(2, 0, 2, 0, "$", true)'),
        (b"2.5", b"(3)", b'AFNumber_Format(0, 0, 0, 0, "", true)'),
        (b"-2.5", b"(-3)", b'AFNumber_Format(0, 0, 0, 0, "", true)'),
        (b"0.19", b"(19%)", b"AFPercent_Format(0, 0);"),
        (b"0.1925", b"(19,25%)", b"AFPercent_Format(2, 3);"),
        (b"4/3/2024", b"(04.03.2024)", b'AFDate_FormatEx("dd.mm.yyyy");'),
        (b"2024-03-04", b"(04.03.2024)", b'AFDate_FormatEx("dd.mm.yyyy");'),
        (b"4 Mar 2024", b"(4-Mar-24)", b"AFDate_Format(5)"),
        (b"13:05", b"(1:05 pm)", b"AFTime_Format(1)"),
        (b"1234567890", b"(\\(123\\) 456-7890)", b"AFSpecial_Format(2)"),
    ],
)
def test_acrobats_own_formats(value: bytes, operand: bytes, script: bytes) -> None:
    assert scripted(value, operand, script) is Look.VALUE


def test_negative_numbers_in_red_have_no_sign_only_in_red() -> None:
    script = b'AFNumber_Format(2, 0, 1, 0, "", true)'
    assert scripted(b"-10", b"(10.00)", script, b"1 0 0 rg") is Look.VALUE
    assert scripted(b"-10", b"(10.00)", script) is Look.OTHER


@pytest.mark.parametrize(
    ("value", "operand", "script", "look_"),
    [
        (b"119.0476", b"(119.06)", b'AFNumber_Format(2, 0, 0, 0, "", true);', Look.OTHER),
        (b"119.0476", b"(119.0)", b'AFNumber_Format(2, 0, 0, 0, "", true);', Look.UNKNOWN),
        (b"-10", b"(10.00)", b'AFNumber_Format(2, 0, 0, 0, "", true);', Look.OTHER),
        (b"-10", b"(10.00)", b'AFNumber_Format(2, 0, 0, 0, "", true); event.value = "x"', Look.OTHER),
        (b"119.0476", b"(119.05)", b"roundIt();", Look.UNKNOWN),
        (b"abc", b"(xyz)", b"custom();", Look.UNKNOWN),
        (b"4/3/2024", b"(03.04.2024)", b'AFDate_FormatEx("dd.mm.yyyy");', Look.UNKNOWN),
    ],
)
def test_formats_that_do_not_fit(value: bytes, operand: bytes, script: bytes, look_: Look) -> None:
    assert scripted(value, operand, script) is look_


def test_numbers_in_another_format_without_a_script_are_open() -> None:
    assert text_look(b"(1234.5)", shown(b"(1,234.50)")).look is Look.UNKNOWN


def test_scripts_count_as_they_were_signed() -> None:
    script = b"/AA << /F << /S /JavaScript /JS (custom\\(\\)) >> >>"
    assert text_look(b"(a)", shown(b"(b)"), script).look is Look.UNKNOWN
    assert text_look(b"(a)", shown(b"(b)"), script, signed=b"/FT /Tx").look is Look.OTHER


def test_passwords() -> None:
    assert text_look(b"(abc)", shown(b"(***)"), b"/Ff 8192").look is Look.VALUE
    assert text_look(b"(abc)", shown(b"(****)"), b"/Ff 8192").look is Look.UNKNOWN
    assert text_look(b"(abc)", shown(b"(xyz)"), b"/Ff 8192").look is Look.UNKNOWN


# -- choices --------------------------------------------------------------------------------------------------------------

OPTIONS = b"/Opt [[(y) (Yes)] [(n) (No)] [(l) (Later)]]"


@pytest.mark.parametrize(
    ("value", "operand", "expected"), [(b"y", b"(Yes)", "value"), (b"y", b"(No)", "other"), (b"y", b"(y)", "value")]
)
def test_combo_boxes_show_the_text_of_the_option(value: bytes, operand: bytes, expected: str) -> None:
    entries = b"/FT /Ch /Ff 131072 /V (%s) /AP << /N 10 0 R >> %s" % (value, OPTIONS)
    assert judged(entries, {10: look(shown(operand))}).look == expected


@pytest.mark.parametrize(
    ("mark", "expected"),
    [(b"", "value"), (b"0.6 0.7 0.8 rg 0 41 200 13 re f", "value"), (b"0.6 0.7 0.8 rg 0 26 200 13 re f", "other")],
)
def test_list_boxes_show_all_options_and_mark_the_selected(mark: bytes, expected: str) -> None:
    content = mark + b" 0 g BT /Helv 12 Tf 2 43 Td (Yes) Tj 0 -15 Td (No) Tj 0 -15 Td (Later) Tj ET"
    objects = {10: look(content, box=b"0 0 200 60")}
    entries = b"/FT /Ch /V (y) /AP << /N 10 0 R >> " + OPTIONS
    assert judged(entries, objects, rect=b"60 600 260 660").look == expected
    objects[10] = look(content.replace(b"Later", b"Never"), box=b"0 0 200 60")
    assert judged(entries, objects, rect=b"60 600 260 660").look is not Look.VALUE


def test_a_list_box_whose_last_option_is_cut_off_by_its_edge() -> None:
    rows = b"BT 2 25.7 Td /Helv 12 Tf 0 g (Yes) Tj 0 -13.9 Td (No) Tj 0 -13.9 Td (Later) Tj ET"
    content = b"q 2 0 194 60 re W n 2 0 194 60 re s 1 10.8 198 14 re 0.5 G s " + rows + b" Q"
    entries = b"/FT /Ch /V (n) /AP << /N 10 0 R >> " + OPTIONS
    objects = {10: look(content, box=b"0 0 200 60")}
    assert judged(entries, objects, rect=b"60 600 260 660").look is Look.VALUE
    assert judged(entries.replace(b"(n)", b"(y)"), objects, rect=b"60 600 260 660").look is Look.OTHER


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (b"0 G 0.5 0.5 199 19 re S", "value"),
        (b"0 G 0 1 m 200 1 l S", "value"),
        (b"0 G 0 10 m 200 10 l S", "unknown"),
        (b"0 g 5 8 190 3 re f", "unknown"),
    ],
)
def test_a_rule_across_an_empty_field_strikes_it_out(drawn: bytes, expected: str) -> None:
    entries = b"/FT /Tx /AP << /N 10 0 R >>"
    blank = look(b"0 G 0.5 0.5 199 19 re S")
    objects = {10: look(drawn), 12: blank}
    assert judged(entries, objects, signed=entries.replace(b"10", b"12")).look == expected


HALF = b"0 G 1 1 199 99 re S"
"""A frame of which the box cuts off the right and the upper side."""
CLIPPED = b"0 0 120 9 re W n 0 G 0.5 0.5 199 19 re S"
FRAME = b"0 G 0.5 0.5 199 19 re S"


@pytest.mark.parametrize(
    ("before", "drawn", "expected"),
    [
        (None, FRAME, "value"),
        (None, b"", "value"),
        (None, b"0 G 0 0 m 200 0 l S", "value"),  # underlined
        (None, b"1 0.9 0.9 rg 0 0 200 20 re f", "value"),
        (None, HALF, "unknown"),
        (None, CLIPPED, "unknown"),
        (None, b"0 G 8 w 4 4 192 12 re S", "unknown"),
        (None, b"0 G 1 0 m 1 20 l S", "unknown"),
        (None, b"0 g 0 0 200 20 re f", "unknown"),
        (FRAME, FRAME + b" ", "value"),
        (FRAME, b"", "value"),
        (FRAME, b"0.5 G 2 w 1 1 198 18 re S", "value"),
        (FRAME, HALF, "unknown"),
        (HALF, HALF + b" ", "value"),
        (b"0 g 0 0 200 20 re f", b"0 g 0 0 200 20 re f ", "value"),
    ],
)
def test_an_empty_field_gets_a_frame_or_none(before: bytes | None, drawn: bytes, expected: str) -> None:
    entries = b"/FT /Tx /AP << /N 10 0 R >>"
    signed = b"/FT /Tx" if before is None else entries.replace(b"10", b"12")
    objects = {10: look(drawn), 12: look(before or b"")}
    assert judged(entries, objects, signed=signed).look == expected
    coloured = b"/FT /Tx /MK << /BG [0] >>"
    if before is None and drawn.startswith(b"0 g"):
        assert judged(entries + coloured[7:], objects, signed=coloured).look is Look.VALUE


def test_a_frame_that_is_cut_off_around_a_value_that_stayed() -> None:
    entries = b"/FT /Tx /V (10) /AP << /N 10 0 R >>"
    for drawn, expected in ((FRAME, "value"), (HALF, "unknown")):
        objects = {10: look(drawn + shown(b"(10)")), 12: look(shown(b"(10)"))}
        assert judged(entries, objects, signed=entries.replace(b"10 0", b"12 0")).look == expected


def test_one_value_has_one_look() -> None:
    entries = b"/FT /Tx /AP << /N << /Yes 10 0 R /Off 10 0 R >> >>"
    assert judged(entries, {10: look(FRAME)}, signed=b"/FT /Tx").look is Look.UNKNOWN
    assert judged(entries, {10: look(FRAME)}, signed=entries).look is Look.VALUE


# -- buttons --------------------------------------------------------------------------------------------------------------

BUTTON = b"/FT /Btn /V /%s /AS /%s /AP << /N << /Yes 10 0 R /Off 11 0 R >> >>"
BLANK = look(b"0.9 g 0 0 20 20 re f 0 G 0.5 0.5 19 19 re S", box=b"0 0 20 20")
TICK = look(b"q BT /ZaDb 16 Tf 3 4 Td (4) Tj ET Q", b"/ZaDb " + DINGBATS, b"0 0 20 20")
CROSS = look(b"q 3 3 m 17 17 l 3 17 m 17 3 l S Q", box=b"0 0 20 20")
WORD = look(b"BT /Helv 8 Tf 2 6 Td (NO) Tj ET", box=b"0 0 20 20")


@pytest.mark.parametrize(
    ("value", "state", "on", "off", "expected"),
    [
        (b"Yes", b"Yes", TICK, BLANK, "value"),
        (b"Yes", b"Yes", CROSS, BLANK, "value"),
        (b"Off", b"Off", TICK, BLANK, "value"),
        (b"Yes", b"Off", TICK, BLANK, "other"),
        (b"Off", b"Yes", TICK, BLANK, "other"),
        (b"Yes", b"Yes", BLANK, BLANK, "other"),
        (b"Yes", b"Yes", BLANK, TICK, "other"),
        (b"Off", b"Off", TICK, TICK, "other"),
        (b"Yes", b"Yes", WORD, BLANK, "unknown"),
        (b"Off", b"Off", TICK, WORD, "unknown"),
        (b"No", b"Off", TICK, BLANK, "unknown"),
    ],
)
def test_check_boxes(value: bytes, state: bytes, on: bytes, off: bytes, expected: str) -> None:
    assert judged(BUTTON % (value, state), {10: on, 11: off}, rect=b"60 600 80 620").look == expected


def test_looks_that_were_signed_are_known() -> None:
    signed = BUTTON.replace(b"10 0 R", b"12 0 R") % (b"Off", b"Off")
    objects = {10: WORD, 11: BLANK, 12: WORD}
    assert judged(BUTTON % (b"Yes", b"Yes"), objects, signed=signed).look is Look.VALUE
    objects[10] = look(b"BT /Helv 8 Tf 2 6 Td (OK) Tj ET", box=b"0 0 20 20")
    assert judged(BUTTON % (b"Yes", b"Yes"), objects, signed=signed).look is Look.UNKNOWN


@pytest.mark.parametrize(
    ("anew", "expected"),
    [
        (b"0.8 g 0 0 20 20 re f 0 G 1 1 18 18 re S", "value"),
        (b"1 g 0 0 20 20 re f", "unknown"),
        (b"1 G 1 1 18 18 re S", "unknown"),
        (b"0 g 0 0 20 20 re f", "unknown"),
        (b"0 G 1 1 99 99 re S", "unknown"),
        (b"0 G 1 1 m 19 1 l S", "unknown"),
        (b"0 0 12 20 re W n 0 G 1 1 18 18 re S", "unknown"),
        (b"0 G 5 w 1 1 18 18 re S", "unknown"),
        (b"0 G 1 1 m 19 1 l 1 19 m 19 19 l 1 1 m 1 19 l 19 1 m 19 19 l S", "value"),
        (b"0 G 1 10 m 1 15 5 19 10 19 c 15 19 19 15 19 10 c 19 5 15 1 10 1 c 5 1 1 5 1 10 c s", "value"),
        (b"", "unknown"),
    ],
)
def test_a_box_that_nobody_ticked_stays_in_sight(anew: bytes, expected: str) -> None:
    signed = BUTTON.replace(b"11 0 R", b"12 0 R") % (b"Off", b"Off")
    objects = {10: TICK, 11: look(anew, box=b"0 0 20 20"), 12: BLANK}
    assert judged(BUTTON % (b"Off", b"Off"), objects, signed=signed).look == expected


def test_a_box_stays_in_sight_when_another_of_its_group_is_ticked() -> None:
    group = BUTTON + b" /Ff 32768 /Parent 20 0 R"
    kin = {20: b"<< /Kids [4 0 R 21 0 R] >>", 21: b"<< /AP << /N << /card 10 0 R /Off 12 0 R >> >> >>"}
    signed = group.replace(b"11 0 R", b"12 0 R") % (b"Off", b"Off")
    for anew, expected in ((b"0 G 0.5 0.5 19 19 re S", "value"), (b"0 G 1 1 99 99 re S", "unknown"), (b"", "unknown")):
        objects = {10: TICK, 11: look(anew, box=b"0 0 20 20"), 12: BLANK, **kin}
        assert judged(group % (b"card", b"Off"), objects, signed=signed).look == expected


# -- fonts ----------------------------------------------------------------------------------------------------------------


def embedded(swapped: dict[str, str], letters: str) -> tuple[dict[int, bytes], bytes]:
    """Objects 20 to 24 of a font whose glyph for each letter is that of `swapped`, and the codes of the letters."""
    source = TTFont(io.BytesIO(fontpkg.path("noto-sans").read_bytes()))
    glyphs, names = source.getGlyphSet(), source.getBestCmap()
    order = [".notdef", *(f"g{index}" for index in range(len(letters)))]
    drawn = {".notdef": TTGlyphPen(None).glyph()}
    for name, letter in zip(order[1:], letters, strict=True):
        pen = TTGlyphPen(None)
        if swapped.get(letter, letter):
            recording = DecomposingRecordingPen(glyphs)
            glyphs[names[ord(swapped.get(letter, letter))]].draw(recording)
            recording.replay(pen)
        drawn[name] = pen.glyph()
    builder = FontBuilder(source["head"].unitsPerEm)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({})
    builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics(dict.fromkeys(order, (600, 0)))
    builder.setupHorizontalHeader()
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    lines = b"".join(b"<%04X> <%04X>\n" % (index + 1, ord(letter)) for index, letter in enumerate(letters))
    cmap = b"1 begincodespacerange <0000> <FFFF> endcodespacerange %d beginbfchar\n%sendbfchar" % (len(letters), lines)
    program = zlib.compress(file.getvalue())
    objects = {
        20: b"<< /Type /Font /Subtype /Type0 /BaseFont /AAAAAA+N /Encoding /Identity-H /DescendantFonts [21 0 R] /ToUnicode 23 0 R >>",
        21: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /AAAAAA+N /DW 600 /FontDescriptor 22 0 R /CIDToGIDMap /Identity >>",
        22: b"<< /Type /FontDescriptor /FontName /AAAAAA+N /Flags 4 /FontFile2 24 0 R >>",
        23: stream(cmap),
        24: stream(program, b"/Filter /FlateDecode"),
    }
    return objects, b"<" + b"".join(b"%04X" % (index + 1) for index in range(len(letters))) + b">"


@pytest.mark.parametrize(
    ("letters", "swapped", "expected"),
    [
        ("10.35", {}, "value"),
        ("10.35", {"1": "9"}, "unknown"),
        ("10.35", {".": ""}, "unknown"),
        ("-10", {"-": ""}, "unknown"),
        ("Ana", {"A": "B"}, "unknown"),
        ("ŁuČk", {}, "value"),
    ],
)
def test_glyphs_of_embedded_fonts_are_looked_at(letters: str, swapped: dict[str, str], expected: str) -> None:
    objects, codes = embedded(swapped, letters)
    objects[10] = look(shown(codes), b"/Helv 20 0 R")
    entries = b"/FT /Tx /V %s /AP << /N 10 0 R >>"
    assert judged(entries % utf16(letters), objects).look == expected
    assert judged(entries % b"(something else)", objects).look is not Look.VALUE


def test_letters_that_only_their_font_tells_are_said_to_be_so() -> None:
    for letters, rests in (("Anna", False), ("\u0e01\u0e02", True)):
        objects, codes = embedded({letter: "A" for letter in letters if rests}, letters)
        objects[10] = look(shown(codes), b"/Helv 20 0 R")
        judgement = judged(b"/FT /Tx /V %s /AP << /N 10 0 R >>" % utf16(letters), objects)
        assert (judgement.look, bool(judgement.reason)) == (Look.VALUE, rests)


@pytest.mark.parametrize(
    "font",
    [
        WIN.replace(b">>", b"/ToUnicode 30 0 R >>"),  # what viewers show does not depend on it
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Wingdings /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type3 /BaseFont /X >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [49 /g17] >> >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Subtype /CIDFontType2 >>] >>",
        b"<< /Type /Font /Subtype /TrueType /BaseFont /X /FontDescriptor << /FontFile2 30 0 R >> /Encoding /WinAnsiEncoding >>",
    ],
)
def test_fonts_that_do_not_tell(font: bytes) -> None:
    objects = {10: look(shown(b"(1010)"), b"/Helv " + font), 30: stream(b"1 beginbfchar <31> <0039> endbfchar")}
    assert judged(b"/FT /Tx /V (9090) /AP << /N 10 0 R >>", objects).look is Look.UNKNOWN


def test_letters_upon_each_other_whatever_the_widths_say() -> None:
    font = WIN.replace(b">>", b"/FirstChar 48 /LastChar 57 /Widths [%s] >>" % (b"0 " * 10))
    objects = {10: look(shown(b"(10)"), b"/Helv " + font)}
    assert judged(b"/FT /Tx /V (10) /AP << /N 10 0 R >>", objects).look is Look.UNKNOWN


def test_a_field_that_becomes_another_kind_of_field() -> None:
    assert text_look(b"(10)", shown(b"(10)"), signed=b"/FT /Sig").look is Look.UNKNOWN


def test_differences_decide_what_is_shown() -> None:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [49 /nine] >> >>"
    objects = {10: look(shown(b"(1010)"), b"/Helv " + font)}
    assert judged(b"/FT /Tx /V (1010) /AP << /N 10 0 R >>", objects).look is Look.OTHER
    assert judged(b"/FT /Tx /V (9090) /AP << /N 10 0 R >>", objects).look is Look.VALUE


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80))
def test_hostile_content_never_raises(content: bytes, value: bytes) -> None:
    objects = {10: look(b"BT /Helv 12 Tf 2 6 Td " + content + b" (a) Tj ET")}
    assert judged(b"/FT /Tx /V <%s> /AP << /N 10 0 R >>" % value.hex().encode(), objects).look in Look


EMBEDDED = embedded({}, "10")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_hostile_font_programs_never_raise(place: int, damage: bytes) -> None:
    font, codes = EMBEDDED
    objects = dict(font)
    program = bytearray(zlib.decompress(objects[24].partition(b"stream\n")[2].removesuffix(b"\nendstream")))
    program[place : place + len(damage)] = damage
    objects[24] = stream(bytes(program))
    objects[10] = look(shown(codes), b"/Helv 20 0 R")
    assert judged(b"/FT /Tx /V (10) /AP << /N 10 0 R >>", objects).look in Look
