"""The signature block: exactly as large as its field, vector, everything in it within it."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime, timedelta, timezone

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pypdf import PdfReader

from signing_core.errors import MarkRefused, UsageError
from signing_core.marks import Mark, appearance, default_stamp, drawn, from_name, stamp, uploaded

AT = datetime(2026, 11, 25, 14, 3, 7, tzinfo=timezone(timedelta(hours=1)))
LONG = "Maria Theresia Walburga Amalia Christina von und zu Sample-Musterhausen-Beispielburg zu Probe auf Muster"


def _picture(mark_of: str = "uploaded") -> Mark:
    paper = Image.new("RGB", (600, 300), "white")
    ImageDraw.Draw(paper).line(
        [(60 + i * 8, 150 + 80 * math.sin(i / 4)) for i in range(60)], fill=(20, 20, 90), width=9
    )
    written = io.BytesIO()
    paper.save(written, "PNG")
    return (uploaded if mark_of == "uploaded" else stamp)(written.getvalue())


MARKS = {
    "name": from_name("Erika Mustermann"),
    "drawn": drawn([[(i * 4.0, 60 + 40 * math.sin(i / 3)) for i in range(60)]]),
    "uploaded": _picture(),
}
STAMPS = {
    "none": None,
    "generated": default_stamp("Sample Industries GmbH", place="Musterstadt"),
    "picture": _picture("stamp"),
}


def _block(mark: Mark, width: float = 200, height: float = 70, **changes: object) -> bytes:
    facts: dict[str, object] = {
        "name": "Erika Mustermann",
        "label": "Managing Director",
        "signed_at": AT,
        "language": "en",
    } | changes
    return appearance(mark, width_pt=width, height_pt=height, **facts)  # type: ignore[arg-type]


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = document[0].get_textpage().get_text_bounded()
    document.close()
    return " ".join(text.split())


def _rendered(pdf: bytes, scale: float = 4) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    picture = document[0].render(scale=scale, fill_color=(255, 255, 255, 0)).to_pil()
    document.close()
    return picture


@pytest.mark.parametrize("stamped", STAMPS)
@pytest.mark.parametrize("kind", MARKS)
def test_one_page_of_exactly_the_size_with_all_that_is_said(kind: str, stamped: str) -> None:
    pdf = _block(MARKS[kind], 213.5, 71.25, stamp=STAMPS[stamped])
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    assert [float(value) for value in reader.pages[0].mediabox] == pytest.approx([0, 0, 213.5, 71.25], abs=0.01)
    text = _text(pdf)
    for said in ("Erika Mustermann", "Managing Director", "25 Nov 2026, 14:03:07 UTC+01:00"):
        assert said in text


def test_only_what_came_as_pixels_is_pixels() -> None:
    def images(pdf: bytes) -> int:
        document = pypdfium2.PdfDocument(pdf)
        return sum(1 for _ in document[0].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=15))

    assert images(_block(MARKS["name"], stamp=STAMPS["generated"])) == 0
    assert images(_block(MARKS["drawn"])) == 0
    assert images(_block(MARKS["uploaded"])) == 1
    assert images(_block(MARKS["uploaded"], stamp=STAMPS["picture"])) == 2


def test_german_and_other_offsets() -> None:
    assert "25.11.2026, 14:03:07 UTC+01:00" in _text(_block(MARKS["name"], language="de"))
    assert "13:03:07 UTC+00:00" in _text(_block(MARKS["name"], signed_at=AT.astimezone(UTC)))
    assert "UTC-03:30" in _text(_block(MARKS["name"], signed_at=AT.astimezone(timezone(timedelta(hours=-3.5)))))


def test_without_a_role_there_is_no_empty_line() -> None:
    assert _text(_block(MARKS["drawn"], label=" ")) == "Erika Mustermann 25 Nov 2026, 14:03:07 UTC+01:00"


def test_the_same_facts_give_the_same_bytes() -> None:
    assert _block(MARKS["name"]) == _block(MARKS["name"])


def test_the_ground_is_transparent_and_the_mark_upright() -> None:
    """The dot of this drawing is at its upper left: so it must be in the page."""
    upright = drawn([[(0, 0), (14, 0), (14, 14), (0, 14), (0, 0)], [(0, 120), (200, 120), (210, 118)]])
    picture = _rendered(_block(upright, 200, 80))
    assert picture.getpixel((picture.width - 3, 3))[3] == 0
    alpha = picture.getchannel("A")
    dot_left = alpha.crop((0, 0, picture.width // 4, picture.height // 4)).getbbox()
    right = alpha.crop((picture.width // 2, 0, picture.width, picture.height // 4)).getbbox()
    assert dot_left is not None
    assert right is None


SIZES = [
    (3, 3),
    (40, 12),
    (60, 20),
    (20, 200),
    (60, 160),
    (300, 30),
    (400, 20),
    (500, 300),
    (100, 100),
    (14_400, 14_400),
    (2000, 8),
]


@pytest.mark.parametrize("stamped", STAMPS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_size_of_box_is_one_page_with_a_mark_in_it(size: tuple[float, float], stamped: str) -> None:
    pdf = _block(MARKS["drawn"], *size, stamp=STAMPS[stamped], name=LONG, label=LONG)
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    assert float(reader.pages[0].mediabox.width) == pytest.approx(size[0], abs=0.01)
    assert _rendered(pdf, scale=min(4, 2000 / max(size)) if max(size) > 5 else 20).getchannel("A").getbbox() is not None


@pytest.mark.parametrize(
    "name", [LONG, "W" * 120, "Donaudampfschifffahrtsgesellschaftskapitänswitwe-Sample", "Erika Mustermann"]
)
@pytest.mark.parametrize("size", [(200, 70), (90, 60), (260, 40), (120, 120)], ids=str)
def test_nothing_is_drawn_outside_the_box(size: tuple[float, float], name: str) -> None:
    """Set on a larger page by its boxes, a block that ran over would show ink beyond its own."""
    pdf = _block(from_name(name), *size, name=name, label=LONG, stamp=STAMPS["generated"])
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    page.set_mediabox(-50, -50, size[0] + 50, size[1] + 50)
    page.set_cropbox(-50, -50, size[0] + 50, size[1] + 50)
    picture = page.render(scale=3, fill_color=(255, 255, 255, 0)).to_pil().getchannel("A")
    left, top, right, bottom = picture.getbbox()
    document.close()
    assert left >= 150 - 2
    assert top >= 150 - 2
    assert right <= (50 + size[0]) * 3 + 2
    assert bottom <= (50 + size[1]) * 3 + 2


@pytest.mark.parametrize("size", [(200, 70), (180, 40), (200, 60), (110, 110), (60, 200), (400, 30)])
@pytest.mark.parametrize("kind", MARKS)
def test_mark_and_stamp_do_not_touch(kind: str, size: tuple[float, float]) -> None:
    def inked(stamp: Mark | None) -> set[tuple[int, int]]:
        shown = _rendered(_block(MARKS[kind], *size, stamp=stamp), 3).getchannel("A").point(lambda alpha: alpha > 32)
        return {(i % shown.width, i // shown.width) for i, on in enumerate(shown.get_flattened_data()) if on}

    clear = Mark("uploaded", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="120"/>')
    block = Mark(
        "uploaded",
        "image/svg+xml",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="120"><path d="M0 0h300v120h-300z"/></svg>',
    )
    without, with_stamp = inked(clear), inked(block)
    seen = with_stamp - without
    columns, rows = {x for x, _ in seen}, {y for _, y in seen}
    assert len(seen) == len(columns) * len(rows) > 50  # the whole block: nothing of the mark lies in it


@pytest.mark.parametrize("size", [(220, 72), (200, 70), (120, 36), (90, 90), (340, 60)])
def test_no_type_is_too_small_to_read_and_the_date_least_of_all(size: tuple[float, float]) -> None:
    pdf = _block(MARKS["drawn"], *size, name="Karl-Theodor Maria Nikolaus von und zu Musterberg-Beispielhausen")
    document = pypdfium2.PdfDocument(pdf)
    words = document[0].get_textpage()
    drawn = [i for i in range(words.count_chars()) if not pypdfium2.raw.FPDFText_IsGenerated(words.raw, i)]
    sizes = {i: float(pypdfium2.raw.FPDFText_GetFontSize(words.raw, i)) for i in drawn}
    assert min(sizes.values()) >= 6.49
    date = words.search("2025").get_next()
    assert date is None or sizes[date[0]] >= 6.99


def test_where_there_is_no_room_the_name_stays_longest() -> None:
    texts = [_text(_block(MARKS["drawn"], 120, height)) for height in (96, 34, 22)]
    assert "Managing Director" in texts[0]
    assert all("Erika Mustermann" in text for text in texts)
    assert "Managing Director" not in texts[-1] or "UTC" in texts[-1]


@pytest.mark.parametrize(
    "name",
    ["محمد عبد الله", "דוד כהן", "अनिता शर्मा", "王小明", "山田ひろ子", "Nguyễn Thị Ánh Dương", "Γιώργος Παπαδόπουλος"],
)
def test_the_words_of_every_script_are_drawn(name: str) -> None:
    blank = _rendered(_block(MARKS["drawn"], name="A", label=""))
    shown = _rendered(_block(MARKS["drawn"], name=name, label=name))
    assert shown.tobytes() != blank.tobytes()


def test_a_name_that_no_font_has_is_refused_here_too() -> None:
    with pytest.raises(MarkRefused) as refused:
        _block(MARKS["drawn"], name="Zoë \U0001f642")
    assert refused.value.code == "unreadable-name"


@pytest.mark.parametrize("size", [(2.9, 50), (50, -1), (math.nan, 50), (math.inf, 50), (14_401, 50)], ids=str)
def test_a_box_that_is_none_is_a_wrong_call(size: tuple[float, float]) -> None:
    with pytest.raises(UsageError):
        _block(MARKS["name"], *size)


def test_a_time_without_offset_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match="aware"):
        _block(MARKS["name"], signed_at=AT.replace(tzinfo=None))


@settings(max_examples=40, deadline=None)
@given(
    width=st.floats(3, 900),
    height=st.floats(3, 900),
    name=st.sampled_from([LONG, "X", "Erika Mustermann"]),
    stamped=st.sampled_from(sorted(STAMPS)),
)
def test_any_box_can_be_set(width: float, height: float, name: str, stamped: str) -> None:
    assert len(PdfReader(io.BytesIO(_block(MARKS["name"], width, height, name=name, stamp=STAMPS[stamped]))).pages) == 1


def test_generated_stamps_fit_long_and_foreign_names() -> None:
    for organisation in ("Sample AG", LONG, "شركة نموذجية", "株式会社サンプル", "W" * 100):
        made = default_stamp(organisation, place="Musterstadt")
        assert (made.kind, made.media_type) == ("stamp", "image/svg+xml")
