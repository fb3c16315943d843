"""What honest software does to a signed file has to pass."""

from __future__ import annotations

from collections.abc import Callable

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, EMPTY_SIGNATURE, FORM, INFO, PAGE, TEXT, contract_objects

from signing_core.pdf.revisions import parse
from signing_core.pdf.structure.mentions import ParsedMentions, ScannedMentions
from signing_core.verification.changes import ChangeLevel, ChangeReport, since
from signing_core.verification.changes.analysis import compare
from signing_core.verification.changes.pair import Pair
from signing_core.verification.comparison.difference import difference

OBJECTS = contract_objects()
BLANK = b"[300 20 500 80]"


def annotated(data: bytes, subtype: bytes, rect: bytes, appearance: bytes) -> bytes:
    page = OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    annotation = b"<< /Type /Annot /Subtype /%s /F 4 /Rect %s /AP << /N 61 0 R >> >>" % (subtype, rect)
    return parts.update(data, {PAGE: page, 60: annotation, 61: appearance})


def based_on(**changes: bytes) -> bytes:
    return parts.original({**OBJECTS, **{int(name.removeprefix("o")): body for name, body in changes.items()}})


def empty_field_over_a_line() -> bytes:
    """A signature line and its caption below the field, and an opaque signature over the line."""
    content = OBJECTS[4].replace(b"stream\n", b"stream\n60 112 200 0.7 re f ", 1)
    content = content.replace(b"/Length %d" % _length(OBJECTS[4]), b"/Length %d" % (_length(OBJECTS[4]) + 22))
    opaque = parts.form_x_object(b"1 g 0 0 200 60 re f 0 g BT /F1 10 Tf 4 30 Td (Sample Client) Tj ET")
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    first = b"<< /FT /Sig /T (first) /Rect [0 0 0 0] /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /V 61 0 R >>"
    data = parts.sealed(parts.update(based_on(o4=content), {60: first, 61: parts.signature_value(), FORM: form}))
    field = OBJECTS[EMPTY_SIGNATURE][:-2] + b"/V 62 0 R /AP << /N 63 0 R >> >>"
    return parts.sealed(parts.update(data, {EMPTY_SIGNATURE: field, 62: parts.signature_value(), 63: opaque}))


def _length(body: bytes) -> int:
    return int(body.split(b"/Length ")[1].split()[0])


def tagged() -> bytes:
    """A tagged document, signed twice: the new field gets a structure element."""
    base = based_on(
        o1=OBJECTS[CATALOG][:-2] + b"/MarkInfo << /Marked true >> /StructTreeRoot 70 0 R >>",
        o70=b"<< /Type /StructTreeRoot /K 71 0 R /ParentTree 72 0 R /ParentTreeNextKey 1 >>",
        o71=b"<< /Type /StructElem /S /Document /P 70 0 R /K [73 0 R] >>",
        o72=b"<< /Nums [0 [73 0 R]] >>",
        o73=b"<< /Type /StructElem /S /P /P 71 0 R /Pg 3 0 R /K 0 >>",
    )
    data = parts.second_signature(parts.signed(base), more=b"/StructParent 1")
    return parts.update(
        data,
        {
            70: b"<< /Type /StructTreeRoot /K 71 0 R /ParentTree 72 0 R /ParentTreeNextKey 2 >>",
            71: b"<< /Type /StructElem /S /Document /P 70 0 R /K [73 0 R 74 0 R] >>",
            72: b"<< /Nums [0 [73 0 R] 1 74 0 R] >>",
            74: b"<< /Type /StructElem /S /Form /P 71 0 R /Pg 3 0 R /K << /Type /OBJR /Obj 30 0 R >> >>",
        },
    )


def checked() -> bytes:
    states = b"/AP << /N << /Yes 60 0 R /Off 61 0 R >> >>"
    box = OBJECTS[11].replace(b"/AP << /N << /Yes 5 0 R /Off 5 0 R >> >>", states)
    base = based_on(o11=box, o60=parts.form_x_object(b"0 0 m 20 20 l S"), o61=parts.form_x_object(b""))
    return parts.update(parts.signed(base), {11: box.replace(b"/V /Off /AS /Off", b"/V /Yes /AS /Yes")})


def rewritten_in_place() -> bytes:
    """Everything written once more under the same numbers, with other white space."""
    data = parts.signed()
    return parts.update(
        data, {n: b"  " + body + b"  " for n, body in OBJECTS.items() if n not in (FORM, EMPTY_SIGNATURE)}
    )


