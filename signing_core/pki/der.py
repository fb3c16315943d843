"""Reading ASN.1 in BER and DER (ITU-T X.690) by position, for the few structures that every signature has.

CMS in PDF files is written by many hands: padded with zeros, in indefinite length, with attributes out of order. This
reader keeps the bytes as they are, so that what is hashed is what was signed, and costs microseconds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

SEQUENCE: Final = 0x30
SET: Final = 0x31
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
_CONSTRUCTED: Final = 0x20
_MAX_DEPTH: Final = 40


class DerError(ValueError):
    """Not readable as BER. Never leaves `signing_core.verification`."""


class Node(NamedTuple):
    """One element of `data`: header at `start`, content from `body` to `stop`, the next element from `end`."""

    data: bytes
    tag: int
    start: int
    body: int
    stop: int
    end: int

    @property
    def content(self) -> bytes:
        return self.data[self.body : self.stop]

    @property
    def encoded(self) -> bytes:
        """Header and content as they stand in the file."""
        return self.data[self.start : self.end]


def read(data: bytes, at: int = 0, end: int | None = None, *, depth: int = 0) -> Node:
    """The element at `at`. Raises `DerError`."""
    end = len(data) if end is None else end
    if at + 2 > end:
        raise DerError("an element is cut off")
    tag = data[at]
    if tag & 0x1F == 0x1F:
        raise DerError("a tag number above 30 where none is expected")
    length = data[at + 1]
    body = at + 2
    if length < 0x80:
        stop = body + length
    elif length == 0x80:
        if not tag & _CONSTRUCTED or depth > _MAX_DEPTH:
            raise DerError("an indefinite length where none is possible")
        position = body
        while data[position : position + 2] != b"\x00\x00":
            position = read(data, position, end, depth=depth + 1).end
        return Node(data, tag, at, body, position, position + 2)
    else:
        count = length & 0x7F
        if count > 8 or body + count > end:
            raise DerError("a length that cannot be")
        stop = body + count + int.from_bytes(data[body : body + count], "big")
        body += count
    if stop > end:
        raise DerError("an element reaches past what holds it")
    return Node(data, tag, at, body, stop, stop)


def children(node: Node) -> list[Node]:
    """The elements inside. Raises `DerError`."""
    result = []
    position, data, stop = node.body, node.data, node.stop
    while position < stop:
        child = read(data, position, stop)
        result.append(child)
        position = child.end
    return result


def expect(node: Node, tag: int, what: str) -> Node:
    """`node`, which has to have this tag. Raises `DerError` naming `what`."""
    if node.tag != tag:
        raise DerError(f"{what} is missing or of the wrong type")
    return node


def members(node: Node, tag: int, what: str) -> list[Node]:
    """The elements of a SEQUENCE or SET. Raises `DerError`."""
    return children(expect(node, tag, what))


def pair(node: Node, what: str) -> tuple[Node, Node]:
    """The first two elements of a SEQUENCE. Raises `DerError`."""
    found = members(node, SEQUENCE, what)
    if len(found) < 2:
        raise DerError(f"{what} is cut off")
    return found[0], found[1]


def first(node: Node, what: str) -> Node:
    """The first element of a SEQUENCE. Raises `DerError`."""
    found = members(node, SEQUENCE, what)
    if not found:
        raise DerError(f"{what} is empty")
    return found[0]


def oid(node: Node) -> str:
    """An object identifier in dotted form. Raises `DerError`."""
    expect(node, OID, "an object identifier")
    return _dotted(node.content)


_KNOWN_OIDS: dict[bytes, str] = {}


def _dotted(content: bytes) -> str:
    known = _KNOWN_OIDS.get(content)
    if known is not None:
        return known
    if not content or len(content) > 64:
        raise DerError("an object identifier that cannot be")
    arcs: list[int] = []
    value = 0
    for index, byte in enumerate(content):
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            if not arcs:
                first = min(value // 40, 2)
                arcs += [first, value - 40 * first]
            else:
                arcs.append(value)
            value = 0
        elif index == len(content) - 1:
            raise DerError("an object identifier that is cut off")
    text = ".".join(map(str, arcs))
    if len(_KNOWN_OIDS) < 4096:
        _KNOWN_OIDS[content] = text
    return text


def integer(node: Node) -> int:
    """Raises `DerError`."""
    if node.tag not in (INTEGER, ENUMERATED):
        raise DerError("a number is missing")
    return int.from_bytes(node.content, "big", signed=True)


def octets(node: Node, *, tag: int = OCTET_STRING) -> bytes:
    """An OCTET STRING, also one in pieces (X.690, 8.7.3). Raises `DerError`."""
    if node.tag == tag:
        return node.content
    if node.tag == tag | _CONSTRUCTED:
        return b"".join(octets(piece) for piece in children(node))
    raise DerError("an octet string is missing")


def bits(node: Node) -> bytes:
    """A BIT STRING of whole octets. Raises `DerError`."""
    expect(node, BIT_STRING, "a bit string")
    if node.stop <= node.body or node.data[node.body] != 0:
        raise DerError("a bit string that is not of whole octets")
    return node.data[node.body + 1 : node.stop]


def time(node: Node) -> datetime:
    """UTCTime or GeneralizedTime (RFC 5280, 4.1.2.5; RFC 3161 allows fractions). Raises `DerError`."""
    text = node.content.decode("ascii", "replace")
    try:
        if node.tag == UTC_TIME:
            year = int(text[:2])
            text = f"{2000 + year if year < 50 else 1900 + year}{text[2:]}"
        elif node.tag != GENERALIZED_TIME:
            raise DerError("a time is missing")
        if not text.endswith("Z"):
            # Offsets are forbidden by both profiles and written all the same.
            base, sign, offset = text[:-5], text[-5], text[-4:]
            if sign not in "+-":
                raise ValueError
            return datetime.fromisoformat(f"{_iso(base)}{sign}{offset[:2]}:{offset[2:]}").astimezone(UTC)
        return datetime.fromisoformat(f"{_iso(text[:-1])}+00:00")
    except (ValueError, IndexError, OverflowError) as error:
        raise DerError("a time that cannot be") from error


def _iso(text: str) -> str:
    whole, _, fraction = text.partition(".")
    if len(whole) == 12:
        whole += "00"
    if len(whole) != 14 or not whole.isdigit():
        raise ValueError
    moment = f"{whole[:4]}-{whole[4:6]}-{whole[6:8]}T{whole[8:10]}:{whole[10:12]}:{whole[12:14]}"
    return f"{moment}.{(fraction + '000000')[:6]}" if fraction else moment


def encode(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content
