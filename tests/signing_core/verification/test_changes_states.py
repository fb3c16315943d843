"""Which states are held against one another, what a later signer may add, and what stays after a lock."""

from __future__ import annotations

from collections.abc import Callable

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, CONTENT, EMPTY_SIGNATURE, FORM, PAGE, TEXT

from signing_core.pdf.revisions import parse
from signing_core.verification import drawn
from signing_core.verification.changes import ChangeLevel, ChangeReport, since

OBJECTS = parts.contract_objects()
NOTE = b"<< /Type /Annot /Subtype /Text /P 3 0 R /F 4 /Rect [300 20 320 40] /Contents (%s) /AP << /N 71 0 R >> >>"
BLANK = parts.form_x_object(b"", b"[0 0 20 20]")
LOOK = parts.form_x_object(b"/Tx BMC q BT /F1 11 Tf 2 8 Td (%s) Tj ET Q EMC")


def reported(data: bytes, field: str = "client") -> ChangeReport:
    structure = parse(data)
    at = next(at for at, record in enumerate(structure.signatures) if field in record.fields)
    return since(structure, structure.signatures[at].covered_revision or 0, signature=at)


def listed(data: bytes, more: bytes) -> dict[int, bytes]:
    """Page and form with one annotation or field more."""
    return {key: parts.newest(data, key).replace(b"0 R]", b"0 R %s]" % more, 1) for key in (PAGE, FORM)}


def noted(data: bytes, words: bytes = b"a note") -> bytes:
    return parts.update(data, {PAGE: listed(data, b"70 0 R")[PAGE], 70: NOTE % words, 71: BLANK})


def field(value: bytes, more: bytes = b"") -> bytes:
    return OBJECTS[TEXT][:-2] + b"/V (%s) /AP << /N 72 0 R >> %s >>" % (value, more)


def entered(data: bytes, value: bytes, more: bytes = b"") -> bytes:
    return parts.update(data, {TEXT: field(value, more), 72: LOOK.replace(b"%s", value)})


# -- states ---------------------------------------------------------------------------------------------------------------


def test_a_state_that_a_later_signer_signed_counts_though_it_is_gone() -> None:
    signed = parts.signed(entered(parts.original(), b"10"))
    changed = parts.update(signed, {CONTENT: parts.stream(b"BT /F1 11 Tf 60 760 Td (9888) Tj ET")})
    undone = {CONTENT: OBJECTS[CONTENT]}
    assert reported(parts.update(changed, undone)).level is not ChangeLevel.FORBIDDEN
    between = parts.update(parts.second_signature(changed), undone)
    assert reported(between).level is ChangeLevel.FORBIDDEN


@pytest.mark.parametrize("later", [b"another", None])
def test_a_comment_younger_than_the_signature_is_its_readers_to_edit_and_delete(later: bytes | None) -> None:
    data = noted(parts.signed())
    if later is not None:
        edited = parts.update(data, {70: NOTE % later})
    else:
        edited = parts.update(data, {PAGE: parts.newest(data, PAGE).replace(b" 70 0 R", b"")}, freed=(70,))
    assert reported(edited).level is ChangeLevel.PERMITTED
    older = parts.signed(noted(parts.original()))
    assert reported(parts.update(older, {70: NOTE % b"another"})).level is ChangeLevel.FORBIDDEN


def test_an_annotation_that_is_listed_twice_is_drawn_twice() -> None:
    twice = parts.original({**OBJECTS, PAGE: OBJECTS[PAGE].replace(b"[9 0 R", b"[9 0 R 9 0 R")})
    signed = parts.signed(twice, number=25)
    once = parts.newest(signed, PAGE).replace(b"9 0 R 9 0 R", b"9 0 R")
    assert reported(parts.update(signed, {PAGE: once})).level is ChangeLevel.FORBIDDEN
    assert reported(noted(signed)).level is ChangeLevel.PERMITTED


