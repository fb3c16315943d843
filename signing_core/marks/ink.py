"""Ink on paper: the ink as RGBA, the paper transparent, shadows and dust left behind.

The paper is estimated for every pixel by a morphological closing (what is darker and narrower than a window is filled
with what surrounds it), so that a shadow or a lamp's falloff is paper and not ink. How much darker than its paper a pixel
is, in its darkest channel, is the ink there; the threshold between the two is Otsu's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from signing_core.marks.mark import refuse

Grey = NDArray[np.floating[Any]]

_CELL = 8
"""Dust is told from ink on a grid of cells of so many pixels."""
_LEAST_INK = 60
"""Pixels of ink below which a picture has none."""


def extract(picture: Image.Image, *, window: float, subject: str) -> Image.Image:
    """The ink of an RGBA picture, cropped to it, as RGBA.

    `window` is how wide the widest solid ink may be, as a share of the longer side: a pen's stroke, or the bar in a stamp.
    `subject` names the thing in messages (`signature`, `stamp`). Raises `MarkRefused`: `empty` where no ink is seen,
    `no-paper` where there is no light ground around it.
    """
    pixels = np.asarray(picture, dtype=np.float32) / 255
    given: Grey = pixels[..., 3]
    strength: Grey
    if float(np.mean(given < 0.1)) > 0.05:
        colour, strength = _visible(pixels[..., :3], given), given
    else:
        colour, strength, light = _from_paper(
            pixels[..., :3] * given[..., None] + (1 - given[..., None]), window, subject
        )
        strength = np.where(_without_dust(strength, light), strength, 0)
    if np.count_nonzero(strength > 0.5) < _LEAST_INK:
        raise refuse(
            "empty",
            f"No {subject} can be seen in the picture: take it on white paper, in good light, filling the picture.",
        )
    return _cropped(colour, strength)


def _visible(colour: Grey, alpha: Grey) -> Grey:
    """A picture that came transparent keeps its colours, unless they are those of paper: white ink is made for dark pages."""
    if float(np.average(colour.max(axis=2), weights=alpha + 1e-6)) > 0.9:
        return colour * 0.25
    return colour


def _from_paper(colour: Grey, window: float, subject: str) -> tuple[Grey, Grey, Grey]:
    """The ink's colour, its strength from 0 to 1, and how light the paper is, each for every pixel."""
    paper = _paper(colour, window)
    if float(np.median(paper)) < 0.25:
        raise refuse(
            "no-paper", f"The picture is too dark, or its ground is: take the {subject} on white paper, in good light."
        )
    relative = np.clip(colour / np.maximum(paper, 0.05), 0, 1)
    darkness = 1 - relative.min(axis=2)
    noise = 1.5 * float(np.median(darkness)) + 0.02
    threshold = max(_otsu(darkness), 2 * noise, 0.1)
    marked = darkness > threshold
    share = float(np.mean(marked))
    if share * marked.size < _LEAST_INK:
        raise refuse(
            "empty",
            f"No {subject} can be seen in the picture: take it on white paper, in good light, filling the picture.",
        )
    if share > 0.5:
        raise refuse(
            "no-paper",
            f"The picture has hardly any white paper in it: take the {subject} on white paper, filling the picture.",
        )
    full = float(np.percentile(darkness[marked], 60))
    low = max(noise, 0.45 * threshold)
    strength = np.clip((darkness - low) / max(full - low, 0.05), 0, 1)
    return _ink_colour(relative, darkness, full, strength), strength, paper.mean(axis=2)


