"""Where things are on a page as its viewer sees it.

A PDF page has a coordinate system of its own, of which the viewer sees the part inside the crop box, turned clockwise by
/Rotate and scaled by /UserUnit (ISO 32000-2, 14.11.2 and table 31). Here `View` translates between the two. View
coordinates are in points of 1/72 inch with the origin at the *bottom-left* of what is seen, x to the right, y upwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

A4: Final = (595.276, 841.89)
"""Width and height of the paper that is taken where nothing says another, in points."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: left, bottom, right, top."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    def moved(self, x: float, y: float) -> Box:
        return Box(self.x0 + x, self.y0 + y, self.x1 + x, self.y1 + y)

    def intersected(self, other: Box) -> Box:
        """The common part; may be empty or turned inside out when there is none."""
        return Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))


Matrix = tuple[float, float, float, float, float, float]
"""The six numbers of a PDF transformation matrix (ISO 32000-2, 8.3.4)."""


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of one page: `crop` in the page's own units, `rotate` 0, 90, 180 or 270, `unit` points per unit."""

    crop: Box
    rotate: int
    unit: float = 1.0

    @property
    def width(self) -> float:
        """As seen, in points."""
        return self.unit * (self.crop.width if self.rotate in (0, 180) else self.crop.height)

    @property
    def height(self) -> float:
        """As seen, in points."""
        return self.unit * (self.crop.height if self.rotate in (0, 180) else self.crop.width)

    @property
    def matrix(self) -> Matrix:
        """Maps view coordinates to those of the page."""
        s, c = 1 / self.unit, self.crop
        if self.rotate == 90:
            return (0, s, -s, 0, c.x1, c.y0)
        if self.rotate == 180:
            return (-s, 0, 0, -s, c.x1, c.y1)
        if self.rotate == 270:
            return (0, -s, s, 0, c.x0, c.y1)
        return (s, 0, 0, s, c.x0, c.y0)

    def to_page(self, box: Box) -> Box:
        """A rectangle in view coordinates as one in those of the page."""
        a, b, c, d, e, f = self.matrix
        xs = sorted((a * box.x0 + c * box.y0 + e, a * box.x1 + c * box.y1 + e))
        ys = sorted((b * box.x0 + d * box.y0 + f, b * box.x1 + d * box.y1 + f))
        return Box(xs[0], ys[0], xs[1], ys[1])

    def from_page(self, box: Box) -> Box:
        """A rectangle in the page's coordinates as one in those of the view."""
        a, b, c, d, e, f = self.matrix
        scale = a * d - b * c
        corners = [
            ((d * (x - e) - c * (y - f)) / scale, (a * (y - f) - b * (x - e)) / scale)
            for x, y in ((box.x0, box.y0), (box.x1, box.y1))
        ]
        xs, ys = (sorted(edge) for edge in zip(*corners, strict=True))
        return Box(xs[0], ys[0], xs[1], ys[1])

    def grown_below(self, height: float) -> View:
        """The page with `height` points more at the bottom as seen."""
        by, c = height / self.unit, self.crop
        if self.rotate == 90:
            return replace(self, crop=replace(c, x1=c.x1 + by))
        if self.rotate == 180:
            return replace(self, crop=replace(c, y1=c.y1 + by))
        if self.rotate == 270:
            return replace(self, crop=replace(c, x0=c.x0 - by))
        return replace(self, crop=replace(c, y0=c.y0 - by))


def upright(rotate: int, width: float, height: float) -> tuple[Matrix, float, float]:
    """How to draw a picture of `width` by `height` upright on a page turned by `rotate`.

    Returns the /Matrix of an appearance stream whose /BBox is `[0 0 width height]`, and the width and height that the
    turned picture has in the page's own coordinate system.
    """
    if rotate == 90:
        return (0, 1, -1, 0, height, 0), height, width
    if rotate == 180:
        return (-1, 0, 0, -1, width, height), width, height
    if rotate == 270:
        return (0, -1, 1, 0, 0, width), height, width
    return (1, 0, 0, 1, 0, 0), width, height
