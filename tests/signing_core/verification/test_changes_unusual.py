"""More kinds of forgeries, and of honest files from producers with unusual habits."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, CONTENT, EMPTY_SIGNATURE, FORM, INFO, PAGE, PAGES, TEXT, contract_objects

from signing_core.pdf.revisions import parse
from signing_core.verification.changes import ChangeLevel, since

OBJECTS = contract_objects()
SIGNED = parts.signed()
FORGED = parts.stream(b"BT /F1 11 Tf 1 0 0 1 60 760 Tm (The price is 9000 Euro.) Tj ET")
SHOWN = parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (1000) Tj ET Q EMC")


def catalog(more: bytes, objects: dict[int, bytes] | None = None, *, data: bytes = SIGNED, **how: object) -> bytes:
    changed = {CATALOG: parts.newest(data, CATALOG)[:-2] + more + b" >>", **(objects or {})}
    return parts.update(data, changed, **how)  # type: ignore[arg-type]


def hybrid(data: bytes, objects: dict[int, bytes]) -> bytes:
    """An update whose objects are in the /XRefStm alone, which some readers never look at (7.5.8.4)."""
    out, places = bytearray(data), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"".join(b"\1" + place.to_bytes(4, "big") + b"\0\0" for _, place in sorted(places.items()))
    index = b" ".join(b"%d 1" % number for number in sorted(places))
    inner, previous = len(out), int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    entries = b"/Type /XRef /W [1 4 2] /Index [%s] /Size 80" % index
    out += b"70 0 obj\n" + parts.stream(rows, entries) + b"\nendobj\n"
    start = len(out)
    out += b"xref\n70 1\n%010d 00000 n \ntrailer\n<< /Size 80 /Root 1 0 R /Info 12 0 R /Prev %d /XRefStm %d >>\n" % (
        inner, previous, inner)  # fmt: skip
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def with_value(own_style: bool, value: bytes = b"1000") -> bytes:
    """Signed with a filled text field, which inherits the form's /DA unless it has its own."""
    field = OBJECTS[TEXT] if own_style else OBJECTS[TEXT].replace(b"/DA (/F1 11 Tf 0 g)", b"")
    field = field[:-2] + b"/V (%s) /AP << /N 60 0 R >> >>" % value
    return parts.signed(parts.original({**OBJECTS, TEXT: field, 60: SHOWN}))


def form(data: bytes, style: bytes = b"/F1 11 Tf 0 g", more: bytes = b"") -> bytes:
    return parts.update(
        data, {FORM: parts.newest(data, FORM).replace(b"/DA (/F1 11 Tf 0 g)", b"/DA (%s)%s" % (style, more))}
    )


WHITE = b"/F1 80 Tf 1 g"
ANEW = b" /NeedAppearances true"

