"""Forgeries of every class, made from one honestly signed file: none of them may pass as unchanged or permitted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, CONTENT, EMPTY_SIGNATURE, FONT, FORM, PAGE, PAGE_2, PAGES, TEXT, contract_objects

from signing_core.pdf.revisions import Coverage, FileStructure, parse
from signing_core.pdf.structure.mentions import ParsedMentions, ScannedMentions
from signing_core.verification.changes import ChangeLevel, ChangeReport, since
from signing_core.verification.changes.analysis import History, judge

OBJECTS = contract_objects()
FORGED = parts.stream(b"BT /F1 11 Tf 1 0 0 1 60 760 Tm (The price is 9000 Euro.) Tj ET")
OPAQUE = parts.form_x_object(b"1 g 0 0 200 60 re f 0 g BT /F1 10 Tf 4 20 Td (9000 Euro) Tj ET")
OVER_TEXT = b"[50 600 300 780]"
BLANK = b"[300 20 500 80]"


def overriding(number: int, body: bytes, **more: object) -> bytes:
    return parts.update(parts.signed(), {number: body}, **more)  # type: ignore[arg-type]


def annotated(data: bytes, subtype: bytes, rect: bytes, entries: bytes = b"/AP << /N 61 0 R >>") -> bytes:
    page = OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    annotation = b"<< /Type /Annot /Subtype /%s /F 4 /Rect %s %s >>" % (subtype, rect, entries)
    return parts.update(data, {PAGE: page, 60: annotation, 61: OPAQUE})


def with_new_field(objects: dict[int, bytes], *, root: int = 60) -> bytes:
    """The form got the field `root`, the page the widget 60."""
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R %d 0 R]" % root)
    return parts.update(
        parts.signed(), {FORM: form, PAGE: OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]"), **objects}
    )


def prepared(**changes: bytes) -> dict[int, bytes]:
    """The contract as an attacker prepared it before the other party signed."""
    return {**OBJECTS, **{int(name.removeprefix("o")): body for name, body in changes.items()}}


def noted_and_certified() -> bytes:
    """Certified for comments (/P 3), with a note that covers a part of the content when it is signed."""
    page = OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    note = b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect %s /AP << /N 61 0 R >> >>" % OVER_TEXT
    reference = b"/Reference [<< /TransformMethod /DocMDP /TransformParams << /P 3 /V /1.2 >> >>]"
    return parts.signed(
        parts.original(prepared(o3=page, o60=note, o61=OPAQUE)),
        value=parts.signature_value(reference),
        catalog=b"<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R /Perms << /DocMDP 20 0 R >> >>",
    )


def hidden_by_an_image() -> bytes:
    """Shadow attack, hide: what covered a sentence is taken away."""
    page = OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents [4 0 R 60 0 R]")
    base = parts.original(prepared(o3=page, o60=parts.stream(b"1 g 50 600 300 200 re f")))
    return parts.update(parts.signed(base), {}, freed=(60,))


def content_in_waiting() -> bytes:
    """Shadow attack, hide and replace: a second catalog was in the signed file all the time."""
    base = parts.original(
        prepared(
            o60=OBJECTS[CATALOG].replace(b"2 0 R", b"61 0 R"),
            o61=OBJECTS[PAGES].replace(b"3 0 R", b"62 0 R"),
            o62=OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents 63 0 R"),
            o63=FORGED,
        )
    )
    return parts.update(parts.signed(base), {70: b"<< >>"}, trailer=b" /Root 60 0 R")


def older_bytes_made_current() -> bytes:
    """The update brings nothing but a cross-reference table, which points into the signed bytes."""
    base = parts.original()
    decoy = b"4 0 obj\n" + FORGED + b"\nendobj\n"
    place = base.index(b"xref\n")
    start = base.rindex(b"startxref")
    shifted = base[:place] + decoy + base[place:start] + b"startxref\n%d\n%%%%EOF\n" % (place + len(decoy))
    signed = parts.signed(shifted)
    previous = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    table = b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size 40 /Root 1 0 R /Prev %d >>\n" % (place, previous)
    return signed + table + b"startxref\n%d\n%%%%EOF\n" % len(signed)


def another_object_stream() -> bytes:
    """The container of compressed objects is overridden; none of the objects in it is mentioned."""
    base = parts.original(xref="stream", packed=True)
    container = int(re.findall(rb"(\d+) 0 obj\n<< /Length \d+ /Type /ObjStm", base)[0])
    signed = parts.signed(base, xref="stream")
    inner = dict(OBJECTS)
    inner[PAGE] = inner[PAGE].replace(b"595 842", b"595 300")
    kept = {n: b for n, b in inner.items() if not b.endswith(b"endstream")}
    places = bodies = b""
    for number, body in kept.items():
        places += b"%d %d " % (number, len(bodies))
        bodies += body + b" "
    entries = b"/Type /ObjStm /N %d /First %d" % (len(kept), len(places))
    return parts.update(signed, {container: parts.stream(places + bodies, entries, compress=True)}, xref="stream")


def dangling_reference_filled() -> bytes:
    """The signed page refers to an object that does not exist; validation data brings it in."""
    page = OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents [4 0 R 60 0 R]")
    signed = parts.signed(parts.original(prepared(o3=page)))
    return parts.update(signed, {CATALOG: OBJECTS[CATALOG][:-2] + b"/DSS << /Certs [60 0 R] >> >>", 60: FORGED})


def reference_with_a_comment() -> bytes:
    """The signed page's reference is written so that a text search for it fails."""
    page = OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents 4 %nothing\n0%\nR")
    return parts.update(parts.signed(parts.original(prepared(o3=page))), {CONTENT: FORGED})


