"""What is drawn anew of a form field whose value stayed: its frame and its ground, as programs make them of its style (/MK, /BS)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from signing_core.pdf.structure.values import Value
from signing_core.pdf.text.shown_text import Box, Colour, Drawing, Glyph
from signing_core.verification.field_looks.shapes import contrasts, ground

_PAPER: Final = (1.0, 1.0, 1.0)
_LEFT, _BOTTOM, _RIGHT, _TOP = range(4)
_FRAME: Final = frozenset({_LEFT, _BOTTOM, _RIGHT, _TOP})
_BELOW: Final = frozenset({_BOTTOM})
_LONG, _NEAR, _HAIRLINE = 0.4, 0.25, 0.1
_THICK: Final = 0.2
"""Of the box: a stroke of more leaves little of it."""


def draws(drawing: Drawing | None) -> bool:
    """Whether a look draws anything that is seen on paper."""
    if drawing is None:
        return False
    stroked = any(shape.thickness and (shape.pen is None or contrasts(shape.pen, _PAPER)) for shape in drawing.shapes)
    filled = any(shape.fill is not None and contrasts(shape.fill, _PAPER) for shape in drawing.shapes)
    return stroked or filled or any(contrasts(glyph.colour, _PAPER) for glyph in drawing.glyphs)


def middle(drawing: Drawing | None) -> Colour:
    """The colour that a look fills the middle of its box with."""
    if drawing is None:
        return _PAPER
    left, bottom, right, top = drawing.box
    across, up = (left + right) / 2, (bottom + top) / 2
    return ground(drawing, Glyph("", across, across, up, 0.0, (0.0, 0.0, 0.0), True, False, False))


def colour(parts: Value) -> Colour:
    """An array of 0, 1, 3 or 4 numbers (Table 192) as a colour; paper where it is none."""
    numbers = [float(part) for part in parts if isinstance(part, int | float)] if isinstance(parts, list) else []
    if len(numbers) == 4:
        return tuple((1 - min(part, 1.0)) * (1 - min(numbers[3], 1.0)) for part in numbers[:3])  # type: ignore[return-value]
    return tuple(numbers * (3 // len(numbers))) if len(numbers) in (1, 3) else _PAPER  # type: ignore[return-value]


def partly_framed(was: Drawing | None, now: Drawing | None, *, bare: bool = False, comb: bool = False) -> bool:
    """Whether a look is framed on some sides, and not on those that it was; or by strokes that fill the box.

    `bare`: it may also lose its frame, or get a rule below. `comb`: it has upright rules between its letters.
    """
    frames = _sides(was), _sides(now), _FRAME, *((frozenset[int](), _BELOW) if bare else ())
    if comb:
        frames = tuple(frame - {_LEFT, _RIGHT} for frame in frames)
    former, present, *usual = frames
    return (present != former and present not in usual) or _thickest(now) > max(_THICK, _thickest(was))


def _thickest(drawing: Drawing | None) -> float:
    strokes = [shape.thickness for shape in drawing.shapes] if drawing is not None else []
    return max(strokes, default=0.0) / max(min(drawing.width, drawing.height), 1e-6) if drawing is not None else 0.0


def _sides(drawing: Drawing | None) -> frozenset[int]:
    """The sides of the box along which something is seen."""
    if drawing is None:
        return frozenset()
    there = set()
    for left, bottom, right, top in _edges(drawing):
        beside, above = (
            ((left + right) / 2 - drawing.box[0]) / drawing.width,
            ((bottom + top) / 2 - drawing.box[1]) / drawing.height,
        )
        if top - bottom >= _LONG * drawing.height and min(beside, 1 - beside) <= _NEAR:
            there.add(_LEFT if beside < 0.5 else _RIGHT)
        if right - left >= _LONG * drawing.width and min(above, 1 - above) <= _NEAR:
            there.add(_BOTTOM if above < 0.5 else _TOP)
    return frozenset(there)


def _edges(drawing: Drawing) -> Iterator[Box]:
    """What is in sight of the four sides of each shape, however it is bent."""
    for shape in drawing.shapes:
        paint = shape.fill if shape.pen is None else shape.pen
        if paint is not None and not contrasts(paint, _PAPER):
            continue
        left, bottom, right, top = shape.box
        pen = max(shape.thickness, 0.0 if shape.fill is not None else _HAIRLINE) / 2
        clip = shape.clip or drawing.box
        for edge in (
            *((x, bottom, x, top) for x in (left, right)),
            *((left, y, right, y) for y in (bottom, top)),
        ):
            seen = (
                max(edge[0] - pen, clip[0]),
                max(edge[1] - pen, clip[1]),
                min(edge[2] + pen, clip[2]),
                min(edge[3] + pen, clip[3]),
            )
            if seen[2] - seen[0] >= min(pen, _HAIRLINE) and seen[3] - seen[1] >= min(pen, _HAIRLINE):
                yield seen
