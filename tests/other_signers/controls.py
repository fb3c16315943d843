"""Altered copies of a signed file, none of which may be called intact."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Iterator
from typing import Final

import pypdfium2
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError

from .byte_ranges import byte_ranges
from .documents import AMOUNT

Place = tuple[float, float, float, float]
"""Left, bottom, right and top in points."""

KINDS: Final = ("flip in what the first signed", "flip in what the last signed", "overlay")
_OTHER_WORDS: Final = AMOUNT.replace("10,250", "90,520")


def controls(data: bytes, place: Place, seed: str) -> Iterator[tuple[str, bytes]]:
    """Kind and bytes of each; the same flips for the same seed. There is no overlay for what pyHanko cannot read."""
    ranges = byte_ranges(data)
    choice = random.Random(seed)
    yield KINDS[0], _flipped(data, choice.randrange(ranges[0].gap_start))
    last = ranges[-1]
    begins = ranges[-2].end if len(ranges) > 1 and ranges[-2].end < last.gap_start else 0
    places = [*range(begins, last.gap_start), *range(last.gap_end, last.end)]
    yield KINDS[1], _flipped(data, choice.choice(places))
    with contextlib.suppress(PdfError, LookupError, TypeError, AttributeError, ValueError):
        yield KINDS[2], overlaid(data, place)


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]


def overlaid(data: bytes, place: Place) -> bytes:
    """An update that puts a comment with an opaque appearance and other words over the amount on the first page (12.5.6.6)."""
    left, bottom, right, top = place
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    width, height = right - left, top - bottom
    font = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type1"),
            pdf_name("/BaseFont"): pdf_name("/Helvetica"),
        }
    )
    appearance = generic.StreamObject(
        dict_data={
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): _numbers(0, 0, width, height),
            pdf_name("/Resources"): generic.DictionaryObject(
                {pdf_name("/Font"): generic.DictionaryObject({pdf_name("/F"): font})}
            ),
        },
        stream_data=(
            f"1 1 1 rg 0 0 {width:.2f} {height:.2f} re f 0 0 0 rg BT /F 10 Tf 1 3 Td ({_OTHER_WORDS}) Tj ET"
        ).encode(),
    )
    annotation = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): _numbers(left, bottom, right, top),
            pdf_name("/F"): generic.NumberObject(4),
            pdf_name("/DA"): generic.TextStringObject("/F 10 Tf"),
            pdf_name("/Contents"): generic.TextStringObject(_OTHER_WORDS),
            pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): writer.add_object(appearance)}),
        }
    )
    page_reference, _resources = writer.find_page_for_modification(0)
    page = page_reference.get_object()
    annotations = generic.ArrayObject(page["/Annots"]) if "/Annots" in page else generic.ArrayObject()
    page[pdf_name("/Annots")] = generic.ArrayObject([*annotations, writer.add_object(annotation)])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject(generic.FloatObject(f"{value:.2f}") for value in values)


def place_of_amount(data: bytes) -> Place:
    """Where the first page of an unsigned document shows it."""
    document = pypdfium2.PdfDocument(data)
    try:
        text = document[0].get_textpage()
        index, count = text.search(AMOUNT).get_next() or (0, 0)
        if not count:
            raise AssertionError("the first page does not show the amount")
        boxes = [text.get_charbox(place) for place in range(index, index + count)]
        lefts, bottoms, rights, tops = zip(*boxes, strict=True)
        return min(lefts) - 1, min(bottoms) - 3, max(rights) + 8, max(tops) + 3
    finally:
        document.close()
