"""Seeded ways to damage or forge a PDF: the same number always gives the same file.

Three kinds: damage to any bytes; changes that know PDF (numbers, names, references, whole objects, cross-reference
entries); and incremental updates behind the file, which leave every signature value right and so reach the change analysis.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final

_OBJECT: Final = re.compile(rb"(?<![0-9])(\d{1,7}) (\d{1,5}) obj\b(.{0,20000}?)\bendobj", re.DOTALL)
_NUMBER: Final = re.compile(rb"(?<![A-Za-z0-9.#])-?\d+(?:\.\d+)?(?![A-Za-z0-9])")
_NAME: Final = re.compile(rb"/[A-Za-z][A-Za-z0-9]*")
_REFERENCE: Final = re.compile(rb"\b\d{1,7} \d{1,5} R\b")
_START: Final = re.compile(rb"startxref\s+(\d{1,19})")
_ROOT: Final = re.compile(rb"/Root\s*(\d+ \d+ R)")
_CONTENTS: Final = re.compile(rb"/Contents\s*<([0-9A-Fa-f]{64,})")

_NUMBERS: Final = (
    b"0",
    b"-1",
    b"1",
    b"2",
    b"7",
    b"65535",
    b"65536",
    b"2147483648",
    b"9223372036854775808",
    b"9" * 40,
    b"0.5",
    b"-0",
)
_TOKENS: Final = (
    b"obj", b"endobj", b"stream\n", b"endstream", b"<<", b">>", b"[", b"]", b"(", b")", b"<", b">", b" R ", b"%", b"\x00", b"null",
    b"xref\n0 1\n", b"trailer\n<< >>\n", b"startxref\n0\n%%EOF\n", b"/Prev 0", b"/Prev 15", b"/XRefStm 15", b"/Encrypt << >>",
    b"[" * 300, b"<<" * 300, b"(" * 300, b"%PDF-1.4\n", b"#00", b"\\377", b"9" * 400, b"true", b"-", b".",
)  # fmt: skip
_NAMES: Final = (
    b"/Type", b"/Kids", b"/Parent", b"/Fields", b"/Annots", b"/V", b"/AP", b"/N", b"/FT", b"/Sig", b"/Tx", b"/T", b"/Contents",
    b"/ByteRange", b"/Filter", b"/FlateDecode", b"/DecodeParms", b"/Length", b"/W", b"/Index", b"/Size", b"/Root", b"/Encrypt",
    b"/AcroForm", b"/Perms", b"/DocMDP", b"/FieldMDP", b"/Lock", b"/DSS", b"/VRI", b"/XFA", b"/Extends", b"/ObjStm", b"/XRef",
    b"/Resources", b"/Font", b"/XObject", b"/MediaBox", b"/Rotate", b"/OCProperties", b"/OpenAction", b"/AA", b"/Names", b"/DR",
    b"/Reference", b"/TransformParams", b"/SubFilter", b"/Count", b"/Pages", b"/StructTreeRoot", b"/Metadata", b"/MK", b"/F",
    b"/Rect", b"/Subtype", b"/Widget", b"/Popup", b"/FreeText", b"/Stamp", b"/PieceInfo", b"/Collection", b"/NeedAppearances",
)  # fmt: skip


def mutated(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """`data` changed in one to twenty places."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 5, 20))):
        change = chance.choices(_WAYS, _WEIGHTS)[0]
        data = change(data, others, chance)[: 4 * 1024 * 1024] or b"%PDF-1.7\n"
    return data


# -- any bytes --------------------------------------------------------------------------------------------------------


def _byte(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.choice((1, 10, 100, 1000)) :]


def _end(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data) + 1)]