XMP = b"/Type /Metadata /Subtype /XML"


def text_field(more: bytes, shown: bytes, *, number: int = 60) -> dict[int, bytes]:
    looks = parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (%s) Tj ET Q EMC" % shown)
    return {parts.TEXT: OBJECTS[parts.TEXT][:-2] + more + b" /AP << /N %d 0 R >> >>" % number, number: looks}


def hint_that_gave_way() -> bytes:
    """A field with a script shows the form of a date until it is filled in."""
    script = b"/AA << /F << /S /JavaScript /JS (AFDate_FormatEx) >> >>"
    base = parts.signed(parts.original({**OBJECTS, **text_field(script, b"dd.mm.yyyy")}))
    return parts.update(base, text_field(script + b" /V (01.02.2026)", b"01.02.2026", number=61))


def filled_again_with_an_inherited_value(permission: int | None = 2) -> bytes:
    """The value stands in the field, the looks in its widget."""

    def objects(value: bytes, number: int) -> dict[int, bytes]:
        widget = b"<< /Parent 9 0 R /Rect [60 200 260 230] /Type /Annot /Subtype /Widget /P 3 0 R /F 4 /AP << /N %d 0 R >> >>"
        return {
            parts.TEXT: b"<< /FT /Tx /T (amount) /DA (/F1 11 Tf 0 g) /V (%s) /Kids [70 0 R] >>" % value,
            70: widget % number,
            number: parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (%s) Tj ET Q EMC" % value),
        }

    page = OBJECTS[parts.PAGE].replace(b"[9 0 R", b"[70 0 R")
    data = parts.original({**OBJECTS, parts.PAGE: page, **objects(b"1000", 71)})
    base = parts.signed(data) if permission is None else parts.certified(permission, data=data)
    return parts.update(base, objects(b"2000", 72))


HONEST: dict[str, Callable[[], bytes]] = {
    "hint-that-gave-way": hint_that_gave_way,
    "filled-again-with-an-inherited-value": filled_again_with_an_inherited_value,
    "second-signature": lambda: parts.second_signature(parts.signed()),
    "second-after-certification": lambda: parts.second_signature(parts.certified(2)),
    "signature-over-its-line": empty_field_over_a_line,
    "filled": lambda: parts.filled(parts.signed()),
    "filled-after-certification": lambda: parts.filled(parts.certified(2)),
    "filled-twice": lambda: parts.filled(parts.filled(parts.signed()), b"2000", number=45),
    "other-field-locked": lambda: parts.filled(parts.signed(value=parts.signature_value(
        b"/Reference [<< /TransformMethod /FieldMDP /TransformParams << /Action /Exclude /Fields [(amount)] >> >>]"))),
    "checked": checked,
    "time-stamped": lambda: parts.time_stamped(parts.signed()),
    "time-stamped-after-p1": lambda: parts.time_stamped(parts.certified(1)),
    "time-stamp-without-type": lambda: parts.time_stamped(parts.certified(1), typed=False),
    "time-stamped-twice": lambda: parts.time_stamped(parts.time_stamped(parts.signed()), number=80),
    "validation-data-replaced": lambda: parts.update(
        parts.time_stamped(parts.certified(1)), {50: parts.stream(b"\x30\x82another", compress=True)}),
    "xref-stream": lambda: parts.update(parts.signed(), {INFO: b"<< /ModDate (D:20270101000000Z) >>"}, xref="stream"),
    "dates": lambda: parts.update(parts.certified(1), {INFO: OBJECTS[INFO].replace(b"2026", b"2027")}),
    "metadata": lambda: parts.update(
        parts.certified(2), {CATALOG: parts.newest(parts.certified(2), CATALOG)[:-2] + b"/Metadata 60 0 R >>",
                             60: parts.stream(b"<x:xmpmeta/>", XMP)}),
    "extensions-and-version": lambda: parts.update(
        parts.signed(), {CATALOG: OBJECTS[CATALOG][:-2] + b"/Version /2.0 /Extensions << /ESIC << /BaseVersion /1.7 "
                                                         b"/ExtensionLevel 5 >> >> >>"}),
    "freed-what-never-was": lambda: parts.update(parts.signed(), {60: b"<< >>"}, freed=(90, 91)),
    "unused-object": lambda: parts.update(parts.signed(), {60: parts.stream(b"nothing leads here")}),
    "rewritten": rewritten_in_place,
    "real-for-integer": lambda: parts.update(parts.signed(), {PAGE: OBJECTS[PAGE].replace(b"595 842", b"595.0 842.000")}),
    "tagged": tagged,
    "note-on-blank": lambda: annotated(parts.signed(), b"Text", BLANK, parts.visible(b"a remark")),
    "note-after-p3": lambda: annotated(parts.certified(3), b"FreeText", BLANK, parts.visible(b"a remark")),
    "highlight": lambda: annotated(parts.certified(3), b"Highlight", b"[55 755 250 772]", parts.form_x_object(
        b"/G gs 1 1 0 rg 0 0 200 60 re f", resources=b"<< /ExtGState << /G << /BM /Multiply >> >> >>")),
    "white-space-behind": lambda: parts.second_signature(parts.signed()) + b"\r\n\r\n",
    "comment-behind-a-gap": lambda: parts.update(parts.signed() + b"% made by sample software\n", {60: b"<< >>"}),
    "font-for-the-form": lambda: parts.update(
        parts.signed(), {FORM: parts.newest(parts.signed(), FORM).replace(b"/F1 5 0 R", b"/F1 5 0 R /F2 60 0 R"),
                         60: OBJECTS[5].replace(b"Helvetica", b"Courier")}),
    "redrawn-as-it-is": lambda: parts.update(
        (shown := parts.filled(parts.signed())), {FORM: parts.newest(shown, FORM)[:-2] + b"/NeedAppearances true >>"}),
}  # fmt: skip


