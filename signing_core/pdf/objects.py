"""Writing PDF objects: one clean revision of everything that is reachable from a catalog.

Objects may come from several files and be mixed with new ones. They are renumbered in the order in which they are found,
so that the same input makes the same bytes, and nothing comes along that the catalog does not lead to: no earlier
revisions, no orphans. Streams are copied as they are encoded.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    ByteStringObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from signing_core.pdf.geometry import Box


class NewObjects:
    """Holds new indirect objects until the file is written; the `pdf` of their references."""

    def __init__(self) -> None:
        self._objects: list[Any] = []

    def add(self, value: Any) -> IndirectObject:
        self._objects.append(value)
        return IndirectObject(len(self._objects), 0, self)

    def get_object(self, reference: IndirectObject) -> Any:
        return self._objects[reference.idnum - 1]


def name(text: str) -> NameObject:
    return NameObject(text)


def number(value: float) -> NumberObject | FloatObject:
    """As short as it can be said with four digits after the point: a 7,200th of a millimetre is enough for any page."""
    rounded = round(float(value), 4)
    return NumberObject(int(rounded)) if rounded == int(rounded) else FloatObject(f"{rounded:.4f}".rstrip("0"))


def numbers(values: Iterable[float]) -> bytes:
    """Numbers as operands of a content stream."""
    return b" ".join(repr(number(value)).encode("ascii") for value in values)


def string(value: str) -> TextStringObject:
    """A text string (ISO 32000-2, 7.9.2.2)."""
    return TextStringObject(value)


def date(moment: datetime | None) -> TextStringObject | None:
    """A date in UTC (ISO 32000-2, 7.9.4)."""
    return None if moment is None else string(moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ"))


def array(*values: Any) -> ArrayObject:
    return ArrayObject(values)


def box(value: Box) -> ArrayObject:
    return ArrayObject([number(edge) for edge in (value.x0, value.y0, value.x1, value.y1)])


def dictionary(entries: Mapping[str, Any]) -> DictionaryObject:
    """Keys as names; values that are None are left out."""
    return DictionaryObject({NameObject(key): value for key, value in entries.items() if value is not None})


def stream(entries: Mapping[str, Any], content: bytes, *, compress: bool = True) -> StreamObject:
    """A stream object; compressed with the Flate filter unless that is not wanted or not worth it."""
    result = StreamObject()
    result.update(dictionary(entries))
    if compress and len(content) > 64:
        result[NameObject("/Filter")] = NameObject("/FlateDecode")
        content = zlib.compress(content)
    result._data = content
    return result


def write(
    *,
    version: str,
    root: IndirectObject,
    info: IndirectObject | None,
    identifier: bytes,
    resolve: Callable[[IndirectObject], Any],
    look: Callable[[DictionaryObject], None] | None = None,
) -> bytes:
    """The file as one revision with a classic cross-reference table (ISO 32000-2, 7.5.4).

    `version` is `1.7` or `2.0`; `identifier` becomes both halves of /ID; `resolve` gives the object a reference points
    to, None for one that does not exist; `look` is given every dictionary and stream that is written.
    """
    return _Writing(resolve, look).file(version, root, info, identifier)


_LITERAL: Final = bytes(byte for byte in range(32, 127) if byte not in b"()\\")


class _Writing:
    def __init__(
        self, resolve: Callable[[IndirectObject], Any], look: Callable[[DictionaryObject], None] | None
    ) -> None:
        self._resolve = resolve
        self._look = look
        self._numbers: dict[tuple[int, int, int], int] = {}
        self._queue: list[IndirectObject] = []
        self._names: dict[str, bytes] = {}

    def file(self, version: str, root: IndirectObject, info: IndirectObject | None, identifier: bytes) -> bytes:
        out = bytearray(f"%PDF-{version}\n%\xe2\xe3\xcf\xd3\n".encode("latin-1"))
        trailer = dictionary(
            {
                "/Root": root,
                "/Info": info,
                "/ID": array(ByteStringObject(identifier), ByteStringObject(identifier)),
            }
        )
        parts: list[bytes] = []
        self._put(trailer, parts)
        offsets: list[int] = []
        for reference in self._queue:  # grows while objects are written
            offsets.append(len(out))
            out += b"%d 0 obj\n" % len(offsets)
            body: list[bytes] = []
            self._put(self._resolve(reference), body)
            out += b"".join(body)
            out += b"\nendobj\n"
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
        out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        size = b"/Size %d " % (len(offsets) + 1)
        out += b"trailer\n<<" + size + b"".join(parts)[2:] + b"\nstartxref\n%d\n%%%%EOF\n" % start
        return bytes(out)

    def _put(self, value: Any, out: list[bytes]) -> None:
        if isinstance(value, NameObject):
            out.append(self._name(value))
        elif isinstance(value, IndirectObject):
            out.append(b"%d 0 R" % self._number(value))
        elif isinstance(value, StreamObject):
            self._put_dictionary(value, out, length=len(value._data))
            out += (b"\nstream\n", value._data, b"\nendstream")
        elif isinstance(value, DictionaryObject):
            self._put_dictionary(value, out)
        elif isinstance(value, ArrayObject):
            out.append(b"[")
            for index, item in enumerate(list.__iter__(value)):
                if index:
                    out.append(b" ")
                self._put(item, out)
            out.append(b"]")
        elif isinstance(value, TextStringObject | ByteStringObject):
            out.append(_string(value.original_bytes))
        elif isinstance(value, BooleanObject):
            out.append(b"true" if value.value else b"false")
        elif isinstance(value, NumberObject | FloatObject):
            out.append(repr(value).encode("ascii"))
        elif value is None or isinstance(value, NullObject):
            out.append(b"null")
        else:
            raise TypeError(f"no PDF object: {type(value).__name__}")

    def _put_dictionary(self, value: DictionaryObject, out: list[bytes], *, length: int | None = None) -> None:
        if self._look is not None:
            self._look(value)
        out.append(b"<<")
        if length is not None:
            out.append(b"/Length %d" % length)
        for key, item in dict.items(value):
            if length is not None and key == "/Length":
                continue
            out.append(self._name(key))
            out.append(b" ")
            self._put(item, out)
        out.append(b">>")

    def _name(self, value: NameObject) -> bytes:
        known = self._names.get(value)
        if known is None:
            known = self._names[value] = _name(value)
        return known

    def _number(self, reference: IndirectObject) -> int:
        key = (id(reference.pdf), reference.idnum, reference.generation)
        known = self._numbers.get(key)
        if known is None:
            self._queue.append(reference)
            known = self._numbers[key] = len(self._queue)
        return known


_REGULAR: Final = frozenset(range(33, 127)) - frozenset(b"#()<>[]{}/%")


def _name(value: str) -> bytes:
    """A name with what is not a regular character written as #xx (ISO 32000-2, 7.3.5)."""
    try:
        content = value[1:].encode("latin-1")
    except UnicodeEncodeError:
        content = value[1:].encode("utf-8")
    return b"/" + b"".join(bytes((byte,)) if byte in _REGULAR else b"#%02X" % byte for byte in content)


def _string(content: bytes) -> bytes:
    if not content.strip(_LITERAL):
        return b"(" + content + b")"
    return b"<" + content.hex().encode("ascii") + b">"
