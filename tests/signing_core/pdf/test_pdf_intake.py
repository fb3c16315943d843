"""What is refused at the door, with which code, and what is let in."""

from __future__ import annotations

import io
import re

import pdf_parts
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

from signing_core.errors import DocumentRefused
from signing_core.pdf import forms, intake, render, source
from signing_core.pdf.prepare import prepare


def _code(data: bytes) -> str:
    with pytest.raises(DocumentRefused) as refused:
        intake.inspect(data, name="offer.pdf")
    sentence = str(refused.value)
    assert sentence.startswith("offer.pdf ") and sentence.endswith(".") and "\n" not in sentence
    return refused.value.code


def test_a_plain_document_is_let_in(make):
    found = intake.inspect(make.contract(3), name="offer.pdf")
    assert (found.pages, found.form_fields, found.attachments, found.restricted) == (3, 0, (), False)


def test_a_form_is_let_in_with_its_fields_counted(make):
    assert intake.inspect(make.form(), name="form.pdf").form_fields == 10


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a word document", "not-a-pdf"),
        (b"\x00" * 5000, "not-a-pdf"),
        (b"%PDF-1.7\n", "damaged"),
        (b"%PDF-1.7\nstartxref\n0\n%%EOF\n", "damaged"),
    ],
)
def test_what_is_no_pdf_is_refused(data, code):
    assert _code(data) == code


def test_a_file_cut_off_anywhere_is_refused(make):
    whole = make.contract(3)
    assert {_code(whole[: len(whole) * part // 20]) for part in range(1, 20)} == {"damaged"}
    assert _code(whole[:-8]) == "damaged"


@pytest.mark.parametrize("kind", ["table", "stream"])
@pytest.mark.parametrize(
    "junk",
    [b"\r\n--boundary--\r\n", b"<!-- served in 0.3 s -->" * 200, bytes(5000) + b"\xff\xfe" * 900, b"12 of 13 pages"],
)
def test_junk_behind_the_end_is_left_out_and_told(make, steps, kind, junk):
    whole = make.contract(2) if kind == "table" else make.qpdf(make.contract(2), "--object-streams=generate")
    found = intake.inspect(whole + junk, name="offer.pdf")
    assert found.pages == 2 and found.told == ("junk",)
    assert prepare(whole + junk, steps.request_for()).data.count(b"%%EOF") == 1
    for harmless in (b"", b"\r\n\r\n", bytes(2000)):
        assert intake.inspect(whole + harmless, name="offer.pdf").told == ()


def test_a_revision_that_is_cut_off_is_no_junk():
    first = pdf_parts.original()
    second = pdf_parts.update(first, {4: pdf_parts.stream(b"BT (another price) Tj ET")})
    start = len(first)
    for cut in range(start + 1, len(second) - 3, 7):
        assert _code(second[:cut]) == "damaged", second[start:cut]
    assert intake.inspect(second, name="offer.pdf").pages == 2


def test_a_linearised_file_cut_off_after_its_first_part_is_refused(make):
    whole = make.qpdf(make.contract(40), "--linearize")
    first_end = whole.index(b"%%EOF") + 6
    assert first_end < len(whole) / 2
    assert _code(whole[:first_end]) == "damaged"


def test_a_file_without_pages_is_refused(make):
    def empty(writer):
        pages = writer.root_object["/Pages"]
        pages[NameObject("/Kids")] = ArrayObject()
        pages[NameObject("/Count")] = NumberObject(0)

    assert _code(make.changed(make.contract(1), empty)) == "no-pages"


def test_a_page_tree_that_runs_in_a_circle_is_refused(make):
    def circle(writer):
        root = writer.root_object["/Pages"]
        root["/Kids"].append(root.indirect_reference)

    assert _code(make.changed(make.contract(1), circle)) == "damaged"


def test_limits_hold(make, monkeypatch):
    monkeypatch.setattr(source, "MAX_PAGES", 4)
    assert _code(make.contract(5)) == "too-many-pages"
    monkeypatch.setattr(source, "MAX_BYTES", 1000)
    assert _code(make.contract(1)) == "too-large"
    monkeypatch.undo()
    monkeypatch.setattr(source, "MAX_OBJECTS", 3)
    assert _code(make.contract(1)) == "too-large"


@pytest.mark.parametrize(
    "where",
    ["open action", "document action", "names", "page action", "annotation", "chained action", "launch", "outline"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_javascript_and_launch_actions_are_taken_out_wherever_they_are(make, steps, where, packed):
    data = make.javascript(where)
    if packed:
        data = make.qpdf(data, "--object-streams=generate", "--compress-streams=y")
        assert not re.search(rb"JavaScript|Launch", data)  # hidden in an object stream
    assert _taken_out(data, steps) == ("actions" if where == "launch" else "scripts")


def _taken_out(data: bytes, steps) -> str:
    """The one code that is told of a file with active content, of which nothing is left."""
    intake.inspect(data, name="offer.pdf")
    made = prepare(data, steps.request_for())
    assert not re.search(rb"JavaScript|Launch|Rendition|/JS|/AA", made.data)
    (code,) = set(made.told) - {"form", "only-on-screen"}
    return code


def test_a_form_with_scripts_is_judged_by_what_is_left_of_it(make, steps):
    def add(writer):
        for annotation in writer.pages[0]["/Annots"]:
            script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): NameObject("/x")}
            annotation.get_object()[NameObject("/AA")] = DictionaryObject({NameObject("/K"): DictionaryObject(script)})
            break

    assert _taken_out(make.changed(make.form(), add), steps) == "scripts"


def test_a_script_hidden_in_another_kind_of_action_is_taken_out(make, steps):
    def add(writer):
        action = {NameObject("/S"): NameObject("/Rendition"), NameObject("/JS"): NameObject("/x")}
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)

    assert _taken_out(make.changed(make.contract(1), add), steps) == "scripts"


def test_an_xfa_form_without_pages_of_its_own_is_refused_one_with_fields_is_not(make):
    assert _code(make.xfa(with_fields=False)) == "xfa"
    assert intake.inspect(make.xfa(with_fields=True), name="form.pdf").form_fields == 10


def test_a_signed_document_is_refused_at_every_step_and_an_attachment_is_offered(flow):
    for step in (flow.first_party, flow.client, flow.sealed, flow.final):
        assert _code(step.data) == "signed"
    with pytest.raises(DocumentRefused, match="attachment"):
        intake.inspect(flow.final.data, name="offer.pdf")


@pytest.mark.parametrize("code", ["signed", "portfolio", "restricted", "xfa"])
def test_filling_in_a_form_lets_nothing_in_that_would_be_refused_without(make, flow, code):
    source = {
        "signed": lambda: flow.final.data,
        "portfolio": lambda: pdf_parts.one_page(catalog=b"/Collection << /View /D >>"),
        "restricted": lambda: make.encrypted("", "owner", "--modify=none"),
        "xfa": lambda: make.xfa(with_fields=False),
    }[code]()
    with pytest.raises(DocumentRefused) as refused:
        forms.fill(source, {}, name="form.pdf")
    assert refused.value.code == code == _code(source)


def test_a_prepared_document_that_nobody_signed_can_be_taken_in_again(flow):
    assert intake.inspect(flow.prepared, name="offer.pdf").pages == 3


def test_a_user_password_is_refused(make):
    assert _code(make.encrypted("secret", "owner")) == "password"


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ((), True),
        (("--print=none", "--extract=n"), True),
        (("--modify=all",), True),
        (("--modify=none",), False),
        (("--modify=form",), True),
        (("--modify=annotate",), True),
        (("--modify=assembly",), False),
        (("--modify-other=n", "--annotate=n", "--form=n", "--assemble=y"), False),
        (("--modify-other=n", "--annotate=n", "--form=y", "--assemble=y"), True),
    ],
)
def test_the_permissions_of_an_owner_password_are_respected(make, steps, permissions, allowed):
    data = make.encrypted("", "owner", *permissions)
    if not allowed:
        assert _code(data) == "restricted"
        return
    assert intake.inspect(data, name="offer.pdf").restricted
    prepared = prepare(data, steps.request_for()).data
    assert not PdfReader(io.BytesIO(prepared)).is_encrypted
    assert "Page 1, line 1" in render.text(prepared, 1)


