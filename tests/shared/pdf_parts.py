"""PDF files put together byte by byte: originals, incremental updates, signatures (without cryptography), and forgeries.

Independent of the parser under test: offsets are counted here, not asked for.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Final

CATALOG, PAGES, PAGE, CONTENT, FONT, PAGE_2, CONTENT_2, FORM, TEXT, EMPTY_SIGNATURE, CHECK_BOX, INFO = range(1, 13)
"""Object numbers of `contract_objects`."""
NEXT: Final = 13
"""The first number that `contract_objects` leaves free."""
FAKE_CMS: Final = bytes.fromhex("3082010a") + bytes(range(1, 256)) + b"\1" * 11


def stream(body: bytes, entries: bytes = b"", *, compress: bool = False) -> bytes:
    """A stream object."""
    if compress:
        body, entries = zlib.compress(body), entries + b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(body), entries, body)


def form_x_object(
    content: bytes, box: bytes = b"[0 0 200 60]", resources: bytes = b"<< /Font << /F1 5 0 R >> >>"
) -> bytes:
    """A form XObject, as appearances are."""
    return stream(content, b"/Type /XObject /Subtype /Form /BBox " + box + b" /Resources " + resources)


def contract_objects() -> dict[int, bytes]:
    """Two pages of text, a form with a text field, an empty signature field and a check box."""
    lines = b" ".join(
        b"1 0 0 1 60 %d Tm (Sample clause %d: the price is 1000 Euro.) Tj" % (760 - 16 * n, n) for n in range(20)
    )
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents %d 0 R%s >>"
    widget = b"/Type /Annot /Subtype /Widget /P 3 0 R /F 4 "
    return {
        CATALOG: b"<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R >>",
        PAGES: b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 >>",
        PAGE: page % (CONTENT, b" /Annots [9 0 R 10 0 R 11 0 R]"),
        CONTENT: stream(b"BT /F1 11 Tf " + lines + b" ET"),
        FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        PAGE_2: page % (CONTENT_2, b""),
        CONTENT_2: stream(b"BT /F1 11 Tf 1 0 0 1 60 760 Tm (The second page.) Tj ET", compress=True),
        FORM: b"<< /Fields [9 0 R 10 0 R 11 0 R] /DA (/F1 11 Tf 0 g) /DR << /Font << /F1 5 0 R >> >> >>",
        TEXT: b"<< /FT /Tx /T (amount) /Rect [60 200 260 230] /DA (/F1 11 Tf 0 g) " + widget + b">>",
        EMPTY_SIGNATURE: b"<< /FT /Sig /T (client) /Rect [60 100 260 160] " + widget + b">>",
        CHECK_BOX: b"<< /FT /Btn /T (agreed) /Rect [300 200 320 220] /V /Off /AS /Off "
        b"/AP << /N << /Yes 5 0 R /Off 5 0 R >> >> " + widget + b">>",
        INFO: b"<< /Title (Sample contract) /ModDate (D:20260101000000Z) >>",
    }  # fmt: skip


def original(
    objects: Mapping[int, bytes] | None = None, *, before: bytes = b"", xref: str = "table", packed: bool = False
) -> bytes:
    """A whole file. `packed` puts everything that is no stream into an object stream (and needs `xref="stream"`)."""
    head = before + b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    return _written(head, dict(objects or contract_objects()), None, xref, b"", (), packed)


def one_page(
    *, catalog: bytes = b"", content: bytes | None = None, page: bytes = b"", resources: bytes = b"", **objects: bytes
) -> bytes:
    """One page of `contract_objects` with entries added; further objects as `o20=b"..."`."""
    made = contract_objects()
    made[CATALOG] = b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>"
    made[2] = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    made[PAGE] = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> "
        + resources + b" >> " + page + b" >>"
    )  # fmt: skip
    if content is not None:
        made[CONTENT] = stream(content)
    for unused in (6, 7, 8, 9, 10, 11):
        del made[unused]
    made |= {int(key[1:]): value for key, value in objects.items()}
    return original(made)


def coloured_look(colour: bytes) -> bytes:
    """An appearance of 200 x 60 units in one colour."""
    return form_x_object(colour + b" rg 0 0 200 60 re f", resources=b"<< >>")


def update(
    data: bytes,
    objects: Mapping[int, bytes],
    *,
    xref: str = "table",
    trailer: bytes = b"",
    freed: tuple[int, ...] = (),
    packed: bool = False,
    previous: int | None = None,
) -> bytes:
    """`data` with an incremental update behind it."""
    found = [int(number) for number in re.findall(rb"startxref\s+(\d+)", data)]
    return _written(data, dict(objects), found[-1] if previous is None else previous, xref, trailer, freed, packed)


def _written(
    head: bytes,
    objects: dict[int, bytes],
    previous: int | None,
    xref: str,
    trailer: bytes,
    freed: tuple[int, ...],
    packed: bool,
) -> bytes:
    out = bytearray(head)
    if out[-1:] not in (b"\n", b""):
        out += b"\n"
    if b"/Root" not in trailer:
        trailer += b" /Root 1 0 R /Info 12 0 R"
    if b"/ID" not in trailer:
        trailer += b" /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"
    size = max([*objects, *freed, NEXT, *(int(n) for n in re.findall(rb"/Size (\d+)", head))]) + 3
    rows: dict[int, tuple[int, int, int]] = dict.fromkeys(freed, (0, 0, 65535))
    if packed:
        inner = {number: body for number, body in objects.items() if not body.rstrip().endswith(b"endstream")}
        container = size - 2
        places, bodies = b"", b""
        for number, body in inner.items():
            places += b"%d %d " % (number, len(bodies))
            bodies += body + b" "
        rows |= {number: (2, container, index) for index, number in enumerate(inner)}
        objects = {number: body for number, body in objects.items() if number not in inner}
        objects[container] = stream(
            places + bodies, b"/Type /ObjStm /N %d /First %d" % (len(inner), len(places)), compress=True
        )
    for number, body in objects.items():
        rows[number] = (1, len(out), 0)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    if previous is None:
        rows[0] = (0, 0, 65535)
    else:
        trailer += b" /Prev %d" % previous
    if xref == "stream":
        own = size - 1
        rows[own] = (1, start, 0)
        index = b" ".join(b"%d 1" % number for number in sorted(rows))
        table = b"".join(
            kind.to_bytes(1, "big") + place.to_bytes(4, "big") + last.to_bytes(2, "big")
            for _, (kind, place, last) in sorted(rows.items())
        )
        entries = b"/Type /XRef /W [1 4 2] /Index [%s] /Size %d%s" % (index, size, trailer)
        out += b"%d 0 obj\n%s\nendobj\n" % (own, stream(table, entries, compress=True))
    else:
        out += b"xref\n"
        for number, (kind, place, _) in sorted(rows.items()):
            out += b"%d 1\n" % number
            out += b"%010d 00000 n \n" % place if kind else b"0000000000 65535 f \n"
        out += b"trailer\n<< /Size %d%s >>\n" % (size, trailer)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def signature_value(more: bytes = b"", *, sub_filter: bytes = b"/ETSI.CAdES.detached", contents: int = 1024) -> bytes:
    """A signature dictionary with room for /ByteRange and /Contents."""
    return (
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter %s /ByteRange [0 0000000000 0000000000 0000000000] /Contents <%s> "
        b"/M (D:20260101000000Z) %s >>" % (sub_filter, b"00" * contents, more)
    )


def sealed(data: bytes, *, contents: bytes = FAKE_CMS) -> bytes:
    """Fill in the last signature's /ByteRange, to the end of the file, and its /Contents."""
    position = data.rindex(b"/ByteRange [0 0000000000")
    low = data.index(b"/Contents <", position) + len(b"/Contents ")
    high = data.index(b">", low) + 1
    numbers = b"/ByteRange [0 %010d %010d %010d]" % (low, high, len(data) - high)
    filled = data[:position] + numbers + data[position + len(numbers) :]
    return filled[: low + 1] + contents.hex().encode() + filled[low + 1 + 2 * len(contents) :]


