"""`n g obj ... endobj` at an offset (7.3.10), and streams (7.3.8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from signing_core.pdf.structure import filters
from signing_core.pdf.structure.lexer import SKIP, Malformed, parse_value
from signing_core.pdf.structure.values import IndirectObject, Ref, Stream, Value, integer

_HEADER: Final = re.compile(
    rb"[\0\t\n\f\r ]*+(\d{1,10})[\0\t\n\f\r ]++(\d{1,5})[\0\t\n\f\r ]*+obj(?![A-Za-z0-9])" + SKIP.pattern
)
HEAD: Final = re.compile(rb"\d{1,10}[\0\t\n\f\r ]++\d{1,5}[\0\t\n\f\r ]*+obj")
_STREAM: Final = re.compile(rb"stream(\r\n|\n|\r)?")
_END_STREAM: Final = re.compile(rb"[\0\t\n\f\r ]*+endstream")
_ANY_END: Final = re.compile(rb"endstream|endobj")
_EXPECTED_BEFORE: Final = re.compile(rb"(\d{1,10})[\0\t\n\f\r ]++(\d{1,5})[\0\t\n\f\r ]++obj(?![A-Za-z0-9])")

Resolve = Callable[[Value], Value]


def read_object(data: bytes, offset: int, *, depth: int, resolve: Resolve | None = None) -> IndirectObject:
    """The indirect object at `offset`. Raises `Malformed`.

    `resolve` gives the value of an indirect /Length; without it, or when /Length is wrong, the stream ends at the first
    `endstream`.
    """
    # An offset may be any number, also one that is too large to be looked for.
    header = _HEADER.match(data, offset) if 0 <= offset < len(data) else None
    if header is None:
        raise Malformed(f"no `obj` at byte {offset}")
    number, generation = int(header[1]), int(header[2])
    start = header.start(1)
    position = header.end()
    if data.startswith(b"endobj", position):  # an empty object is null
        return IndirectObject(number, generation, None, start, position + 6, True)
    doubled: list[str] = []
    value, position = parse_value(data, position, depth=depth, doubled=doubled)
    after = SKIP.match(data, position).end()  # type: ignore[union-attr]
    agrees = True
    if isinstance(value, dict) and (opening := _STREAM.match(data, after)):
        begin = opening.end()
        end, position, agrees = _stream_end(data, begin, value.get("Length"), resolve)
        value = Stream(value, begin, end, number, generation)
        after = SKIP.match(data, position).end()  # type: ignore[union-attr]
    closed = data.startswith(b"endobj", after)
    return IndirectObject(
        number, generation, value, start, after + 6 if closed else position, closed, agrees, bool(doubled)
    )


def _stream_end(data: bytes, begin: int, length: Value, resolve: Resolve | None) -> tuple[int, int, bool]:
    """(end of the encoded bytes, position behind `endstream`, whether /Length was right)."""
    if isinstance(length, Ref):
        length = resolve(length) if resolve else None
    size = integer(length)
    if size is not None and 0 <= size <= len(data) - begin:
        closing = _END_STREAM.match(data, begin + size)
        if closing is not None:
            return begin + size, closing.end(), True
    closing = _ANY_END.search(data, begin)
    if closing is None:
        return len(data), len(data), False
    end = closing.start()
    if data[end - 2 : end] == b"\r\n":
        end -= 2
    elif data[end - 1 : end] in (b"\n", b"\r"):
        end -= 1
    return max(begin, end), closing.end() if closing[0] == b"endstream" else closing.start(), False


def filters_of(stream: dict[str, Value], resolve: Resolve) -> tuple[list[str], list[dict[str, Value]]]:
    """Names of the filters and their parameters, in order. Raises `Undecodable` when they are no names."""
    names = resolve(stream.get("Filter", stream.get("F") if isinstance(stream.get("F"), str | list) else None))
    given = resolve(stream.get("DecodeParms", stream.get("DP")))
    listed = [] if names is None else [resolve(n) for n in names] if isinstance(names, list) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise filters.Undecodable("filters are not names")
    parameters = [resolve(p) for p in given] if isinstance(given, list) else [given]
    return listed, [{key: resolve(item) for key, item in p.items()} if isinstance(p, dict) else {} for p in parameters]


def object_starts(data: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """(offset, number, generation) of everything between `start` and `end` that looks like the start of an object."""
    found = []
    position = start
    # `obj` is searched as a literal: that runs at the speed of memory, a pattern that starts with digits does not.
    while (at := data.find(b"obj", position, end)) != -1:
        position = at + 3
        if data[at - 3 : at] == b"end":
            continue
        low = max(start, at - 40)
        window = data[low : at + 4]
        for match in _EXPECTED_BEFORE.finditer(window):
            if match.end() == at + 3 - low:
                found.append((low + match.start(), int(match[1]), int(match[2])))
    return found