def test_a_cover_document_carries_a_signed_file_unchanged(flow, steps):
    cover = intake.wrap_signed(flow.final.data, name="Rahmenvertrag 2024.pdf", title="Framework agreement")
    found = intake.inspect(cover, name="cover")
    assert found.pages == 1
    assert [(file.name, file.sha256) for file in found.attachments] == [("Rahmenvertrag 2024.pdf", flow.final.sha256)]
    for data in (cover, prepare(cover, steps.request_for()).data, steps.complete(cover).final.data):
        assert PdfReader(io.BytesIO(data)).attachments == {"Rahmenvertrag 2024.pdf": [flow.final.data]}
    shown = render.text(cover, 1).replace("\r\n", "").replace("\u200b", "")
    assert flow.final.sha256 in shown.replace("\n", "") and "Rahmenvertrag 2024.pdf" in shown


def test_a_cover_document_in_german_for_a_file_with_a_hostile_name():
    name = '"#panic()].pdf'
    cover = intake.wrap_signed(b"anything", name=name, title="[#x]", language="de")
    assert PdfReader(io.BytesIO(cover)).attachments == {name: [b"anything"]}
    assert "Beigefügte Datei" in render.text(cover, 1) and name in render.text(cover, 1)
    with pytest.raises(DocumentRefused):
        intake.wrap_signed(b"", name="empty.pdf", title="x")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_prepared_never_a_crash(make, steps, data):
    kind = data.draw(st.sampled_from(["contract", "form", "hybrid", "annotated"]))
    content = bytearray(getattr(make, kind)())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"<<", b">>", b"[", b"/Kids", b" 0 R", b"obj", b"("])
        )
        content[at : at + data.draw(st.integers(0, 6))] = piece
    try:
        intake.inspect(bytes(content), name="offer.pdf")
        prepare(bytes(content), steps.request_for())
    except DocumentRefused as refused:
        assert refused.code
