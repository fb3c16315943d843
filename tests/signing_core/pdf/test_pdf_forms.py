"""Forms are filled for good: everything that was given is seen, nothing can be changed any more."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops
from pypdf import PdfReader
from pypdf.generic import BooleanObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from signing_core.errors import DataRefused, DocumentRefused
from signing_core.pdf import forms, render
from signing_core.pdf.prepare import prepare

DATA = {
    "name": "Łukasz Żółć, Ελένη, Юрий",
    "city": "القاهرة",
    "notes": "First line\nThe second line is long enough that it has to be broken in this box\n\nlast line",
    "iban": "DE89370400440532013000",
    "agree": True,
    "newsletter": False,
    "pay": "bank",
    "country": "Austria",
    "topics": ["a", "c"],
}


def _text(data: bytes, page: int = 1) -> str:
    return " ".join(render.text(data, page).split())


def test_fields_are_listed_with_their_kinds_and_options(make):
    listed = {field.name: field for field in forms.fields(make.form())}
    assert [(name, field.kind) for name, field in listed.items()] == [
        ("name", "text"), ("city", "text"), ("notes", "text"), ("iban", "text"), ("kept", "text"), ("agree", "checkbox"),
        ("newsletter", "checkbox"), ("pay", "radio"), ("country", "choice"), ("topics", "choice"),
    ]  # fmt: skip
    assert listed["pay"].options == ("card", "bank")
    assert (listed["country"].options, listed["country"].exports) == (("Germany", "Austria"), ("DE", "AT"))
    assert listed["notes"].multiline and listed["iban"].comb and listed["iban"].max_length == 22
    assert listed["topics"].multiple and listed["kept"].value == "kept value"


def test_every_value_is_in_the_page_and_no_field_is_left(make):
    filled = forms.fill(make.form(), DATA)
    reader = PdfReader(io.BytesIO(filled))
    assert "/AcroForm" not in reader.root_object and "/Annots" not in reader.pages[0]
    text = _text(filled)
    for expected in (
        "Łukasz Żółć, Ελένη, Юрий",
        "First line",
        "broken in this box",
        "last line",
        "kept value",
        "Austria",
    ):
        assert expected in text, text
    assert "Germany" not in text
    assert all(character in text for character in "القاهرة")
    assert "DE89370400440532013000" in text.replace(" ", "")
    prepared_from_it = forms.fields(filled)
    assert prepared_from_it == []


@pytest.mark.parametrize(("agree", "pay"), [(True, "card"), (False, "bank"), ("Yes", None), (None, "")])
def test_buttons_show_their_state(make, agree, pay):
    filled = forms.fill(make.form(), {**DATA, "agree": agree, "pay": pay})
    picture = render.render(filled, 1, dpi=144).convert("L")
    height = 841.89

    def inked(x: float, y: float) -> bool:
        box = tuple(round(v * 2) for v in (x + 6, height - y - 11, x + 10, height - y - 6))
        return picture.crop(box).getextrema()[0] < 100

    assert inked(50, 500) is (agree in (True, "Yes"))
    assert not inked(90, 500)
    assert (inked(50, 470), inked(90, 470)) == (pay == "card", pay == "bank")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surname": "x"}, "surname"),
        ({"name": ...}, "name"),
        ({"agree": ...}, "agree"),
        ({"pay": ...}, "pay"),
        ({"pay": "cash"}, "pay"),
        ({"pay": True}, "pay"),
        ({"agree": "maybe"}, "agree"),
        ({"country": "France"}, "country"),
        ({"country": ["Germany", "Austria"]}, "country"),
        ({"topics": ["a", "z"]}, "topics"),
        ({"iban": "1" * 23}, "iban"),
        ({"name": "two\nlines"}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": True}, "name"),
        ({"name": "\ue123"}, "name"),
        ({"city": "W" * 190}, "city"),
        ({"notes": "many words " * 1500}, "notes"),
    ],
)
def test_data_that_does_not_fit_is_refused_with_the_fields_name(make, change, field):
    data = {key: value for key, value in {**DATA, **change}.items() if value is not ...}
    with pytest.raises(DataRefused) as refused:
        forms.fill(make.form(), data, name="form.pdf")
    assert refused.value.field == field and field in str(refused.value)


def test_a_field_that_holds_a_value_may_be_left_out_or_replaced(make):
    assert "kept value" in _text(forms.fill(make.form(), DATA))
    replaced = _text(forms.fill(make.form(), {**DATA, "kept": "another value"}))
    assert "another value" in replaced and "kept value" not in replaced
    emptied = _text(forms.fill(make.form(), {**DATA, "kept": ""}))
    assert "kept value" not in emptied


def test_numbers_and_export_values_are_taken(make):
    text = _text(forms.fill(make.form(), {**DATA, "name": 4711, "country": "AT", "topics": "b"}))
    assert "4711" in text and "Austria" in text


def test_a_read_only_field_cannot_be_filled_and_need_not_be(make):
    def lock(writer):
        for annotation in writer.pages[0]["/Annots"]:
            if annotation.get_object().get("/T") == "name":
                annotation.get_object()[NameObject("/Ff")] = NumberObject(1)

    form = make.changed(make.form(), lock)
    assert "name" not in {field.name for field in forms.fields(form)}
    with pytest.raises(DataRefused) as refused:
        forms.fill(form, DATA)
    assert refused.value.field == "name"
    forms.fill(form, {key: value for key, value in DATA.items() if key != "name"})


def test_values_that_the_file_holds_but_does_not_show_are_drawn(make, steps):
    """/NeedAppearances and missing appearance streams: other programs would draw the value, so it must not be lost."""

    def strip(writer):
        for annotation in writer.pages[0]["/Annots"]:
            field = annotation.get_object()
            field.pop("/AP", None)
            if field.get("/T") == "name":
                field[NameObject("/V")] = TextStringObject("Ολυμπία hidden value")
            if field.get("/T") == "agree":
                field[NameObject("/AS")] = NameObject("/Yes")
        writer.root_object["/AcroForm"][NameObject("/NeedAppearances")] = BooleanObject(True)

    form = make.changed(make.form(), strip)
    prepared = prepare(form, steps.request_for()).data
    assert "Ολυμπία hidden value" in _text(prepared) and "kept value" in _text(prepared)
    picture = render.render(prepared, 1, dpi=144).convert("L")
    assert picture.crop((104, 2 * 842 - 1028, 128, 2 * 842 - 1004)).getextrema()[0] < 100  # the cross of "agree"


def test_a_turned_widget_is_filled_along_its_turn(make):
    def turn(writer):
        for annotation in writer.pages[0]["/Annots"]:
            field = annotation.get_object()
            if field.get("/T") == "name":
                field[NameObject("/MK")] = DictionaryObject({NameObject("/R"): NumberObject(90)})

    filled = forms.fill(make.changed(make.form(), turn), {**DATA, "name": "Up"})
    straight = forms.fill(make.form(), {**DATA, "name": "Up"})
    area = (50 * 2, (842 - 765) * 2, 300 * 2, (842 - 738) * 2)
    one, other = (render.render(data, 1, dpi=144).crop(area) for data in (filled, straight))
    assert isinstance(one, Image.Image) and ImageChops.difference(one, other).getbbox() is not None
    assert "Up" in _text(filled)


def test_a_form_on_a_page_that_leaves_its_state_behind_is_drawn_in_the_right_place(make):
    def wreck(writer):
        from pypdf.generic import DecodedStreamObject

        content = DecodedStreamObject()
        content.set_data(writer.pages[0]["/Contents"].get_object().get_data() + b" q 3 0 0 3 0 0 cm q 2 0 0 2 0 0 cm")
        writer.pages[0][NameObject("/Contents")] = writer._add_object(content)

    wrecked = render.render(forms.fill(make.changed(make.form(), wreck), DATA), 1, dpi=72)
    clean = render.render(forms.fill(make.form(), DATA), 1, dpi=72)
    assert ImageChops.difference(wrecked, clean).convert("L").point(lambda v: 255 if v > 60 else 0).getbbox() is None


def test_a_filled_form_can_be_signed_to_the_end(make, steps):
    final = steps.complete(forms.fill(make.form(), DATA)).final.data
    assert "Łukasz" in _text(final)


def test_a_form_that_cannot_be_read_is_refused(make):
    with pytest.raises(DocumentRefused):
        forms.fill(make.form()[:-400], DATA)
    with pytest.raises(DocumentRefused):
        forms.fields(b"not a form")


def test_a_document_without_fields_takes_no_data(make):
    assert forms.fields(make.contract()) == []
    with pytest.raises(DataRefused):
        forms.fill(make.contract(), {"x": 1})


def test_a_hidden_field_is_neither_asked_for_nor_drawn(make):
    def hide(writer):
        for annotation in writer.pages[0]["/Annots"]:
            if annotation.get_object().get("/T") == "kept":
                annotation.get_object()[NameObject("/F")] = NumberObject(2)

    form = make.changed(make.form(), hide)
    assert "kept" not in {field.name for field in forms.fields(form)}
    assert "kept value" not in _text(forms.fill(form, DATA))
