"""One object, two roles: what an object is called, or looks like, exempts nothing that the signed document draws with it."""

from __future__ import annotations

from collections.abc import Callable

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, CONTENT, FORM, PAGE, PAGE_2, PAGES, TEXT, contract_objects

from signing_core.pdf.revisions import parse
from signing_core.pdf.structure.values import Ref
from signing_core.verification.changes import ChangeLevel, ChangeReport, since
from signing_core.verification.drawn.appearance import box_of

OBJECTS = contract_objects()
SEEN = b"BT /F1 11 Tf 60 760 Td (Sample clause: the price is 1000 Euro.) Tj ET "
HIDDEN_WORDS = parts.stream(SEEN + b"/G gs BT /F1 11 Tf 60 700 Td (And all that the client owns.) Tj ET")
ANYTHING = parts.form_x_object(
    b"1 g 0 0 600 900 re f 0 g BT /F1 20 Tf 60 700 Td (The price is 9000 Euro.) Tj ET", b"[0 0 600 900]"
)
STAMP = b"<< /FT /Sig /T (stamp) /Type /Annot /Subtype /Widget /P 3 0 R /V 62 0 R /AP << /N 61 0 R >> %s >>"


def page_with_state(reference: bytes, objects: dict[int, bytes]) -> dict[int, bytes]:
    """A contract whose first page takes a graphics state from another object, with words that the state hides."""
    resources = b"/Resources << /Font << /F1 5 0 R >> /ExtGState " + reference + b" >>"
    page = OBJECTS[PAGE].replace(b"/Resources << /Font << /F1 5 0 R >> >>", resources)
    return {**OBJECTS, CONTENT: HIDDEN_WORDS, PAGE: page, **objects}


def signed(objects: dict[int, bytes], permission: int | None = None) -> bytes:
    data = parts.original(objects)
    return parts.signed(data) if permission is None else parts.certified(permission, data=data)


def verdict(data: bytes) -> ChangeReport:
    structure = parse(data)
    return since(structure, structure.signatures[0].covered_revision or 0, signature=0)


def page_as_state() -> bytes:
    second = OBJECTS[PAGE_2][:-2] + b" /ca 0 >>"
    base = signed(page_with_state(b"<< /G 6 0 R >>", {PAGE_2: second}))
    return parts.update(base, {PAGE_2: second.replace(b"/ca 0", b"/ca 1")})


def page_tree_as_state() -> bytes:
    tree = OBJECTS[PAGES][:-2] + b" /ca 0 >>"
    return parts.update(
        signed(page_with_state(b"<< /G 2 0 R >>", {PAGES: tree})), {PAGES: tree.replace(b"/ca 0", b"/ca 1")}
    )


def field_as_state(holder: bytes = b"<< /G 9 0 R >>") -> bytes:
    field = OBJECTS[TEXT][:-2] + b" /ca 0 >>"
    look = parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (1000) Tj ET Q EMC")
    filled = field.replace(b"/ca 0", b"/ca 1 /V (1000) /AP << /N 60 0 R >>")
    return parts.update(signed(page_with_state(holder, {TEXT: field}), 2), {TEXT: filled, 60: look})


def validation_data_as_state() -> bytes:
    """Named so that the dictionary of states looks like a field whose /P leads back."""
    store = b"<< /FT /X /ca 0 >>"
    content = HIDDEN_WORDS.replace(b"/G gs", b"/P gs")
    objects = page_with_state(b"70 0 R", {CONTENT: content, 70: b"<< /FT << >> /P 71 0 R >>", 71: store})
    objects[CATALOG] = OBJECTS[CATALOG]
    base = parts.certified(1, data=parts.original(objects))
    entry = parts.newest(base, CATALOG)[:-2] + b"/DSS 71 0 R >>"
    return parts.update(base, {CATALOG: entry, 71: store.replace(b"/ca 0", b"/ca 1")})


def certificate_as_content() -> bytes:
    """A stream of the validation data that the page draws as well."""
    first = parts.form_x_object(SEEN)
    page = OBJECTS[PAGE].replace(b"/Font << /F1 5 0 R >>", b"/Font << /F1 5 0 R >> /XObject << /P 70 0 R >>")
    content = parts.stream(b"/P Do")
    catalog = OBJECTS[CATALOG][:-2] + b"/DSS << /Certs [70 0 R] >> >>"
    base = signed({**OBJECTS, PAGE: page, CONTENT: content, CATALOG: catalog, 70: first})
    return parts.update(base, {70: parts.form_x_object(SEEN.replace(b"1000", b"9000"))})


