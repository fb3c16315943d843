"""Where a page's content may paint, without rendering it: boxes that are rather too large than too small.

Good enough to tell that nothing lies below a signature field, which is the usual case; anything else is rendered.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.values import Stream, Value

Box: TypeAlias = tuple[float, float, float, float]
"""(left, bottom, right, top), points."""
Matrix: TypeAlias = tuple[float, float, float, float, float, float]

IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_MAX_CONTENT: Final = 200_000
_PAINTING: Final = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"s", b"S"})
_TOKEN: Final = re.compile(
    rb"[\0\t\n\f\r ]*+(?:"
    rb"([+-]?(?:\d++\.?\d*+|\.\d++))(?![^\0\t\n\f\r ()<>\[\]{}/%])"  # 1: number
    rb"|([^\0\t\n\f\r ()<>\[\]{}/%]++)"  # 2: operator
    rb"|/([^\0\t\n\f\r ()<>\[\]{}/%]*+)"  # 3: name
    rb"|([(\[<])"  # 4: string, array, dictionary
    rb"|%[^\r\n]*+)"
)


class _Unsure(Exception):
    """Something that is not followed: the page has to be rendered."""


def boxes(structure: FileStructure, page: dict[str, Value], revision: int) -> list[Box] | None:
    """Boxes that hold everything the page's content paints; None when that is not followed."""
    contents = structure.resolve(page.get("Contents"), revision)
    streams = contents if isinstance(contents, list) else [contents]
    parts = []
    for item in streams:
        stream = structure.resolve(item, revision)
        if stream is None:
            continue
        body = structure.decoded(stream, revision) if isinstance(stream, Stream) else None
        if body is None:
            return None
        parts.append(body)
    content = b"\n".join(parts)
    if len(content) > _MAX_CONTENT:
        return None
    resources = _inherited(structure, page, "Resources", revision)
    try:
        return _Painter(structure, resources if isinstance(resources, dict) else {}, revision).run(content)
    except (_Unsure, Malformed, OverflowError):
        return None


def _inherited(structure: FileStructure, page: dict[str, Value], key: str, revision: int) -> Value:
    node: Value = page
    for _ in range(32):
        if not isinstance(node, dict):
            return None
        if key in node:
            return structure.resolve(node[key], revision)
        node = structure.resolve(node.get("Parent"), revision)
    return None