def reference_with_zeros() -> bytes:
    page = OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents 0000004 0 R")
    return parts.update(parts.signed(parts.original(prepared(o3=page))), {CONTENT: FORGED})


def length_object() -> bytes:
    """The length of the signed content stream is an object of its own, which shrinks."""
    body = OBJECTS[CONTENT].replace(b"/Length ", b"/Length 60 0 R /Was ")
    length = re.findall(rb"/Was (\d+)", body)[0]
    return parts.update(parts.signed(parts.original(prepared(o4=body, o60=length))), {60: b"40"})


def object_behind_the_end() -> bytes:
    """The signed cross-reference table lists an object behind the end of the signed file."""
    page = OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents [4 0 R 60 0 R]")
    base = parts.original(prepared(o3=page))
    start = base.index(b"trailer")
    base = base[:start] + b"60 1\n%010d 00000 n \n" % 9000 + base[start:]
    signed = parts.signed(base)
    padding = b"%" + b"x" * (9000 - len(signed) - 2) + b"\n"
    return parts.update(signed + padding + b"60 0 obj\n" + FORGED + b"\nendobj\n", {70: b"<< >>"})


def rolled_back() -> bytes:
    """A last update whose /Prev skips the signed revision."""
    data = parts.signed()
    first = int(re.findall(rb"startxref\s+(\d+)", data)[0])
    return parts.update(data, {CONTENT: FORGED}, previous=first)


def two_objects_one_listed() -> bytes:
    """The update holds an object twice; viewers that repair files take the one that is not listed."""
    data = parts.second_signature(parts.signed())
    at = data.rindex(b"\nxref\n") + 1
    extra = b"4 0 obj\n" + FORGED + b"\nendobj\n"
    start = data.rindex(b"startxref")
    return data[:at] + extra + data[at:start] + b"startxref\n%d\n%%%%EOF\n" % (at + len(extra))


def object_inside_a_stream() -> bytes:
    """Something that reads as an object, inside the stream of permitted validation data."""
    body = parts.stream(b"\n4 0 obj\n" + FORGED + b"\nendobj\n")
    return parts.update(parts.signed(), {CATALOG: OBJECTS[CATALOG][:-2] + b"/DSS << /Certs [60 0 R] >> >>", 60: body})


