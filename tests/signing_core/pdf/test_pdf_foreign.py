"""Foreign files and templates in limited processes: a template finds nothing but its data, and comes to an end."""

from __future__ import annotations

import pytest
from inputs import contract, form

from signing_core.errors import DataRefused, DocumentRefused, TypesettingFailed
from signing_core.pdf import foreign, render
from signing_core.pdf.templates import TemplateField

GREETING = "#let data = json(bytes(sys.inputs.data))\n#set text(font: data.fonts)\n= Dear #data.fields.name"


def typeset(template: str, **values: str) -> bytes:
    return foreign.typeset(template, values, [TemplateField(name) for name in values], language="en", name="letter")


def test_a_file_is_inspected_filled_and_drawn_elsewhere() -> None:
    assert foreign.inspect(contract(3), name="offer.pdf").pages == 3
    assert {field["kind"] for field in foreign.declared(form(), name="form.pdf")} >= {"text", "checkbox"}
    assert foreign.page(contract(1), 1, dpi=36).startswith(b"\x89PNG")
    with pytest.raises(DocumentRefused, match=r"offer\.pdf is not a PDF") as caught:
        foreign.inspect(b"no PDF", name="offer.pdf")
    assert caught.value.code == "not-a-pdf"
    with pytest.raises(DataRefused, match="a field shoe_size that form") as refused:
        foreign.fill(form(), {"shoe_size": "44"}, name="form.pdf")
    assert refused.value.field == "shoe_size"


def test_a_template_gets_its_data() -> None:
    assert "Dear Sample Client" in render.text(typeset(GREETING, name="Sample Client"), 1)


@pytest.mark.parametrize(
    "template",
    ['#import "@preview/cetz:0.2.2": *', '#let name = "@pre" + "view/cetz:0.2.2"\n#import name: *', '#import "@local/own:1.0.0": *'],
)  # fmt: skip
def test_a_package_is_not_asked_for_wherever_its_name_comes_from(template: str) -> None:
    with pytest.raises(TypesettingFailed, match="letter imports a Typst package; nothing is fetched here"):
        typeset(template)


@pytest.mark.parametrize("path", ["/desk/creating.py", "/etc/passwd", "../../../../../etc/passwd", "page.typ"])
def test_a_template_reads_no_file(path: str) -> None:
    with pytest.raises(TypesettingFailed) as caught:
        typeset(f'#read("{path}")')
    assert "/tmp" not in str(caught.value)


def test_a_template_of_too_many_pages_is_refused() -> None:
    with pytest.raises(TypesettingFailed, match="letter could not be set: it makes 2201 pages, and 2000 are taken in"):
        typeset("#for _ in range(2200) { pagebreak() }")


@pytest.mark.slow
def test_a_template_without_an_end_is_stopped() -> None:
    with pytest.raises(
        TypesettingFailed,
        match=r"letter could not be set: setting it took more processor time than it is given.*no end",
    ):
        typeset("#let f(n) = { for i in range(9000) { for j in range(9000) { for k in range(9000) { n } } } }\n#f[]")
