"""Where signatures are found: in the form, on pages without it, in /Perms, out of sight; and what tells of a field too many."""

from __future__ import annotations

import re

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, EMPTY_SIGNATURE, FORM, PAGE, PAGE_2, PAGES, contract_objects

from signing_core.pdf.revisions import FileStructure, SignatureRecord, parse
from signing_core.pdf.structure.glance import Glance
from signing_core.pdf.structure.shown import ShownValues
from signing_core.pdf.structure.values import Ref

OBJECTS = contract_objects()
WIDGET = b"/Type /Annot /Subtype /Widget /F 132 /Rect [300 300 400 340] "
BROKEN = parts.signature_value(contents=4)
WITHOUT = OBJECTS[FORM].replace(b"10 0 R ", b"")
"""A form that does not list the signature field."""


def codes(record: SignatureRecord) -> set[str]:
    return {finding.code for finding in record.findings}


def page_with(annotations: bytes, page: bytes = OBJECTS[PAGE]) -> bytes:
    return re.sub(rb"/Annots \[[^]]*\]", b"/Annots " + annotations, page)


def later(objects: dict[int, bytes], **how: object) -> tuple[SignatureRecord, ...]:
    """The signatures of a signed file that an update adds objects to, without those it had."""
    first, *others = parse(parts.update(parts.signed(), objects, **how)).signatures  # type: ignore[arg-type]
    assert first.fields == ("client",)
    return tuple(others)


# -- on a page and not in the form ------------------------------------------------------------------------------------