def _paper(colour: Grey, window: float) -> Grey:
    """The paper's colour at every pixel, found on a smaller picture, since paper changes slowly."""
    height, width = colour.shape[:2]
    factor = max(1, round(max(height, width) / 400))
    small = Image.fromarray((colour * 255).astype(np.uint8)).reduce(factor)
    # A median of three takes out single bright pixels, which a maximum would spread over the whole window.
    values = np.asarray(small.filter(ImageFilter.MedianFilter(3)), dtype=np.float32) / 255
    reach = max(2, round(window * max(values.shape[:2]) / 2))
    closed = -_maximum(-_maximum(values, reach), reach)
    blurred = Image.fromarray((np.clip(closed, 0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    return np.asarray(blurred.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) / 255


def _maximum(values: Grey, reach: int) -> Grey:
    """The maximum over a square of 2 x reach + 1 pixels, by doubling: the cost grows with the logarithm of the reach."""
    for axis in (0, 1):
        padding = [(0, 0)] * values.ndim
        padding[axis] = (reach, reach)
        padded = np.pad(values, padding, mode="edge")
        span, target = 1, 2 * reach + 1
        while span < target:
            step = min(span, target - span)
            length = padded.shape[axis] - step
            padded = np.maximum(np.take(padded, range(length), axis), np.take(padded, range(step, step + length), axis))
            span += step
        values = padded
    return values


def _otsu(darkness: Grey) -> float:
    """The threshold that parts the values into two groups as different as can be (Otsu, 1979), over what is not bare paper."""
    counts, edges = np.histogram(darkness, bins=256, range=(0, 1))
    # Paper outweighs ink a hundredfold; by the root of the counts the ink keeps a say.
    weights = np.sqrt(counts)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(weights)
    above = below[-1] - below
    sums = np.cumsum(weights * centres)
    # An empty group has no mean; multiplied by its weight of zero any value will do.
    between = below * above * (sums / np.maximum(below, 1e-9) - (sums[-1] - sums) / np.maximum(above, 1e-9)) ** 2
    return float(centres[int(np.argmax(between))])


def _ink_colour(relative: Grey, darkness: Grey, full: float, strength: Grey) -> Grey:
    """The colour of the ink itself, taken from where it is strongest and carried to the edges, where paper shines through."""
    weight = np.clip((darkness - 0.6 * full) / max(0.4 * full, 0.02), 0, 1) * strength + 1e-4 * strength
    packed = np.dstack([relative * weight[..., None], weight])
    smooth = np.dstack([_blur(packed[..., channel]) for channel in range(4)])
    colour = smooth[..., :3] / np.maximum(smooth[..., 3:], 1e-6)
    return np.asarray(np.clip(colour, 0, 1), dtype=np.float32)


def _blur(values: Grey, reach: int = 3) -> Grey:
    for axis in (0, 1):
        padding = [(0, 0)] * values.ndim
        padding[axis] = (reach + 1, reach)
        sums = np.cumsum(np.pad(values, padding, mode="edge"), axis=axis, dtype=np.float64)
        size = values.shape[axis]
        high = np.take(sums, range(2 * reach + 1, 2 * reach + 1 + size), axis)
        values = ((high - np.take(sums, range(size), axis)) / (2 * reach + 1)).astype(np.float32)
    return values


def _without_dust(strength: Grey, light: Grey) -> NDArray[np.bool_]:
    """Where to keep ink. Dust, shadows from the border of the picture and the edge of the sheet are told by size and place."""
    height, width = strength.shape
    cells = _cells(np.where(strength > 0.3, strength, 0))
    islands = [_Island.of(island, cells) for island in _islands(cells > 0.5 / _CELL**2)]
    if edge := _edge_of_sheet(islands, cells.shape, _cells(light)):
        islands = [island for island in islands if island.inside(edge)]
    if any(not island.is_table(cells.shape) for island in islands):
        islands = [island for island in islands if not island.is_table(cells.shape)]
    whole = [island for island in islands if not island.at_border(cells.shape)]
    # Ink that runs off the picture stays when it is most of the ink there is; a dark rim around whole ink goes.
    if sum(island.mass for island in whole) > 0.3 * sum(island.mass for island in islands):
        islands = whole
    least = 0.004 * max((island.mass for island in islands), default=0.0)
    kept = np.zeros(cells.shape, dtype=bool)
    for island in islands:
        if island.mass >= least:
            kept[tuple(np.transpose(island.cells))] = True
    return np.kron(kept, np.ones((_CELL, _CELL), dtype=bool))[:height, :width]


@dataclass(frozen=True)
class _Island:
    """Cells of ink that touch, and the box around them: first and last row, first and last column."""

    cells: list[tuple[int, int]]
    mass: float
    box: tuple[int, int, int, int]

    @classmethod
    def of(cls, island: list[tuple[int, int]], ink: Grey) -> _Island:
        rows, columns = zip(*island, strict=True)
        return cls(island, float(ink[rows, columns].sum()), (min(rows), max(rows), min(columns), max(columns)))

    def at_border(self, shape: tuple[int, ...]) -> bool:
        top, bottom, left, right = self.box
        return top == 0 or left == 0 or bottom == shape[0] - 1 or right == shape[1] - 1

    def is_table(self, shape: tuple[int, ...]) -> bool:
        """Whether it fills three corners of the picture, three cells deep, as what lies around a sheet does and no frame's line."""
        held, corners = set(self.cells), 0
        for rows in (range(3), range(shape[0] - 3, shape[0])):
            for columns in (range(3), range(shape[1] - 3, shape[1])):
                corners += all((row, column) in held for row in rows for column in columns)
        return corners >= 3

    def inside(self, other: _Island) -> bool:
        top, bottom, left, right = self.box
        return other.box[0] < top and bottom < other.box[1] and other.box[2] < left and right < other.box[3]


def _edge_of_sheet(islands: list[_Island], shape: tuple[int, ...], light: Grey) -> _Island | None:
    """The outline that a sheet on a darker table leaves: large, hollow, and darker around it than within it."""
    for island in islands:
        top, bottom, left, right = island.box
        tall, wide = bottom - top + 1, right - left + 1
        if tall < 0.5 * shape[0] or wide < 0.5 * shape[1]:
            continue
        middle = (
            slice(top + tall * 3 // 10, bottom - tall * 3 // 10),
            slice(left + wide * 3 // 10, right - wide * 3 // 10),
        )
        if any(
            middle[0].start <= r < middle[0].stop and middle[1].start <= c < middle[1].stop for r, c in island.cells
        ):
            continue
        around = np.ones(shape, dtype=bool)
        around[top : bottom + 1, left : right + 1] = False
        if around.any() and float(light[around].mean()) < 0.7 * float(light[middle].mean()):
            return island
    return None


def _cells(values: Grey) -> Grey:
    """The mean over every cell of the grid."""
    rows, columns = -(-values.shape[0] // _CELL), -(-values.shape[1] // _CELL)
    padded = np.zeros((rows * _CELL, columns * _CELL), dtype=np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    return np.asarray(padded.reshape(rows, _CELL, columns, _CELL).mean(axis=(1, 3)), dtype=np.float32)


def _islands(cells: NDArray[np.bool_]) -> Iterator[list[tuple[int, int]]]:
    """Groups of set cells that touch, diagonally too."""
    waiting = {(int(row), int(column)) for row, column in np.argwhere(cells)}
    while waiting:
        island = [waiting.pop()]
        for row, column in island:
            for neighbour in ((row + dr, column + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1)):
                if neighbour in waiting:
                    waiting.remove(neighbour)
                    island.append(neighbour)
        yield island


def _cropped(colour: Grey, strength: Grey) -> Image.Image:
    seen = strength > 0.2
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    margin = 4
    top, bottom = max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1
    left, right = max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1
    rgba = np.dstack([colour * (strength[..., None] > 0.02), strength])[top:bottom, left:right]
    return Image.fromarray((rgba * 255 + 0.5).astype(np.uint8))