def field_as_action() -> bytes:
    field = OBJECTS[TEXT][:-2] + b" /S /URI /URI (https://good.example) >>"
    base = signed({**OBJECTS, TEXT: field, CATALOG: OBJECTS[CATALOG][:-2] + b"/OpenAction 9 0 R >>"})
    look = parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (1000) Tj ET Q EMC")
    filled = field.replace(b"good.example)", b"evil.example) /V (1000) /AP << /N 60 0 R >>")
    return parts.update(base, {TEXT: filled, 60: look})


def parent_added() -> bytes:
    """A page without /Parent, which gets one that turns it."""
    orphan = OBJECTS[PAGE].replace(b" /Parent 2 0 R", b"")
    tree = OBJECTS[PAGES][:-2] + b" /Rotate 180 >>"
    base = parts.certified(1, data=parts.original({**OBJECTS, PAGE: orphan, PAGES: tree}))
    return parts.update(base, {PAGE: OBJECTS[PAGE]})


def unplaced_widget() -> bytes:
    """A field of the signed form that no page showed is put on one, unchanged."""
    hidden = b"<< /FT /Tx /T (more) /Type /Annot /Subtype /Widget /Rect [0 0 595 842] /F 4 /AP << /N 71 0 R >> >>"
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 70 0 R]")
    base = parts.certified(1, data=parts.original({**OBJECTS, FORM: form, 70: hidden, 71: ANYTHING}))
    return parts.update(base, {PAGE: OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 70 0 R]")})


def filter_exchanged() -> bytes:
    """The same raw bytes under another filter that we do not decode."""
    picture = parts.stream(b"\0" * 40, b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 1 "
                           b"/ColorSpace /DeviceGray /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 8 >>")  # fmt: skip
    page = OBJECTS[PAGE].replace(b"/Font << /F1 5 0 R >>", b"/Font << /F1 5 0 R >> /XObject << /I 70 0 R >>")
    base = parts.certified(1, data=parts.original({**OBJECTS, PAGE: page, 70: picture}))
    return parts.update(base, {70: picture.replace(b"/K -1", b"/K -1 /BlackIs1 true")})


FORGERIES: dict[str, Callable[[], bytes]] = {
    "page-as-graphics-state": page_as_state,
    "page-tree-as-graphics-state": page_tree_as_state,
    "field-as-graphics-state": field_as_state,
    "field-as-graphics-state-that-seems-to-lead-back": lambda: field_as_state(b"<< /FT << >> /P 9 0 R >>"),
    "validation-data-as-graphics-state": validation_data_as_state,
    "certificate-as-content": certificate_as_content,
    "field-as-action": field_as_action,
    "parent-added": parent_added,
    "unplaced-widget": unplaced_widget,
    "filter-exchanged": filter_exchanged,
    "number-in-the-ninth-place": lambda: parts.update(
        signed({**OBJECTS, PAGE: OBJECTS[PAGE].replace(b"595 842", b"595.0000001 842")}, 1),
        {PAGE: OBJECTS[PAGE].replace(b"595 842", b"595.01 842")}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_second_role_exempts_nothing(name: str) -> None:
    report = verdict(FORGERIES[name]())
    assert report.level in (ChangeLevel.UNKNOWN, ChangeLevel.FORBIDDEN)
    assert report.findings[0].severity in ("error", "warning")


@pytest.mark.parametrize(
    "looks",
    [
        b"/Rect [0 0 595 842] /F 4",
        b"/Rect [0 0 595 842] /F 4294967298",
        b"/Rect [0 0 595 842] /F -4294967294",
        b"/Rect [0 0 595 842] /F 2.0",
        b"/Rect [0 0 10000001 10000001] /F 4",
        b"/Rect [0 600 595 600] /F 4",
        b"/Rect [0 0 0 0] /F 4",
        b"/Rect [0 600 595 600.001] /F 4",
        b"/F 4",
    ],
)
def test_a_time_stamp_that_some_viewer_shows_is_not_invisible(looks: bytes) -> None:
    """After a lock of everything only an invisible one may follow (12.8.5); also unlisted in the form."""
    base = parts.certified(1)
    value = parts.signature_value(sub_filter=b"/ETSI.RFC3161").replace(b"/Type /Sig", b"/Type /DocTimeStamp")
    page = parts.newest(base, PAGE).replace(b"11 0 R]", b"11 0 R 60 0 R]")
    form = parts.newest(base, FORM).replace(b"11 0 R]", b"11 0 R 60 0 R]")
    for listed in ({FORM: form}, {}):
        data = parts.sealed(parts.update(base, {60: STAMP % looks, 61: ANYTHING, 62: value, PAGE: page, **listed}))
        assert verdict(data).level is not ChangeLevel.PERMITTED


@pytest.mark.parametrize("content", [b"", b"q Q", b"% DSBlank", b"/Tx BMC\nEMC", b"q 1 0 0 1 0 0 cm 0 0 9 9 re W n Q"])
def test_an_empty_look_is_read_as_empty(content: bytes) -> None:
    assert visible(content) is False


@pytest.mark.parametrize(
    "content", [b"0 0 9 9 re 1f", b"0 0 9 9 re f", b"BT (x) Tj ET", b"0 0 9 9 re\0f*", b"BI ID EI", b"1 2 unknown"]
)
def test_what_is_not_read_as_empty_may_draw(content: bytes) -> None:
    assert visible(content) is True


def visible(content: bytes) -> bool:
    structure = parse(
        parts.update(parts.signed(), {60: STAMP % b"/Rect [10 10 90 90] /F 4", 61: parts.form_x_object(content)})
    )
    return box_of(structure, structure.load(Ref(60, 0), 3) or {}, 3) is not None


@pytest.mark.parametrize("subtype", [b"/Widget", b"70 0 R"])
def test_a_field_that_says_elsewhere_what_it_is_stays_on_its_page(subtype: bytes) -> None:
    """/Subtype may be an object of its own (7.3.10): then it is no comment that a certification with /P 3 lets go."""
    field = OBJECTS[TEXT].replace(b"/Subtype /Widget", b"/V (1000) /AP << /N 71 0 R >> /Subtype " + subtype)
    objects = {**OBJECTS, TEXT: field, 70: b"/Widget", 71: parts.visible(b"1000")}
    data = parts.certified(3, data=parts.original(objects))
    report = since(parse(parts.update(data, {PAGE: parts.newest(data, PAGE).replace(b"9 0 R ", b"")})), 2)
    assert report.level is ChangeLevel.FORBIDDEN
    assert report.findings[0].code == "change-annotation-removed"


@pytest.mark.parametrize("subtype", [b"/Text", b"70 0 R"])
def test_a_comment_that_says_elsewhere_what_it_is_may_be_edited(subtype: bytes) -> None:
    note = b"<< /Type /Annot /Subtype %s /F 4 /Rect [560 20 580 40] /Contents (first) /AP << /N 61 0 R >> >>" % subtype
    page = OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    objects = {**OBJECTS, PAGE: page, 60: note, 61: parts.visible(b"x"), 70: b"/Text"}
    data = parts.certified(3, data=parts.original(objects))
    report = since(parse(parts.update(data, {60: note.replace(b"first", b"second")})), 2)
    assert report.level is ChangeLevel.PERMITTED
    assert report.findings[0].message == "Page 1: Text annotation, /Contents was changed."


@pytest.mark.parametrize("resources", [b"", b"/Resources << >>", b"/Resources << /Font << /F1 5 0 R >> >>"])
def test_a_look_draws_with_resources_of_its_own(resources: bytes) -> None:
    """Found by reading: without them viewers take the page's, where the font of that name has a 9 for a 1."""
    other = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [49 /nine] >> >>"
    page = OBJECTS[PAGE].replace(b"/F1 5 0 R", b"/F1 5 0 R /F7 80 0 R")
    form = OBJECTS[FORM].replace(b"/F1 5 0 R", b"/F1 5 0 R /F7 5 0 R")
    objects = {**OBJECTS, PAGE: page, FORM: form, 80: other}
    signed = parts.signed(parts.original(objects), more={FORM: form[:-2] + b"/SigFlags 3 >>"})
    field = OBJECTS[TEXT][:-2] + b"/V (1000) /AP << /N 60 0 R >> >>"
    look = b"/Tx BMC q BT /F7 11 Tf 2 8 Td (1000) Tj ET Q EMC"
    entries = b"/Type /XObject /Subtype /Form /BBox [0 0 200 30] "
    with_own = b"/Resources << /Font << /F7 5 0 R >> >>"
    levels = [
        since(parse(parts.update(signed, {TEXT: field, 60: parts.stream(look, entries + given)})), 2).level
        for given in (resources, with_own)
    ]
    assert levels == [ChangeLevel.UNKNOWN, ChangeLevel.PERMITTED]
