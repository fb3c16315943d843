"""What an appearance stream draws: letters with their places, and everything that is no text (8, 9.4, 12.5.5).

Only content that can be understood completely is read; anything else raises `Unreadable` with the reason.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary, proxy

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.pdf.text.fonts import Font
from signing_core.pdf.text.operations import Unreadable, operations

Matrix: TypeAlias = tuple[float, float, float, float, float, float]
Box: TypeAlias = tuple[float, float, float, float]
Colour: TypeAlias = tuple[float, float, float]

_IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_MAX_DEPTH: Final = 6
_MOST_BYTES: Final = 500_000
_MOST_STEPS: Final = 50_000
_IGNORED: Final = frozenset(("J", "j", "M", "d", "ri", "i", "ET", "BMC", "EMC", "MP", "DP", "BX", "EX"))
_PAINT: Final = {
    "S": "s", "s": "s", "f": "f", "F": "f", "f*": "f", "B": "fs", "B*": "fs", "b": "fs", "b*": "fs", "n": "",
}  # fmt: skip
_SPACES: Final = {
    "DeviceGray": 1,
    "CalGray": 1,
    "DeviceRGB": 3,
    "CalRGB": 3,
    "DeviceCMYK": 4,
    "G": 1,
    "RGB": 3,
    "CMYK": 4,
}
_BLACK: Final[Colour] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Glyph:
    """What one code shows: text from `left` to `right` on the line at `base`, in the units of the appearance's box."""

    text: str
    left: float
    right: float
    base: float
    size: float
    colour: Colour
    inside: bool
    """It lies within the box and all clipping rectangles."""
    dingbats: bool
    vertical: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """One part of a path that was painted."""

    box: Box
    kind: str
    """`rectangle`, `line` (horizontal or vertical), `ellipse`, `curve` for other curves, or `other`."""
    segments: int
    fill: Colour | None
    """None when it is only stroked."""
    thickness: float
    """Line width when it is stroked, else 0."""
    after: int
    """How many glyphs were shown before it."""
    pen: Colour | None = None
    """What it is stroked with; None when it is only filled, or in a colour that is not known."""
    clip: Box | None = None
    """What of it is in sight: the box and all clipping rectangles."""


@dataclass(slots=True)
class Drawing:
    """All that an appearance stream draws."""

    box: Box
    matrix: Matrix
    glyphs: list[Glyph] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    sure: bool = True
    """No letter depends on the word of an embedded font alone; see `Letter.sure`."""

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(slots=True)
class _State:
    """Graphics and text state (8.4.1, 9.3.1)."""

    matrix: Matrix
    clip: Box
    fill: Colour = _BLACK
    stroke: Colour | None = _BLACK
    """None: not known."""
    components: int = 1
    thickness: float = 1.0
    font: Font | None = None
    size: float = 0.0
    spacing: float = 0.0
    word_spacing: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0
    mode: int = 0


def read(structure: FileStructure, revision: int, stream: Stream) -> Drawing:
    """What the appearance draws. Raises `Unreadable`; `LimitReached` passes."""
    box = _box(structure, stream.dict.get("BBox"), revision)
    drawing = Drawing(box, _matrix(structure, stream.dict.get("Matrix"), revision))
    _Reader(structure, revision, drawing).run(stream, _State(_IDENTITY, box), 0)
    return drawing


_FONTS: Final[WeakKeyDictionary[FileStructure, dict[tuple[Ref, int], Font]]] = WeakKeyDictionary()
"""Fonts of a file that were read, by reference and revision; they hold no file alive."""


class _Reader:
    def __init__(self, structure: FileStructure, revision: int, drawing: Drawing) -> None:
        self.structure = structure
        self.revision = revision
        self.drawing = drawing
        self.steps = 0
        self.fonts = _FONTS.setdefault(structure, {})

    def at(self, value: Value) -> Value:
        return self.structure.resolve(value, self.revision)

    def run(self, stream: Stream, state: _State, depth: int) -> None:
        body = self.structure.decoded(stream, self.revision)
        if body is None or len(body) > _MOST_BYTES or depth > _MAX_DEPTH:
            raise Unreadable("a content stream that cannot be decoded")
        if not self.structure.decodes_alike(stream, self.revision):
            raise Unreadable("a content stream that programs decode differently")
        if "OC" in stream.dict:
            raise Unreadable("content that can be switched off")
        resources = self.at(stream.dict.get("Resources"))
        _Content(self, resources if isinstance(resources, dict) else {}, state, depth).run(body)

    def resource(self, resources: dict[str, Value], kind: str, name: Value) -> Value:
        """A named resource of the stream, as it stands. What it lacks, programs take from the page, from the form, or not at all."""
        group = self.at(resources.get(kind))
        return group.get(name) if isinstance(group, dict) and isinstance(name, str) else None

    def font(self, value: Value) -> Font:
        key = (value, self.revision)
        if isinstance(value, Ref) and key in self.fonts:
            return self.fonts[key]
        entries = self.at(value)
        if not isinstance(entries, dict):
            raise Unreadable("a font that is missing")
        font = Font(proxy(self.structure), self.revision, entries)
        if isinstance(value, Ref):
            self.fonts[key] = font
        return font


