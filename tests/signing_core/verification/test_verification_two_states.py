"""Two states of a document: which pages differ, where, in which words, whatever size or turn the pages have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pdf_parts as parts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from signing_core.errors import DocumentRefused
from signing_core.pdf.structure import looks
from signing_core.verification.comparison import PageComparison, TwoStates, compare, pictures, texts
from signing_core.verification.comparison.files import write

A4, BOX = b"[0 0 595 842]", b"/MediaBox [0 0 595 842]"


def line(text: bytes, x: int = 60, y: int = 760) -> bytes:
    return b"BT /F1 11 Tf 1 0 0 1 %d %d Tm (%s) Tj ET" % (x, y, text)


def sheet_of(*lines: bytes, box: bytes = A4, more: bytes = b"") -> bytes:
    """One page."""
    objects = dict(parts.contract_objects())
    objects[parts.PAGES] = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    objects[parts.PAGE] = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R %s >>"
        % (box, more)
    )
    objects[parts.CONTENT] = parts.stream(b"\n".join(lines))
    objects[parts.CATALOG] = b"<< /Type /Catalog /Pages 2 0 R >>"
    return parts.original(objects)


FEE, OTHER_FEE = line(b"The fee is 1,850.00 Euro."), line(b"The fee is 18,500.00 Euro.")
CLAUSE = line(b"A clause that stays as it is.", y=400)


def page_of(before: bytes, after: bytes, number: int = 1) -> PageComparison:
    two = TwoStates(before, after)
    found = two.page(number)
    assert two.look()[number - 1].state == found.state  # cheap and exact say the same
    return found


def middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2 * 72 / 96, (box[1] + box[3]) / 2 * 72 / 96


def test_what_stays_is_the_same() -> None:
    found = page_of(sheet_of(FEE, CLAUSE), sheet_of(FEE, CLAUSE))
    assert (found.state, found.marks, found.close_ups, found.words_before) == ("same", (), (), ())


def test_a_fee_that_was_changed_is_marked_enlarged_and_read() -> None:
    found = page_of(sheet_of(FEE, CLAUSE), sheet_of(OTHER_FEE, CLAUSE))
    assert (found.state, found.words_before, found.words_after) == ("changed", ("1,850.00",), ("18,500.00",))
    (box,) = found.changes
    assert 842 - 775 < middle(box)[1] < 842 - 755
    (close,) = found.close_ups
    assert close.number == 1 and close.before.size == close.after.size
    assert pictures.differing(close.before, close.after).any()
    assert found.before is not None and found.before_marked is not None
    assert pictures.differing(found.before, found.before_marked).any()


@pytest.mark.parametrize("mark", [b".", b",", b"'"])
def test_the_smallest_sign_is_not_missed_by_the_rough_look(mark: bytes) -> None:
    small = b"BT /F1 7 Tf 1 0 0 1 300 411.3 Tm (%s) Tj ET" % mark
    assert page_of(sheet_of(CLAUSE), sheet_of(CLAUSE, small)).state == "changed"


def test_changes_that_lie_apart_are_numbered_from_the_top() -> None:
    found = page_of(sheet_of(FEE, CLAUSE), sheet_of(OTHER_FEE, line(b"A clause that is another one.", y=400)))
    assert [round(middle(box)[1], -2) for box in found.changes] == [100, 400]
    assert [close.number for close in found.close_ups] == [1, 2]


def test_a_page_that_came_or_went_is_a_change() -> None:
    longer = parts.original()
    shorter = parts.update(longer, {parts.PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"})
    for before, after in ((longer, shorter), (shorter, longer)):
        assert [look.state for look in TwoStates(before, after).look()] == ["same", "changed"]
        found = TwoStates(before, after).page(2)
        assert (found.before is None) is (before is shorter) and (found.after is None) is (after is shorter)
        assert (found.sheet, found.close_ups, found.resized) == (None, (), None)
        assert "second" in (found.words_before or found.words_after)


def test_a_file_that_cannot_be_opened_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="damaged"):
        TwoStates(b"no PDF", sheet_of(FEE)).look()


# -- Fields of later signatures ----------------------------------------------------------------------------------------


def test_a_field_that_was_there_empty_is_a_later_signature() -> None:
    found = page_of(parts.original(), parts.signed())
    assert found.state == "later-signature"
    assert [(mark.kind, mark.what) for mark in found.marks] == [("later-signature", "client")]


def test_such_a_field_shows_where_it_stood_then() -> None:
    """Whoever moves it over a price while signing has changed the page."""
    moved = (
        b"<< /FT /Sig /T (client) /Rect [60 740 260 800] /Type /Annot /Subtype /Widget /P 3 0 R /F 132 "
        b"/V 20 0 R /AP << /N 21 0 R >> >>"
    )
    assert page_of(parts.original(), parts.signed(field=moved)).state == "changed"


def test_a_field_that_came_with_its_signature_counts_where_it_hides_nothing() -> None:
    over = parts.form_x_object(b"1 g 0 0 200 60 re f 0 g BT /F1 10 Tf 4 20 Td (9000 Euro) Tj ET")
    beside = parts.second_signature(parts.signed())
    hiding = parts.second_signature(parts.signed(), rect=b"[60 730 400 790]", appearance=over)
    for data, state in ((beside, "later-signature"), (hiding, "changed")):
        comparison = compare(data)
        assert [page.state for page in comparison.pages(comparison.states[0])] == [state]


def test_a_change_beside_a_later_signature_is_one() -> None:
    one, signed = parts.original(), parts.signed()
    both = parts.update(signed, {parts.CONTENT: parts.stream(line(b"Next to it.", x=270, y=130))})
    found = page_of(one, both)
    assert {mark.kind for mark in found.marks} == {"later-signature", "changed"}
    assert found.state == "changed"


def test_the_field_of_a_page_that_does_not_name_itself_is_found() -> None:
    objects = dict(parts.contract_objects())
    objects[parts.EMPTY_SIGNATURE] = objects[parts.EMPTY_SIGNATURE].replace(b"/P 3 0 R", b"")
    before = parts.original(objects)
    assert page_of(before, parts.signed(before)).state == "later-signature"


def test_a_page_that_inherits_its_size_is_looked_at_in_the_same_places() -> None:
    """The box of a page may stand in the page tree only (7.7.3.4)."""
    objects = dict(parts.contract_objects())
    for number in (parts.PAGE, parts.PAGE_2):
        objects[number] = objects[number].replace(BOX, b"")
    objects[parts.PAGES] = objects[parts.PAGES].replace(b"/Count", BOX + b" /Count")
    covered = parts.stream(b"1 g 55 755 400 20 re f")
    rect = (55.0, 755.0, 455.0, 775.0)
    hidden = [
        looks.hidden_ink(
            before, parts.update(before, {parts.CONTENT: covered}), 1, rect, content_only=False, password=None
        )
        for before in (parts.original(), parts.original(objects))
    ]
    assert hidden[0] == hidden[1] and (hidden[0] or 0) > 25
    before = parts.original(objects)
    found = page_of(before, parts.signed(before))
    assert [(mark.kind, mark.what) for mark in found.marks] == [("later-signature", "client")]
    assert 842 - 160 <= middle(found.marks[0].box)[1] <= 842 - 100


# -- Pages of another size ---------------------------------------------------------------------------------------------


def test_a_higher_page_with_nothing_else_changed_has_no_mark() -> None:
    found = page_of(sheet_of(FEE), sheet_of(FEE, box=b"[0 -30 595 842]"))
    assert (found.state, found.marks, found.close_ups) == ("changed", (), ())
    assert found.resized == ("210 × 297 mm", "210 × 308 mm")


@pytest.mark.parametrize(
    "box",
    [b"[0 0 612 792]", b"[-20 -40 595 842]", b"[0 0 595 900]", b"[10 300 595 842]"],
    ids=["letter", "more to the left and below", "more above", "less to the left and below"],
)
def test_a_change_on_a_page_of_another_size_is_found_and_enlarged(box: bytes) -> None:
    """The paper lies so that what stayed is in the same place, and the same place of both is enlarged at one scale."""
    found = page_of(sheet_of(FEE, line(b"Stays.", y=700)), sheet_of(OTHER_FEE, line(b"Stays.", y=700), box=box))
    assert found.state == "changed" and found.resized is not None
    (change,) = found.changes
    assert change[3] - change[1] < 40  # one line, not the page
    (close,) = found.close_ups
    assert close.before.size == close.after.size
    before, after = (np.asarray(one.convert("L")) < 128 for one in (close.before, close.after))
    rows = [np.flatnonzero(ink.any(axis=1)) for ink in (before, after)]
    assert abs(int(rows[0][0]) - int(rows[1][0])) <= 2  # the line stands at the same height in both


def test_a_page_printed_anew_on_other_paper_lies_by_its_upper_left_corner() -> None:
    """Coordinates count from the lower left: the text keeps its place on the sheet, not its numbers."""
    after = sheet_of(line(b"The fee is 18,500.00 Euro.", y=710), line(b"Stays.", y=650), box=b"[0 0 612 792]")
    found = page_of(sheet_of(FEE, line(b"Stays.", y=700)), after)
    (change,) = found.changes
    assert 842 - 775 < middle(change)[1] < 842 - 755
    assert len(found.close_ups) == 1


def test_what_was_cut_off_is_a_change_that_is_no_part_of_the_page_any_more() -> None:
    found = page_of(sheet_of(FEE, CLAUSE), sheet_of(FEE, CLAUSE, more=b"/CropBox [0 500 595 842]"))
    (change,) = found.changes
    assert 842 - 420 < middle(change)[1] < 842 - 390
    (close,) = found.close_ups
    greys = set(np.unique(np.asarray(close.after.convert("L"))).tolist())
    assert greys == {150, 205}  # hatched: never to be taken for white paper
    assert np.asarray(close.before.convert("L")).max() == 255
    assert found.after is not None and found.after_marked is not None
    assert not pictures.differing(found.after, found.after_marked).any()  # the frame would lie beside the page


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_page_that_was_turned(degrees: int) -> None:
    turned = b"/Rotate %d" % degrees
    same = page_of(sheet_of(FEE, CLAUSE), sheet_of(FEE, CLAUSE, more=turned))
    assert (same.state, same.turned, same.resized, same.words_after) == ("changed", degrees, None, ())
    found = page_of(sheet_of(FEE, CLAUSE), sheet_of(OTHER_FEE, CLAUSE, more=turned))
    assert any(842 - 775 < middle(box)[1] < 842 - 755 for box in found.changes)
    # The frame lies around the same line of the turned page.
    assert found.after is not None and found.after_marked is not None
    framed = np.argwhere(pictures.differing(found.after, found.after_marked, 10))
    ys, xs = framed.mean(axis=0) * 72 / 96
    from_the_top = {90: 842 - xs, 180: 842 - ys, 270: xs}[degrees]
    assert 842 - 800 < from_the_top < 842 - 740


def test_a_turned_page_cut_another_way_lies_on_its_coordinates() -> None:
    before = sheet_of(FEE, CLAUSE, more=b"/Rotate 90")
    for box in (b"[0 200 595 842]", b"[0 0 500 842]", b"[20 30 560 800]"):
        found = page_of(before, sheet_of(FEE, CLAUSE, box=box, more=b"/Rotate 90"))
        assert (found.state, found.changes) == ("changed", ()), box


def test_a_page_of_another_scale_has_no_close_up_of_all_of_it() -> None:
    full = [
        line(b"A clause of the contract, number %d, from side to side of the page." % n, y=780 - 16 * n)
        for n in range(45)
    ]
    found = page_of(sheet_of(*full), sheet_of(b"0.5 0 0 0.5 0 0 cm", *full, box=b"[0 0 298 421]"))
    assert found.state == "changed" and found.resized is not None
    assert all(close.before.height < 1123 for close in found.close_ups)


def test_a_huge_page_is_drawn_smaller() -> None:
    found = page_of(sheet_of(FEE, box=b"[0 0 14400 14400]"), sheet_of(OTHER_FEE, box=b"[0 0 14400 14400]"))
    assert found.before is not None and found.before.width * found.before.height < 17_000_000
    assert found.words_after == ("18,500.00",)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The page is of another size: 210 × 297 mm when signed, 210 × 308 mm now."),
        ("de", "Die Seite hat eine andere Größe: 210 × 297 mm beim Signieren, 210 × 308 mm jetzt."),
    ],
)
def test_the_folder_says_that_the_size_differs(tmp_path: Path, language: str, said: str) -> None:
    signed = parts.signed()
    page = parts.contract_objects()[parts.PAGE].replace(BOX, b"/Rotate 90 /MediaBox [0 -30 595 842]")
    data = parts.update(signed, {parts.PAGE: page, parts.CONTENT: parts.stream(OTHER_FEE)})
    html = write(compare(data), tmp_path, name="x.pdf", language=language).read_text("utf-8")
    assert said in html and "90° " in html


# -- Regions and words -------------------------------------------------------------------------------------------------


def test_differences_that_lie_apart_are_two_boxes() -> None:
    blank = Image.new("RGB", (200, 100), "white")
    drawn = blank.copy()
    ImageDraw.Draw(drawn).rectangle((10, 10, 20, 20), fill="black")
    ImageDraw.Draw(drawn).rectangle((150, 60, 170, 80), fill="black")
    wrong = pictures.differing(blank, drawn)
    assert wrong.sum() == 11 * 11 + 21 * 21
    first, second = pictures.boxes(wrong)
    assert first[0] <= 10 and first[2] >= 20 and second[0] <= 150 and second[3] >= 80


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 180), st.integers(0, 130), st.integers(1, 40), st.integers(1, 40)),
        min_size=1,
        max_size=12,
    )
)
def test_every_difference_is_in_one_box_and_boxes_hold_one(squares: list[tuple[int, int, int, int]]) -> None:
    wrong = np.zeros((150, 200), dtype=bool)
    for x, y, width, height in squares:
        wrong[y : y + height, x : x + width] = True
    left = wrong.copy()
    for x0, y0, x1, y1 in pictures.boxes(wrong):
        assert wrong[y0:y1, x0:x1].any()
        left[y0:y1, x0:x1] = False
    assert not left.any()


def test_words_that_changed_places_are_said() -> None:
    before = ["rent", "500", "deposit", "1500", "a", "month"]
    gone, came = texts.differing(before, [before[at] for at in (0, 3, 2, 1, 4, 5)])
    assert sorted(gone) == sorted(came) != []
    assert texts.differing(before, before) == ((), ())


def test_very_many_words_are_counted_only() -> None:
    before = [f"word{n}" for n in range(3000)]
    assert texts.differing(["then", *before, "end"], ["now", *reversed(before), "ends"]) == (
        ("then", "end"),
        ("now", "ends"),
    )


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_words_only_then_and_only_now_make_up_the_difference(before: list[str], after: list[str]) -> None:
    gone, came = texts.differing(before, after)
    assert sorted([*before, *came]) == sorted([*after, *gone])