def meet(a: Box, b: Box) -> bool:
    """Whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def transformed(box: Box, matrix: Matrix) -> Box:
    """The box around a transformed box."""
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x in (box[0], box[2]) for y in (box[1], box[3])]
    ys = [b * x + d * y + f for x in (box[0], box[2]) for y in (box[1], box[3])]
    return min(xs), min(ys), max(xs), max(ys)


def _times(m: Matrix, n: Matrix) -> Matrix:
    return (
        m[0] * n[0] + m[1] * n[2], m[0] * n[1] + m[1] * n[3], m[2] * n[0] + m[3] * n[2], m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4], m[4] * n[1] + m[5] * n[3] + n[5],
    )  # fmt: skip


class _Painter:
    """Follows a content stream (8, 9) as far as positions go."""

    def __init__(self, structure: FileStructure, resources: dict[str, Value], revision: int) -> None:
        self._structure = structure
        self._resources = resources
        self._revision = revision
        self._found: list[Box] = []
        self._ctm = IDENTITY
        self._stack: list[tuple[Matrix, float, float, float, float, float, float]] = []
        self._path: list[tuple[float, float]] = []
        self._size = self._leading = self._extra = self._wordspace = 0.0
        self._stretch = 1.0
        self._thickness = 1.0
        self._text = self._line = IDENTITY
        self._run = 0.0

    def run(self, content: bytes) -> list[Box]:
        operands: list[Value] = []
        position = 0
        end = len(content)
        while position < end:
            token = _TOKEN.match(content, position)
            if token is None:
                if not content[position:].strip(b"\0\t\n\f\r "):
                    break
                raise _Unsure
            kind = token.lastindex
            position = token.end()
            if kind == 1:
                operands.append(float(token[1]))
            elif kind == 3:
                operands.append(token[3].decode("latin-1"))
            elif kind == 4:
                value, position = parse_value(content, token.start(4))
                operands.append(value)
            elif kind == 2:
                self._operator(token[2], operands)
                operands = []
        return self._found

    def _operator(self, name: bytes, operands: list[Value]) -> None:
        if name in _TEXT_SHOWING:
            self._show(name, operands)
            return
        if name in _PAINTING:
            self._stroke()
            return
        numbers = [float(n) for n in operands if isinstance(n, int | float)]
        count = _NEEDED.get(name)
        if count is not None and len(numbers) < count:
            raise _Unsure
        if name == b"cm":
            self._ctm = _times((*numbers[-6:],), self._ctm)  # type: ignore[arg-type]
        elif name == b"q":
            self._stack.append(
                (self._ctm, self._size, self._leading, self._extra, self._stretch, self._wordspace, self._thickness)
            )
        elif name == b"Q":
            if self._stack:
                (self._ctm, self._size, self._leading, self._extra, self._stretch, self._wordspace, self._thickness) = (
                    self._stack.pop()
                )
        elif name in (b"m", b"l", b"c", b"v", b"y"):
            self._path.extend(zip(numbers[::2], numbers[1::2], strict=False))
        elif name == b"re":
            x, y, w, h = numbers[-4:]
            self._path += [(x, y), (x + w, y + h)]
        elif name == b"n":
            self._path = []
        elif name == b"BT":
            self._text = self._line = IDENTITY
            self._run = 0.0
        elif name == b"Tf":
            self._size = numbers[-1]
            self._check_font(operands[0])
        elif name in (b"Td", b"TD"):
            self._move(*numbers[-2:])
            if name == b"TD":
                self._leading = -numbers[-1]
        elif name == b"Tm":
            self._text = self._line = (*numbers[-6:],)  # type: ignore[assignment]
            self._run = 0.0
        elif name == b"T*":
            self._move(0, -self._leading)
        elif name == b"TL":
            self._leading = numbers[-1]
        elif name == b"Tc":
            self._extra = self._onward(numbers[-1])
        elif name == b"Tw":
            self._wordspace = self._onward(numbers[-1])
        elif name == b"w":
            self._thickness = abs(numbers[-1])
        elif name == b"gs":
            self._check_state(operands)
        elif name == b"Tr" and numbers[-1] not in (0, 3, 7):
            raise _Unsure
        elif name == b"Tz":
            self._stretch = abs(numbers[-1]) / 100
        elif name == b"Do":
            self._draw(operands)
        elif name in (b"sh", b"BI", b"ID", b"EI", b"Ts"):
            raise _Unsure

    def _move(self, x: float, y: float) -> None:
        self._line = _times((1, 0, 0, 1, x, y), self._line)
        self._text = self._line
        self._run = 0.0

    def _show(self, name: bytes, operands: list[Value]) -> None:
        if name in (b"'", b'"'):
            self._move(0, -self._leading)
        value = operands[-1] if operands else b""
        items = value if isinstance(value, list) else [value]
        size = abs(self._size)
        width = 0.0
        for item in items:
            if isinstance(item, bytes):
                # A byte is at most an em wide on the average: true of every text font, and of two-byte codes all the more.
                width += len(item) * (size + self._extra + self._wordspace)
            elif isinstance(item, int | float):
                if item > 2000:
                    raise _Unsure  # back to the left, over what is there
                width += abs(item) / 1000 * size
        self._run += width * max(self._stretch, 0.01)
        box = (-size * 0.3, -0.4 * size, self._run + 0.3 * size, 1.2 * size)
        self._found.append(transformed(box, _times(self._text, self._ctm)))

    def _stroke(self) -> None:
        if self._path:
            xs, ys = zip(*self._path, strict=True)
            low_x, low_y, high_x, high_y = transformed((min(xs), min(ys), max(xs), max(ys)), self._ctm)
            a, b, c, d, _, _ = self._ctm
            room = 1 + self._thickness * max(abs(a) + abs(c), abs(b) + abs(d))
            self._found.append((low_x - room, low_y - room, high_x + room, high_y + room))
        self._path = []

    def _onward(self, number: float) -> float:
        if number < -2:
            raise _Unsure  # characters that run to the left
        return abs(number)

    def _named(self, category: str, name: Value) -> Value:
        known = self._structure.resolve(self._resources.get(category), self._revision)
        return self._structure.resolve(known.get(name), self._revision) if isinstance(known, dict) else None

    def _check_font(self, name: Value) -> None:
        """Fonts whose characters may be of any size, or run downwards."""
        font = self._named("Font", name)
        if not isinstance(font, dict):
            return
        encoding = self._structure.resolve(font.get("Encoding"), self._revision)
        if font.get("Subtype") == "Type3" or isinstance(encoding, Stream):
            raise _Unsure
        if isinstance(encoding, str) and encoding.endswith("V"):
            raise _Unsure

    def _check_state(self, operands: list[Value]) -> None:
        state = self._named("ExtGState", operands[-1] if operands else None)
        if isinstance(state, dict) and not state.keys().isdisjoint({"LW", "Font"}):
            raise _Unsure

    def _draw(self, operands: list[Value]) -> None:
        drawn = self._named("XObject", operands[-1] if operands else None)
        if not isinstance(drawn, Stream):
            return
        box: Box = (0, 0, 1, 1)
        matrix = self._ctm
        if drawn.dict.get("Subtype") == "Form":
            given = self._structure.resolve(drawn.dict.get("BBox"), self._revision)
            box = rectangle(self._structure, given, self._revision) or (0, 0, 0, 0)
            own = self._structure.resolve(drawn.dict.get("Matrix"), self._revision)
            if isinstance(own, list) and len(own) == 6 and all(isinstance(n, int | float) for n in own):
                matrix = _times(tuple(float(n) for n in own), matrix)  # type: ignore[arg-type]
        self._found.append(transformed(box, matrix))


def rectangle(structure: FileStructure, value: Value, revision: int) -> Box | None:
    """A rectangle (7.9.5) with its corners in order; None when it is none."""
    value = structure.resolve(value, revision)
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [structure.resolve(n, revision) for n in value]
    if not all(isinstance(n, int | float) and abs(n) < 1e9 for n in numbers):
        return None
    x1, y1, x2, y2 = (float(n) for n in numbers)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


_TEXT_SHOWING: Final = frozenset({b"Tj", b"TJ", b"'", b'"'})
_NEEDED: Final = {
    b"cm": 6, b"re": 4, b"Tf": 1, b"Td": 2, b"TD": 2, b"Tm": 6, b"TL": 1, b"Tc": 1, b"Tw": 1, b"Tz": 1, b"w": 1, b"Tr": 1,
}  # fmt: skip
