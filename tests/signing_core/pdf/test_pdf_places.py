"""Where a party signs: by millimetres, in the document's own signature fields, where a text is printed."""

from __future__ import annotations

import io

import pytest
from PIL import ImageChops
from pypdf import PdfReader
from reportlab.lib.colors import Color
from reportlab.pdfgen import canvas

from signing_core.errors import UsageError
from signing_core.pdf import forms, render
from signing_core.pdf.places import AtField, AtText, Placement, parse
from signing_core.pdf.prepare import FieldRequest, prepare

A4 = (595.276, 841.89)


def page(*texts: tuple[float, float, str], size: tuple[float, float] = A4, paper: Color | None = None) -> bytes:
    """Texts of 11 points, and a line above each that begins with a bar."""
    buffer = io.BytesIO()
    sheet = canvas.Canvas(buffer, pagesize=size, invariant=True)
    if paper is not None:
        sheet.setFillColor(paper)
        sheet.rect(0, 0, *size, stroke=0, fill=1)
        sheet.setFillColorRGB(0, 0, 0)
    sheet.setFont("Helvetica", 11)
    for x, y, text in texts:
        sheet.drawString(x, y, text.removeprefix("|"))
        if text.startswith("|"):
            sheet.line(x, y + 13, x + 180, y + 13)
    sheet.showPage()
    sheet.save()
    return buffer.getvalue()


def boxes(source: bytes, steps, **wanted: object):
    """The parties' field rectangles of the prepared document by role, with its page, and what was told."""
    fields = tuple(FieldRequest(role, "x", wanted.get(role.replace("-", "_"))) for role in ("first-party", "client"))
    made = prepare(source, steps.request_for(fields=fields))
    reader = PdfReader(io.BytesIO(made.data))
    found = {}
    for number, sheet in enumerate(reader.pages, 1):
        for annotation in sheet.get("/Annots", ()):
            widget = annotation.get_object()
            role = {"SealtrailClient": "client", "SealtrailFirstParty": "first-party"}.get(widget.get("/T"))
            if role:
                found[role] = (number, [round(float(edge)) for edge in widget["/Rect"]])
    return made, found


def with_signature_fields(*fields: tuple[str, tuple[float, float, float, float]], **more: object) -> bytes:
    from inputs import changed, contract
    from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, TextStringObject

    def add(writer):
        references = []
        for name, rectangle in fields:
            widget = DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Annot"),
                    NameObject("/Subtype"): NameObject("/Widget"),
                    NameObject("/FT"): NameObject("/Sig"),
                    NameObject("/T"): TextStringObject(name),
                    NameObject("/F"): NumberObject(4),
                    NameObject("/Rect"): ArrayObject([FloatObject(edge) for edge in rectangle]),
                }
            )
            references.append(writer._add_object(widget))
        sheet = writer.pages[0]
        sheet[NameObject("/Annots")] = ArrayObject([*sheet.get("/Annots", ()), *references])
        form = writer.root_object.get("/AcroForm", DictionaryObject({NameObject("/Fields"): ArrayObject()}))
        form.get_object()["/Fields"].extend(references)
        writer.root_object[NameObject("/AcroForm")] = form

    return changed(more.get("source") or contract(2), add)


UPPER, LOWER = (60, 300, 260, 350), (320, 200, 520, 250)


def test_empty_signature_fields_are_used_as_they_are_read(steps):
    source = with_signature_fields(("Second", LOWER), ("First", UPPER), ("Third", (60, 100, 260, 150)))
    made, found = boxes(source, steps)
    assert found == {"first-party": (1, list(UPPER)), "client": (1, list(LOWER))}
    assert set(made.told) >= {"signature-fields", "signature-fields-left"}


def test_a_signature_field_called_like_a_party_is_its_own(steps):
    _, found = boxes(with_signature_fields(("Client_sig", UPPER), ("other", LOWER)), steps)
    assert found == {"client": (1, list(UPPER)), "first-party": (1, list(LOWER))}


def test_a_signature_field_is_named_by_the_author(steps):
    _, found = boxes(with_signature_fields(("a", UPPER), ("b", LOWER)), steps, first_party=AtField("b"))
    assert found == {"first-party": (1, list(LOWER)), "client": (1, list(UPPER))}
    with pytest.raises(UsageError, match="it has a, b"):
        boxes(with_signature_fields(("a", UPPER), ("b", LOWER)), steps, client=AtField("c"))