def misplaced_object() -> bytes:
    """The cross-reference entry of a new object points beside it."""
    data = parts.update(parts.signed(), {CATALOG: OBJECTS[CATALOG][:-2] + b"/DSS << /Certs [60 0 R] >> >>", 60: FORGED})
    place = b"%010d" % (data.rindex(b"\n60 0 obj") + 1)
    return data.replace(place, b"%010d" % (int(place) + 3))


def appearances_to_be_redrawn() -> bytes:
    """The signed field says 9000 and shows 1000; then viewers are asked to draw it anew."""
    text = OBJECTS[TEXT][:-2] + b"/V (9000) /AP << /N 60 0 R >> >>"
    shown = parts.form_x_object(b"BT /F1 11 Tf 2 8 Td (1000) Tj ET")
    signed = parts.signed(parts.original(prepared(o9=text, o60=shown)))
    return parts.update(signed, {FORM: parts.newest(signed, FORM)[:-2] + b"/NeedAppearances true >>"})


def appearance_in_use_as_content() -> bytes:
    """What looks like a field's appearance is part of the page as well; signing replaces it."""
    field = OBJECTS[EMPTY_SIGNATURE][:-2] + b"/AP << /N 60 0 R >> >>"
    page = OBJECTS[PAGE].replace(b"/Font << /F1 5 0 R >>", b"/Font << /F1 5 0 R >> /XObject << /X 60 0 R >>")
    first = b"<< /FT /Sig /T (first) /Rect [0 0 0 0] /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /V 20 0 R >>"
    form = OBJECTS[FORM].replace(b"10 0 R", b"10 0 R 61 0 R")
    base = parts.original(prepared(o3=page, o10=field, o60=parts.visible(b"1000 Euro"), o61=first, o8=form))
    data = parts.sealed(parts.update(base, {20: parts.signature_value()}))
    value = b"/V 64 0 R >>"
    return parts.sealed(
        parts.update(
            data, {EMPTY_SIGNATURE: field[:-2] + value, 60: parts.visible(b"9000 Euro"), 64: parts.signature_value()}
        )
    )


def with_structure(tree: bytes, more: dict[int, bytes] | None = None) -> bytes:
    """The only element of the structure tree changed, or with `more` another one beside it."""
    catalog = OBJECTS[CATALOG][:-2] + b"/StructTreeRoot 60 0 R >>"
    base = parts.original(
        prepared(
            o1=catalog,
            o60=b"<< /Type /StructTreeRoot /K [61 0 R] >>",
            o61=b"<< /Type /StructElem /S /P /P 60 0 R /ActualText (1000 Euro) >>",
        )
    )
    added = {60: b"<< /Type /StructTreeRoot /K [61 0 R 62 0 R] >>", 62: tree} if more else {61: tree}
    return parts.update(parts.signed(base), {**added, **(more or {})})


ON_PAGE = b"/Type /Annot /Subtype /Widget /P 3 0 R /F 132 "
SIGNED_FIELD = b"<< /FT /Sig /T (client) /Rect [60 100 260 160] " + ON_PAGE
FORM_WITHOUT = OBJECTS[FORM].replace(b"10 0 R ", b"")

BOX = OBJECTS[11].replace(b"/Yes 5 0 R /Off 5 0 R", b"/Yes 60 0 R /Off 61 0 R")

