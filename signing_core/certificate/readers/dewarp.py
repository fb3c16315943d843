"""Reads a QR code from a sheet that is not flat: crumpled or curled paper, cloth.

A reader places its grid of modules by a few patterns and assumes a plane between them. Here the picture is first laid
flat by the code's corners; then a net of control points is moved, each by a pixel or two at a time, until every cell of
the grid is as plainly dark or light as it can be. What comes out is a clean symbol, which the reader then decodes with
all of its checks: nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from signing_core.certificate.readers.interface import Corner

_CELL: Final = 8
"""Pixels of a module in the flattened picture."""
_MARGIN: Final = 3 * _CELL
_HALF: Final = 2
"""A cell is judged by its inner 5 x 5 pixels."""
_STEP: Final = 4
"""Modules between two control points."""
_STIFFNESS: Final = 0.02
"""What it costs a control point to move otherwise than its neighbours, for each squared pixel."""
_SIZES: Final = tuple(range(21, 82, 4))
"""Modules a side that are tried: versions 1 to 16."""
_TRIED: Final = 2
_FINDER: Final = np.array([[1.0 if max(abs(x), abs(y)) == 2 else -1.0 for x in range(-3, 4)] for y in range(-3, 4)])
"""A finder pattern: 1 is light."""

_MOVES: Final = {
    reach: np.array(
        sorted(
            ((y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)),
            key=lambda m: m[0] ** 2 + m[1] ** 2,
        )
    )
    for reach in (1, 2)
}
"""Moves of a control point, to stay where it is first."""

Floats = npt.NDArray[np.float64]


def flattened(picture: Image.Image, corners: Sequence[Corner]) -> Iterator[Image.Image]:
    """Clean symbols, the likeliest size first, drawn from the code with these corners in a grey picture."""
    try:
        ranked = sorted(_SIZES, key=lambda side: -_finders(_net(picture, corners, side).cells()))
    except np.linalg.LinAlgError:  # three corners on one line
        return
    for side in ranked[:_TRIED]:
        net = _net(picture, corners, side)
        net.settle()
        yield _symbol(net.cells())


def _finders(cells: Floats) -> float:
    """How well the three finder patterns (ISO/IEC 18004, section 6.3.3.1) stand where they would with this many cells."""
    return sum(float((corner * _FINDER).mean()) for corner in (cells[:7, :7], cells[:7, -7:], cells[-7:, :7]))


def _net(picture: Image.Image, corners: Sequence[Corner], side: int) -> _Net:
    width = side * _CELL
    to = [
        (_MARGIN, _MARGIN),
        (_MARGIN + width, _MARGIN),
        (_MARGIN + width, _MARGIN + width),
        (_MARGIN, _MARGIN + width),
    ]
    size = (width + 2 * _MARGIN,) * 2
    flat = picture.transform(size, Image.Transform.PERSPECTIVE, _coefficients(to, corners), Image.Resampling.BICUBIC)
    around = flat.filter(ImageFilter.BoxBlur(2.5 * _CELL))
    light = (np.asarray(flat, np.float64) - np.asarray(around, np.float64)) / 20
    return _Net(np.clip(light, -1, 1), side)


class _Pull(NamedTuple):
    """The cells, of one row or column, that a control point moves, and the weights of all points on them."""

    cells: npt.NDArray[np.intp]
    weights: Floats


class _Net:
    """Control points over a flattened symbol; between them the shift of a cell is interpolated."""

    def __init__(self, light: Floats, side: int) -> None:
        self._sums = np.zeros((light.shape[0] + 1, light.shape[1] + 1))
        self._sums[1:, 1:] = light.cumsum(0).cumsum(1)
        self._points = -(-side // _STEP) + 1
        place = (np.arange(side) + 0.5) / _STEP
        before = np.clip(place.astype(int), 0, self._points - 2)
        self._weights = np.zeros((side, self._points))
        self._weights[np.arange(side), before] = 1 - (place - before)
        self._weights[np.arange(side), before + 1] = place - before
        self._centres = _MARGIN + (np.arange(side) + 0.5) * _CELL
        self._shifts = np.zeros((self._points, self._points, 2))
        self._pull = [_Pull(cells := np.nonzero(row)[0], self._weights[cells]) for row in self._weights.T]

    def cells(self) -> Floats:
        """The mean of each cell, from -1 (dark) to 1 (light)."""
        y = self._centres[:, None] + self._weights @ self._shifts[..., 0] @ self._weights.T
        x = self._centres[None, :] + self._weights @ self._shifts[..., 1] @ self._weights.T
        return self._means(y, x)

    def _means(self, y: Floats, x: Floats) -> Floats:
        last = self._sums.shape[0] - 2 - _HALF
        row, column = (np.clip(np.rint(at).astype(int), _HALF, last) for at in (y, x))
        top, bottom, left, right = row - _HALF, row + _HALF + 1, column - _HALF, column + _HALF + 1
        sums = self._sums
        total: Floats = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return total / (2 * _HALF + 1) ** 2

    def settle(self) -> None:
        """Move the points until the cells are plain.

        First outwards from the finder patterns, where the picture was laid flat exactly, each point starting from where
        its settled neighbours went; then all of them again, in small steps.
        """
        last = self._points - 1
        distance = {
            (i, j): min(max(abs(i - y), abs(j - x)) + 0.01 * (i + j) for y, x in ((0, 0), (0, last), (last, 0)))
            for i in range(self._points)
            for j in range(self._points)
        }
        order = sorted(distance, key=distance.__getitem__)
        settled: set[tuple[int, int]] = set()
        for point in order:
            known = [self._shifts[near] for near in self._around(*point) if near in settled]
            if known:
                guess = np.mean(known, axis=0)
                for near in (point, *self._around(*point)):
                    if near not in settled:
                        self._shifts[near] = guess
            self._move(*point, reach=2)
            settled.add(point)
        for reach in (2, 1, 1):
            for point in order:
                self._move(*point, reach=reach)

    def _around(self, i: int, j: int) -> list[tuple[int, int]]:
        rows, columns = range(max(0, i - 1), min(self._points, i + 2)), range(max(0, j - 1), min(self._points, j + 2))
        return [(y, x) for y in rows for x in columns if (y, x) != (i, j)]

    def _move(self, i: int, j: int, *, reach: int) -> None:
        """Move one point to where the cells around it are plainest; all moves are weighed at once."""
        down, across = self._pull[i], self._pull[j]
        y = self._centres[down.cells][:, None] + down.weights @ self._shifts[..., 0] @ across.weights.T
        x = self._centres[across.cells][None, :] + down.weights @ self._shifts[..., 1] @ across.weights.T
        pull = np.outer(down.weights[:, i], across.weights[:, j])
        moves = _MOVES[reach]
        plain = np.abs(self._means(y + moves[:, 0, None, None] * pull, x + moves[:, 1, None, None] * pull)).sum((1, 2))
        there = self._shifts[i, j] + moves
        strain = sum(((there - self._shifts[near]) ** 2).sum(1) for near in self._beside(i, j))
        self._shifts[i, j] = there[int(np.argmax(plain - _STIFFNESS * strain))]

    def _beside(self, i: int, j: int) -> list[tuple[int, int]]:
        return [near for near in self._around(i, j) if near[0] == i or near[1] == j]


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