FORGERIES: dict[str, Callable[[], bytes]] = {
    "white-on-white-when-drawn-anew": lambda: form(with_value(False), WHITE, ANEW),
    "white-on-white-in-two-steps": lambda: form(form(with_value(False), WHITE), WHITE, ANEW),
    "value-that-was-not-shown": lambda: form(with_value(False, b"9000"), more=ANEW),
    "style-of-a-field": lambda: parts.update(
        with_value(True), {TEXT: parts.newest(with_value(True), TEXT).replace(b"/DA (/F1 11 Tf 0 g)", b"/DA (%s)" % WHITE)}),
    "portfolio": lambda: catalog(
        b" /Collection << /Type /Collection /D (a.pdf) /View /H >> /Names << /EmbeddedFiles << /Names [(a.pdf) 61 0 R] >> >>",
        {61: b"<< /Type /Filespec /F (a.pdf) /EF << /F 62 0 R >> >>", 62: parts.stream(b"%PDF-1.4 another")}),
    "page-labels": lambda: catalog(b" /PageLabels << /Nums [0 << /P (Draft ) >>] >>"),
    "action-of-a-page": lambda: parts.update(
        SIGNED, {PAGE: OBJECTS[PAGE][:-2] + b" /AA << /O << /S /URI /URI (https://example.org) >> >> >>"}),
    "script-of-a-field": lambda: parts.update(
        SIGNED, {TEXT: OBJECTS[TEXT][:-2] + b"/AA << /F << /S /JavaScript /JS (event.value=9000) >> >> >>"}),
    "generation-that-is-not-there": lambda: parts.update(SIGNED, {PAGE: OBJECTS[PAGE].replace(b"4 0 R", b"4 1 R")}),
    "rotation-from-the-tree": lambda: parts.update(SIGNED, {PAGES: OBJECTS[PAGES][:-2] + b" /Rotate 180 >>"}),
    "signature-out-of-sight": lambda: parts.update(
        SIGNED, {EMPTY_SIGNATURE: parts.newest(SIGNED, EMPTY_SIGNATURE).replace(b"/F 132", b"/F 2")}),
    "override-in-a-hybrid-section": lambda: hybrid(SIGNED, {CONTENT: FORGED}),
    "encrypted-afterwards": lambda: parts.update(
        SIGNED, {60: b"<< >>"}, trailer=b" /Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -4 >>" % (b"1" * 32, b"2" * 32)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_forbidden(name: str) -> None:
    structure = parse(FORGERIES[name]())
    record = structure.signatures[0]
    assert record.covered_revision is not None
    assert since(structure, record.covered_revision, signature=0).level is ChangeLevel.FORBIDDEN


def linearised(tmp_path: Path) -> bytes:
    source, target = tmp_path / "source.pdf", tmp_path / "linearised.pdf"
    source.write_bytes(parts.original())
    subprocess.run(["qpdf", "--warning-exit-0", "--linearize", str(source), str(target)], check=True)
    return target.read_bytes()


def noted(data: bytes) -> bytes:
    page = OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    note = b"<< /Type /Annot /Subtype /Text /F 4 /Rect [300 20 320 40] /Contents (a note) /AP << /N 61 0 R >> >>"
    return parts.update(data, {PAGE: page, 60: note, 61: parts.visible(b"x")})


CERTIFICATES = b" /DSS << /Certs [62 0 R] >>"
PACKED = parts.original(xref="stream", packed=True)

SEEN = with_value(True)
"""Signed with a filled text field whose look is object 60."""

OPEN: dict[str, tuple[str, Callable[[], bytes]]] = {
    "kids-for-a-signed-widget": ("change-field", lambda: parts.update(
        SIGNED, {EMPTY_SIGNATURE: parts.newest(SIGNED, EMPTY_SIGNATURE)[:-2] + b"/Kids [] >>"})),
    "look-of-a-seen-value-freed": ("change-value-unread", lambda: parts.update(SEEN, {}, freed=(60,))),
    "look-of-a-seen-value-of-another-generation": ("change-value-unread", lambda: parts.update(
        SEEN, {TEXT: parts.newest(SEEN, TEXT).replace(b"60 0 R", b"60 1 R")})),
    "value-filled-in-with-a-look-that-is-missing": ("change-value-unread", lambda: parts.update(
        SIGNED, {TEXT: OBJECTS[TEXT][:-2] + b"/V (1000) /AP << /N 90 0 R >> >>"})),
    "entry-of-the-catalog-that-nobody-knows": ("change-not-judged", lambda: catalog(b" /Sample 60 0 R", {60: b"<< /Kind /New >>"})),
    "element-that-says-something-of-a-page": ("change-structure-tree", lambda: catalog(
        b" /StructTreeRoot 60 0 R",
        {60: b"<< /Type /StructTreeRoot /K 61 0 R >>",
         61: b"<< /Type /StructElem /S /P /P 60 0 R /Pg 3 0 R /K 0 /ActualText (The price is 1 Euro) >>"})),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN)
def test_what_cannot_be_judged_is_left_open(name: str) -> None:
    code, make = OPEN[name]
    structure = parse(make())
    report = since(structure, structure.signatures[0].covered_revision or 0, signature=0)
    assert report.level is ChangeLevel.UNKNOWN
    assert code in {finding.code for finding in report.findings}


def new_field(data: bytes, entries: bytes) -> bytes:
    """With a field that nobody signed in, on page 1."""
    widget = b"<< /Type /Annot /Subtype /Widget /T (extra) /P 3 0 R /Rect [300 300 400 340] " + entries + b" >>"
    return parts.update(
        data,
        {60: widget, 61: parts.visible(b"An addendum"), PAGE: parts.newest(data, PAGE).replace(b"11 0 R]", b"11 0 R 60 0 R]"),
         FORM: parts.newest(data, FORM).replace(b"11 0 R]", b"11 0 R 60 0 R]")},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "certified", "approved"),
    [
        (b"/FT /Sig /F 4", False, True),
        (b"/FT /Tx /F 4", False, True),
        (b"/FT /Tx /F 4 /V (90000)", False, False),
        (b"/FT /Sig /F 4 /AP << /N 61 0 R >>", False, False),
        (b"/FT /Sig /F 32 /AP << /N 61 0 R >>", False, False),
        (b"/FT /Sig /F 4 /MK << /BG [1 1 1] >>", False, False),
        (b"/FT /Sig /F 4 /A << /S /URI /URI (https://example.org) >>", False, False),
    ],
)
def test_a_new_field_that_nobody_signed_in(entries: bytes, certified: bool, approved: bool) -> None:
    for data, allowed in ((parts.certified(2), certified), (SIGNED, approved)):
        structure = parse(new_field(data, entries))
        level = since(structure, structure.signatures[0].covered_revision or 0, signature=0).level
        assert level is (ChangeLevel.PERMITTED if allowed else ChangeLevel.FORBIDDEN), entries


def test_a_field_that_was_signed_in_the_end_is_a_signature() -> None:
    """Added in one save and signed in the next, after a certification: only the last state tells."""
    data = new_field(parts.certified(2), b"/FT /Sig /F 132")
    signed = parts.newest(data, 60)[:-2] + b"/V 62 0 R /AP << /N 61 0 R >> >>"
    structure = parse(parts.sealed(parts.update(data, {60: signed, 62: parts.signature_value()})))
    reports = [
        since(structure, record.covered_revision or 0, signature=at) for at, record in enumerate(structure.signatures)
    ]
    assert [report.level for report in reports] == [ChangeLevel.PERMITTED, ChangeLevel.NONE]


@pytest.mark.parametrize("entries", [b"/V 20 0 R", b"/T (client) /V 62 0 R", b"/V 62 0 R"])
def test_a_signature_belongs_to_one_field_and_a_name_too(entries: bytes) -> None:
    """Borrowed from another field; under the name of one; its own, which is all right."""
    title = b"" if b"/T" in entries else b"/T (extra) "
    widget = b"<< /FT /Sig /Type /Annot /Subtype /Widget /P 3 0 R /Rect [0 0 0 0] /F 132 " + title + entries + b" >>"
    data = parts.update(
        SIGNED,
        {
            60: widget,
            62: parts.signature_value(),
            FORM: parts.newest(SIGNED, FORM).replace(b"11 0 R]", b"11 0 R 60 0 R]"),
        },
    )
    data = parts.sealed(data) if b"62" in entries else data
    structure = parse(data)
    report = since(structure, structure.signatures[0].covered_revision or 0, signature=0)
    assert (report.level is ChangeLevel.PERMITTED) is (entries == b"/V 62 0 R")


@pytest.mark.parametrize("permission", [1, 2])
def test_metadata_after_a_lock(permission: int) -> None:
    """/ModDate is written by every program that saves; a title is not."""
    for entry, allowed in ((b"/Title (Amended)", permission == 2), (b"/Title (Sample contract)", True)):
        data = parts.update(parts.certified(permission), {INFO: b"<< " + entry + b" /ModDate (D:20270101000000Z) >>"})
        structure = parse(data)
        level = since(structure, structure.signatures[0].covered_revision or 0, signature=0).level
        assert level is (ChangeLevel.PERMITTED if allowed else ChangeLevel.FORBIDDEN), entry


HONEST: dict[str, Callable[[], bytes]] = {
    "two-signatures-in-one-chain": lambda: parts.second_signature(SIGNED),
    "long-term-data-by-two-tools": lambda: parts.time_stamped(parts.time_stamped(parts.second_signature(SIGNED)), number=80),
    "store-without-time-stamp-twice": lambda: parts.update(
        catalog(CERTIFICATES, {62: parts.stream(b"0\x82a")}),
        {CATALOG: OBJECTS[CATALOG][:-2] + b" /DSS << /Certs [62 0 R 63 0 R] >> >>", 63: parts.stream(b"0\x82b")}),
    "store-in-an-object-stream": lambda: catalog(
        b" /DSS 64 0 R", {64: b"<< /Certs [62 0 R] >>", 62: parts.stream(b"0\x82a")}, xref="stream", packed=True),
    "compressed-updates": lambda: parts.update(
        parts.signed(PACKED, xref="stream", packed=True),
        {INFO: b"<< /Title (Sample contract) /ModDate (D:20270101000000Z) >>"}, xref="stream", packed=True),
    "filled-then-signed-after-p2": lambda: parts.second_signature(parts.filled(parts.certified(2))),
    "signed-then-time-stamped-after-p2": lambda: parts.time_stamped(parts.second_signature(parts.certified(2))),
    "note-after-p3": lambda: noted(parts.certified(3)),
    "drawn-anew-with-the-same-values": lambda: form(with_value(False), more=ANEW),
    "same-style-written-again": lambda: form(with_value(False), more=b" /Q 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_honest_changes_are_permitted(name: str) -> None:
    structure = parse(HONEST[name]())
    for index, record in enumerate(structure.signatures):
        assert record.covered_revision is not None
        report = since(structure, record.covered_revision, signature=index)
        assert report.level in (ChangeLevel.NONE, ChangeLevel.PERMITTED), report.findings


def test_signed_after_a_hybrid_section() -> None:
    structure = parse(parts.second_signature(parts.signed(hybrid(parts.original(), {60: b"<< /Kind /Sample >>"}))))
    assert since(structure, structure.signatures[0].covered_revision or 0, signature=0).level is ChangeLevel.PERMITTED
    assert [record.coverage for record in structure.signatures] == ["whole-revision", "whole-file"]


def test_a_linearised_file_signed(tmp_path: Path) -> None:
    data = linearised(tmp_path)
    size = max(int(number) for number in re.findall(rb"\n(\d+) 0 obj", data)) + 1
    root, info = (re.findall(rb"/%s (\d+) 0 R" % key, data)[0] for key in (b"Root", b"Info"))
    field, value = size, size + 1
    body = re.findall(rb"\n%s 0 obj\n(<<.*?>>)\nendobj" % root, data, re.DOTALL)[0]
    body = re.sub(rb"/AcroForm \d+ 0 R", b"/AcroForm << /SigFlags 3 /Fields [%d 0 R] >>" % field, body)
    objects = {
        int(root): body,
        field: b"<< /FT /Sig /T (invisible) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /V %d 0 R >>" % value,
        value: parts.signature_value(),
    }
    signed = parts.sealed(parts.update(data, objects, trailer=b" /Root %s 0 R /Info %s 0 R" % (root, info)))
    structure = parse(signed)
    assert [(r.revision, r.coverage) for r in structure.signatures] == [(2, "whole-file")]
    assert since(structure, 2, signature=0).level is ChangeLevel.NONE


@pytest.mark.parametrize("existed", [True, False])
def test_a_certification_permits_nothing_of_fields_that_it_did_not_see(existed: bool) -> None:
    """After a second signature a value is overwritten: by leave of the certification (/P 3), if that has the field."""
    look = {71: parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (10) Tj ET Q EMC")}
    widget = b"<< /FT /Tx /T (later) /Rect [60 300 260 330] /Type /Annot /Subtype /Widget /P 3 0 R /F 4 /DA (/F1 11 Tf 0 g) %s>>"
    listed = {key: OBJECTS[key].replace(b"11 0 R]", b"11 0 R 70 0 R]") for key in (PAGE, FORM)}
    if existed:
        data = parts.signed(
            parts.original({**OBJECTS, **listed, 70: widget % b""}), value=parts.signature_value(CERTIFIES_3),
            catalog=b"<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R /Perms << /DocMDP 20 0 R >> >>",
            more={FORM: listed[FORM][:-2] + b"/SigFlags 3 >>"},
        )  # fmt: skip
    else:
        data = parts.certified(3)
        data = parts.update(data, {**listed, FORM: listed[FORM][:-2] + b"/SigFlags 3 >>", 70: widget % b""})
    value = b"/V (%s) /AP << /N 71 0 R >> "
    data = parts.update(data, {70: widget % (value % b"10"), **look})
    second = b"<< /FT /Sig /T (second) /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /Rect [0 0 0 0] /V 81 0 R >>"
    objects = {
        80: second, 81: parts.signature_value(),
        **{key: parts.newest(data, key).replace(b"70 0 R]", b"70 0 R 80 0 R]") for key in (PAGE, FORM)},
    }  # fmt: skip
    data = parts.sealed(parts.update(data, objects))
    data = parts.update(data, {70: widget % (value % b"90"), 71: look[71].replace(b"(10)", b"(90)")})
    structure = parse(data)
    levels = {
        record.fields: since(structure, record.covered_revision or 0, signature=at).level
        for at, record in enumerate(structure.signatures)
    }
    assert levels[("second",)] is (ChangeLevel.PERMITTED if existed else ChangeLevel.FORBIDDEN)


CERTIFIES_3 = b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 3 /V /1.2 >> >>]"