FORGERIES: dict[str, Callable[[], bytes]] = {
    # incremental saving
    "content-overridden": lambda: overriding(CONTENT, FORGED),
    "content-overridden-by-xref-stream": lambda: overriding(CONTENT, FORGED, xref="stream"),
    "objects-without-xref": lambda: parts.signed() + b"4 0 obj\n" + FORGED + b"\nendobj\n",
    "objects-with-useless-startxref": lambda: parts.signed() + b"4 0 obj\n" + FORGED + b"\nendobj\nstartxref\n0\n%%EOF\n",
    "objects-with-trailer-only": lambda: parts.signed()
    + b"4 0 obj\n" + FORGED + b"\nendobj\ntrailer\n<< /Root 1 0 R /Size 40 >>\nstartxref\n7\n%%EOF\n",
    "text-behind-the-end": lambda: parts.signed() + b"some text behind the end of the file\n",
    "content-freed": lambda: overriding(70, b"<< >>", freed=(CONTENT,)),
    "content-array": lambda: parts.update(
        parts.signed(), {PAGE: OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents [4 0 R 60 0 R]"), 60: FORGED}
    ),
    "rolled-back": rolled_back,
    "root-changed": lambda: overriding(60, b"<< /Type /Catalog /Pages 2 0 R >>", trailer=b" /Root 60 0 R"),
    # shadow attacks
    "hide-by-freeing": hidden_by_an_image,
    "hide-and-replace": content_in_waiting,
    "older-bytes-made-current": older_bytes_made_current,
    "font-replaced": lambda: overriding(FONT, OBJECTS[FONT].replace(b"Helvetica", b"Symbol")),
    "font-encoding": lambda: overriding(
        FONT, OBJECTS[FONT].replace(b"/WinAnsiEncoding", b"<< /Differences [49 /nine] >>")
    ),
    "dangling-reference": dangling_reference_filled,
    "reference-with-comment": reference_with_a_comment,
    "reference-with-zeros": reference_with_zeros,
    "length-object": length_object,
    "object-behind-the-end": object_behind_the_end,
    "value-mismatch": lambda: parts.filled(parts.signed(), b"1000", shown=b"9000"),
    "value-hidden-elsewhere": lambda: parts.filled(parts.signed(), b"", shown=b"9000"),
    "appearances-redrawn": appearances_to_be_redrawn,
    "appearance-as-content": appearance_in_use_as_content,
    "field-covers-text": lambda: parts.update(
        parts.signed(parts.original(prepared(o9=OBJECTS[TEXT].replace(b"[60 200 260 230]", OVER_TEXT)))),
        {
            TEXT: OBJECTS[TEXT].replace(b"[60 200 260 230]", OVER_TEXT)[:-2] + b"/V (9000 Euro) /AP << /N 60 0 R >> >>",
            60: OPAQUE,
        },
    ),
    "field-gives-way-to-content": lambda: parts.update(
        parts.signed(parts.original(prepared(
            o9=OBJECTS[TEXT].replace(b"[60 200 260 230]", OVER_TEXT)[:-2] + b"/AP << /N 60 0 R >> >>",
            o60=parts.form_x_object(b"1 g 0 0 200 60 re f")))),
        {}, freed=(60,)),
    "field-showed-what-is-no-value": lambda: parts.filled(
        parts.signed(parts.original(prepared(
            o9=OBJECTS[TEXT][:-2] + b"/AP << /N 60 0 R >> >>",
            o60=parts.form_x_object(b"/Tx BMC BT /F1 11 Tf 2 8 Td (of 9000 Euro) Tj ET EMC")))),
        b"1", shown=b"1"),
    "empty-looks-drawn-anew": lambda: parts.update(
        parts.signed(parts.original(prepared(
            o9=OBJECTS[TEXT][:-2] + b"/V (9000) /AP << /N 60 0 R >> >>", o60=parts.form_x_object(b"")))),
        {FORM: OBJECTS[FORM][:-2] + b"/SigFlags 3 /NeedAppearances true >>"}),
    "note-gives-way-to-content-after-p3": lambda: parts.update(
        noted_and_certified(), {PAGE: OBJECTS[PAGE]}),
    # tricks with object streams and cross-references
    "object-stream-overridden": another_object_stream,
    "two-objects-one-listed": two_objects_one_listed,
    "object-inside-a-stream": object_inside_a_stream,
    "misplaced-object": misplaced_object,
    # certification attacks
    "signed-after-p1": lambda: parts.second_signature(parts.certified(1)),
    "filled-after-p1": lambda: parts.filled(parts.certified(1)),
    "annotated-after-p1": lambda: annotated(parts.certified(1), b"FreeText", BLANK),
    "annotated-after-p2": lambda: annotated(parts.certified(2), b"FreeText", BLANK),
    "evil-annotation-p3": lambda: annotated(parts.certified(3), b"FreeText", OVER_TEXT),
    "evil-highlight-p3": lambda: annotated(parts.certified(3), b"Highlight", OVER_TEXT),
    "evil-annotation": lambda: annotated(parts.signed(), b"Stamp", OVER_TEXT),
    "annotation-with-action": lambda: annotated(
        parts.signed(), b"Link", BLANK, b"/A << /S /URI /URI (https://example.org) >>"
    ),
    "sneaky-signature": lambda: parts.second_signature(parts.certified(2), rect=OVER_TEXT, appearance=OPAQUE),
    "signature-over-text": lambda: parts.second_signature(parts.signed(), rect=OVER_TEXT, appearance=OPAQUE),
    "signature-over-signature": lambda: parts.second_signature(
        parts.signed(), rect=b"[60 100 260 160]", appearance=OPAQUE
    ),
    "film-annotation": lambda: annotated(parts.signed(), b"RichMedia", BLANK),
    "visible-time-stamp-after-p1": lambda: parts.time_stamped(
        parts.certified(1), looks=b"/Rect [300 20 400 60] /AP << /N 21 0 R >>"
    ),
    "signature-on-another-page": lambda: parts.second_signature(
        parts.signed(), rect=OVER_TEXT, appearance=OPAQUE, more=b""
    ).replace(b"/P 3 0 R /F 132 /Rect [50", b"/P 6 0 R /F 132 /Rect [50"),
    "signature-with-action": lambda: parts.second_signature(parts.signed(), more=b"/AA << /U << /S /JavaScript /JS () >> >>"),
    "locked-field": lambda: parts.filled(
        parts.signed(value=parts.signature_value(
            b"/Reference [<< /TransformMethod /FieldMDP /TransformParams << /Action /Include /Fields [(amount)] >> >>]"
        ))
    ),
    "lock-dictionary": lambda: parts.filled(
        parts.signed(field=SIGNED_FIELD + b"/V 20 0 R /AP << /N 21 0 R >> /Lock << /Action /All >> >>")
    ),
    # signatures
    "signature-removed": lambda: parts.update(
        parts.signed(), {FORM: FORM_WITHOUT, PAGE: OBJECTS[PAGE].replace(b"10 0 R ", b"")}
    ),
    "signature-emptied": lambda: overriding(EMPTY_SIGNATURE, SIGNED_FIELD + b"/AP << /N 21 0 R >> >>"),
    "signature-looks-changed": lambda: overriding(21, parts.visible(b"Somebody Else")),
    "signature-looks-replaced": lambda: parts.update(
        parts.signed(), {EMPTY_SIGNATURE: SIGNED_FIELD + b"/V 20 0 R /AP << /N 60 0 R >> >>", 60: OPAQUE}
    ),
    "signature-replaced": lambda: parts.sealed(
        parts.update(
            parts.signed(),
            {EMPTY_SIGNATURE: SIGNED_FIELD + b"/V 60 0 R /AP << /N 21 0 R >> >>", 60: parts.signature_value()},
        )
    ),
    "signature-object-overridden": lambda: overriding(20, parts.signature_value()),
    "form-removed": lambda: overriding(CATALOG, b"<< /Type /Catalog /Pages 2 0 R >>"),
    # pages
    "page-removed": lambda: overriding(PAGES, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
    "page-added": lambda: parts.update(
        parts.signed(), {PAGES: b"<< /Type /Pages /Kids [3 0 R 6 0 R 60 0 R] /Count 3 >>", 60: OBJECTS[PAGE_2]}
    ),
    "pages-exchanged": lambda: overriding(PAGES, b"<< /Type /Pages /Kids [6 0 R 3 0 R] /Count 2 >>"),
    "page-cropped": lambda: overriding(PAGE_2, OBJECTS[PAGE_2].replace(b"[0 0 595 842]", b"[0 0 595 700]")),
    "page-turned": lambda: overriding(PAGES, OBJECTS[PAGES][:-2] + b"/Rotate 180 >>"),
    "page-resources": lambda: parts.update(
        parts.signed(), {PAGE_2: OBJECTS[PAGE_2].replace(b"/F1 5 0 R", b"/F1 60 0 R"), 60: OBJECTS[FONT].replace(b"Helvetica", b"Symbol")}
    ),
    # form
    "text-field-added": lambda: parts.update(
        parts.signed(),
        {
            FORM: OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]"),
            PAGE: OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]"),
            60: b"<< /FT /Tx /T (new) /V (9000) /Rect [300 20 500 80] " + ON_PAGE + b">>",
        },
    ),
    "field-in-a-state-without-a-look": lambda: with_new_field({
        60: b"<< /FT /Sig /T (new) /Rect %s /AP << /N << /On 61 0 R >> >> /AS /Other /MK << /BG [1] >> %s>>" % (OVER_TEXT, ON_PAGE),
        61: OPAQUE}),
    "field-below-itself": lambda: with_new_field({
        60: b"<< /Kids [62 0 R] /Parent 62 0 R /Rect %s /AP << /N 61 0 R >> %s>>" % (BLANK, ON_PAGE),
        61: parts.visible(), 62: b"<< /Kids [60 0 R] /Parent 60 0 R >>", 63: b"<< /FT /Ch /T (new) /Kids [62 0 R] >>"}, root=63),
    "look-that-is-none": lambda: parts.update(
        parts.signed(), {TEXT: OBJECTS[TEXT][:-2] + b"/V (1000) /AP << /N 11 0 R >> >>"}),
    "look-taken-away": lambda: parts.update(
        parts.signed(parts.original(prepared(
            o9=OBJECTS[TEXT][:-2] + b"/V (9000) /AP << /N 60 0 R >> >>",
            o60=parts.form_x_object(b"/Tx BMC BT /F1 11 Tf 2 8 Td (9000) Tj ET EMC")))),
        {TEXT: OBJECTS[TEXT][:-2] + b"/V (9000) /AP << /N 8 0 R >> >>"}),
    "letter-cut": lambda: parts.update(
        parts.signed(),
        {TEXT: OBJECTS[TEXT][:-2] + b"/V (1O) /AP << /N 60 0 R >> >>",
         60: parts.form_x_object(b"q 0 0 14 30 re W n /Tx BMC BT /F1 11 Tf 2 8 Td (1O) Tj ET EMC Q")}),
    "letter-without-its-foot": lambda: parts.update(
        parts.signed(),
        {TEXT: OBJECTS[TEXT][:-2] + b"/V (E) /AP << /N 60 0 R >> >>",
         60: parts.form_x_object(b"q 0 10.5 100 30 re W n /Tx BMC BT /F1 11 Tf 2 8 Td (E) Tj ET EMC Q")}),
    "text-field-removed": lambda: overriding(FORM, OBJECTS[FORM].replace(b"9 0 R ", b"")),
    "field-moved": lambda: overriding(TEXT, OBJECTS[TEXT].replace(b"[60 200 260 230]", b"[60 500 260 530]")),
    "field-hidden": lambda: overriding(11, OBJECTS[11].replace(b"/F 4 ", b"/F 2 ")),
    "field-script": lambda: overriding(TEXT, OBJECTS[TEXT][:-2] + b"/AA << /K << /S /JavaScript /JS () >> >> >>"),
    "field-options": lambda: overriding(TEXT, OBJECTS[TEXT][:-2] + b"/Ff 8192 >>"),
    "button-looks": lambda: parts.update(
        parts.signed(),
        {11: OBJECTS[11].replace(b"/AP << /N << /Yes 5 0 R", b"/V /Yes /AS /Yes /AP << /N << /Yes 60 0 R"), 60: OPAQUE},
    ),
    "button-without-a-state": lambda: parts.update(
        parts.signed(parts.original({**OBJECTS, 11: BOX, 60: parts.form_x_object(b"0 0 m 20 20 l S"), 61: parts.form_x_object(b"")})),
        {11: BOX.replace(b"/AS /Off", b"")}),
    "button-mismatch": lambda: parts.update(
        parts.signed(parts.original({**OBJECTS, 11: BOX, 60: parts.form_x_object(b"0 0 m 20 20 l S"), 61: parts.form_x_object(b"")})),
        {11: BOX.replace(b"/AS /Off", b"/AS /Yes")}),
    "default-font": lambda: parts.update(
        parts.signed(), {FORM: OBJECTS[FORM].replace(b"/F1 5 0 R", b"/F1 60 0 R"), 60: OBJECTS[FONT].replace(b"Helvetica", b"Symbol")}
    ),
    "field-became-a-stream": lambda: overriding(TEXT, OPAQUE),
    "check-box-became-a-stream": lambda: overriding(11, parts.visible()),
    "signature-field-became-a-stream": lambda: overriding(EMPTY_SIGNATURE, parts.visible()),
    "field-became-a-number": lambda: overriding(TEXT, b"42"),
    "field-became-nothing": lambda: overriding(TEXT, b"null"),
    "field-became-a-list": lambda: overriding(TEXT, b"[10 0 R]"),
    # the rest of the document
    "open-action": lambda: overriding(CATALOG, OBJECTS[CATALOG][:-2] + b"/OpenAction << /S /JavaScript /JS () >> >>"),
    "names": lambda: overriding(CATALOG, OBJECTS[CATALOG][:-2] + b"/Names << /JavaScript << /Names [] >> >> >>"),
    "layers": lambda: overriding(CATALOG, OBJECTS[CATALOG][:-2] + b"/OCProperties << /D << /BaseState /OFF >> >> >>"),
    "permissions": lambda: parts.update(
        parts.certified(2), {CATALOG: b"<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R >>"}
    ),
    "encryption-added": lambda: overriding(70, b"<< /Filter /Standard >>", trailer=b" /Encrypt 70 0 R"),
    "validation-data-that-draws": lambda: parts.update(
        parts.signed(), {CATALOG: OBJECTS[CATALOG][:-2] + b"/DSS << /Certs [60 0 R] >> >>", 60: OPAQUE}
    ),
    "extensions-with-streams": lambda: parts.update(
        parts.signed(), {CATALOG: OBJECTS[CATALOG][:-2] + b"/Extensions << /X 60 0 R >> >>", 60: OPAQUE}
    ),
    "metadata-that-draws": lambda: parts.update(
        parts.signed(), {CATALOG: OBJECTS[CATALOG][:-2] + b"/Metadata 60 0 R >>", 60: OPAQUE}
    ),
    "structure-text-for-what-is-not-shown": lambda: with_structure(
        b"<< /Type /StructElem /S /Form /P 60 0 R /E (9000 Euro) /K << /Type /OBJR /Obj 70 0 R >> >>",
        {70: b"<< /Type /OCG /Name (x) >>"}),
    "structure-text": lambda: with_structure(b"<< /Type /StructElem /S /P /P 60 0 R /ActualText (9000 Euro) >>"),
}  # fmt: skip


