"""Small pages set with Typst and brought into other PDFs as form XObjects.

The strips below the pages and the values of filled form fields are text of unknown script and length. Typst shapes it
with embedded subsets of the Noto fonts and takes it as data, so that no value can break out of its layout.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import typst
from pypdf import PdfReader
from pypdf.generic import NameObject, StreamObject

from signing_core.pdf.objects import dictionary

_FONT_PACKAGES: Final = (
    "fontpkg_noto_sans",
    "fontpkg_noto_sans_arabic",
    "fontpkg_noto_sans_hebrew",
    "fontpkg_noto_sans_devanagari",
    "fontpkg_noto_sans_thai",
    "fontpkg_noto_sans_sc",
    "fontpkg_noto_sans_tc",
    "fontpkg_noto_sans_jp",
    "fontpkg_noto_sans_kr",
    "fontpkg_noto_sans_symbols_2",
)

FAMILIES: Final = (
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans SC",
    "Noto Sans TC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Noto Sans Symbols 2",
)
"""The font families, in the order in which glyphs are looked for; those not installed are passed over."""


@functools.cache
def fonts() -> typst.Fonts:
    """The fonts of the installed font packages, read once. System fonts are left out: results must not depend on them."""
    return typst.Fonts(include_system_fonts=False, font_paths=list(_font_folders()))


def _font_folders() -> Iterable[str]:
    for package in _FONT_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent / "files"
            if folder.is_dir():
                yield str(folder)


def pages(source: bytes, data: Any) -> bytes:
    """The PDF that `source` makes of `data`, which it finds as JSON in `sys.inputs.data`."""
    result = typst.compile(
        source,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        font_paths=fonts(),
        pdf_tags=False,
        timestamp=0,
    )
    return bytes(result)


def font_list() -> str:
    """The families as a Typst array literal."""
    return "(" + ", ".join(f'"{family}"' for family in FAMILIES) + ",)"


def form_xobjects(pdf: bytes) -> list[StreamObject]:
    """The pages of a PDF from `pages` as form XObjects (ISO 32000-2, 8.10) with the page's box as /BBox."""
    result = []
    for page in PdfReader(io.BytesIO(pdf)).pages:
        content = page["/Contents"].get_object()
        form = StreamObject()
        form.update(
            dictionary(
                {
                    "/Type": NameObject("/XObject"),
                    "/Subtype": NameObject("/Form"),
                    "/BBox": page["/MediaBox"],
                    "/Resources": page["/Resources"],
                    "/Filter": content.get("/Filter"),
                }
            )
        )
        form._data = content._data
        result.append(form)
    return result