def visible(text: bytes = b"Sample Client") -> bytes:
    """The appearance of a signature: text, no background."""
    return form_x_object(b"BT /F1 10 Tf 4 20 Td (%s) Tj ET" % text)


def signed(
    data: bytes | None = None,
    *,
    value: bytes | None = None,
    field: bytes | None = None,
    number: int = 20,
    more: Mapping[int, bytes] | None = None,
    xref: str = "table",
    packed: bool = False,
    catalog: bytes | None = None,
) -> bytes:
    """Sign the empty field: the signature is object `number`, its appearance the next one."""
    data = data if data is not None else original()
    objects = {
        EMPTY_SIGNATURE: field
        or b"<< /FT /Sig /T (client) /Rect [60 100 260 160] /Type /Annot /Subtype /Widget /P 3 0 R /F 132 "
        b"/V %d 0 R /AP << /N %d 0 R >> >>"
        % (number, number + 1),
        FORM: contract_objects()[FORM][:-2] + b"/SigFlags 3 >>",
        number + 1: visible(),
        **(more or {}),
    }
    if catalog is not None:
        objects[CATALOG] = catalog
    if packed:  # the signature dictionary itself has to stand in the file
        data = update(data, {number: value or signature_value()}, xref=xref)
        return sealed(update(data, objects, xref=xref, packed=True))
    objects[number] = value or signature_value()
    return sealed(update(data, objects, xref=xref))