def verdict(structure: FileStructure) -> ChangeReport:
    record = structure.signatures[0]
    assert record.covered_revision is not None
    return since(structure, record.covered_revision, signature=0)


OPEN = {
    "sneaky-signature": "change-covers-text",
    "signature-over-text": "change-covers-text",
    "signature-over-signature": "change-covers-text",
    "signature-on-another-page": "change-covers-text",
    "button-looks": "change-value-unread",
    "button-without-a-state": "change-value-unread",
    "letter-cut": "change-value-unread",
    "look-that-is-none": "change-value-unread",
    "look-taken-away": "change-value-unread",
    "letter-without-its-foot": "change-value-unread",
    "structure-text-for-what-is-not-shown": "change-structure-tree",
}
"""Not permitted and not forbidden: a signer covers words with a signature of their own, a look cannot be read."""


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_forbidden(name: str) -> None:
    structure = parse(FORGERIES[name]())
    if name == "rolled-back":  # the signed revision is in no chain any more: it can only be told as out of sight
        assert [r.coverage for r in structure.signatures] == [Coverage.PARTIAL]
        assert "revision-unlinked" in {finding.code for finding in structure.problems}
        return
    report = verdict(structure)
    if name in OPEN:
        assert report.level is ChangeLevel.UNKNOWN and OPEN[name] in {finding.code for finding in report.findings}
        return
    assert report.level is ChangeLevel.FORBIDDEN, report
    assert report.findings[0].severity == "error"


