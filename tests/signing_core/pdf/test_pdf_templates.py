"""Typst templates: data is data, and what is missing or unknown is named."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from signing_core.errors import DataRefused, TypesettingFailed, UsageError
from signing_core.pdf import intake, render, samples, templates
from signing_core.pdf.templates import TemplateField

SOURCE = """
#let data = json(bytes(sys.inputs.data))
#set text(font: data.fonts, lang: data.language)
#data.fields.name | #data.fields.amount | #data.fields.day | #data.fields.remark
#for item in data.fields.items [- #item]
#if data.fields.urgent == true [URGENT]
"""
FIELDS = (
    TemplateField("name"),
    TemplateField("amount", "decimal"),
    TemplateField("day", "date"),
    TemplateField("items", "list"),
    TemplateField("urgent", "boolean"),
    TemplateField("kind", "choice", choices=("new", "used")),
    TemplateField("count", "integer", required=False),
    TemplateField("remark", required=False),
)
DATA = {
    "name": "Жанна d'Arc",
    "amount": "1850.00",
    "day": "2025-03-01",
    "items": ["one", "two"],
    "urgent": True,
    "kind": "new",
}


def _text(pdf: bytes) -> str:
    return " ".join(render.text(pdf, 1).split())


def test_a_template_shows_its_data():
    text = _text(templates.render(SOURCE, DATA, FIELDS))
    assert "Жанна d'Arc | 1850.00 | 1 March 2025 |" in text and "one" in text and "URGENT" in text
    assert "1. März 2025" in _text(templates.render(SOURCE, DATA, FIELDS, language="de"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surname": "x"}, "surname"),
        ({"name": ...}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": {"a": 1}}, "name"),
        ({"name": "x" * 20_001}, "name"),
        ({"name": "\ue123"}, "name"),
        ({"amount": "a lot"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"day": "01.03.2025"}, "day"),
        ({"items": "one"}, "items"),
        ({"items": [["x"]]}, "items"),
        ({"urgent": "yes"}, "urgent"),
        ({"kind": "old"}, "kind"),
        ({"count": "1.5"}, "count"),
    ],
)
def test_data_that_does_not_fit_is_refused_with_the_fields_name(change, field):
    data = {key: value for key, value in {**DATA, **change}.items() if value is not ...}
    with pytest.raises(DataRefused) as refused:
        templates.render(SOURCE, data, FIELDS)
    assert refused.value.field == field and field in str(refused.value)


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_no_value_breaks_out_of_the_layout(value):
    source = '#let data = json(bytes(sys.inputs.data))\n#set page(width: 40cm)\n#set text(font: data.fonts, ligatures: false)\n#raw("<" + data.fields.name + ">")'
    pdf = templates.render(source, {"name": value}, [TemplateField("name")])
    assert "".join(f"<{value}>".split()) == "".join(render.text(pdf, 1).split())


def test_a_mistake_in_the_template_is_one_sentence():
    with pytest.raises(TypesettingFailed, match="The contract") as failed:
        templates.render("#unknown-function()", {}, [], name="The contract")
    assert "unknown variable" in str(failed.value) and "Traceback" not in str(failed.value)


@pytest.mark.parametrize("source", ['#import "@preview/cetz:0.3.0"', '#include "@local/x:1.0.0"'])
def test_a_template_fetches_nothing(source):
    with pytest.raises(TypesettingFailed, match="fetched"):
        templates.render(source, {}, [])


def test_declarations_travel_as_json():
    for field in FIELDS:
        assert TemplateField.from_json(field.to_json()) == field
    assert TemplateField.from_json("name") == TemplateField("name")


@pytest.mark.parametrize(
    "declaration",
    [None, {}, {"name": "1x"}, {"name": "a b"}, {"name": "x", "type": "number"}, {"name": "x", "type": "choice"},
     {"name": "x", "choices": ["a"]}, {"name": "x", "default": 1}],
)  # fmt: skip
def test_a_wrong_declaration_is_refused(declaration):
    with pytest.raises(UsageError):
        TemplateField.from_json(declaration)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_sample_contract_can_be_signed(language, steps):
    pdf = samples.contract_pdf(language)
    found = intake.inspect(pdf, name="contract.pdf")
    assert (found.pages, found.language) == (2, language)
    assert found.title == {"en": "Service Agreement", "de": "Dienstleistungsvertrag"}[language]
    for value in samples.DATA[language].values():
        words = render.text(pdf, 1) + render.text(pdf, 2)
        if isinstance(value, str) and len(value) < 25 and "-" not in value:
            assert value in " ".join(words.split())
    final = steps.complete(pdf, steps.request_for(language=language)).final.data
    assert float(PdfReader(io.BytesIO(final)).pages[1].mediabox.height) < 860  # the marks found room on the page


def test_the_sample_contract_takes_other_data_and_refuses_unknown_fields():
    assert "Jane Doe Sample" in render.text(samples.contract_pdf("en", {"client": "Jane Doe Sample"}), 1)
    with pytest.raises(DataRefused) as refused:
        samples.contract_pdf("en", {"price": "x"})
    assert refused.value.field == "price"
