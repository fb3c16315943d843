"""A signature drawn by hand: points of a canvas in, smooth vector strokes out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from signing_core.marks.mark import INK, Mark, refuse

Stroke = Sequence[Sequence[float]]
Point = tuple[float, float]

MAX_STROKES = 300
MAX_POINTS = 20_000
MAX_COORDINATE = 100_000.0
MIN_EXTENT = 12.0
"""In canvas pixels: what is smaller than this both ways was a tap, not a signature."""

_EXTENT = 1000.0
"""The longer side of the normalised picture, in SVG user units."""
_WIDTHS = (9.0, 26.0)
"""Thinnest and thickest pen, in the same units: 0.5 and 1.6 mm where the signature is 60 mm wide."""
_STEADY = 17.0
"""The pen's width where the device reports neither pressure nor time."""
_LEVELS = 12
"""Widths are rounded to this many steps, so that neighbouring segments share one path; the eye sees no steps."""
_CLOSE = 2.0
"""Points nearer to each other than this (user units) are tremor and sampling noise."""


def drawn(strokes: Sequence[Stroke]) -> Mark:
    """The strokes of a pen, finger or mouse as one SVG picture.

    Each stroke is a sequence of points `(x, y)`, `(x, y, pressure)` or `(x, y, pressure, t)` in canvas pixels with y
    pointing down, pressure from 0 to 1 and t in milliseconds. Position and size on the canvas do not matter: the picture
    is cut to the ink and its longer side is 1,000 units. Where the pressure varies it makes the line's width; else the
    speed does; else the line is of even width.

    Raises `MarkRefused`: `damaged` for what is no list of finite points, `too-large` above 300 strokes or 20,000 points,
    `empty` without ink, `too-simple` for a tap or one straight line.
    """
    cleaned = [stroke for stroke in _checked(strokes) if stroke]
    if not cleaned:
        raise refuse("empty", "Nothing was drawn: sign in the field and try again.")
    _refuse_too_simple(cleaned)
    left = min(x for stroke in cleaned for x, *_ in stroke)
    top = min(y for stroke in cleaned for _, y, *_ in stroke)
    width = max(x for stroke in cleaned for x, *_ in stroke) - left
    height = max(y for stroke in cleaned for _, y, *_ in stroke) - top
    scale = _EXTENT / max(width, height)
    margin = _WIDTHS[1] / 2
    paths: list[str] = []
    for stroke in cleaned:
        points = [((x - left) * scale + margin, (y - top) * scale + margin) for x, y, *_ in stroke]
        points, widths = _thinned(points, _pen_widths(stroke))
        paths.extend(_paths(points, widths))
    box = f"{width * scale + 2 * margin:.1f} {height * scale + 2 * margin:.1f}"
    across, down = box.split()
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box}" width="{across}" height="{down}">'
        f'<g fill="none" stroke="{INK}" stroke-linecap="round" stroke-linejoin="round">{"".join(paths)}</g></svg>'
    )
    return Mark("drawn", "image/svg+xml", svg.encode())


def _checked(strokes: Sequence[Stroke]) -> Iterator[list[tuple[float, ...]]]:
    """Finite numbers within limits, or a refusal; the shape is checked too, since this comes straight from a browser."""
    damaged = refuse("damaged", "The drawing could not be read: clear the field and sign again.")
    too_large = refuse(
        "too-large",
        f"The drawing has more than {MAX_STROKES} strokes or {MAX_POINTS} points: clear the field and sign again.",
    )
    if not isinstance(strokes, list | tuple):
        raise damaged
    if len(strokes) > MAX_STROKES:
        raise too_large
    total = 0
    for stroke in strokes:
        if not isinstance(stroke, list | tuple):
            raise damaged
        total += len(stroke)
        if total > MAX_POINTS:
            raise too_large
        points: list[tuple[float, ...]] = []
        for point in stroke:
            if not isinstance(point, list | tuple) or not 2 <= len(point) <= 4:
                raise damaged
            if any(isinstance(value, bool) or not isinstance(value, int | float) for value in point):
                raise damaged
            # Compared before it is made a float: an integer may be too large to become one, and NaN fails every comparison.
            if not all(abs(value) <= MAX_COORDINATE for value in point[:3]):
                raise damaged
            if len(point) == 4 and not abs(point[3]) <= 1e15:
                raise damaged
            points.append(tuple(float(value) for value in point))
        yield points