class _Content:
    """One content stream."""

    def __init__(self, reader: _Reader, resources: dict[str, Value], state: _State, depth: int) -> None:
        self.reader = reader
        self.resources = resources
        self.state = state
        self.depth = depth
        self.saved: list[_State] = []
        self.line = self.text = _IDENTITY
        self.paths: list[list[tuple[str, float, float]]] = []
        self.clipping = ""

    def run(self, body: bytes) -> None:
        for name, operands in operations(body):
            self.reader.steps += 1
            if self.reader.steps > _MOST_STEPS:
                raise Unreadable("too much content")
            if name in _IGNORED:
                continue
            if name in _PAINT:
                self.paint(_PAINT[name])
            elif name in "mlcvyh" or name == "re":
                self.path(name, _numbers(operands))
            elif name in _TEXT:
                self.show(name, operands)
            elif name in _COLOURS:
                self.colour(name, operands)
            else:
                self.other(name, operands)

    def other(self, name: str, operands: list[Value]) -> None:
        state = self.state
        if name == "q":
            if len(self.saved) > 200:
                raise Unreadable("too much content")
            self.saved.append(copy(state))
        elif name == "Q":
            if self.saved:
                self.state = self.saved.pop()
        elif name == "cm":
            state.matrix = _times(_six(operands), state.matrix)
        elif name == "w":
            state.thickness = _numbers(operands, 1)[0]
        elif name == "BT":
            self.line = self.text = _IDENTITY
        elif name in ("W", "W*"):
            self.clipping = name
        elif name == "gs":
            self.graphics_state(operands)
        elif name == "BDC":
            if operands[:1] == ["OC"]:
                raise Unreadable("content that can be switched off")
        elif name == "Do":
            self.form(operands)
        else:
            raise Unreadable("a picture or something else drawn that is no text")

    def form(self, operands: list[Value]) -> None:
        reader = self.reader
        stream = reader.at(reader.resource(self.resources, "XObject", operands[0] if operands else None))
        if not isinstance(stream, Stream) or reader.at(stream.dict.get("Subtype")) != "Form":
            raise Unreadable("a picture")
        inner = copy(self.state)
        inner.matrix = _times(_matrix(reader.structure, stream.dict.get("Matrix"), reader.revision), inner.matrix)
        box = _box(reader.structure, stream.dict.get("BBox"), reader.revision)
        inner.clip = _common(inner.clip, _placed(box, inner.matrix))
        reader.run(stream, inner, self.depth + 1)

    def graphics_state(self, operands: list[Value]) -> None:
        reader = self.reader
        entries = reader.at(reader.resource(self.resources, "ExtGState", operands[0] if operands else None))
        for key, value in entries.items() if isinstance(entries, dict) else ():
            value = reader.at(value)
            if key == "LW":
                self.state.thickness = _numbers([value], 1)[0]
            elif (
                (key in ("ca", "CA") and not (isinstance(value, int | float) and value >= 0.6))
                or (key == "BM" and value not in ("Normal", "Compatible"))
                or (key == "SMask" and value != "None")
                or key in ("Font", "TR", "TR2", "HT")
            ):
                raise Unreadable("transparency")

    # -- colours (8.6.8) ----------------------------------------------------------------------------------------------

    def colour(self, name: str, operands: list[Value]) -> None:
        state = self.state
        if name in ("CS", "SC", "SCN"):
            state.stroke = None
            return
        if name == "cs":
            space = operands[0] if operands else None
            if space not in _SPACES:
                array = self.reader.at(self.reader.resource(self.resources, "ColorSpace", space))
                kind = self.reader.at(array[0]) if isinstance(array, list) and array else array
                if kind == "ICCBased" and len(array) > 1 and isinstance(profile := self.reader.at(array[1]), Stream):
                    space = {1: "G", 3: "RGB", 4: "CMYK"}.get(self.reader.at(profile.dict.get("N")))
                else:
                    space = kind
            if space not in _SPACES:
                raise Unreadable("a colour that cannot be told")
            state.components, state.fill = _SPACES[space], _BLACK
            return
        values = _numbers(operands)
        if len(values) not in (1, 3, 4) or (name in ("sc", "scn") and len(values) != state.components):
            raise Unreadable("a colour that cannot be told")
        if name in ("sc", "scn", "g", "rg", "k"):
            state.components = len(values)
            state.fill = _rgb(values)
        else:
            state.stroke = _rgb(values)

    # -- paths (8.5) --------------------------------------------------------------------------------------------------

    def path(self, name: str, numbers: list[float]) -> None:
        if name == "re":
            x, y, width, height = [*numbers, 0.0, 0.0, 0.0, 0.0][:4]
            corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
            self.paths.append([("l" if index else "m", *self.place(*corner)) for index, corner in enumerate(corners)])
        elif name == "m":
            self.paths.append([("m", *self.place(*[*numbers, 0.0, 0.0][:2]))])
        elif not self.paths:
            raise Unreadable("damaged content")
        elif name == "h":
            self.paths[-1].append(("l", *self.paths[-1][0][1:]))
        else:
            pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
            if not pairs:
                raise Unreadable("damaged content")
            self.paths[-1].extend(("c" if name != "l" else "l", *self.place(*pair)) for pair in pairs)

    def place(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self.state.matrix
        return a * x + c * y + e, b * x + d * y + f

    def paint(self, how: str) -> None:
        state, drawing = self.state, self.reader.drawing
        outlines = [_outline(path) for path in self.paths]
        scale = max(abs(part) for part in state.matrix[:4])
        for path, (box, kind) in zip(self.paths, outlines, strict=True) if how else ():
            segments = len(path) - 2 * sum(1 for step in path if step[0] == "c") // 3 - 1
            fill = state.fill if "f" in how else None
            thickness = state.thickness * scale if "s" in how else 0.0
            seen = _common(box, state.clip) if fill else box
            pen = state.stroke if thickness else None
            drawing.shapes.append(Shape(seen, kind, segments, fill, thickness, len(drawing.glyphs), pen, state.clip))
        if self.clipping:
            # Of rectangles drawn in one direction, what lies in the largest is in sight, whatever the others add (8.5.3.3.2).
            one_direction = len({_area(path) > 0 for path in self.paths}) == 1 and self.clipping == "W"
            if any(kind != "rectangle" for _, kind in outlines) or not (one_direction or len(outlines) == 1):
                raise Unreadable("content behind a stencil")
            largest = max((box for box, _ in outlines), key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
            state.clip = _common(state.clip, largest)
        self.paths = []
        self.clipping = ""

    # -- text (9.4) ---------------------------------------------------------------------------------------------------

    def show(self, name: str, operands: list[Value]) -> None:
        state = self.state
        if name == "Tf":
            font = operands[0] if operands else None
            state.font = self.reader.font(self.reader.resource(self.resources, "Font", font))
            state.size = _numbers(operands[1:], 1)[0]
        elif name == "Tm":
            self.line = self.text = _six(operands)
        elif name in ("Td", "TD"):
            x, y = _numbers(operands, 2)
            if name == "TD":
                state.leading = -y
            self.next_line(x, y)
        elif name == "T*":
            self.next_line(0.0, -state.leading)
        elif name in ("Tc", "Tw", "Tz", "TL", "Ts", "Tr"):
            number = _numbers(operands, 1)[0]
            if name == "Tr":
                if number != 0 or type(operands[0]) is not int or len(operands) != 1:
                    raise Unreadable("text that is outlined, invisible or a stencil")
            else:
                attribute = {"Tc": "spacing", "Tw": "word_spacing", "Tz": "scale", "TL": "leading", "Ts": "rise"}[name]
                setattr(state, attribute, number / 100 if name == "Tz" else number)
        elif name == "TJ":
            for item in operands[0] if operands and isinstance(operands[0], list) else ():
                if isinstance(item, bytes):
                    self.string(item)
                else:
                    self.move(-_numbers([item], 1)[0] / 1000 * state.size)
        else:
            if name == '"':
                state.word_spacing, state.spacing = _numbers(operands[:2], 2)
            if name in ("'", '"'):
                self.next_line(0.0, -state.leading)
            self.string(operands[-1] if operands and isinstance(operands[-1], bytes) else b"")

    def next_line(self, x: float, y: float) -> None:
        self.line = self.text = _times((1.0, 0.0, 0.0, 1.0, x, y), self.line)

    def move(self, distance: float) -> None:
        font = self.state.font
        along = (0.0, distance) if font is not None and font.vertical else (distance * self.state.scale, 0.0)
        self.text = _times((1.0, 0.0, 0.0, 1.0, *along), self.text)

    def string(self, codes: bytes) -> None:
        state, drawing = self.state, self.reader.drawing
        if not codes or state.mode == 3:
            return  # text that is not painted
        font = state.font
        if font is None:
            raise Unreadable("text without a font")
        for letter in font.letters(codes):
            drawing.sure = drawing.sure and letter.sure
            self.reader.steps += 1
            if self.reader.steps > _MOST_STEPS:
                raise Unreadable("too much content")
            a, b, c, d, e, f = _times(
                (state.size * state.scale, 0.0, 0.0, state.size, 0.0, state.rise), _times(self.text, state.matrix)
            )
            if not (a > 0 and d > 0 and abs(b) < 0.01 * a and abs(c) < 0.5 * d and 0.2 < a / d < 3):
                raise Unreadable("text that is turned, mirrored or drawn out")
            left, base, right = e, f, e + letter.width * a
            if font.vertical:
                left, base, right = e - a / 2, f - d, e + a / 2
            middle = base + 0.3 * d
            low, high = state.clip[1], state.clip[3]
            inside = (
                state.clip[0] - 0.1 * d <= left
                and right <= state.clip[2] + 0.1 * d
                and low - 0.02 * d <= middle <= high + 0.02 * d
                and base >= low - 0.1 * d  # an E without its foot is an F
                and base + 0.7 * d <= high + 0.1 * d
            )
            colour = state.stroke if state.mode == 1 else state.fill
            if colour is None:
                raise Unreadable("a colour that cannot be told")
            drawing.glyphs.append(
                Glyph(letter.text, left, right, base, d, colour, inside, font.dingbats, font.vertical)
            )
            along = -1.0 if font.vertical else letter.width
            extra = state.spacing + (state.word_spacing if letter.word else 0.0)
            self.move(along * state.size + (-extra if font.vertical else extra))


_TEXT: Final = frozenset(("Tf", "Tm", "Td", "TD", "T*", "Tc", "Tw", "Tz", "TL", "Ts", "Tr", "TJ", "Tj", "'", '"'))
_COLOURS: Final = frozenset(("g", "rg", "k", "cs", "sc", "scn", "G", "RG", "K", "CS", "SC", "SCN"))


def _numbers(operands: list[Value], count: int | None = None) -> list[float]:
    if any(not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e7 for value in operands):
        raise Unreadable("damaged content")
    if count is not None and len(operands) != count:
        raise Unreadable("damaged content")
    return [float(value) for value in operands]


def _six(operands: list[Value]) -> Matrix:
    a, b, c, d, e, f = _numbers(operands, 6)
    return a, b, c, d, e, f


def _matrix(structure: FileStructure, value: Value, revision: int) -> Matrix:
    items = structure.resolve(value, revision)
    return _six([structure.resolve(item, revision) for item in items]) if isinstance(items, list) else _IDENTITY


def _box(structure: FileStructure, value: Value, revision: int) -> Box:
    items = structure.resolve(value, revision)
    if not isinstance(items, list) or len(items) != 4:
        raise Unreadable("an appearance without a box")
    left, bottom, right, top = _numbers([structure.resolve(item, revision) for item in items])
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)


def _times(first: Matrix, second: Matrix) -> Matrix:
    """`first`, then `second` (8.3.4)."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _placed(box: Box, matrix: Matrix) -> Box:
    a, b, c, d, e, f = matrix
    if min(abs(a), abs(d)) > 1e-6 < max(abs(b), abs(c)):
        raise Unreadable("content behind a stencil")  # a box that is turned
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in box[::2] for y in box[1::2]]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _area(path: list[tuple[str, float, float]]) -> float:
    """Signed: its sign tells the direction."""
    return sum(a[1] * b[2] - b[1] * a[2] for a, b in pairwise([*path, path[0]]))


def _common(first: Box, second: Box) -> Box:
    return max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]), min(first[3], second[3])


def _outline(path: list[tuple[str, float, float]]) -> tuple[Box, str]:
    xs, ys = [step[1] for step in path], [step[2] for step in path]
    box = (min(xs), min(ys), max(xs), max(ys))
    curves = sum(1 for step in path if step[0] == "c")
    if curves:
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        near = [step for step in path if abs(step[1] - middle[0]) + abs(step[2] - middle[1]) < max(xs) / 1e9]
        return box, "ellipse" if curves == 12 and len(path) <= 14 and not near else "curve"
    points = list(dict.fromkeys((round(x, 3), round(y, 3)) for _, x, y in path))
    flat = all(abs(a[1] - b[1]) < 0.01 or abs(a[2] - b[2]) < 0.01 for a, b in pairwise(path))
    if flat and len(points) <= 2:
        return box, "line"
    if (
        flat
        and len(points) == 4
        and all(
            min(abs(x - box[0]), abs(x - box[2])) < 0.01 and min(abs(y - box[1]), abs(y - box[3])) < 0.01
            for x, y in points
        )
    ):
        return box, "rectangle"
    return box, "other"


def _rgb(values: list[float]) -> Colour:
    if len(values) == 1:
        return values[0], values[0], values[0]
    if len(values) == 3:
        return values[0], values[1], values[2]
    return tuple((1 - min(value, 1.0)) * (1 - min(values[3], 1.0)) for value in values[:3])  # type: ignore[return-value]
