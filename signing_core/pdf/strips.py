"""The strip below every page that names the document: its id, the page and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pypdf.generic import StreamObject

from signing_core import typesetting
from signing_core.pdf import typeset

HEIGHT_PT: Final = 16.0
"""By how much each page grows at its bottom, in points."""

_WORDS: Final = {"en": ("Document", "page", "of"), "de": ("Dokument", "Seite", "von")}

# A page may be narrower than the text: it is then drawn smaller, never cut.
_SOURCE: Final = """
#let data = json(bytes(sys.inputs.data))
#set text(font: data.fonts, size: 6.5pt, fill: luma(35%), fallback: true, lang: data.language)
#for entry in data.strips {
  page(width: entry.width * 1pt, height: data.height * 1pt, margin: 0pt, context {
    let inset = calc.min(28pt, entry.width * 0.05pt)
    let room = entry.width * 1pt - 2 * inset
    let left = text(entry.left)
    let right = text(entry.right)
    let needed = measure(left).width + measure(right).width + 12pt
    let factor = if needed > room { room / needed } else { 1 }
    let row = box(width: room / factor, grid(columns: (auto, 1fr), left, align(end, right)))
    place(top, line(length: 100%, stroke: 0.4pt + luma(75%)))
    place(horizon + start, dx: inset, scale(x: factor * 100%, y: factor * 100%, origin: start + horizon, row))
  })
}
"""


def draw(document_id: str, widths: Sequence[float], *, total: int, language: str) -> list[StreamObject]:
    """One form XObject for each page of `widths` (points, as seen); `total` counts the certificate page as well."""
    document, page, of = _WORDS.get(language, _WORDS["en"])
    strips = [
        {"width": width, "left": f"{document} {document_id}", "right": f"{page} {index} {of} {total}"}
        for index, width in enumerate(widths, 1)
    ]
    return typeset.form_xobjects(
        typesetting.compile_pdf(
            _SOURCE, {"strips": strips, "height": HEIGHT_PT, "language": language, "fonts": typesetting.text_families()}
        )
    )