NOTABLE = {
    "filled-again-with-an-inherited-value": {"change-field-overwritten"},
    "time-stamped-twice": {"change-validation-data-removed"},
    "validation-data-replaced": {"change-validation-data-removed"},
}
"""Warnings that some of them deserve."""


def verdict(data: bytes) -> ChangeReport:
    structure = parse(data)
    covered = structure.signatures[0].covered_revision
    assert covered is not None
    return since(structure, covered, signature=0)


@pytest.mark.parametrize("name", HONEST)
def test_honest_changes_are_permitted(name: str) -> None:
    report = verdict(HONEST[name]())
    assert report.level is ChangeLevel.PERMITTED, report
    assert {finding.code for finding in report.findings if finding.severity != "info"} <= NOTABLE.get(name, set())


@pytest.mark.parametrize("name", HONEST)
def test_both_indexes_of_references_lead_to_the_same(name: str) -> None:
    structure = parse(HONEST[name]())
    covered, last = structure.signatures[0].covered_revision or 0, len(structure.revisions)
    scanned, parsed = (
        compare(Pair(structure, covered, last, mentions, {}))
        for mentions in (ScannedMentions(structure), ParsedMentions(structure))
    )
    assert scanned == parsed


def test_a_signature_among_words_is_for_somebody_to_look_at() -> None:
    """Also a transparent one: a stroke turns 3 into 8, and anybody can sign."""
    report = verdict(parts.second_signature(parts.signed(), rect=b"[50 600 300 780]"))
    assert report.level is ChangeLevel.UNKNOWN
    assert report.findings[0].code == "change-covers-text" and report.findings[0].page == 1


def test_nothing_came_after() -> None:
    assert verdict(parts.signed()) == ChangeReport(ChangeLevel.NONE, ())


def test_the_rules_of_each_signature_are_its_own() -> None:
    """A seal that locks everything comes last: what was allowed before it stays allowed."""
    locked = parts.certified(2)
    data = parts.second_signature(locked)
    structure = parse(data)
    assert [
        since(structure, r.covered_revision or 0, signature=i).level for i, r in enumerate(structure.signatures)
    ] == [
        ChangeLevel.PERMITTED,
        ChangeLevel.NONE,
    ]
    dated = parts.update(parts.certified(1), {INFO: OBJECTS[INFO].replace(b"2026", b"2027")})
    assert verdict(dated).level is ChangeLevel.PERMITTED


def test_difference_names_pages_fields_and_annotations() -> None:
    data = annotated(parts.filled(parts.signed()), b"Stamp", BLANK, parts.visible(b"seen"))
    structure = parse(data)
    found = difference(structure, structure.signatures[0].covered_revision or 0)
    assert (found.pages, found.fields, found.annotations) == ((1,), ("amount",), ("page 1: Stamp",))
    assert (found.pages_before, found.pages_after) == (2, 2)
    same = difference(structure, len(structure.revisions))
    assert (same.pages, same.fields, same.annotations) == ((), (), ())