def test_invisible_and_tiny_signature_fields_are_no_places(steps):
    made, found = boxes(with_signature_fields(("a", (0, 0, 0, 0)), ("b", (10, 10, 20, 20))), steps)
    assert found["client"][0] == 2 and "signature-fields" not in made.told


def test_signature_fields_of_a_form_survive_its_filling(make, steps):
    source = with_signature_fields(("client", UPPER), source=make.form())
    data = {
        "name": "Sample", "city": "", "notes": "", "iban": "", "agree": True, "newsletter": False, "pay": "card",
        "country": "DE", "topics": ["a"],
    }  # fmt: skip
    _, found = boxes(forms.fill(source, data), steps)
    assert found["client"] == (1, list(UPPER))


@pytest.mark.parametrize("paper", [None, Color(1, 0.9, 0.7)])
def test_printed_marks_become_the_places_and_are_painted_over(steps, paper):
    source = page(
        (60, 700, "The parties sign here:"),
        (60, 400, "{{sign:first-party}}"),
        (320, 400, "{{sign:client}}"),
        paper=paper,
    )
    made, found = boxes(source, steps)
    (first_page, first), (client_page, client) = found["first-party"], found["client"]
    assert (first_page, client_page) == (1, 1) and first[0] == 60 and client[0] == 320
    assert first[2] <= 320 and 390 <= first[1] <= 400 and first[3] - first[1] >= 36
    assert "anchors" in made.told
    after = render.render(made.data, 1, dpi=72)
    left = after.crop((55, 842 - 420, 560, 842 - 392))
    assert len(left.getcolors(100_000)) == 1, "nothing of the marks is seen"
    assert "The parties sign here" in render.text(made.data, 1)


def test_a_printed_phrase_is_signed_above_its_line(steps):
    source = page((60, 700, "The Client: a person"), (60, 300, "|Client: name, date"), (60, 362, "Signed on"))
    _, found = boxes(source, steps, client=AtText("Client:"))
    number, (left, bottom, right, top) = found["client"]
    assert number == 1 and left == 60 and 308 <= bottom <= 316 and top <= 361 and right - left >= 120
    with pytest.raises(UsageError, match="Buyer"):
        boxes(source, steps, client=AtText("Buyer:"))


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_printed_marks_on_turned_pages(make, steps, angle):
    def turn(writer):
        writer.pages[0].rotate(angle)

    source = make.changed(page((200, 400, "{{sign:client}}")), turn)
    flow = steps.complete(source)
    empty, signed = (render.render(data, 1, dpi=72) for data in (flow.first_party.data, flow.client.data))
    assert ImageChops.difference(empty, signed).getbbox() is not None
    with_text = render.render(source, 1, dpi=72).convert("L").point(lambda v: 255 if v < 128 else 0).getbbox()
    x0, y0, x1, y1 = ImageChops.difference(empty, signed).getbbox()
    assert x0 <= with_text[0] + 12 and y0 <= with_text[3] <= y1 + 12 and x1 > x0


def test_a_mark_at_the_edge_stays_on_its_page(steps):
    _, found = boxes(page((520, 830, "{{sign:client}}"), (2, 2, "{{sign:first-party}}")), steps)
    for _, (left, bottom, right, top) in found.values():
        assert left >= 0 and bottom >= -1 and right <= 596 and top <= 842


def test_the_same_document_by_millimetres(steps):
    _, found = boxes(page((60, 700, "x")), steps, client=parse("1:20,200,80,25"))
    number, (left, bottom, right, top) = found["client"]
    assert number == 1 and top == round(841.89 - 200 / 25.4 * 72)
    assert (left, right - left, top - bottom) == pytest.approx((56.7, 226.8, 70.9), abs=1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("field:Signature 2", AtField("Signature 2")),
        ("text: Client:", AtText("Client:")),
        ("2:25.4,50.8,25.4,12.7", Placement(2, 72, 144, 72, 36)),
        ("1: 0, 0", Placement(1, 0, 0, 220, 72)),
    ],
)
def test_places_as_text(text, place):
    assert parse(text) == place


@pytest.mark.parametrize("text", ["", "2", "x:1,2", "1:1", "1:1,2,3", "field:", "text:", "1:-5,2", "text:" + "x" * 201])
def test_what_is_no_place(text):
    with pytest.raises(UsageError, match="millimetres"):
        parse(text)


def test_a_place_off_its_page_is_refused(steps):
    with pytest.raises(UsageError, match="is not inside page"):
        boxes(page((60, 700, "x")), steps, client=parse("1:190,10"))