@pytest.mark.parametrize("differs", [True, None])
def test_the_net_below_everything(differs: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose content was written anew, and is equal, has to look equal as well."""
    data = parts.update(parts.signed(), {CONTENT: OBJECTS[CONTENT]})
    assert reported(data).level is ChangeLevel.PERMITTED
    asked: list[int] = []

    def look(structure: object, signed: int, later: int, page: int, paints: object = ()) -> bool | None:
        asked.append(page)
        return differs

    monkeypatch.setattr(drawn, "untouched_page_differs", look)
    report = reported(data)
    assert asked == [1]
    assert (report.level, report.findings[0].code) == (
        ChangeLevel.UNKNOWN,
        "change-page-differs" if differs else "change-looks-unknown",
    )


# -- values ---------------------------------------------------------------------------------------------------------------

SCRIPT = b"/AA << /C << /S /JavaScript /JS (AFSimple_Calculate\\(\\);) >> >>"


def calculated() -> bytes:
    form = OBJECTS[FORM][:-2] + b"/CO [9 0 R] >>"
    data = parts.original({**OBJECTS, FORM: form, TEXT: field(b"10", SCRIPT), 72: LOOK.replace(b"%s", b"10")})
    return parts.signed(data, more={FORM: form[:-2] + b"/SigFlags 3 >>"})


@pytest.mark.parametrize(
    ("signed", "more", "allowed"),
    [
        (lambda: parts.signed(entered(parts.original(), b"10")), b"", False),
        (lambda: parts.signed(entered(parts.original(), b"10", b"/DV (10)")), b"/DV (10)", True),
        (lambda: parts.signed(entered(parts.original(), b"10", b"/DV (11)")), b"/DV (11)", False),
        (calculated, SCRIPT, True),
        (lambda: parts.signed(entered(parts.original(), b"10", SCRIPT)), SCRIPT, False),
    ],
    ids=["seen", "default", "other-default", "calculated", "not-in-the-order"],
)  # fmt: skip
def test_defaults_and_calculated_fields_may_be_overwritten(
    signed: Callable[[], bytes], more: bytes, allowed: bool
) -> None:
    report = reported(entered(signed(), b"99", more))
    assert report.level is (ChangeLevel.PERMITTED if allowed else ChangeLevel.FORBIDDEN)
    if allowed:
        assert any(f.severity == "warning" and "'10'" in f.message and "'99'" in f.message for f in report.findings)


# -- what honest software does ----------------------------------------------------------------------------------------------

TAGGED = {
    **OBJECTS,
    CATALOG: b"<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R /MarkInfo << /Marked true >> /StructTreeRoot 80 0 R /Outlines 82 0 R >>",
    80: b"<< /Type /StructTreeRoot /K [81 0 R] >>",
    81: b"<< /Type /StructElem /S /Document /P 80 0 R /K [] >>",
    82: b"<< /Type /Outlines /First 83 0 R /Last 83 0 R /Count 1 >>",
    83: b"<< /Title (Contract) /Parent 82 0 R /SE 81 0 R /A << /S /GoTo /D [3 0 R /Fit] /SD [81 0 R /Fit] >> >>",
}


def tagged_second_signature() -> bytes:
    """The second signer's field gets an element, below the one that a bookmark leads to."""
    data = parts.signed(parts.original(TAGGED))
    more = {
        81: TAGGED[81].replace(b"/K []", b"/K [84 0 R]"),
        84: b"<< /Type /StructElem /S /Form /P 81 0 R /K << /Type /OBJR /Obj 30 0 R /Pg 3 0 R >> >>",
    }
    return parts.second_signature(parts.update(data, more))


def lock_while_signing() -> bytes:
    lock = b"/Lock << /Type /SigFieldLock /Action /All >> >>"
    field_ = b"<< /FT /Sig /T (client) /Rect [60 100 260 160] /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /V 20 0 R /AP << /N 21 0 R >> "
    form = OBJECTS[FORM][:-2] + b"/SigFlags 3 >>"
    first = parts.update(parts.original(), {FORM: form})
    early = parts.update(first, listed(first, b"90 0 R") | {90: b"<< /FT /Sig /T (early) /Subtype /Widget /Type /Annot /P 3 0 R /Rect [0 0 0 0] /F 132 /V 91 0 R >>", 91: parts.signature_value()})  # fmt: skip
    early = parts.sealed(early)
    return parts.sealed(
        parts.update(early, {EMPTY_SIGNATURE: field_ + lock, 20: parts.signature_value(), 21: parts.visible()})
    )


def acrobats_look_in_the_resources() -> bytes:
    data = parts.second_signature(parts.signed())
    form = parts.newest(data, FORM).replace(b"/DR << ", b"/DR << /XObject << /FRM 21 0 R >> ")
    return parts.update(data, {FORM: form})


HONEST: dict[str, tuple[str, Callable[[], bytes]]] = {
    "bookmarks-into-the-structure-tree": ("client", tagged_second_signature),
    "lock-added-while-signing": ("early", lock_while_signing),
    "former-look-in-the-resources": ("client", acrobats_look_in_the_resources),
    "type-of-the-marks": ("client", lambda: parts.update(
        parts.signed(parts.original(TAGGED)), {CATALOG: TAGGED[CATALOG].replace(b"<< /Marked", b"<< /Type /MarkInfo /Marked")})),
    "border-written-out": ("client", lambda: parts.update(
        parts.signed(), {TEXT: OBJECTS[TEXT][:-2] + b"/BS << /W 1 /S /S >> >>"})),
    "media-box-written-out": ("client", lambda: parts.update(
        parts.signed(parts.original({**OBJECTS, PAGE: OBJECTS[PAGE].replace(b"/MediaBox [0 0 595 842]", b""),
                                     parts.PAGES: OBJECTS[parts.PAGES][:-2] + b"/MediaBox [0 0 595 842] >>"})),
        {PAGE: OBJECTS[PAGE]})),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_what_software_writes_along_is_permitted(name: str) -> None:
    who, make = HONEST[name]
    assert reported(make(), who).level is ChangeLevel.PERMITTED


# -- after a lock of everything ---------------------------------------------------------------------------------------------

AFTER_A_LOCK: dict[str, Callable[[bytes], bytes]] = {
    "a-comment": noted,
    "a-flag-of-a-field": lambda data: parts.update(data, {TEXT: OBJECTS[TEXT].replace(b"/F 4", b"/F 0")}),
    "read-only": lambda data: parts.update(data, {TEXT: OBJECTS[TEXT][:-2] + b"/Ff 1 >>"}),
    "resources-of-the-form": lambda data: parts.update(
        data, {FORM: parts.newest(data, FORM).replace(b"/F1 5 0 R", b"/F1 5 0 R /F2 5 0 R")}),
    "names-of-elements": lambda data: parts.update(
        data, {80: TAGGED[80][:-2] + b"/RoleMap << /Note /P >> >>"}),
    "spoken-text": lambda data: parts.update(data, {81: TAGGED[81][:-2] + b"/ActualText (1 EUR) >>"}),
    "marks": lambda data: parts.update(
        data, {CATALOG: parts.newest(data, CATALOG).replace(b"/Marked true", b"/Marked false")}),
    "a-value": lambda data: entered(data, b"10"),
    "a-signature": parts.second_signature,
}  # fmt: skip


@pytest.mark.parametrize("name", AFTER_A_LOCK)
def test_after_a_lock_of_everything_only_validation_data_follows(name: str) -> None:
    reference = b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>]"
    catalog = TAGGED[CATALOG][:-2] + b"/Perms << /DocMDP 20 0 R >> >>"
    locked = parts.signed(parts.original(TAGGED), value=parts.signature_value(reference), catalog=catalog)
    assert reported(AFTER_A_LOCK[name](locked)).level is ChangeLevel.FORBIDDEN


# -- borrowed ----------------------------------------------------------------------------------------------------------------


def borrowed(depth: int) -> bytes:
    """A new field with the first signature as its value; its widget, some levels down, paints."""
    data = parts.signed()
    objects = dict(listed(data, b"60 0 R"))
    objects[PAGE] = parts.newest(data, PAGE).replace(b"0 R]", b"0 R %d 0 R]" % (60 + depth), 1)
    for level in range(depth):
        head = b"/FT /Sig /T (extra) /V 20 0 R " if level == 0 else b"/Parent %d 0 R " % (59 + level)
        objects[60 + level] = b"<< %s/Kids [%d 0 R] >>" % (head, 61 + level)
    tail = b"/Parent %d 0 R " % (59 + depth) if depth else b"/FT /Sig /T (extra) /V 20 0 R "
    objects[60 + depth] = (
        b"<< %s/Type /Annot /Subtype /Widget /P 3 0 R /F 132 /Rect [60 730 560 780] /AP << /N 69 0 R >> >>" % tail
    )
    objects[69] = parts.form_x_object(b"1 g 0 0 500 50 re f", b"[0 0 500 50]")
    return parts.update(data, objects)


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_a_borrowed_signature_paints_nowhere(depth: int) -> None:
    assert reported(borrowed(depth)).level is ChangeLevel.FORBIDDEN


def test_the_widget_of_a_signature_stays_on_its_page() -> None:
    data = parts.signed()
    second = parts.newest(data, parts.PAGE_2)[:-2] + b" /Annots [10 0 R] >>"
    assert reported(parts.update(data, {parts.PAGE_2: second})).level is ChangeLevel.FORBIDDEN
