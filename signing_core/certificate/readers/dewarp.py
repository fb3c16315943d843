"""Reads a QR code from a sheet that is not flat: crumpled or curled paper, cloth.

A reader places its grid of modules by a few patterns and assumes a plane between them. Here the picture is first laid
flat by the code's corners; then a net of control points is moved, each by a pixel or two at a time, until every cell of
the grid is as plainly dark or light as it can be. What comes out is a clean symbol, which the reader then decodes with
all of its checks: nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

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
_FINDER: Final = np.array([[1.0 if 1 == max(abs(x), abs(y)) - 1 else -1.0 for x in range(-3, 4)] for y in range(-3, 4)])
"""A finder pattern: 1 is light."""

Floats = npt.NDArray[np.float64]


def flattened(picture: Image.Image, corners: Sequence[Corner]) -> Iterator[Image.Image]:
    """Clean symbols, the likeliest size first, drawn from the code with these corners in a grey picture."""
    ranked = sorted(_SIZES, key=lambda side: -_finders(_net(picture, corners, side).cells()))
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
        self._all = np.arange(side)

    def cells(self, rows: npt.NDArray[np.intp] | None = None, columns: npt.NDArray[np.intp] | None = None) -> Floats:
        """The mean of each cell, from -1 (dark) to 1 (light)."""
        rows = self._all if rows is None else rows
        columns = self._all if columns is None else columns
        across, down = self._weights[columns], self._weights[rows]
        y = np.rint(self._centres[rows][:, None] + down @ self._shifts[..., 0] @ across.T).astype(int)
        x = np.rint(self._centres[columns][None, :] + down @ self._shifts[..., 1] @ across.T).astype(int)
        last = self._sums.shape[0] - 2 - _HALF
        y, x = np.clip(y, _HALF, last), np.clip(x, _HALF, last)
        top, bottom, left, right = y - _HALF, y + _HALF + 1, x - _HALF, x + _HALF + 1
        sums = self._sums
        total: Floats = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return total / (2 * _HALF + 1) ** 2

    def settle(self) -> None:
        """Move the points until the cells are plain: two wide passes, then two narrow ones."""
        for reach in (2, 2, 1, 1):
            moves = [np.array((y, x)) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
            for i in range(self._points):
                rows = np.nonzero(self._weights[:, i])[0]
                for j in range(self._points):
                    self._move(i, j, rows, np.nonzero(self._weights[:, j])[0], moves)

    def _move(
        self,
        i: int,
        j: int,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        moves: list[npt.NDArray[np.int_]],
    ) -> None:
        here = self._shifts[i, j].copy()
        best, best_worth = here, -np.inf
        for move in moves:
            self._shifts[i, j] = here + move
            worth = float(np.abs(self.cells(rows, columns)).sum()) - _STIFFNESS * self._strain(i, j)
            if worth > best_worth + 1e-9:
                best, best_worth = here + move, worth
        self._shifts[i, j] = best

    def _strain(self, i: int, j: int) -> float:
        neighbours = ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
        return sum(
            float(((self._shifts[i, j] - self._shifts[y, x]) ** 2).sum())
            for y, x in neighbours
            if 0 <= y < self._points and 0 <= x < self._points
        )


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
