"""What the looks of form fields draw besides text: borders, backgrounds, rules, marks, and how they lie to letters."""

from __future__ import annotations

from signing_core.pdf.text.shown_text import Box, Colour, Drawing, Glyph, Shape


def background(shape: Shape, drawing: Drawing, *, comb: bool) -> bool:
    """Borders, backgrounds, rules, marks of selected lines: what looks make besides text."""
    width, height = shape.box[2] - shape.box[0], shape.box[3] - shape.box[1]
    if (width <= 0.01 and height <= 0.01) or (shape.kind == "rectangle" and (width <= 0 or height <= 0)):
        return shape.thickness == 0 or shape.fill is not None
    wide, high = width >= 0.8 * drawing.width, height >= 0.8 * drawing.height
    if shape.kind in ("rectangle", "line"):
        edge = min(abs(shape.box[0] - drawing.box[0]), abs(shape.box[2] - drawing.box[2])) < 3.5
        return wide or (high and (comb or edge or width > 0.5 * drawing.width))
    return wide and high and shape.kind == "other" and shape.segments <= 7  # a bevel


def crosses(shape: Shape, drawing: Drawing) -> bool:
    """A rule from side to side that is no edge of the box, nor one of several rows of it."""
    bottom, top = shape.box[1], shape.box[3]
    middle = (bottom + top) / 2
    thin = top - bottom < 0.3 * drawing.height and shape.box[2] - shape.box[0] > 0.5 * drawing.width
    return thin and min(middle - drawing.box[1], drawing.box[3] - middle) > max(2.0, 0.12 * drawing.height)


def strikes(shape: Shape, drawing: Drawing) -> bool:
    """A thin horizontal rule, or a side of a frame, at the height of letters."""
    left, bottom, right, top = shape.box
    room = min(1.5, 0.05 * drawing.height)
    for glyph in drawing.glyphs:
        thin = top - bottom < 0.6 * glyph.size
        for height in ((bottom + top) / 2,) if thin else (bottom, top) if shape.thickness else ():
            if min(abs(height - drawing.box[1]), abs(height - drawing.box[3])) < room:
                continue  # the edge of the box, which cuts letters off
            through = glyph.base + 0.08 * glyph.size < height < glyph.base + 0.75 * glyph.size
            if through and left < glyph.right and glyph.left < right and glyph.text.strip():
                return True
    return False


def inked(shape: Shape) -> list[Box]:
    """What a shape paints; of a frame, its sides."""
    left, bottom, right, top = shape.box
    pen = shape.thickness / 2
    boxes = [shape.box]
    if shape.fill is None and shape.kind == "rectangle":
        boxes = [(left, y, right, y) for y in (bottom, top)] + [(x, bottom, x, top) for x in (left, right)]
    return [(box[0] - pen, box[1] - pen, box[2] + pen, box[3] + pen) for box in boxes]


def overlap(box: Box, glyph: Glyph) -> bool:
    low, high = glyph.base - 0.03 * glyph.size, glyph.base + 0.7 * glyph.size
    bearing = 0.08 * glyph.size  # of which the letter leaves the sides free
    across = box[0] < glyph.right - bearing and glyph.left + bearing < box[2]
    return across and box[1] < high and low < box[3] and bool(glyph.text.strip())


def holds(box: Box, glyph: Glyph) -> bool:
    return box[0] <= (glyph.left + glyph.right) / 2 <= box[2] and box[1] <= glyph.base + 0.3 * glyph.size <= box[3]


def ground(drawing: Drawing, glyph: Glyph) -> Colour:
    """The colour behind a glyph: of the last filled shape below it, else paper."""
    fills = [shape.fill for shape in drawing.shapes if shape.fill is not None and holds(shape.box, glyph)]
    return fills[-1] if fills else (1.0, 1.0, 1.0)


def frame(shape: Shape, drawing: Drawing) -> bool:
    """Border or background: it reaches nearly from side to side."""
    width, height = shape.box[2] - shape.box[0], shape.box[3] - shape.box[1]
    wide, high = width >= 0.85 * drawing.width, height >= 0.85 * drawing.height
    if shape.kind in ("rectangle", "ellipse"):
        return wide and high
    if shape.kind == "curve" and shape.fill is None:  # the sides of a round border that looks sunk
        return width >= 0.6 * drawing.width and height >= 0.6 * drawing.height
    edge = min(abs(a - b) for a, b in zip(shape.box, drawing.box, strict=True)) < 0.15 * max(
        drawing.width, drawing.height
    )
    return (shape.kind == "line" and edge and (wide or high)) or (
        wide and high and shape.segments == 6 and shape.fill is not None
    )


def visible(shape: Shape, drawing: Drawing) -> bool:
    left, bottom, right, top = shape.box
    middle = Glyph("", left, right, (bottom + top) / 2, 0.0, (0.0, 0.0, 0.0), True, False, False)
    behind = [s.fill for s in drawing.shapes if s.fill is not None and s is not shape and holds(s.box, middle)]
    large = right - left >= 0.2 * drawing.width or top - bottom >= 0.2 * drawing.height
    inside = drawing.box[0] <= left and right <= drawing.box[2] and drawing.box[1] <= bottom and top <= drawing.box[3]
    return large and inside and (shape.fill is None or contrasts(shape.fill, behind[-1] if behind else (1.0, 1.0, 1.0)))


def contrasts(colour: Colour, ground: Colour) -> bool:
    return max(abs(a - b) for a, b in zip(colour, ground, strict=True)) >= 0.2