ON_A_PAGE: dict[str, tuple[dict[int, bytes], tuple[str, ...]]] = {
    "widget": ({60: b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET, 61: BROKEN}, ("twin",)),
    "no type of field": ({60: b"<< /T (twin) %s /V 61 0 R >>" % WIDGET, 61: BROKEN}, ("twin",)),
    "no name": ({60: b"<< /FT /Sig %s /V 61 0 R >>" % WIDGET, 61: BROKEN}, ()),
    "escaped byte range": (
        {60: b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET, 61: BROKEN.replace(b"/ByteRange", b"/Byte#52ange")},
        ("twin",),
    ),
    "escaped value": ({60: b"<< /FT /Sig /T (twin) %s /#56 61 0 R >>" % WIDGET, 61: BROKEN}, ("twin",)),
    "value of the field above": (
        {60: b"<< %s /Parent 62 0 R >>" % WIDGET, 61: BROKEN, 62: b"<< /FT /Sig /T (up) /V 61 0 R /Kids [60 0 R] >>"},
        ("up",),
    ),
    "value far above": (
        {
            60: b"<< /T (leaf) %s /Parent 62 0 R >>" % WIDGET,
            61: BROKEN,
            62: b"<< /Parent 63 0 R /T (mid) >>",
            63: b"<< /FT /Sig /T (up) /V 61 0 R >>",
        },
        ("up.mid.leaf",),
    ),
    "value in the widget": ({60: b"<< /FT /Sig /T (twin) %s /V %s >>" % (WIDGET, BROKEN)}, ("twin",)),
    "value behind references": (
        {60: b"<< /FT /Sig /T (twin) %s /V 63 0 R >>" % WIDGET, 61: BROKEN, 62: b"61 0 R", 63: b"62 0 R"},
        ("twin",),
    ),
    "a comment that ends the object for a hurried reader": (
        {60: b"<< /FT /Sig /T (twin) % endobj\n" + WIDGET + b" /V 61 0 R >>", 61: BROKEN},
        ("twin",),
    ),
    "a string that ends the object for a hurried reader": (
        {60: b"<< /Contents (endobj) /FT /Sig /T (twin) " + WIDGET + b" /V 61 0 R >>", 61: BROKEN},
        ("twin",),
    ),
    "no value at all in the byte range's place": (
        {60: b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET, 61: b"<< /Filter /X /SubFilter /Y /Contents 62 0 R >>"},
        ("twin",),
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("which", ON_A_PAGE)
def test_what_a_page_shows_is_found_without_the_form(which: str, packed: bool) -> None:
    objects, fields = ON_A_PAGE[which]
    xref = "stream" if packed else "table"
    (record,) = later({**objects, PAGE_2: OBJECTS[PAGE_2][:-2] + b"/Annots [60 0 R] >>"}, packed=packed, xref=xref)
    assert (record.fields, record.page, record.revision) == (fields, 2, 3)
    assert "signature-unlisted" in codes(record)


@pytest.mark.parametrize(
    "annotations",
    [b"[9 0 R << /FT /Sig /T (twin) %s /V 61 0 R >>]" % WIDGET, b"64 0 R", b"[10 0 R 65 0 R]"],
    ids=["written into the page", "in an array of its own", "behind a reference"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_annotations_written_in_other_ways(annotations: bytes, packed: bool) -> None:
    widget = b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET
    objects = {60: widget, 61: BROKEN, 64: b"[9 0 R 60 0 R 10 0 R]", 65: b"60 0 R", PAGE: page_with(annotations)}
    (record,) = later(objects, packed=packed, xref="stream" if packed else "table")
    assert record.fields == ("twin",)


def test_two_values_written_into_one_page_are_two_signatures() -> None:
    widget = b"<< /FT /Sig /T (twin) %s /V %s >>"
    annotations = b"[%s %s]" % (
        widget % (WIDGET, BROKEN),
        widget % (WIDGET, BROKEN.replace(b"20260101", b"20260102")),
    )
    assert [record.time for record in later({PAGE: page_with(annotations)})] == [
        "D:20260101000000Z",
        "D:20260102000000Z",
    ]


def test_a_signed_widget_of_the_original_is_found_too() -> None:
    objects = {**OBJECTS, 60: b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET, 61: BROKEN}
    objects[PAGE] = page_with(b"[9 0 R 60 0 R]")
    for how in ({}, {"xref": "stream", "packed": True}):
        (record,) = parse(parts.original(objects, **how)).signatures  # type: ignore[arg-type]
        assert (record.fields, record.revision, record.page) == (("twin",), 1, 1)


def test_a_signature_shown_only_in_a_revision_between_is_found_and_hidden() -> None:
    objects = {60: b"<< /FT /Sig /T (twin) %s /#56 61 0 R >>" % WIDGET, 61: BROKEN, PAGE: page_with(b"[60 0 R]")}
    data = parts.update(parts.update(parts.signed(), objects), {PAGE: OBJECTS[PAGE]})
    _, record = parse(data).signatures
    assert record.hidden_in_later_revision
    assert {"signature-hidden", "signature-unlisted"} <= codes(record)


@pytest.mark.parametrize(
    "change",
    [
        {60: b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET},
        {PAGE: page_with(b"[10 0 R 63 0 R]"), 63: b"<< /FT /Sig /T (twin) %s /V 61 0 R >>" % WIDGET},
        {62: b"<< /T (up) /FT /Sig /V 61 0 R >>"},
        {PAGES: b"<< /Type /Pages /Kids [3 0 R 6 0 R 64 0 R] /Count 3 >>"},
        {PAGES: b"<< /Type /Pages /Kids 65 0 R /Count 3 >>", 65: b"[64 0 R]"},
        {PAGE_2: b"<< /Type /Pages /Parent 2 0 R /Kids [64 0 R] /Count 1 >>"},
        {CATALOG: OBJECTS[CATALOG].replace(b"2 0 R", b"66 0 R"), 66: b"<< /Kids [64 0 R] >>"},
    ],
    ids=["annotation", "page", "field above", "tree", "tree's kids", "page becomes a node", "catalog"],
)
def test_a_later_revision_that_makes_one_show_is_seen(change: dict[int, bytes]) -> None:
    """Only what an update touched is looked at again: each way to touch something has to count."""
    objects = {
        60: b"<< /FT /Sig /T (twin) %s >>" % WIDGET,
        61: BROKEN.replace(b"/ByteRange", b"/Byte#52ange"),
        62: b"<< /T (up) /FT /Sig >>",
        67: b"<< %s /Parent 62 0 R >>" % WIDGET,
        68: b"<< /FT /Sig /T (twin) %s /#56 61 0 R >>" % WIDGET,
        64: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Annots [68 0 R] >>",
        PAGE: page_with(b"[60 0 R 67 0 R]"),
    }
    before = parts.update(parts.signed(), objects)
    assert len(parse(before).signatures) == 1
    assert len(parse(parts.update(before, change)).signatures) == 2


def test_annotations_that_are_no_signatures() -> None:
    objects = {
        60: b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (http://a.example/#%20) >> >>",
        61: b"<< /Type /Annot /Subtype /Popup /Parent 60 0 R /Rect [0 0 9 9] >>",
        62: b"<< /Type /Annot /Subtype /Widget /Parent 62 0 R /T (own parent) >>",
        63: b"<< /FT /Tx /T (text) /V (typed) %s >>" % WIDGET,
        64: b"<< /FT /Sig /T (empty) %s >>" % WIDGET,
        PAGE: page_with(b"[60 0 R 61 0 R 62 0 R 63 0 R 64 0 R 99 0 R null (x)]"),
    }
    assert later(objects) == ()


def test_values_on_widgets_of_a_field_are_in_the_form() -> None:
    """As iText writes: the field has the name, its only kid has the value."""
    form = OBJECTS[FORM].replace(b"10 0 R", b"60 0 R")
    field = b"<< /FT /Sig /T (client) /Kids [10 0 R] >>"
    widget = b"<< %s /Parent 60 0 R /P 3 0 R /V 20 0 R >>" % WIDGET
    (record,) = parse(parts.signed(field=widget, more={60: field, FORM: form})).signatures
    assert record.fields == ("client",)
    assert record.findings == ()


# -- looking without parsing ------------------------------------------------------------------------------------------

PLAIN = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
DOUBTFUL = [
    b"<< /Type /Page /Annots [1 0 R] >>",
    b"<< /Type /Page /#41nnots [1 0 R] >>",
    b"<< /Type /Page % endobj\n/An#6eots 1 0 R >>",
    b"<< /Type /Page /T (endobj) /Annots 1 0 R >>",
    b"<< /Type /Page /T (\\) endobj (\\() /Annots 1 0 R >>",
    b"<< /Type /Page /T <endobj> /Annots 1 0 R >>",
    b"61 0 R << >>",
    b"[ << >> ]",
]


@pytest.mark.parametrize("packed", [False, True])
def test_a_glance_is_certain_only_where_nothing_is_odd(packed: bool) -> None:
    how = {"xref": "stream", "packed": True} if packed else {}
    bodies = {60 + index: body for index, body in enumerate(DOUBTFUL)} | {90: PLAIN}
    structure = parse(parts.original({**OBJECTS, **bodies}, **how))  # type: ignore[arg-type]
    glance = Glance(structure, b"/Annots")
    assert [number for number in bodies if not glance.may_hold(Ref(number, 0), 1)] == [90]
    assert glance.may_hold(Ref(90, 1), 1)
    assert glance.may_hold(Ref(999, 0), 1)


class Counted(FileStructure):
    """Counts the objects that were parsed."""

    read = 0

    def _read(self, place: int):  # type: ignore[no-untyped-def]
        self.read += 1
        return super()._read(place)


def large(pages: int) -> bytes:
    """Every page has three links; one widget is signed."""
    objects = dict(OBJECTS)
    kids = [b"3 0 R", b"6 0 R"]
    for number in range(100, 100 + 4 * pages, 4):
        links = b" ".join(b"%d 0 R" % (number + k) for k in (1, 2, 3))
        objects[number] = PLAIN[:-2] + b"/Annots [%s] >>" % links
        for k in (1, 2, 3):
            objects[number + k] = (
                b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /URI (http://a.example/%d) >> >>" % k
            )
        kids.append(b"%d 0 R" % number)
    objects[PAGES] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return parts.signed(parts.original(objects))


def test_pages_that_lead_nowhere_are_not_parsed() -> None:
    few, many = (Counted(large(pages), None, parse(b"").limits) for pages in (10, 200))
    assert [len(structure.signatures) for structure in (few, many)] == [1, 1]
    assert many.read == few.read


def test_the_cost_of_a_later_revision_follows_the_update() -> None:
    data = large(300)
    for number in range(20):
        data = parts.update(data, {parts.TEXT: OBJECTS[parts.TEXT][:-2] + b"/V (%d) >>" % number})
    structure = parse(data)
    looked = 0
    original = ShownValues._look_again

    def counted(self: ShownValues, pages: object, revision: int) -> None:
        nonlocal looked
        pages = list(pages)  # type: ignore[call-overload]
        looked += len(pages)
        original(self, pages, revision)

    try:
        ShownValues._look_again = counted  # type: ignore[method-assign,assignment]
        assert len(structure.signatures) == 1
    finally:
        ShownValues._look_again = original  # type: ignore[method-assign]
    assert looked < 302 + 3 * 22  # every page once, then what the updates touched


# -- usage rights -----------------------------------------------------------------------------------------------------

RIGHTS = parts.signature_value(
    b"/Reference [<< /Type /SigRef /TransformMethod /UR3 /TransformParams << /Type /TransformParams /V /2.2 >> >>]"
)


def reader_enabled(value: bytes = RIGHTS, key: bytes = b"/UR3") -> bytes:
    catalog = OBJECTS[CATALOG][:-2] + b"/Perms << %s 13 0 R >> >>" % key
    return parts.sealed(parts.original({**OBJECTS, 13: value, CATALOG: catalog}))


@pytest.mark.parametrize("key", [b"/UR3", b"/UR"])
def test_usage_rights_are_no_signature(key: bytes) -> None:
    structure = parse(reader_enabled(RIGHTS.replace(b"/UR3", key), key))
    assert structure.signatures == ()
    (span,) = structure.usage_rights
    assert structure.data[span.start : span.end].startswith(b"13 0 obj")


def test_usage_rights_of_every_revision_are_known() -> None:
    data = parts.sealed(parts.update(reader_enabled(), {13: RIGHTS}))
    assert len(parse(data).usage_rights) == 2


@pytest.mark.parametrize(
    "value",
    [
        RIGHTS.replace(b"/UR3", b"/DocMDP"),
        parts.signature_value(),
        RIGHTS.replace(b"/TransformMethod", b"/TransformMothod"),
    ],
    ids=["of another method", "without a reference", "without a method"],
)
def test_a_signature_is_not_hidden_by_calling_it_usage_rights(value: bytes) -> None:
    (record,) = parse(reader_enabled(value)).signatures
    assert record.fields == ()
    assert "signature-unlisted" in codes(record)


def test_a_value_of_a_field_counts_whatever_the_permissions_say() -> None:
    catalog = OBJECTS[CATALOG][:-2] + b"/Perms << /UR3 20 0 R >> >>"
    (record,) = parse(parts.signed(value=RIGHTS, catalog=catalog)).signatures
    assert record.fields == ("client",)
    hidden = parts.update(parts.signed(value=RIGHTS, catalog=catalog), {FORM: WITHOUT, PAGE: page_with(b"[9 0 R]")})
    (record,) = parse(hidden).signatures
    assert record.hidden_in_later_revision
    on_a_page = {60: b"<< /FT /Sig /T (twin) %s /V 13 0 R >>" % WIDGET, PAGE: page_with(b"[60 0 R]")}
    (record,) = parse(parts.update(reader_enabled(), on_a_page)).signatures
    assert record.fields == ("twin",)
    loose = {60: b"<< /FT /Sig /T (loose) %s /V 13 0 R >>" % WIDGET}
    (record,) = parse(parts.update(reader_enabled(), loose)).signatures
    assert record.fields == ("loose",)


# -- a field too many -------------------------------------------------------------------------------------------------

TWIN = b"<< /FT /Sig /T (twin) %s /V 20 0 R >>" % WIDGET


@pytest.mark.parametrize(
    "objects",
    [
        {60: TWIN, FORM: OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]")},
        {60: TWIN, PAGE: page_with(b"[10 0 R 60 0 R]")},
    ],
    ids=["in the form", "on a page"],
)
def test_a_signature_that_is_shared_later_says_so(objects: dict[int, bytes]) -> None:
    (record,) = parse(parts.update(parts.signed(), objects)).signatures
    assert record.fields == ("client", "twin")
    assert {"signature-several-fields", "signature-shared-later"} <= codes(record)


def test_a_second_field_of_the_same_name_that_shares_the_value_is_told() -> None:
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    (record,) = parse(parts.update(parts.signed(), {60: TWIN.replace(b"twin", b"client"), FORM: form})).signatures
    assert record.fields == ("client",)
    assert "signature-shared-later" in codes(record)


def test_an_unsigned_field_of_the_same_name_is_told() -> None:
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    double = b"<< /FT /Sig /T (client) %s >>" % WIDGET
    (record,) = parse(parts.update(parts.signed(), {60: double, FORM: form})).signatures
    assert "signature-name-reused" in codes(record)


def test_what_was_so_when_it_was_signed_is_no_later_doing() -> None:
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R 61 0 R]")
    more = {60: TWIN, 61: b"<< /FT /Sig /T (client) %s >>" % WIDGET, FORM: form}
    data = parts.filled(parts.signed(more=more))
    (record,) = parse(data).signatures
    assert record.fields == ("client", "twin")
    assert codes(record) == {"signature-several-fields"}


def test_a_field_that_moves_to_another_object_is_still_one() -> None:
    signed = parts.signed()
    moved = parts.newest(signed, EMPTY_SIGNATURE)
    form = OBJECTS[FORM].replace(b"10 0 R", b"60 0 R")
    data = parts.update(signed, {60: moved, FORM: form, PAGE: page_with(b"[9 0 R 60 0 R 11 0 R]")}, freed=(10,))
    (record,) = parse(data).signatures
    assert record.fields == ("client",)
    assert codes(record) == set()


def test_another_signature_in_a_field_of_the_same_name_is_that_ones_matter() -> None:
    """Some tools call every field Signature1: both are listed and judged."""
    data = parts.second_signature(parts.signed()).replace(b"/T (second)", b"/T (client)")
    first, second = parse(data).signatures
    assert first.fields == second.fields == ("client",)
    assert not codes(first) & {"signature-shared-later", "signature-name-reused"}


def test_more_signatures_than_anybody_makes_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signing_core.pdf.structure.signatures._MOST", 1)
    structure = parse(parts.second_signature(parts.signed()))
    assert structure.signatures == ()
    assert structure.limited
    assert not structure.readable


def test_byte_ranges_that_are_none_do_not_hide_one() -> None:
    form = OBJECTS[FORM].replace(b"10 0 R ", b"")
    noise = parts.stream(b"/ByteRange " * 3_000)
    widget = b"<< /FT /Sig /T (client) /Type /Annot /Subtype /Widget /V 20 0 R >>"
    original = parts.original({**OBJECTS, 60: noise, PAGE: page_with(b"[9 0 R]")})
    (record,) = parse(parts.signed(original, field=widget, more={FORM: form})).signatures
    assert record.fields == ("client",)
