"""Reads a QR code from a sheet that is not flat: crumpled or curled paper, cloth.

A reader places its grid of modules by a few patterns and assumes a plane between them. Here the picture is first laid
flat by the code's corners; then a net of control points, coarse at first and finer each time, is moved until the modules
that are the same in every code of this size stand where they belong and all others are as plainly dark or light as they can
be. What comes out is a clean symbol, which the reader then decodes with all of its checks: nothing is decoded here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from signing_core.certificate.readers.interface import Corner

_CELL: Final = 8
"""Pixels of a module in the flattened picture."""
_MARGIN: Final = 4 * _CELL
_HALF: Final = 2
"""A cell is judged by its inner 5 x 5 pixels."""
_STIFFNESS: Final = 0.02
"""What it costs a control point to move otherwise than its neighbours, for each squared pixel."""
_SIZES: Final = tuple(range(21, 82, 4))
"""Modules a side that are tried: versions 1 to 16."""
_TRIED: Final = 2
_PLAUSIBLE: Final = 0.35
"""Least agreement with the three finder patterns, 1 for perfect: below, it was no code."""
_RATED: Final = 45
"""Modules a side of the picture in which all sizes are looked for."""
_APART: Final = 4
"""Pixels by which a corner of two suspects differs, or they are one."""
_FINDER: Final = np.array([[1.0 if max(abs(x), abs(y)) == 2 else -1.0 for x in range(-3, 4)] for y in range(-3, 4)])
"""A finder pattern: 1 is light."""

Floats = npt.NDArray[np.float64]
Corners = tuple[Corner, Corner, Corner, Corner]


class _Round(NamedTuple):
    """One visit to every control point."""

    spacing: int
    """Modules between two control points."""
    reach: int
    """How many steps a point may move."""
    step: int
    """Pixels of a step."""
    unknown: float
    """What a plain module counts whose colour is not known; 0 looks at the known ones alone."""


_ROUNDS: Final = (
    _Round(81, 4, 2, 0),
    _Round(81, 2, 1, 0),
    _Round(34, 4, 2, 0),
    _Round(34, 2, 1, 0.2),
    _Round(16, 3, 2, 0.5),
    _Round(16, 2, 1, 0.5),
    _Round(8, 3, 1, 0.7),
    _Round(8, 2, 1, 0.7),
    _Round(4, 2, 1, 0.7),
    _Round(4, 1, 1, 0.7),
    _Round(4, 1, 1, 0.7),
)


def likeliest(picture: Image.Image, suspects: Iterable[Corners]) -> list[Corners]:
    """What has finder patterns in its corners, the plainest first, each place once."""
    rated = [(max(rating for rating, _ in _sizes(picture, corners)), corners) for corners in suspects]
    places: list[Corners] = []
    for rating, corners in sorted(rated, key=lambda pair: -pair[0]):
        if rating >= _PLAUSIBLE and all(np.abs(np.subtract(corners, known)).max() > _APART for known in places):
            places.append(corners)
    return places


def flattened(picture: Image.Image, corners: Corners) -> Iterator[Image.Image]:
    """Clean symbols, the likeliest size first, drawn from the code with these corners in a grey picture."""
    for _, side in sorted(_sizes(picture, corners), reverse=True)[:_TRIED]:
        if not side:
            return
        net = _Net(_light(picture, corners, side), side)
        net.settle()
        yield _symbol(net.cells())


def _sizes(picture: Image.Image, corners: Corners) -> list[tuple[float, int]]:
    """How well the three finder patterns (ISO/IEC 18004, section 6.3.3.1) stand where they would with each number of modules."""
    try:
        net = _Net(_light(picture, corners, _RATED), _RATED)
    except np.linalg.LinAlgError:  # three corners on one line
        return [(-1.0, 0)]
    return [(net.finders(side), side) for side in _SIZES]


def _light(picture: Image.Image, corners: Corners, side: int) -> Floats:
    """The code laid flat; light and dark as measured against what is around, so that shadows and reflections count less."""
    width = side * _CELL
    to = [
        (_MARGIN, _MARGIN),
        (_MARGIN + width, _MARGIN),
        (_MARGIN + width, _MARGIN + width),
        (_MARGIN, _MARGIN + width),
    ]
    size = (width + 2 * _MARGIN,) * 2
    flat = picture.transform(size, Image.Transform.PERSPECTIVE, _coefficients(to, corners), Image.Resampling.BICUBIC)
    off = np.asarray(flat, np.float64) - np.asarray(flat.filter(ImageFilter.BoxBlur(2.5 * _CELL)), np.float64)
    usual = Image.fromarray(np.abs(off).astype(np.uint8)).filter(ImageFilter.BoxBlur(4 * _CELL))
    return np.clip(off / np.hypot(np.asarray(usual, np.float64), 4), -1.2, 1.2)


@functools.cache
def _known(side: int) -> Floats:
    """1 for light, -1 for dark, 0 for what differs from code to code of this size (ISO/IEC 18004, section 6.3)."""
    import qrcode

    symbol = qrcode.QRCode(version=(side - 17) // 4, border=0)
    symbol.modules_count, symbol.modules = side, [[None] * side for _ in range(side)]
    for row, column in ((0, 0), (side - 7, 0), (0, side - 7)):
        symbol.setup_position_probe_pattern(row, column)
    symbol.setup_position_adjust_pattern()
    symbol.setup_timing_pattern()
    if symbol.version >= 7:
        symbol.setup_type_number(False)
    colours = {None: 0.0, True: -1.0, False: 1.0}
    return np.array([[colours[module] for module in row] for row in symbol.modules])


class _Pull(NamedTuple):
    """The cells, of one row or column, that a control point moves, and the weights of all points on them."""

    cells: npt.NDArray[np.intp]
    weights: Floats


class _Net:
    """Control points over a flattened symbol; between them the shift of a cell is interpolated."""

    def __init__(self, light: Floats, side: int) -> None:
        self._sums = np.zeros((light.shape[0] + 1, light.shape[1] + 1))
        self._sums[1:, 1:] = light.cumsum(0).cumsum(1)
        self._side = side
        self._centres = _MARGIN + (np.arange(side) + 0.5) * _CELL
        self._spacing = side
        self._shifts = np.zeros((2, 2, 2))
        self._space(side)

    def cells(self) -> Floats:
        """The mean of each cell, below 0 for dark and above for light."""
        y = self._centres[:, None] + self._weights @ self._shifts[..., 0] @ self._weights.T
        x = self._centres[None, :] + self._weights @ self._shifts[..., 1] @ self._weights.T
        return self._means(y, x)

    def finders(self, side: int) -> float:
        """How plainly the finder patterns of a code with so many modules a side are there, 1 for perfectly."""
        cell = self._side * _CELL / side
        row = np.arange(7, dtype=np.float64) + 0.5
        near, far = _MARGIN + row * cell, _MARGIN + (row + side - 7) * cell
        corners = (self._means(y[:, None], x[None, :]) for y, x in ((near, near), (near, far), (far, near)))
        return float(np.mean([float((corner * _FINDER).mean()) for corner in corners]))

    def settle(self) -> None:
        """Move the points until the cells are as they should be, from the finder patterns outwards."""
        for visit in _ROUNDS:
            self._space(visit.spacing)
            last = self._shifts.shape[0] - 1
            points = [(i, j) for i in range(last + 1) for j in range(last + 1)]
            moves = _moves(visit.reach, visit.step)
            for point in sorted(points, key=functools.partial(_distance, last)):
                self._move(point, moves, visit.unknown)

    def _space(self, spacing: int) -> None:
        """Control points so many modules apart, shifted as the net is at their places."""
        points = max(2, -(-self._side // spacing) + 1)
        to = _between(np.arange(points) * spacing / self._spacing, self._shifts.shape[0])
        self._shifts = np.stack([to @ self._shifts[..., axis] @ to.T for axis in (0, 1)], -1)
        self._spacing = spacing
        self._weights = _between((np.arange(self._side) + 0.5) / spacing, points)
        self._pull = [_Pull(cells := np.nonzero(row)[0], self._weights[cells]) for row in self._weights.T]

    def _means(self, y: Floats, x: Floats) -> Floats:
        last = self._sums.shape[0] - 2 - _HALF
        row, column = (np.clip(np.rint(at).astype(int), _HALF, last) for at in (y, x))
        top, bottom, left, right = row - _HALF, row + _HALF + 1, column - _HALF, column + _HALF + 1
        sums = self._sums
        total: Floats = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return total / (2 * _HALF + 1) ** 2

    def _move(self, point: tuple[int, int], moves: Floats, unknown: float) -> None:
        """Move one point to where the cells around it are best; all moves are weighed at once."""
        i, j = point
        down, across = self._pull[i], self._pull[j]
        y = self._centres[down.cells][:, None] + down.weights @ self._shifts[..., 0] @ across.weights.T
        x = self._centres[across.cells][None, :] + down.weights @ self._shifts[..., 1] @ across.weights.T
        pull = np.outer(down.weights[:, i], across.weights[:, j])
        known = _known(self._side)[np.ix_(down.cells, across.cells)]
        judged = pull > 0 if unknown else (pull > 0) & (known != 0)
        y, x, pull, known = y[judged], x[judged], pull[judged], known[judged]
        if not known.size:
            return
        cells = self._means(y + moves[:, :1] * pull, x + moves[:, 1:] * pull)
        good = np.where(known != 0, known * cells, unknown * np.abs(cells)).sum(1)
        there = self._shifts[i, j] + moves
        if unknown:
            good -= _STIFFNESS * sum(((there - shift) ** 2).sum(1) for shift in self._beside(i, j))
        self._shifts[i, j] = there[int(np.argmax(good))]

    def _beside(self, i: int, j: int) -> list[Floats]:
        size = self._shifts.shape[0]
        near = ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
        return [self._shifts[y, x] for y, x in near if 0 <= y < size and 0 <= x < size]


@functools.cache
def _moves(reach: int, step: int) -> Floats:
    """Moves of a control point in pixels, to stay where it is first."""
    steps = range(-reach, reach + 1)
    ordered = sorted(((y, x) for y in steps for x in steps), key=lambda move: move[0] ** 2 + move[1] ** 2)
    return np.array(ordered, np.float64) * step


def _distance(last: int, point: tuple[int, int]) -> float:
    """From the nearest finder pattern."""
    i, j = point
    corners = ((0, 0), (0, last), (last, 0))
    return min(max(abs(i - y), abs(j - x)) for y, x in corners) + 0.01 * (i + j)


def _between(places: Floats, points: int) -> Floats:
    """The weights of each of so many points on what lies at these places between them."""
    before = np.clip(places.astype(int), 0, points - 2)
    weights = np.zeros((len(places), points))
    row = np.arange(len(places))
    weights[row, before] = 1 - (places - before)
    weights[row, before + 1] = places - before
    return weights


def _symbol(cells: Floats, scale: int = 4) -> Image.Image:
    side = cells.shape[0] + 8
    modules = np.full((side, side), 255, np.uint8)
    modules[4:-4, 4:-4] = np.where(cells < 0, 0, 255)
    return Image.fromarray(modules).resize((side * scale, side * scale), Image.Resampling.NEAREST)


def _coefficients(flat: Sequence[Corner], corners: Sequence[Corner]) -> list[float]:
    """Pillow's eight coefficients of the perspective that takes points of the flat picture to the given one."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(flat, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    values = [value for corner in corners for value in corner]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]
