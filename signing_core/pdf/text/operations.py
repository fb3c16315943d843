"""Content streams (7.8.2), operator by operator, as far as all programs read them alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from signing_core.pdf.structure.lexer import SKIP, Malformed, parse_value
from signing_core.pdf.structure.values import HexString, Value

_OPERATOR: Final = re.compile(rb"[A-Za-z'\"][A-Za-z0-9*'\"]*+(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_NUMBER: Final = re.compile(rb"[+-]?(?:\d++\.?\d*+|\.\d++)(?=[\0\t\n\f\r ()<>\[\]/%]|$)")
_PLAIN_NAME: Final = re.compile(r"[\w.+\-#:,&*]*")
_STRING: Final = re.compile(rb"\((?:[^()\\]|\\.)*+\)", re.DOTALL)
_SIGNS: Final = re.compile(rb"[+-]{2}")
_OPERANDS: Final = frozenset((b"true", b"false", b"null"))


class Unreadable(Exception):
    """What is shown cannot be told; the argument says why in a few words."""


def operations(body: bytes) -> Iterator[tuple[str, list[Value]]]:
    """(operator, operands) of a content stream (7.8.2). Raises `Unreadable` for what is none."""
    position = 0
    operands: list[Value] = []
    while True:
        start = SKIP.match(body, position).end()  # type: ignore[union-attr]
        if start >= len(body):
            return
        operator = _OPERATOR.match(body, start)
        if operator is not None and operator[0] not in _OPERANDS:
            _check_shown(operator[0], operands)
            yield operator[0].decode("ascii"), operands
            operands = []
            position = operator.end()
            continue
        # Programs disagree about a number that runs into an operator, about names with quotes, and about constants here.
        number = _NUMBER.match(body, start)
        if number is None and body[start : start + 1] not in (b"/", b"(", b"<", b"["):
            raise Unreadable("content that programs read differently")
        try:
            value, position = parse_value(body, start, depth=8)
        except Malformed:
            raise Unreadable("damaged content") from None
        if (isinstance(value, str) and not _PLAIN_NAME.fullmatch(value)) or not _is_clean(value):
            raise Unreadable("content that programs read differently")
        if isinstance(value, list) and _SIGNS.search(_STRING.sub(b"", body[start:position])) is not None:
            raise Unreadable("content that programs read differently")
        operands.append(value)
        if len(operands) > 100:
            raise Unreadable("damaged content")


def _is_clean(value: Value) -> bool:
    """Whether hex strings have only hex digits: some programs leave out what is none, others read it as 0."""
    if isinstance(value, HexString):
        return value.clean
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_is_clean(item) for item in inner)


def _check_shown(operator: bytes, operands: list[Value]) -> None:
    """Some programs show the text of a name, too (9.4.3 has strings)."""
    if operator in (b"Tj", b"'", b'"') and not (operands and isinstance(operands[-1], bytes)):
        raise Unreadable("text that is no string")
    if operator == b"TJ":
        items = operands[-1] if operands else None
        if not isinstance(items, list) or not all(isinstance(item, bytes | int | float) for item in items):
            raise Unreadable("text that is no string")
