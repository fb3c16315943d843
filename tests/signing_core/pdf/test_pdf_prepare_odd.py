"""Odd but legal sources: what they show and hold is still there when they are prepared."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from pdf_parts import contract_objects, original, stream, update
from pypdf import PdfReader
from pypdf.generic import IndirectObject

from signing_core.errors import DocumentRefused
from signing_core.pdf import render
from signing_core.pdf.prepare import prepare


def plain_objects() -> dict[int, bytes]:
    """Two pages of text without a form."""
    objects = {number: body for number, body in contract_objects().items() if number not in (8, 9, 10, 11)}
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[3] = objects[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", b"")
    return objects


def renumbered_cross_reference() -> bytes:
    """Two revisions; the second has a text in the object number that the cross-reference stream of the first had."""
    objects = plain_objects()
    first = original(objects, xref="stream")
    number = int(re.findall(rb"(\d+) 0 obj\n<< /Length \d+ /Type /XRef", first)[-1])
    page = objects[3].replace(b"/Contents 4 0 R", b"/Contents [4 0 R %d 0 R]" % number)
    price = stream(b"BT /F1 30 Tf 1 0 0 1 60 200 Tm (The price is 9000 EUR) Tj ET")
    return update(first, {3: page, number: price}, xref="stream")


def test_no_text_is_lost_to_a_number_that_a_later_revision_reuses(steps: SimpleNamespace) -> None:
    source = renumbered_cross_reference()
    assert "The price is 9000 EUR" in render.text(source, 1)
    assert "The price is 9000 EUR" in render.text(prepare(source, steps.request_for()).data, 1)


def test_an_annotation_that_the_page_holds_itself_becomes_an_object(steps: SimpleNamespace) -> None:
    objects = plain_objects()
    note = b"<< /Type /Annot /Subtype /Text /Rect [400 700 420 720] /Contents (A note) >>"
    objects[3] = objects[3].replace(b"/Contents 4 0 R", b"/Contents 4 0 R /Annots [%s]" % note)
    page = PdfReader(io.BytesIO(prepare(original(objects), steps.request_for()).data)).pages[0]
    assert all(isinstance(one, IndirectObject) for one in list.__iter__(page["/Annots"]))
    assert [one.get_object()["/Subtype"] for one in page["/Annots"]] == ["/Text"]


def test_empty_nodes_that_are_listed_several_times_are_no_circle(steps: SimpleNamespace) -> None:
    """As programs leave them that take pages out of a document."""
    objects = plain_objects()
    objects[2] = b"<< /Type /Pages /Kids [60 0 R 61 0 R 61 0 R 61 0 R] /Count 2 >>"
    objects[60] = b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R 6 0 R] /Count 2 >>"
    objects[61] = b"<< /Type /Pages /Parent 2 0 R /Kids [] /Count 0 >>"
    source = original(
        {
            number: body.replace(b"/Parent 2 0 R", b"/Parent 60 0 R") if number in (3, 6) else body
            for number, body in objects.items()
        }
    )
    reader = PdfReader(io.BytesIO(prepare(source, steps.request_for()).data))
    assert len(reader.pages) == 3
    assert "Sample clause 19" in reader.pages[0].extract_text()


def test_a_look_without_its_subtype_is_drawn(steps: SimpleNamespace) -> None:
    objects = contract_objects()
    objects[9] = objects[9][:-2] + b"/AP << /N 60 0 R >> >>"
    objects[60] = stream(b"0 0 200 30 re f", b"/BBox [0 0 200 30]")
    picture = render.render(prepare(original(objects), steps.request_for()).data, 1, dpi=72).convert("L")
    assert picture.crop((70, 842 - 225, 250, 842 - 205)).getextrema() == (0, 0)


def test_a_page_too_narrow_to_sign_on_says_so(steps: SimpleNamespace) -> None:
    objects = plain_objects()
    for number in (3, 6):
        objects[number] = objects[number].replace(b"[0 0 595 842]", b"[0 0 32 19]")
    with pytest.raises(DocumentRefused, match="11 mm wide, too narrow") as refused:
        prepare(original(objects), steps.request_for())
    assert refused.value.code == "too-small"
