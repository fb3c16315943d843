"""Strokes of a canvas become a vector picture, or a refusal; nothing that a browser can send does anything else."""

from __future__ import annotations

import math
import re
import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.errors import MarkRefused
from signing_core.marks import drawn, strokes

WAVE = [(40.0 + i * 4, 80 + 30 * math.sin(i / 3)) for i in range(50)]


def _numbers(svg: bytes) -> list[float]:
    root = ET.fromstring(svg)
    paths = [path.attrib["d"] for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert paths
    return [float(number) for path in paths for number in re.findall(r"-?\d*\.?\d+", path)]


def _widths(svg: bytes) -> set[float]:
    return {float(width) for width in re.findall(rb'stroke-width="([\d.]+)"', svg)}


def test_a_wave_is_smooth_and_of_even_width() -> None:
    mark = drawn([WAVE])
    assert (mark.kind, mark.media_type) == ("drawn", "image/svg+xml")
    assert mark.data.count(b"C") == len(WAVE) - 1
    assert len(_widths(mark.data)) == 1


def test_place_and_size_on_the_canvas_do_not_matter() -> None:
    moved = [(x * 3 + 500, y * 3 - 200) for x, y in WAVE]
    assert drawn([WAVE]).data == drawn([moved]).data


def test_the_picture_is_cut_to_the_ink() -> None:
    svg = drawn([WAVE]).data
    box = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box
    numbers = _numbers(svg)
    assert min(numbers) >= 0
    assert max(numbers) <= max(float(box[1]), float(box[2]))
    assert float(box[1]) == pytest.approx(1000 + strokes._WIDTHS[1])


def test_pressure_makes_the_width() -> None:
    light = [(x, y, 0.1 + 0.8 * i / len(WAVE)) for i, (x, y) in enumerate(WAVE)]
    widths = _widths(drawn([light]).data)
    assert len(widths) > 4
    assert max(widths) > 1.5 * min(widths)


def test_speed_makes_the_width_where_there_is_no_pressure() -> None:
    times = [i * 10 if i < 25 else 250 + (i - 25) * 60 for i in range(len(WAVE))]
    hurried = [(x, y, 0.5, t) for (x, y), t in zip(WAVE, times, strict=True)]
    assert len(_widths(drawn([hurried]).data)) > 2


def test_a_dot_over_an_i_stays() -> None:
    assert drawn([WAVE, [(100.0, 20.0)]]).data.count(b"<path") == drawn([WAVE]).data.count(b"<path") + 1


def test_a_cross_is_a_signature() -> None:
    assert drawn([[(0, 0), (50, 50)], [(50, 0), (0, 50)]]).kind == "drawn"


@pytest.mark.parametrize(
    ("given_strokes", "code"),
    [
        ([], "empty"),
        ([[], []], "empty"),
        ([[(5, 5)]], "too-simple"),
        ([[(5, 5)] * 100], "too-simple"),
        ([[(0, 0), (4, 4), (2, 7)]], "too-simple"),
        ([[(0, 0), (100, 0), (200, 1)]], "too-simple"),
        ([[(0, 0)], [(100, 100)]], "too-simple"),
        ([[(0, 0), (math.nan, 1)]], "damaged"),
        ([[(0, 0), (math.inf, 1)]], "damaged"),
        ([[(0, 0), (1e300, 1)]], "damaged"),
        ([[(0, 0), (10**400, 1)]], "damaged"),
        ([[(0, 0, math.nan)]], "damaged"),
        ([[(0, 0, 1, -math.inf)]], "damaged"),
        ([[(0,)]], "damaged"),
        ([[(0, 1, 2, 3, 4)]], "damaged"),
        ([[("0", "1")]], "damaged"),
        ([[(True, False)]], "damaged"),
        ([[None]], "damaged"),
        ([None], "damaged"),
        (None, "damaged"),
        ("[[1,2]]", "damaged"),
        ([WAVE] * (strokes.MAX_STROKES + 1), "too-large"),
        ([[(i, i % 50) for i in range(strokes.MAX_POINTS + 1)]], "too-large"),
    ],
)
def test_refused(given_strokes: Any, code: str) -> None:
    with pytest.raises(MarkRefused) as refused:
        drawn(given_strokes)
    assert refused.value.code == code


def test_the_largest_drawing_is_made_in_time() -> None:
    largest = [[(x / 7, 300 * math.sin(x / 50 + s)) for x in range(strokes.MAX_POINTS // 40)] for s in range(40)]
    started = time.process_time()
    mark = drawn(largest)
    assert time.process_time() - started < 5
    assert len(mark.data) < 2_000_000


_coordinate = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.integers(), st.none(), st.text(max_size=2), st.floats(0, 500)
)
_points = st.lists(st.lists(_coordinate, max_size=5), max_size=8)


@given(st.lists(_points, max_size=4))
def test_anything_is_a_mark_or_a_refusal(given_strokes: list[Any]) -> None:
    try:
        mark = drawn(given_strokes)
    except MarkRefused:
        return
    assert all(math.isfinite(number) for number in _numbers(mark.data))


@given(
    st.lists(
        st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=20), min_size=2, max_size=5
    )
)
def test_what_a_hand_can_draw_stays_in_the_box(given_strokes: list[Any]) -> None:
    try:
        mark = drawn(given_strokes)
    except MarkRefused as refused:
        assert refused.code in ("too-simple",)
        return
    numbers = _numbers(mark.data)
    # A curve may swing out between its points by a little; the pen's half width is the margin for it.
    assert min(numbers) > -400
    assert max(numbers) < 1000 + 400 + strokes._WIDTHS[1]