@pytest.mark.parametrize("name", FORGERIES)
def test_both_indexes_of_references_agree_on_a_forgery(name: str) -> None:
    structure = parse(FORGERIES[name]())
    covered = structure.signatures[0].covered_revision
    if covered is None or name == "rolled-back":
        return
    scanned, parsed = (
        judge(History(structure, mentions), covered, 0)
        for mentions in (ScannedMentions(structure), ParsedMentions(structure))
    )
    assert parsed.level is not ChangeLevel.PERMITTED
    assert scanned == parsed or ScannedMentions(structure).doubtful


def test_a_comment_that_the_signer_saw_may_change_with_an_express_permission_only() -> None:
    data = parts.update(noted_and_certified(), {61: parts.form_x_object(b"0 g 0 0 200 60 re f")})
    report = verdict(parse(data))
    assert report.level is ChangeLevel.PERMITTED
    assert {f.code for f in report.findings if f.severity == "warning"} >= {"change-annotation"}
    report = verdict(parse(data.replace(b"/P 3 /V /1.2", b"/P 2 /V /1.2")))
    assert report.level is ChangeLevel.FORBIDDEN


def test_findings_name_page_and_field() -> None:
    report = verdict(parse(parts.second_signature(parts.signed(), rect=OVER_TEXT, appearance=OPAQUE)))
    (finding,) = [finding for finding in report.findings if finding.severity != "info"]
    assert (finding.code, finding.field, finding.page, finding.revision) == ("change-covers-text", "second", 1, 3)
    assert report.findings[0] == finding, "the gravest comes first"


def test_the_kind_of_forgery_is_told() -> None:
    expected = {
        "content-overridden": "change-page-content",
        "font-replaced": "change-page",
        "page-removed": "change-pages",
        "text-behind-the-end": "change-unexplained-bytes",
        "objects-without-xref": "change-unexplained-bytes",
        "object-inside-a-stream": "change-unexplained-bytes",
        "signature-removed": "change-signature-removed",
        "signature-replaced": "change-signature-replaced",
        "signature-looks-changed": "change-signature-appearance",
        "value-mismatch": "change-value-mismatch",
        "object-behind-the-end": "change-object-beyond-revision",
        "misplaced-object": "change-misplaced-object",
        "appearance-as-content": "change-page",
        "evil-annotation-p3": "change-hides-content",
        "encryption-added": "change-encryption",
        "open-action": "change-catalog",
    }
    for name, code in expected.items():
        codes = {finding.code for finding in verdict(parse(FORGERIES[name]())).findings if finding.severity == "error"}
        assert code in codes, name