def _refuse_too_simple(strokes: list[list[tuple[float, ...]]]) -> None:
    xs = [x for stroke in strokes for x, *_ in stroke]
    ys = [y for stroke in strokes for _, y, *_ in stroke]
    if max(xs) - min(xs) < MIN_EXTENT and max(ys) - min(ys) < MIN_EXTENT:
        raise refuse("too-simple", "The drawing is too small to be told from a slip: sign across the field.")
    lines = [stroke for stroke in strokes if _length(stroke) >= MIN_EXTENT / 2]
    # A cross is a signature the law of many countries knows; one stroke straight from end to end is none.
    if not lines or (
        len(lines) == 1 and _length(lines[0]) < 1.1 * math.dist(*_ends(lines[0])) and _bow(lines[0]) < 0.06
    ):
        raise refuse("too-simple", "A dot or one straight line is no signature: sign as you do on paper.")


def _length(stroke: list[tuple[float, ...]]) -> float:
    return sum(math.dist(a[:2], b[:2]) for a, b in pairwise(stroke))


def _ends(stroke: list[tuple[float, ...]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return stroke[0][:2], stroke[-1][:2]


def _bow(stroke: list[tuple[float, ...]]) -> float:
    """How far the stroke leaves the line between its ends, as a share of that line's length."""
    (ax, ay), (bx, by) = _ends(stroke)
    chord = math.dist((ax, ay), (bx, by))
    return max(abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) for x, y, *_ in stroke) / (chord * chord or 1.0)


def _pen_widths(stroke: list[tuple[float, ...]]) -> list[float]:
    """A width for every point, smoothed so that the line swells and thins like ink."""
    thin, thick = _WIDTHS
    pressures = [point[2] for point in stroke if len(point) > 2]
    if len(pressures) == len(stroke) and max(pressures) - min(pressures) > 0.02:
        return _smooth([thin + (thick - thin) * min(max(p, 0.0), 1.0) for p in pressures])
    times = [point[3] for point in stroke if len(point) > 3]
    if (
        len(times) == len(stroke)
        and len(stroke) > 2
        and all(a <= b for a, b in pairwise(times))
        and times[-1] > times[0]
    ):
        usual = _length(stroke) / (times[-1] - times[0]) or 1.0
        speeds = [math.dist(a[:2], b[:2]) / max(b[3] - a[3], 1.0) / usual for a, b in pairwise(stroke)]
        widths = [min(max(_STEADY * 1.35 / (0.55 + 0.8 * speed), thin), thick) for speed in [speeds[0], *speeds]]
        return _smooth(widths)
    return [_STEADY] * len(stroke)


def _smooth(values: list[float]) -> list[float]:
    """A running mean over five points."""
    return [sum(window) / len(window) for window in (values[max(0, i - 2) : i + 3] for i in range(len(values)))]


def _thinned(points: list[Point], widths: list[float]) -> tuple[list[Point], list[float]]:
    """Without points that lie on top of the one before; the last one always stays, for it is where the pen was lifted."""
    kept = [0]
    for index in range(1, len(points)):
        if math.dist(points[kept[-1]], points[index]) >= _CLOSE:
            kept.append(index)
    if len(kept) > 1 and kept[-1] != len(points) - 1:
        kept[-1] = len(points) - 1
    return [points[i] for i in kept], [widths[i] for i in kept]


def _paths(points: list[Point], widths: list[float]) -> Iterator[str]:
    """Catmull-Rom through the points, written as cubic Béziers; one path element for each run of equal width."""
    if len(points) == 1:
        x, y = points[0]
        yield f'<path d="M{x:.1f} {y:.1f}h.1" stroke-width="{widths[0]:.1f}"/>'
        return
    step = (_WIDTHS[1] - _WIDTHS[0]) / _LEVELS
    padded = [points[0], *points, points[-1]]
    run: list[str] = []
    run_width = 0.0
    for index, (start, end) in enumerate(pairwise(points)):
        before, after = padded[index], padded[index + 3]
        width = round((widths[index] + widths[index + 1]) / 2 / step) * step
        if not run or width != run_width:
            if run:
                yield f'<path d="{"".join(run)}" stroke-width="{run_width:.1f}"/>'
            run, run_width = [f"M{start[0]:.1f} {start[1]:.1f}"], width
        first = _handle(before, start, end)
        second = _handle(after, end, start)
        run.append(f"C{first[0]:.1f} {first[1]:.1f} {second[0]:.1f} {second[1]:.1f} {end[0]:.1f} {end[1]:.1f}")
    yield f'<path d="{"".join(run)}" stroke-width="{run_width:.1f}"/>'


def _handle(neighbour: Point, at: Point, other: Point) -> Point:
    """The Bézier handle at `at` towards `other`, a third of the segment long at most, so that no loop overshoots."""
    dx, dy = (other[0] - neighbour[0]) / 6, (other[1] - neighbour[1]) / 6
    limit = math.dist(at, other) / 3
    size = math.hypot(dx, dy)
    shrink = min(1.0, limit / size) if size else 0.0
    return at[0] + dx * shrink, at[1] + dy * shrink