def _again(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    begin, at = chance.randrange(len(data)), chance.randrange(len(data))
    piece = data[begin : begin + chance.choice((5, 50, 500, 5000))]
    return data[:at] + piece + data[at:]


def _token(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at, token = chance.randrange(len(data)), chance.choice(_TOKENS)
    return data[:at] + token + data[at + (len(token) if chance.random() < 0.5 else 0) :]


def _graft(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """The end of another file behind this one."""
    other = chance.choice(others)
    ends = [match.end() for match in re.finditer(rb"%%EOF\r?\n?", other)]
    begin = chance.choice(ends) if ends else 0
    return data + other[begin if begin < len(other) else len(other) // 2 :]


# -- what PDF is made of ------------------------------------------------------------------------------------------------


def _swapped(data: bytes, pattern: re.Pattern[bytes], chance: random.Random, new: Callable[[bytes], bytes]) -> bytes:
    start = chance.randrange(len(data))
    found = pattern.search(data, start) or pattern.search(data)
    if found is None:
        return data
    replacement = new(found.group())
    if chance.random() < 0.6 and len(replacement) < len(found.group()):
        replacement = replacement.rjust(len(found.group()))
    return data[: found.start()] + replacement + data[found.end() :]


def _number(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    def new(old: bytes) -> bytes:
        if chance.random() < 0.5:
            return chance.choice(_NUMBERS)
        near = int(float(old)) if len(old) < 12 else 0
        return b"%0*d" % (len(old) if old[:1] == b"0" else 1, max(0, near + chance.choice((-2, -1, 1, 2, 20, -20))))

    return _swapped(data, _NUMBER, chance, new)


def _name(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return _swapped(data, _NAME, chance, lambda _: chance.choice(_NAMES))


def _reference(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    known = _REFERENCE.findall(data) or [b"1 0 R"]
    return _swapped(data, _REFERENCE, chance, lambda _: chance.choice(known))


def _value(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """One byte inside of a signature value, so that its structure is damaged but its hexadecimal digits are not."""
    found = list(_CONTENTS.finditer(data))
    if not found:
        return data
    begin, end = chance.choice(found).span(1)
    used = len(data[begin:end].rstrip(b"0"))
    at = begin + 2 * chance.randrange(max(1, min(used, end - begin - 2) // 2))
    value = chance.choice((chance.randrange(256), 0x00, 0x30, 0x31, 0x80, 0x84, 0xA0, 0xFF))
    return data[:at] + b"%02x" % value + data[at + 2 :]


def _object(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """The body of one object in the place of another's."""
    found = list(_OBJECT.finditer(data))
    if len(found) < 2:
        return data
    one, other = chance.choice(found), chance.choice(found)
    return data[: one.start(3)] + other.group(3) + data[one.end(3) :]


# -- an update behind everything ---------------------------------------------------------------------------------------


def _update(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    bodies = {int(number): body for number, _, body in _OBJECT.findall(data)}
    starts = [int(value) for value in _START.findall(data)]
    roots = _ROOT.findall(data)
    if not bodies or not starts or not roots:
        return data
    numbers = list(bodies)
    new = max(numbers) + chance.choice((1, 1, 5))
    changed: dict[int, bytes] = {}
    for _ in range(chance.choice((1, 1, 2, 4))):
        number = chance.choice(numbers) if chance.random() < 0.8 else new
        body = bodies[chance.choice(numbers)] if chance.random() < 0.25 else bodies.get(number, b"<< /Type /Annot >>")
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            change = chance.choice((_number, _name, _reference, _token, _entry, _drawn))
            body = change(body or b"null", others, chance)
        changed[number] = body
    out = bytearray(data if data.endswith(b"\n") else data + b"\n")
    places = {}
    for number, body in changed.items():
        places[number] = len(out)
        out += b"%d 0 obj" % number + body + b"endobj\n"
    if chance.random() < 0.1:
        places[chance.choice(numbers)] = chance.choice((0, 15, len(data) // 2, len(out)))
    start = len(out)
    root = chance.choice(roots) if chance.random() < 0.9 else chance.choice(_REFERENCE.findall(data))
    previous = starts[-1] if chance.random() < 0.9 else chance.choice([*starts, 0])
    entries = b" /Size %d /Root %s /Prev %d" % (max(new, *places) + 2, root, previous)
    if chance.random() < 0.3:
        rows = b"".join(b"\x01" + place.to_bytes(4, "big") + b"\x00" for _, place in sorted(places.items()))
        index = b" ".join(b"%d 1" % number for number in sorted(places))
        rows = zlib.compress(rows)
        out += b"%d 0 obj\n<< /Type /XRef /W [1 4 1] /Index [%s] /Filter /FlateDecode /Length %d%s >>\nstream\n%s\nendstream\nendobj\n" % (
            max(new, *places) + 1, index, len(rows), entries, rows)  # fmt: skip
    else:
        out += b"xref\n"
        for number, place in sorted(places.items()):
            state = b"f" if chance.random() < 0.05 else b"n"
            out += b"%d 1\n%010d 00000 %s \n" % (number, place, state)
        out += b"trailer\n<<%s >>\n" % entries
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def _entry(body: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """One more entry in a dictionary."""
    at = body.find(b"<<")
    if at < 0:
        return body
    value = chance.choice((
        b" 1 ", b" true ", b" null ", b" (changed) ", b" [] ", b" << >> ", b"%d 0 R" % chance.randrange(1, 30), b" [0 0 600 900] ",
        b" [1 0 R 2 0 R] ", b"/Changed ", b" << /S /JavaScript /JS (1) >> ", b" << /N 4 0 R >> ",
    ))  # fmt: skip
    return body[: at + 2] + chance.choice(_NAMES) + value + body[at + 2 :]


def _drawn(body: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A stream that draws something else, or decodes to much, or not at all."""
    if b"stream" not in body:
        return body
    begin = body.index(b"stream")
    head = re.sub(rb"/(?:Length|Filter|DecodeParms)\s*(?:/\w+|\[[^\]]*\]|\d+(?: \d+ R)?|<<.*?>>)", b"", body[:begin])
    content = chance.choice((
        b"1 g 0 0 600 900 re f", b"BT /F1 12 Tf 60 700 Td (Another text) Tj ET", b"q Q", b"/Im Do", b"BI /W 9 /H 9 ID x EI", b"0" * 200_000,
    ))  # fmt: skip
    kind = b""
    if chance.random() < 0.4:
        content, kind = zlib.compress(content), b" /Filter /FlateDecode"
        if chance.random() < 0.3:
            content, kind = zlib.compress(content), b" /Filter [/FlateDecode /FlateDecode]"
        if chance.random() < 0.2:
            kind += b" /DecodeParms << /Predictor %d /Columns %d >>" % (
                chance.randrange(20),
                chance.choice((0, 1, 9, 10**9)),
            )
    at = head.rfind(b">>")
    return head[:at] + b"/Length %d%s >>\nstream\n" % (len(content), kind) + content + b"\nendstream\n"


_WAYS: Final = (_byte, _cut, _end, _again, _token, _graft, _number, _name, _reference, _value, _object, _update)
_WEIGHTS: Final = (4, 2, 1, 3, 4, 1, 6, 5, 5, 5, 3, 12)
