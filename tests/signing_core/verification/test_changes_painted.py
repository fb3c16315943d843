"""Where a page paints: boxes are never too small, and what is not understood is left to rendering."""

from __future__ import annotations

import pdf_parts as parts
import pytest
from pdf_parts import CONTENT, PAGE, contract_objects

from signing_core.pdf.revisions import parse
from signing_core.pdf.structure.values import Ref
from signing_core.verification.changes import painted
from signing_core.verification.changes.painted import Box


def boxes(content: bytes, **more: bytes) -> list[Box] | None:
    objects = {**contract_objects(), CONTENT: parts.stream(content), **{int(k[1:]): v for k, v in more.items()}}
    structure = parse(parts.original(objects))
    return painted.boxes(structure, structure.load(Ref(PAGE, 0), 1), 1)


@pytest.mark.parametrize(
    ("content", "inside"),
    [
        (b"100 200 50 60 re f", (100, 200, 150, 260)),
        (b"q 2 0 0 2 10 10 cm 5 5 10 10 re f Q", (20, 20, 40, 40)),
        (b"0 0 m 100 50 l S", (0, 0, 100, 50)),
        (b"40 w 0 300 m 100 300 l S", (0, 280, 100, 320)),
        (b"BT /F1 10 Tf 50 700 Td (Hello) Tj ET", (50, 700, 72, 707)),
        (b"BT /F1 10 Tf 12 TL 50 700 Td (a) Tj T* (b) ' ET", (50, 676, 55, 683)),
        (b"BT /F1 10 Tf 0 1 -1 0 300 300 Tm (Hello) Tj ET", (293, 300, 300, 322)),
        (b"BT /F1 10 Tf 1 0 0 1 50 700 Tm [(Hel) -3000 (lo)] TJ ET", (50, 700, 100, 707)),
    ],
)
def test_what_is_painted_is_inside_a_box(content: bytes, inside: Box) -> None:
    found = boxes(content)
    assert found
    assert any(a <= inside[0] and b <= inside[1] and c >= inside[2] and d >= inside[3] for a, b, c, d in found)


def test_form_x_objects_count_with_their_box() -> None:
    drawn = parts.form_x_object(b"0 0 1 1 re f", box=b"[0 0 30 40]")
    page = contract_objects()[PAGE].replace(b"/Font <<", b"/XObject << /X 60 0 R >> /Font <<")
    assert boxes(b"q 1 0 0 1 100 100 cm /X Do Q", o3=page, o60=drawn) == [(100, 100, 130, 140)]


@pytest.mark.parametrize(
    "content",
    [
        b"BI /W 1 /H 1 ID x EI",
        b"/S sh",
        b"BT 5 Ts ET",
        b"BT 1 Tr ET",
        b"-20 Tc",
        b"1 cm",
        b"BT /F1 10 Tf [(a) 5000 (b)] TJ ET",
        b"(never closed",
        b"0 0 m 1 1 l S " * 20_000,
    ],
)
def test_what_is_not_followed_is_left_to_rendering(content: bytes) -> None:
    assert boxes(content) is None


def test_fonts_that_can_paint_anywhere() -> None:
    for font in (b"<< /Type /Font /Subtype /Type3 >>", b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-V >>"):
        assert boxes(b"BT /F1 10 Tf (a) Tj ET", o5=font) is None


def test_boxes_meet() -> None:
    assert painted.meet((0, 0, 10, 10), (5, 5, 20, 20))
    assert not painted.meet((0, 0, 10, 10), (10, 0, 20, 10))
