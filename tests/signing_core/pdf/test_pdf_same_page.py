"""A page told from its objects: yes for what was set in the field, never for anything else."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from inputs import A4
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing_core.pdf.names import CLIENT_FIELD, SEAL_FIELD
from signing_core.pdf.same_page import shows_only

TEXT = "Authenticity certificate"


@pytest.fixture(scope="module")
def page(steps: SimpleNamespace) -> bytes:
    made: bytes = steps.picture(*A4, TEXT)
    return made


def test_the_page_that_was_set_is_told(flow: Any, page: bytes) -> None:
    assert shows_only(flow.sealed.data, SEAL_FIELD, page)
    assert shows_only(flow.final.data, SEAL_FIELD, page)  # with the time-stamp's empty field beside it


@pytest.mark.parametrize("text", [TEXT + ".", "Authenticity Certificate", ""])
def test_another_page_is_not(flow: Any, steps: SimpleNamespace, text: str) -> None:
    assert not shows_only(flow.final.data, SEAL_FIELD, steps.picture(*A4, text))


def test_another_size_is_not(flow: Any, steps: SimpleNamespace) -> None:
    assert not shows_only(flow.final.data, SEAL_FIELD, steps.picture(A4[0] - 1, A4[1], TEXT))


def test_a_field_beside_other_content_is_not(flow: Any, page: bytes) -> None:
    assert not shows_only(flow.final.data, CLIENT_FIELD, page)


@pytest.mark.parametrize(("data", "field"), [(b"", SEAL_FIELD), (b"%PDF-1.7\n", SEAL_FIELD)])
def test_what_cannot_be_read_is_not(data: bytes, field: str, page: bytes, flow: Any) -> None:
    assert not shows_only(data, field, page)
    assert not shows_only(flow.final.data, "NoSuchField", page)
    assert not shows_only(flow.final.data, SEAL_FIELD, b"no PDF")


def _note(writer: Any, widget: Any, sheet: Any) -> None:
    kind = {pdf_name("/Subtype"): pdf_name("/Form"), pdf_name("/BBox"): _box(0, 0, 9, 9)}
    shown = generic.StreamObject(kind, stream_data=b"0 0 9 9 re f")
    note = {
        pdf_name("/Type"): pdf_name("/Annot"),
        pdf_name("/Subtype"): pdf_name("/Stamp"),
        pdf_name("/Rect"): _box(10, 10, 90, 90),
        pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): writer.add_object(shown)}),
    }
    sheet["/Annots"].append(writer.add_object(generic.DictionaryObject(note)))


def _box(*edges: int) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.NumberObject, edges))


def _add(stream: Any, content: bytes) -> None:
    stream._data, stream._encoded_data = stream.data + content, None


def _inner(widget: Any) -> Any:
    return widget["/AP"]["/N"]["/Resources"]["/XObject"]["/Picture"]


CHANGES: dict[str, Callable[[Any, Any, Any], None]] = {
    "another annotation": _note,
    "moved": lambda w, widget, sheet: widget.update({pdf_name("/Rect"): _box(5, 5, 600, 847)}),
    "hidden": lambda w, widget, sheet: widget.update({pdf_name("/F"): generic.NumberObject(134)}),
    "turned": lambda w, widget, sheet: sheet.update({pdf_name("/Rotate"): generic.NumberObject(180)}),
    "cut": lambda w, widget, sheet: sheet.update({pdf_name("/CropBox"): _box(0, 0, 300, 300)}),
    "content below": lambda w, widget, sheet: sheet.update(
        {pdf_name("/Contents"): w.add_object(generic.StreamObject(stream_data=b"0 0 99 99 re f"))}
    ),
    "more around it": lambda w, widget, sheet: _add(widget["/AP"]["/N"], b" 0 0 99 99 re f"),
    "another font": lambda w, widget, sheet: _inner(widget)["/Resources"]["/Font"].popitem(),
    "shifted": lambda w, widget, sheet: _inner(widget).update(
        {pdf_name("/Matrix"): generic.ArrayObject(map(generic.NumberObject, (1, 0, 0, 1, 30, 0)))}
    ),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_page_that_was_changed_is_not(flow: Any, page: bytes, change: str) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(flow.sealed.data), strict=False)
    widget = next(f.get_object() for f in writer.root["/AcroForm"]["/Fields"] if f.get_object()["/T"] == SEAL_FIELD)
    sheet = widget["/P"]
    CHANGES[change](writer, widget, sheet)
    outer = widget["/AP"]["/N"]
    inner = _inner(widget)
    for one in (widget, sheet, outer, inner, inner["/Resources"], sheet["/Annots"]):
        if one.container_ref is not None:
            writer.mark_update(one.container_ref)
    out = io.BytesIO()
    writer.write(out)
    assert not shows_only(out.getvalue(), SEAL_FIELD, page)


def test_a_file_written_anew_without_a_change_is_told(flow: Any, page: bytes) -> None:
    """The test above fails by its changes, not by being written again."""
    writer = IncrementalPdfFileWriter(io.BytesIO(flow.sealed.data), strict=False)
    widget = next(f.get_object() for f in writer.root["/AcroForm"]["/Fields"] if f.get_object()["/T"] == SEAL_FIELD)
    for one in (widget, widget["/P"], widget["/AP"]["/N"], _inner(widget), _inner(widget)["/Resources"]):
        writer.mark_update(one.container_ref)
    out = io.BytesIO()
    writer.write(out)
    assert shows_only(out.getvalue(), SEAL_FIELD, page)
