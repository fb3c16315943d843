"""The small parts by themselves: geometry, placement, balance of states, written objects."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pypdf import PdfReader
from pypdf.generic import ByteStringObject, NameObject, TextStringObject

from signing_core.pdf import balance, objects, placement, xmp
from signing_core.pdf.geometry import Box, View, upright
from signing_core.pdf.objects import NewObjects, dictionary, name, number

numbers = st.floats(-2000, 2000, allow_nan=False)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), numbers, numbers, st.floats(1, 3000), st.floats(1, 3000))
views = st.builds(View, boxes, st.sampled_from([0, 90, 180, 270]), st.sampled_from([0.5, 1.0, 2.0, 10.0]))


@given(views)
def test_the_whole_view_is_the_whole_crop_box(view):
    seen = view.to_page(Box(0, 0, view.width, view.height))
    for got, expected in zip(
        (seen.x0, seen.y0, seen.x1, seen.y1), (view.crop.x0, view.crop.y0, view.crop.x1, view.crop.y1), strict=True
    ):
        assert got == pytest.approx(expected, abs=1e-6)


@given(views, st.floats(1, 200))
def test_growing_adds_below_as_seen_and_moves_nothing_else(view, height):
    grown = view.grown_below(height)
    assert grown.width == pytest.approx(view.width)
    assert grown.height == pytest.approx(view.height + height)
    inner = Box(3, 4, 30, 40)
    before, after = view.to_page(inner), grown.to_page(inner.moved(0, height))
    assert (before.x0, before.y0, before.x1, before.y1) == pytest.approx(
        (after.x0, after.y0, after.x1, after.y1), abs=1e-6
    )


@given(st.sampled_from([0, 90, 180, 270]), st.floats(1, 500), st.floats(1, 500))
def test_an_upright_picture_fills_its_box(rotate, width, height):
    (a, b, c, d, e, f), turned_width, turned_height = upright(rotate, width, height)
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (0, width) for y in (0, height)]
    assert min(x for x, _ in corners) == pytest.approx(0) and max(x for x, _ in corners) == pytest.approx(turned_width)
    assert min(y for _, y in corners) == pytest.approx(0) and max(y for _, y in corners) == pytest.approx(turned_height)


def _page(*lines: int, paper: str = "white", ink: str = "black", footer: bool = False) -> Image.Image:
    picture = Image.new("RGB", (298, 421), paper)
    draw = ImageDraw.Draw(picture)
    for y in lines:
        draw.rectangle((30, y, 260, y + 3), fill=ink)
    if footer:
        draw.rectangle((30, 400, 60, 403), fill=ink)
    return picture


def test_marks_stand_below_the_last_line():
    layout = placement.automatic(_page(30, 40, 100), 595, 842, 2)
    assert layout.band == 0
    assert all(box.y1 < 842 - 104 * 2 for box in layout.boxes)
    left, right = layout.boxes
    assert left.x1 < right.x0 and left.y0 == right.y0
    assert left.x0 == pytest.approx(60, abs=3) and right.x1 == pytest.approx(595 - 73, abs=5)  # in line with the text


@pytest.mark.parametrize("footer", [False, True])
def test_a_page_that_is_full_grows(footer):
    layout = placement.automatic(_page(*range(20, 360, 8), footer=footer), 595, 842, 2)
    assert layout.band > placement.MARK_HEIGHT_PT
    assert all(box.y0 > 0 and box.y1 < layout.band for box in layout.boxes)


def test_space_between_text_and_footer_is_used_but_none_between_paragraphs():
    assert placement.automatic(_page(30, 40, footer=True), 595, 842, 2).band == 0
    assert placement.automatic(_page(30, 40, 350), 595, 842, 2).band > 0


def test_faint_print_on_coloured_paper_counts_as_print():
    faint = _page(*range(20, 360, 8), paper="#fff6d8", ink="#f4ebcd")
    assert placement.automatic(faint, 595, 842, 2).band > 0
    assert placement.automatic(_page(30, paper="#fff6d8"), 595, 842, 2).band == 0


def test_places_already_given_away_are_not_blank():
    taken = [Box(50, 100, 300, 700)]
    assert placement.automatic(_page(30), 595, 842, 1, taken).band > 0


@given(st.floats(40, 3000), st.floats(40, 3000), st.integers(1, 2), st.booleans())
def test_marks_are_inside_every_page(width, height, count, blank):
    picture = Image.new("RGB", (max(1, round(width / 2)), max(1, round(height / 2))), "white") if blank else None
    layout = placement.automatic(picture, width, height, count)
    for box in layout.boxes:
        assert 0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height + layout.band
    if count == 2:
        one, other = layout.boxes
        assert one.x1 <= other.x0 or other.y1 <= one.y0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (0, 0)),
        (b"q 1 0 0 1 0 0 cm Q", (0, 0)),
        (b"Q Q q", (2, 1)),
        (b"q q q Q", (0, 2)),
        (b"(q q \\( Q) Tj q (a(b)Q) Tj", (0, 1)),
        (b"% q q\nq\r% Q\rQ", (0, 0)),
        (b"/q gs /Q Do q", (0, 1)),
        (b"q BI /W 1 ID \x00 q Q q q EI Q", (0, 0)),
        (b"q[(Q)]TJ Q", (0, 0)),
        (b"<51 71> Tj q", (0, 1)),
        (b"q\nQ\nq\nQ", (0, 0)),
        (b"q (unfinished Q Q Q", (0, 1)),
    ],
)
def test_saved_and_restored_states_are_counted(content, expected):
    assert balance.count(content) == expected


@given(st.binary(max_size=400))
def test_counting_ends_for_any_bytes(content):
    missing, unclosed = balance.count(content)
    assert missing >= 0 and unclosed >= 0


@given(
    st.binary(max_size=60),
    st.text(max_size=40),
    st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=255), min_size=1, max_size=30),
    numbers,
)
def test_what_is_written_is_read_back(raw, text, label, value):
    new = NewObjects()
    root = new.add(
        dictionary(
            {
                "/Type": name("/Catalog"),
                "/Pages": new.add(dictionary({"/Type": name("/Pages"), "/Kids": objects.array(), "/Count": number(0)})),
                "/Raw": ByteStringObject(raw),
                "/Text": TextStringObject(text),
                "/" + label: number(value),
                "/Stream": new.add(objects.stream({}, raw * 10)),
            }
        )
    )
    data = objects.write(version="1.7", root=root, info=None, identifier=b"x" * 16, resolve=new.get_object)
    catalog = PdfReader(io.BytesIO(data), strict=True).root_object
    assert catalog["/Raw"].original_bytes == raw
    assert catalog["/Stream"].get_data() == raw * 10
    assert float(catalog[NameObject("/" + label)]) == pytest.approx(value, abs=1e-4)
    if text.isprintable():
        assert str(catalog["/Text"]) == text


@given(st.text(max_size=60), st.text(max_size=20))
def test_the_xmp_packet_is_xml_for_any_title(title, document_id):
    from xml.etree import ElementTree

    ElementTree.fromstring(xmp.packet(title, "en", document_id))
