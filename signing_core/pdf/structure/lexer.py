"""From bytes to values (7.2, 7.3). Every quantifier that could backtrack is possessive: time is linear in the input."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from signing_core.pdf.structure.values import HexString, Numbers, Ref, Value

WHITE_SPACE: Final = b"\0\t\n\f\r "
_WS: Final = rb"[\0\t\n\f\r ]"
_REGULAR: Final = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_SKIP: Final = rb"(?>" + _WS + rb"++|%[^\r\n]*+)*+"

SKIP: Final = re.compile(_SKIP)
"""White space and comments."""

_GAP: Final = rb"(?>" + _WS + rb"++|%[^\r\n]*+)++"
"""Between the parts of a reference; comments are white space, too (7.2.4)."""

_END: Final = rb"(?!" + _REGULAR + rb")"
_LINK: Final = rb"(\d{1,20}+)" + _GAP + rb"(\d{1,5}+)" + _GAP + rb"R" + _END

_TOKEN: Final = re.compile(
    _SKIP
    + rb"(?:"
    + rb"/(" + _REGULAR + rb"*+)"  # 1: name, mostly a key; read together with what mostly follows:
    + rb"(?:" + _SKIP + rb"(?:/(" + _REGULAR + rb"*+)|" + _LINK + rb"|([+-]?\d++)" + _END + rb"|(<<)))?+"  # 2, 3 4, 5, 6
    + rb"|" + _LINK  # 7, 8: reference
    + rb"|([+-]?\d++)" + _END  # 9: integer
    + rb"|(<<)|(>>)"  # 10 11
    + rb"|\[((?>" + _WS + rb"*+[+-]?+\d{1,19}+(?:\.\d{1,19}+)?+(?=[\0\t\n\f\r \]]))++" + _WS + rb"*+)\]"  # 12: array of numbers
    + rb"|\[((?>" + _WS + rb"*+\d{1,20}+" + _WS + rb"++\d{1,5}+" + _WS + rb"++R(?=[\0\t\n\f\r \]]))++" + _WS + rb"*+)\]"  # 13: of references
    + rb"|(\[)|(\])"  # 14 15
    + rb"|\(([^()\\\r]*+)\)"  # 16: literal string without escapes or brackets
    + rb"|(\()"  # 17: any other literal string
    + rb"|<([^<>]*+)>"  # 18: hex string
    + rb"|(" + _REGULAR + rb"++)"  # 19: real, keyword
    + rb")"
)  # fmt: skip
_NAME, _NAMES, _NAME_REFERENCE, _NAME_INTEGER, _NAME_DICT = 1, 2, 4, 5, 6
_REFERENCE, _INTEGER, _DICT, _DICT_END, _NUMBERS, _REFERENCES, _ARRAY, _ARRAY_END = 8, 9, 10, 11, 12, 13, 14, 15
_PLAIN_STRING, _STRING, _HEX, _WORD = 16, 17, 18, 19

_NUMBER: Final = re.compile(rb"[+-]*+(?:\d++(?:\.\d*+)?+|\.\d++)\Z")
_HASH: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_STRING_SPECIAL: Final = re.compile(rb"[()\\\r]")
_NOT_HEX: Final = re.compile(rb"[^0-9A-Fa-f]")
_ESCAPES: Final = {0x6E: b"\n", 0x72: b"\r", 0x74: b"\t", 0x62: b"\b", 0x66: b"\f"}
_LONG_HEX: Final = 64
_NUL_TO_SPACE: Final = bytes.maketrans(b"\0", b" ")
_ONLY_STR: Final = frozenset((str,))
_KEYWORDS: Final[dict[bytes, Value]] = {b"true": True, b"false": False, b"null": None}


class Malformed(Exception):
    """There is no object there. Never leaves the structure package."""


def parse_value(data: bytes, position: int, *, depth: int = 100, doubled: list[str] | None = None) -> tuple[Value, int]:
    """The direct object at `position` and the position behind it. Raises `Malformed`.

    Keys that a dictionary has twice are added to `doubled`; the last value counts.
    """
    match = _TOKEN.match
    # One frame per open bracket: (kind, items) around the open one. No recursion, so nesting cannot exhaust the stack.
    stack: list[tuple[bool, list[Value] | None]] = []
    items: list[Value] | None = None
    is_dict = False
    while True:
        token = match(data, position)
        if token is None or (kind := token.lastindex) is None:
            raise Malformed(f"no object at byte {position}")
        position = token.end()
        value: Value
        if kind <= _NAME_DICT:
            value = _name(token[_NAME])
            if items is None:
                return value, token.end(_NAME)
            if kind != _NAME:
                items.append(value)
                if kind == _NAMES:
                    value = _name(token[_NAMES])
                elif kind == _NAME_REFERENCE:
                    value = _reference(token[3], token[4])
                elif kind == _NAME_INTEGER:
                    value = _integer(token[_NAME_INTEGER])
                elif len(stack) >= depth:
                    raise Malformed(f"nested deeper than {depth} at byte {position}")
                else:
                    stack.append((is_dict, items))
                    is_dict, items = True, []
                    continue
        elif kind in (_DICT_END, _ARRAY_END):
            if items is None or is_dict != (kind == _DICT_END):
                raise Malformed(f"unbalanced brackets at byte {position}")
            value = _dictionary(items, doubled) if is_dict else items
            is_dict, items = stack.pop()
        elif kind in (_DICT, _ARRAY):
            if len(stack) >= depth:
                raise Malformed(f"nested deeper than {depth} at byte {position}")
            stack.append((is_dict, items))
            is_dict, items = kind == _DICT, []
            continue
        elif kind == _REFERENCE:
            value = _reference(token[7], token[8])
        elif kind == _INTEGER:
            value = _integer(token[_INTEGER])
        elif kind in (_NUMBERS, _REFERENCES):
            if len(stack) >= depth:
                raise Malformed(f"nested deeper than {depth} at byte {position}")
            value = _numbers(token[_NUMBERS]) if kind == _NUMBERS else _references(token[_REFERENCES])
        elif kind == _PLAIN_STRING:
            value = token[_PLAIN_STRING]
        elif kind == _STRING:
            value, position = _literal(data, position)
        elif kind == _HEX:
            value = _hex(token[_HEX], token.start(_HEX) - 1, position)
        else:
            word = token[_WORD]
            if word in _KEYWORDS:
                value = _KEYWORDS[word]
            elif _NUMBER.match(word):
                value = _real(word)
            elif stack and word not in (b"endobj", b"obj", b"stream", b"endstream", b"xref", b"trailer", b"startxref"):
                value = None  # a stray word inside a container reads as null, as viewers do
            else:
                raise Malformed(f"no object at byte {token.start(_WORD)}")
        if items is None:
            return value, position
        items.append(value)


def _dictionary(items: list[Value], doubled: list[str] | None) -> dict[str, Value]:
    keys = items[::2]
    if len(items) % 2 == 0 and _ONLY_STR.issuperset(map(type, keys)):
        plain: dict[str, Value] = dict(zip(keys, items[1::2], strict=True))
        if len(plain) == len(keys):
            return plain
    result: dict[str, Value] = {}
    index, count = 0, len(items)
    while index < count:
        key = items[index]
        if not isinstance(key, str):
            index += 1  # no key: skip it, as viewers do
            continue
        if index + 1 < count:
            if doubled is not None and key in result:
                doubled.append(key)
            result[key] = items[index + 1]
        index += 2
    return result


@lru_cache(maxsize=4096)  # the same few hundred names make up most of every file
def _name(raw: bytes) -> str:
    if b"#" in raw:
        raw = _HASH.sub(lambda found: bytes((int(found[1], 16),)), raw)
    return raw.decode("latin-1")


@lru_cache(maxsize=4096)
def _reference(number: bytes, generation: bytes) -> Ref:
    return Ref(int(number), int(generation))


def _integer(raw: bytes) -> int:
    return int(raw) if len(raw) <= 20 else 0


def _references(raw: bytes) -> list[Value]:
    words = raw.translate(_NUL_TO_SPACE).split()
    return list(map(_reference, words[::3], words[1::3]))


def _numbers(raw: bytes) -> Numbers:
    words = raw.translate(_NUL_TO_SPACE).decode("ascii").split()
    return Numbers([float(word) if "." in word else int(word) for word in words] if b"." in raw else map(int, words))


def _real(raw: bytes) -> float | int:
    raw = raw[:64]
    sign = -1 if raw.startswith(b"-") else 1
    body = raw.lstrip(b"+-")
    return sign * float(body) if b"." in body else sign * int(body[:20])


def _hex(raw: bytes, start: int, end: int) -> bytes:
    clean = b"\x0b" not in raw  # white space for Python, and for nobody else
    try:
        value = bytes.fromhex(raw.decode("ascii"))
    except ValueError:
        digits = _NOT_HEX.sub(b"", raw)
        clean = len(digits) == len(raw.translate(None, WHITE_SPACE))
        value = bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode("ascii"))
    if len(raw) < _LONG_HEX and clean:
        return value
    placed = HexString(value)
    placed.start, placed.end, placed.clean = start, end, clean
    return placed


def _literal(data: bytes, position: int) -> tuple[bytes, int]:
    """The rest of a literal string whose opening bracket is just before `position` (7.3.4.2)."""
    parts: list[bytes] = []
    level = 1
    search = _STRING_SPECIAL.search
    start = position
    while True:
        found = search(data, position)
        if found is None:
            raise Malformed(f"string at byte {start} never ends")
        at = found.start()
        byte = data[at]
        if byte == 0x28:
            level += 1
            position = at + 1
        elif byte == 0x29:
            level -= 1
            position = at + 1
            if not level:
                parts.append(data[start:at])
                return (parts[0] if len(parts) == 1 else b"".join(parts)), position
        elif byte == 0x0D:
            parts.append(data[start:at] + b"\n")
            position = start = at + 2 if data[at + 1 : at + 2] == b"\n" else at + 1
        else:
            parts.append(data[start:at])
            piece, position = _escape(data, at + 1)
            parts.append(piece)
            start = position


def _escape(data: bytes, at: int) -> tuple[bytes, int]:
    following = data[at : at + 3]
    if not following:
        return b"", at
    first = following[0]
    if first in _ESCAPES:
        return _ESCAPES[first], at + 1
    if 0x30 <= first <= 0x37:
        length = 1
        while length < len(following) and 0x30 <= following[length] <= 0x37:
            length += 1
        return bytes((int(following[:length], 8) & 0xFF,)), at + length
    if first == 0x0D:
        return b"", at + (2 if following[1:2] == b"\n" else 1)
    if first == 0x0A:
        return b"", at + 1
    return bytes((first,)), at + 1
