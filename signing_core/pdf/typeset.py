"""Small pages set with Typst and brought into other PDFs as form XObjects."""

from __future__ import annotations

import io

from pypdf import PdfReader
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from signing_core.pdf.objects import dictionary


def form_xobjects(pdf: bytes) -> list[StreamObject]:
    """The pages of a PDF from `typesetting.compile_pdf` as form XObjects (ISO 32000-2, 8.10), the page's box as /BBox."""
    result = []
    for page in PdfReader(io.BytesIO(pdf)).pages:
        content = page["/Contents"].get_object()
        if not isinstance(content, StreamObject) or not isinstance(page, DictionaryObject):
            raise TypeError("a page that Typst makes has one content stream")
        form = StreamObject()
        form.update(
            dictionary(
                {
                    "/Type": NameObject("/XObject"),
                    "/Subtype": NameObject("/Form"),
                    "/BBox": page.raw_get("/MediaBox"),
                    "/Resources": page.raw_get("/Resources"),
                    "/Filter": content.get("/Filter"),
                }
            )
        )
        form._data = content._data
        result.append(form)
    return result
