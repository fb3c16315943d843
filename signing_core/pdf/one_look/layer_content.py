"""Takes the marks of layers out of a content stream, and with them what the hidden ones would draw.

Hidden content still moves the pen: its state operators stay, what paints goes (ISO 32000-2, 8.11.3.2). Bytes between the
operators that are touched stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_SPACE: Final = rb"[\0\t\n\f\r ]"
_REGULAR: Final = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_TOKEN: Final = re.compile(
    rb"(?>" + _SPACE + rb"++|%[^\r\n]*+)++"  # nothing
    rb"|(/" + _REGULAR + rb"*+)"  # 1: name
    rb"|(\()"  # 2: a string, whose end is looked for by counting
    rb"|(<<|>>|\[|\]|[{}]|<[^<>]*+>|[<>)])"  # 3: what holds operands, and hexadecimal strings
    rb"|([+\-.0-9]" + _REGULAR + rb"*+)"  # 4: number
    rb"|(" + _REGULAR + rb"++)"  # 5: operator
)
_NAME, _STRING, _NUMBER, _OPERATOR = 1, 2, 4, 5
_STRING_PART: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_IMAGE_DATA: Final = re.compile(rb"(?<![^\s/>\])])ID" + _SPACE)
_IMAGE_END: Final = re.compile(rb"\sEI(?=[\s/<\[(]|\Z)")
_LAYER: Final = re.compile(rb"/OC" + _SPACE + rb"*+(/|<<)")
_VALUES: Final = frozenset((b"true", b"false", b"null"))
_PAINTS_PATH: Final = frozenset((b"S", b"s", b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"))
_PAINTS: Final = frozenset((b"sh", b"Do", b"EI"))
_SHOWS: Final = frozenset((b"Tj", b"TJ", b"'", b'"'))
_PLACES: Final = frozenset((b"BT", b"ET", b"Td", b"TD", b"Tm", b"T*", b"'", b'"'))


class LayerInsideLine(Exception):
    """What is shown stands where hidden text of the same line ends, which only its font would tell."""


def has_layers(data: bytes) -> bool:
    """Whether a content stream may mark content as part of a layer."""
    return _LAYER.search(data) is not None


def flattened(data: bytes, visible: Callable[[str], bool]) -> bytes:
    """The content without marks of layers; `visible` is asked with the name in /Properties, with `""` for anything else.

    Raises `LayerInsideLine`.
    """
    out: list[bytes] = []
    copied = 0
    marks: list[bool | None] = []  # of an open layer whether it is shown, of other marked content None
    hidden = 0
    line_unknown = False

    def replace(start: int, end: int, by: bytes) -> None:
        nonlocal copied
        out.extend((data[copied:start], by))
        copied = end

    for operator, operands, start, end in _operations(data):
        if operator in (b"BDC", b"BMC"):
            layer = operator == b"BDC" and operands[:1] == [b"/OC"]
            shown = None
            if layer:
                shown = visible(_name(operands[1]) if len(operands) == 2 else "")
                hidden += not shown
                replace(start, end, b"")
            marks.append(shown)
        elif operator == b"EMC" and marks:
            shown = marks.pop()
            if shown is not None:
                hidden -= not shown
                replace(start, end, b"")
        elif hidden and operator in _PAINTS_PATH:
            replace(start, end, b"n")
        elif hidden and operator in _PAINTS:
            replace(start, end, b"")
        elif hidden and operator in _SHOWS:
            replace(start, end, _moves(operator, operands))
            line_unknown = True
            continue
        if operator in _PLACES:
            line_unknown = False
        elif operator in _SHOWS and line_unknown:
            raise LayerInsideLine
    out.append(data[copied:])
    return b"".join(out)


def _moves(operator: bytes, operands: list[bytes]) -> bytes:
    """What a text-showing operator does besides (table 107)."""
    if operator == b'"' and len(operands) >= 2:
        return operands[0] + b" Tw " + operands[1] + b" Tc T*"
    return b"T*" if operator in (b"'", b'"') else b""


def _operations(data: bytes) -> Iterator[tuple[bytes, list[bytes], int, int]]:
    """Operator, operands, and where both are; an inline image is one operation EI."""
    position, first = 0, -1
    operands: list[bytes] = []
    while position < len(data):
        token = _TOKEN.match(data, position)
        if token is None:
            position += 1
            continue
        start, position = position, token.end()
        kind = token.lastindex
        if kind is None:
            continue
        if first < 0:
            first = start
        if kind == _STRING:
            position = _end_of_string(data, position)
        if kind != _OPERATOR or token[_OPERATOR] in _VALUES:
            operands.append(data[start:position])
            continue
        operator = token[_OPERATOR]
        if operator == b"BI":
            begin = _IMAGE_DATA.search(data, position)
            end = _IMAGE_END.search(data, begin.end() - 1) if begin else None
            position = end.end() if end else len(data)
            operator = b"EI"
        yield operator, operands, first, position
        operands, first = [], -1


def _end_of_string(data: bytes, position: int) -> int:
    depth = 1
    for found in _STRING_PART.finditer(data, position):
        if found.group() == b"(":
            depth += 1
        elif found.group() == b")":
            depth -= 1
            if depth == 0:
                return found.end()
    return len(data)


def _name(operand: bytes) -> str:
    if not operand.startswith(b"/"):
        return ""
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes((int(found[1], 16),)), operand).decode("latin-1")
