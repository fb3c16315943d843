"""Updates put together at random behind a signature, to be judged by how the file looks before and after.

The question is put to PDFium, which knows nothing of our rules: what looks different somewhere must never pass, unless it is one
of the two things that are permitted to look different, the text field filled with what it shows, and a later signature.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pdf_parts as parts
from pdf_parts import CATALOG, CHECK_BOX, CONTENT, CONTENT_2, EMPTY_SIGNATURE, FONT, FORM, PAGE, PAGE_2, PAGES, TEXT

OBJECTS = parts.contract_objects()
FREE = 60
PICTURE = parts.form_x_object(b"1 g 0 0 200 60 re f 0 g BT /F1 10 Tf 4 20 Td (9000 Euro) Tj ET")
LINES = parts.stream(b"BT /F1 11 Tf 1 0 0 1 60 760 Tm (The price is 9000 Euro.) Tj ET")
BOXES = (b"[50 600 300 780]", b"[300 20 500 80]", b"[60 200 260 230]", b"[60 100 260 160]", b"[0 0 0 0]")
SUBTYPES = (
    b"FreeText", b"Stamp", b"Square", b"Highlight", b"Redact", b"Text", b"Link", b"Ink", b"Popup", b"Watermark", b"Line", b"Widget",
    b"Screen", b"FileAttachment",
)  # fmt: skip
FLAGS = (0, 1, 2, 4, 32, 64, 128, 132, 4 + 64)
Bodies = dict[int, bytes]


def _page(r: random.Random, number: int, known: Bodies) -> bytes:
    body = known.get(number, OBJECTS[number])
    content = b"/Contents %d 0 R" % (CONTENT if number == PAGE else CONTENT_2)
    return r.choice((
        lambda: body.replace(content, b"/Contents [%s %d 0 R]" % (content.removeprefix(b"/Contents "), FREE)),
        lambda: body.replace(content, b"/Contents [%d 0 R %s]" % (FREE, content.removeprefix(b"/Contents "))),
        lambda: body.replace(content, b"/Contents %d 0 R" % FREE),
        lambda: body.replace(content, b""),
        lambda: body.replace(content, b"/Contents [%s]" % content.removeprefix(b"/Contents ")),
        lambda: body[:-2] + b"/Rotate %d >>" % r.choice((0, 90, 180)),
        lambda: body[:-2] + b"/CropBox [0 0 595 %d] >>" % r.choice((842, 600)),
        lambda: body[:-2] + b"/UserUnit %d >>" % r.choice((1, 2)),
        lambda: body[:-2] + b"/Group << /S /Transparency /CS /DeviceGray >> >>",
        lambda: body.replace(b"/F1 5 0 R", b"/F1 %d 0 R" % FREE),
        lambda: body.replace(b"/F1 5 0 R", b"/F1 5 0 R /F2 %d 0 R" % FREE),
        lambda: body.replace(b"[0 0 595 842]", b"[0 0 %d 842]" % r.choice((595, 300))),
        lambda: body.replace(b"/Annots [", b"/Annots [%d 0 R " % FREE) if b"/Annots" in body
        else body[:-2] + b"/Annots [%d 0 R] >>" % FREE,
        lambda: body.replace(b"11 0 R]", b"11 0 R %d 0 R]" % FREE),
        lambda: body.replace(b"9 0 R ", b""),
        lambda: body.replace(b"11 0 R", b"%d 0 R" % FREE),
        lambda: body[:-2] + b"/AA << /O << /S /JavaScript /JS () >> >> >>",
        lambda: body,
    ))()  # fmt: skip


def _annotation(r: random.Random) -> bytes:
    subtype, box = r.choice(SUBTYPES), r.choice(BOXES)
    looks = r.choice((
        b"/AP << /N %d 0 R >>" % (FREE + 1), b"", b"/AP << /N << /On %d 0 R >> >> /AS /On" % (FREE + 1), b"/AP << /N 21 0 R >>",
        b"/C [1 0 0] /IC [1 1 1] /BS << /W 40 >>", b"/DA (/F1 20 Tf 0 g) /Contents (9000 Euro)",
    ))  # fmt: skip
    field = r.choice((b"", b"/FT /Sig /T (x)", b"/FT /Tx /T (x) /V (9000)", b"/FT /Btn /T (x)", b"/Parent 9 0 R"))
    layer = r.choice((b"", b"", b"/OC << /Type /OCG /Name (x) >>"))
    return b"<< /Type /Annot /Subtype /%s /Rect %s /F %d %s %s %s /P 3 0 R >>" % (
        subtype, box, r.choice(FLAGS), looks, field, layer,
    )  # fmt: skip


def _text_field(r: random.Random, known: Bodies) -> bytes:
    body = known.get(TEXT, OBJECTS[TEXT])
    value = r.choice((b"1000", b"9000", b"", b"The price is 9000 Euro."))
    changes: tuple[Callable[[], bytes], ...] = (
        lambda: body[:-2] + b"/V (%s) >>" % value,
        lambda: body[:-2] + b"/V (%s) /AP << /N %d 0 R >> >>" % (value, FREE),
        lambda: body[:-2] + b"/AP << /N %d 0 R >> >>" % FREE,
        lambda: body[:-2] + b"/V (%s) /AP << /N 21 0 R >> >>" % value,
        lambda: body.replace(b"[60 200 260 230]", r.choice(BOXES)),
        lambda: body[:-2] + b"/MK << /BG [1 1 0] >> >>",
        lambda: body[:-2] + b"/Ff %d >>" % r.choice((1, 4096, 8192)),
        lambda: body.replace(b"/F 4", b"/F %d" % r.choice(FLAGS)),
        lambda: body.replace(b"/F1 11 Tf 0 g", b"/F1 30 Tf 1 g"),
        lambda: body[:-2] + b"/Kids [%d 0 R] >>" % FREE,
        lambda: body[:-2] + b"/A << /S /Hide /T (amount) >> >>",
        lambda: body.replace(b"/FT /Tx", b"/FT /%s" % r.choice((b"Ch", b"Btn", b"Sig"))),
    )
    return r.choice(changes)()


def _form(r: random.Random, known: Bodies) -> bytes:
    body = known.get(FORM, OBJECTS[FORM][:-2] + b"/SigFlags 3 >>")
    return r.choice((
        body[:-2] + b"/NeedAppearances true >>", body.replace(b"11 0 R]", b"11 0 R %d 0 R]" % FREE), body.replace(b"9 0 R ", b""),
        body.replace(b"10 0 R ", b""), body[:-2] + b"/XFA %d 0 R >>" % FREE, body[:-2] + b"/Q 1 >>", body[:-2] + b"/CO [9 0 R] >>",
        body.replace(b"/F1 11 Tf 0 g", b"/F1 30 Tf 1 0 0 rg"), body.replace(b"/F1 5 0 R", b"/F1 %d 0 R" % FREE), body,
    ))  # fmt: skip


def _catalog(r: random.Random) -> bytes:
    body = OBJECTS[CATALOG]
    return r.choice((
        body[:-2] + b"/OCProperties << /OCGs [%d 0 R] /D << /OFF [%d 0 R] >> >> >>" % (FREE, FREE),
        body[:-2] + b"/OpenAction [6 0 R /Fit] >>", body.replace(b"2 0 R", b"%d 0 R" % FREE), body[:-2] + b"/PageMode /UseNone >>",
        body[:-2] + b"/ViewerPreferences << /HideToolbar true >> >>", body[:-2] + b"/DSS << /Certs [%d 0 R] >> >>" % FREE, body,
        body[:-2] + b"/Version /2.0 >>", body[:-2] + b"/Lang (de) >>", body[:-2] + b"/AF [%d 0 R] >>" % FREE,
        body[:-2] + b"/Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 5 >> >> >>", body.replace(b"/AcroForm 8 0 R", b""),
        body[:-2] + b"/Metadata %d 0 R >>" % FREE, body[:-2] + b"/Names << /JavaScript %d 0 R >> >>" % FREE,
    ))  # fmt: skip


def _pages(r: random.Random) -> bytes:
    return r.choice((
        b"<< /Type /Pages /Kids [3 0 R 6 0 R %d 0 R] /Count 3 >>" % FREE, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Pages /Kids [6 0 R 3 0 R] /Count 2 >>", b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 1 >>",
        b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 /Rotate 90 >>", b"<< /Type /Pages /Kids [3 0 R %d 0 R] /Count 2 >>" % FREE,
        b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 >>", b"<< /Type /Pages /Kids 61 0 R /Count 2 >>",
    ))  # fmt: skip


def _anything(r: random.Random, known: Bodies) -> bytes:
    return r.choice((
        lambda: PICTURE, lambda: LINES, lambda: OBJECTS[FONT].replace(b"Helvetica", b"Symbol"), lambda: OBJECTS[FONT],
        lambda: _annotation(r), lambda: parts.visible(b"x"), lambda: b"<< >>", lambda: b"null", lambda: OBJECTS[CONTENT],
        lambda: b"[%d 0 R]" % (FREE + 1), lambda: OBJECTS[PAGE_2], lambda: OBJECTS[CHECK_BOX], lambda: known.get(PAGE, OBJECTS[PAGE]),
        lambda: parts.stream(b"0\x82sample"), lambda: b"<< /Type /OCG /Name (x) >>", lambda: b"[6 0 R 3 0 R]",
        lambda: parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (9000) Tj ET Q EMC"),
    ))()  # fmt: skip


def changes(r: random.Random) -> Bodies:
    """Objects for an update: some that are there already, changed, and some that are new."""
    bodies: Bodies = {}
    for number in r.sample(
        (PAGE, PAGE_2, TEXT, FORM, CATALOG, PAGES, CONTENT, FONT, EMPTY_SIGNATURE, CHECK_BOX, 20, 21),
        r.choice((1, 1, 2, 2, 3)),
    ):
        if r.random() < 0.12:  # something else altogether
            bodies[number] = _anything(r, bodies)
        elif number in (PAGE, PAGE_2):
            bodies[number] = _page(r, number, bodies)
        elif number == TEXT:
            bodies[number] = _text_field(r, bodies)
        elif number == FORM:
            bodies[number] = _form(r, bodies)
        elif number == CATALOG:
            bodies[number] = _catalog(r)
        elif number == PAGES:
            bodies[number] = _pages(r)
        else:
            bodies[number] = _anything(r, bodies)
    for number in (FREE, FREE + 1):
        if r.random() < 0.8:
            bodies[number] = _anything(r, bodies)
    return bodies


def updated(seed: int) -> tuple[bytes, bytes]:
    """(as signed, with one to three updates behind it), the same for the same seed."""
    r = random.Random(seed)
    base = r.choice((
        parts.signed, lambda: parts.certified(1), lambda: parts.certified(2), lambda: parts.certified(3),
        lambda: parts.signed(parts.original(xref="stream", packed=True), xref="stream", packed=True),
        lambda: parts.filled(parts.original()),
    ))()  # fmt: skip
    if b"/ByteRange" not in base:
        base = parts.signed(base)
    data = base
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        kind = r.choice(("objects", "objects", "objects", "sign", "fill", "stamp"))
        how = r.choice(
            (
                {},
                {},
                {"xref": "stream"},
                {"xref": "stream", "packed": True},
                {"freed": (r.choice((CONTENT, FONT, 21, TEXT)),)},
            )
        )
        try:
            if kind == "sign":
                looks = r.choice((None, PICTURE))
                data = parts.second_signature(data, rect=r.choice(BOXES), appearance=looks, number=r.choice((30, 90)))
            elif kind == "fill":
                data = parts.filled(data, r.choice((b"1000", b"9000")), shown=r.choice((None, b"9000")))
            elif kind == "stamp":
                data = parts.time_stamped(
                    data,
                    number=r.choice((50, 95)),
                    looks=r.choice((b"/Rect [0 0 0 0]", b"/Rect [50 600 300 780] /AP << /N 60 0 R >>")),
                )
            else:
                data = parts.update(data, changes(r), **how)  # type: ignore[arg-type]
        except ValueError:  # what was to be changed is packed
            data = parts.update(data, changes(r), **how)  # type: ignore[arg-type]
    return base, data


def _traps(r: random.Random) -> Bodies:
    """The contract as somebody prepared it who wants to change it after the other party signed."""
    covered = OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents [4 0 R 60 0 R]")
    note = b"<< /Type /Annot /Subtype /%s /F 4 /Rect [50 600 300 780] /AP << /N 61 0 R >> /P 3 0 R >>"
    over = OBJECTS[TEXT].replace(b"[60 200 260 230]", b"[50 600 300 780]")
    layered = OBJECTS[PAGE].replace(
        b"/Font << /F1 5 0 R >>", b"/Font << /F1 5 0 R >> /Properties << /L 60 0 R >> /XObject << /X 61 0 R >>"
    )
    drawn = OBJECTS[PAGE].replace(b"/Font << /F1 5 0 R >>", b"/Font << /F1 5 0 R >> /XObject << /X 60 0 R >>")
    layers = OBJECTS[CATALOG][:-2] + b"/OCProperties << /OCGs [60 0 R] /D << /ON [60 0 R] /Order [60 0 R] >> >> >>"
    return OBJECTS | r.choice((
        {PAGE: covered, 60: parts.stream(b"1 g 50 600 300 200 re f")},
        {PAGE: covered, 60: parts.stream(b"q 1 0 0 1 50 600 cm /Nothing Do Q")},
        {PAGE: OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]"), 60: note % r.choice((b"FreeText", b"Stamp", b"Square", b"Widget")), 61: PICTURE},
        {PAGE: OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]"), 61: PICTURE},
        {TEXT: over[:-2] + b"/V (1) /AP << /N 60 0 R >> >>", 60: parts.form_x_object(b"", b"[0 0 250 180]")},
        {TEXT: over},
        {TEXT: over[:-2] + b"/V () /AP << /N 60 0 R >> >>", 60: PICTURE},
        {CATALOG: layers, PAGE: layered, 60: b"<< /Type /OCG /Name (x) >>", 61: PICTURE,
         CONTENT: parts.stream(b"/OC /L BDC " + b"BT /F1 11 Tf 60 760 Td (1000 Euro) Tj ET EMC")},
        {PAGE: drawn, CONTENT: parts.stream(b"q 1 0 0 1 50 600 cm /X Do Q"), 60: PICTURE},
        {PAGE: drawn, CONTENT: parts.stream(b"q 1 0 0 1 50 600 cm /X Do Q"), TEXT: OBJECTS[TEXT][:-2] + b"/V (1000) /AP << /N 60 0 R >> >>",
         60: parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (1000) Tj ET Q EMC")},
        {60: OBJECTS[CATALOG].replace(b"2 0 R", b"61 0 R"), 61: OBJECTS[PAGES].replace(b"3 0 R", b"62 0 R"),
         62: OBJECTS[PAGE].replace(b"4 0 R", b"63 0 R"), 63: LINES},
        {PAGE: OBJECTS[PAGE].replace(b"/Annots [9 0 R 10 0 R 11 0 R]", b"/Annots 60 0 R"), 60: b"[9 0 R 10 0 R 11 0 R]"},
        {PAGE: OBJECTS[PAGE].replace(b"/Contents 4 0 R", b"/Contents 60 0 R"), 60: b"[4 0 R]"},
        {FONT: OBJECTS[FONT][:-2] + b"/ToUnicode 60 0 R >>", 60: parts.stream(b"")},
        {FORM: OBJECTS[FORM].replace(b"/Fields [9 0 R 10 0 R 11 0 R]", b"/Fields 60 0 R"), 60: b"[9 0 R 10 0 R 11 0 R]"},
    ))  # fmt: skip


def _touched(data: bytes, r: random.Random) -> bytes:
    """An update that goes for what was prepared: takes it away, exchanges it, or makes it current."""
    return r.choice((
        lambda: parts.update(data, {70: b"<< >>"}, freed=(r.choice((60, 61)),)),
        lambda: parts.update(data, {70: b"<< >>"}, freed=(60, 61)),
        lambda: parts.update(data, {r.choice((60, 61)): _anything(r, {})}),
        lambda: parts.update(data, {60: _anything(r, {}), 61: _anything(r, {})}),
        lambda: parts.update(data, {70: b"<< >>"}, trailer=b" /Root 60 0 R"),
        lambda: parts.update(data, {60: _annotation(r), 61: PICTURE}),
        lambda: parts.filled(data, r.choice((b"1000", b"9000", b"The price is 9000 Euro.")), number=r.choice((40, 60))),
        lambda: parts.update(data, {TEXT: _text_field(r, {TEXT: parts.newest(data, TEXT)}), 60: _anything(r, {})}),
        lambda: parts.update(data, {FORM: _form(r, {FORM: parts.newest(data, FORM)})}),
        lambda: parts.update(data, {CATALOG: _catalog(r)}),
        lambda: parts.update(data, changes(r)),
    ))()  # fmt: skip


def shadowed(seed: int) -> tuple[bytes, bytes]:
    """Like `updated`, for shadow attacks: what is changed later was laid out before it was signed."""
    r = random.Random(seed)
    base = parts.signed(parts.original(_traps(r)), value=r.choice((None, None, _certification(r))))
    data = base
    for _ in range(r.choice((1, 1, 2))):
        data = _touched(data, r)
    return base, data


def _certification(r: random.Random) -> bytes:
    return parts.signature_value(
        b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P %d /V /1.2 >> >>]"
        % r.choice((1, 2, 3))
    )