def second_signature(
    data: bytes,
    *,
    rect: bytes = b"[300 100 500 160]",
    number: int = 30,
    appearance: bytes | None = None,
    more: bytes = b"",
) -> bytes:
    """Sign in a new field, as signing software does: field, page, form, appearance."""
    page = contract_objects()[PAGE].replace(b"11 0 R]", b"11 0 R %d 0 R]" % number)
    form = contract_objects()[FORM].replace(b"11 0 R]", b"11 0 R %d 0 R]" % number)[:-2] + b"/SigFlags 3 >>"
    objects = {
        number: b"<< /FT /Sig /T (second) /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /Rect %s /V %d 0 R "
        b"/AP << /N %d 0 R >> %s >>" % (rect, number + 1, number + 2, more),
        number + 1: signature_value(),
        number + 2: appearance or visible(b"Second"),
        PAGE: page,
        FORM: form,
    }
    return sealed(update(data, objects))


def certified(permission: int, *, lock: bytes = b"", data: bytes | None = None) -> bytes:
    """Signed with a certification signature that permits /P `permission`."""
    reference = b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P %d /V /1.2 >> >>%s]"
    return signed(
        data,
        value=signature_value(reference % (permission, lock)),
        catalog=b"<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R /Perms << /DocMDP 20 0 R >> >>",
    )


def filled(data: bytes, text: bytes = b"1000", *, shown: bytes | None = None, number: int = 40) -> bytes:
    """Fill in the text field; `shown` is what its appearance says."""
    return update(
        data,
        {
            TEXT: b"<< /FT /Tx /T (amount) /Rect [60 200 260 230] /DA (/F1 11 Tf 0 g) /Type /Annot /Subtype /Widget /P 3 0 R "
            b"/F 4 /V (%s) /AP << /N %d 0 R >> >>" % (text, number),
            number: form_x_object(
                b"/Tx BMC q BT /F1 11 Tf 2 8 Td (%s) Tj ET Q EMC" % (text if shown is None else shown)
            ),
        },
    )


def time_stamped(data: bytes, *, number: int = 50, typed: bool = True, looks: bytes = b"/Rect [0 0 0 0]") -> bytes:
    """Validation data and a document time-stamp; `looks` are entries of its widget."""
    catalog = re.sub(rb"/DSS <<.*?>> >> >> (?=>>)", b"", newest(data, CATALOG))
    data = update(
        data,
        {
            CATALOG: catalog[:-2]
            + b"/DSS << /Type /DSS /Certs [%d 0 R] /VRI << /%s << /Cert [%d 0 R] >> >> >> >>"
            % (number, b"A" * 40, number),
            number: stream(b"\x30\x82sample", compress=True),
        },
    )
    form = newest(data, FORM)
    widget = number + 1
    value = signature_value(sub_filter=b"/ETSI.RFC3161").replace(
        b"/Type /Sig", b"/Type /DocTimeStamp" if typed else b""
    )
    page = newest(data, PAGE)
    objects = {
        widget: b"<< /FT /Sig /T (stamp%d) /Type /Annot /Subtype /Widget /P 3 0 R /F 132 %s /V %d 0 R >>"
        % (number, looks, widget + 1),
        widget + 1: value,
        FORM: form.replace(b"] /DA", b" %d 0 R] /DA" % widget),
        PAGE: page.replace(b"0 R] >>", b"0 R %d 0 R] >>" % widget),
    }
    return sealed(update(data, objects))


def newest(data: bytes, number: int) -> bytes:
    """The body of the last object with that number in the file."""
    at = data.rindex(b"\n%d 0 obj\n" % number)
    begin = at + len(b"\n%d 0 obj\n" % number)
    return data[begin : data.index(b"\nendobj", begin)]