def test_pages_are_counted_before_and_after() -> None:
    data = parts.update(parts.signed(), {2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"})
    found = difference(parse(data), 2)
    assert (found.pages_before, found.pages_after) == (2, 1)


def test_a_value_that_the_signer_saw_is_overwritten_with_an_express_permission_only() -> None:
    report = verdict(filled_again_with_an_inherited_value())
    (warning,) = [finding for finding in report.findings if finding.severity == "warning"]
    assert report.level is ChangeLevel.PERMITTED and "'1000'" in warning.message and "'2000'" in warning.message
    for permission in (None, 1):
        assert verdict(filled_again_with_an_inherited_value(permission)).level is ChangeLevel.FORBIDDEN


def test_a_font_whose_box_is_larger_than_the_page_hides_nothing() -> None:
    """Programs take the boxes of its characters from what it says of them (9.6.4), and would find them everywhere."""
    font = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [-9000 -9000 90000 90000] /FontMatrix [1 0 0 1 0 0] /FirstChar 34 /LastChar 34 "
        b"/Widths [.1] /CharProcs << /x 61 0 R >> /Encoding << /Differences [34 /x] >> /Resources << >> >>"
    )
    page = (
        OBJECTS[PAGE]
        .replace(b"/Contents 4 0 R", b"/Contents [4 0 R 62 0 R]")
        .replace(b"/F1 5 0 R", b"/F1 5 0 R /F3 60 0 R")
    )
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 30 0 R]")
    field = b"<< /FT /Sig /T (first) /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /Rect [300 20 500 60] "
    base = parts.original({
        **OBJECTS, PAGE: page.replace(b"11 0 R]", b"11 0 R 30 0 R]"), FORM: form, 30: field + b">>", 60: font,
        61: parts.stream(b".1 0 -9000 -9000 90000 90000 d1 0 0 .5 .5 re f"), 62: parts.stream(b'BT /F3 9 Tf 1 0 0 1 150 126 Tm (""") Tj ET'),
    })  # fmt: skip
    form = form[:-2] + b"/SigFlags 3 >>"
    first = {
        30: field + b"/V 31 0 R /AP << /N 32 0 R >> >>",
        31: parts.signature_value(),
        32: parts.visible(),
        FORM: form,
    }
    data = parts.signed(parts.sealed(parts.update(base, first)), more={FORM: form})
    assert verdict(data).level is ChangeLevel.PERMITTED


def test_an_entry_written_twice_cannot_be_judged() -> None:
    data = parts.second_signature(parts.signed(), more=b"/Rect [50 600 300 780]")
    assert verdict(data).level is ChangeLevel.UNKNOWN


def test_an_unreadable_font_cannot_be_judged() -> None:
    data = parts.filled(parts.signed())
    strange = b"<< /Font << /F1 << /Type /Font /Subtype /Type3 >> >> >>"
    shown = parts.form_x_object(b"BT /F1 11 Tf 2 8 Td (1000) Tj ET", resources=strange)
    assert verdict(parts.update(data, {40: shown, TEXT: parts.newest(data, TEXT)})).level is ChangeLevel.UNKNOWN


@pytest.mark.parametrize("drawn", [b"/X Do", b"0 0 m 10 10 20 20 30 0 c S", b"BI EI"])
def test_appearances_with_more_than_text_cannot_be_judged(drawn: bytes) -> None:
    data = parts.filled(parts.signed())
    shown = parts.form_x_object(b"BT /F1 11 Tf 2 8 Td (1000) Tj ET " + drawn)
    assert verdict(parts.update(data, {40: shown, TEXT: parts.newest(data, TEXT)})).level is ChangeLevel.UNKNOWN


def test_xfa_cannot_be_judged() -> None:
    form = parts.newest(parts.signed(), FORM)[:-2] + b"/XFA (<xdp/>) >>"
    assert verdict(parts.update(parts.signed(), {FORM: form})).level is ChangeLevel.UNKNOWN


def test_an_unknown_revision_cannot_be_judged() -> None:
    structure = parse(parts.signed())
    assert since(structure, 7).level is ChangeLevel.UNKNOWN
    assert since(parse(b"no PDF"), 1).level is ChangeLevel.UNKNOWN
