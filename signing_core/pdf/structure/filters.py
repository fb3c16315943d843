"""Decoding of stream filters (7.4), each bounded in what it may produce."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from itertools import accumulate
from typing import Final

from signing_core.pdf.structure.lexer import WHITE_SPACE
from signing_core.pdf.structure.values import Value, integer

ENCODING: Final = frozenset({"Length", "Filter", "DecodeParms", "DL"})
"""Entries of a stream that say how it is written, not what (Table 5)."""


class Undecodable(Exception):
    """The filter is unknown, the data is damaged or larger than allowed. Never leaves the structure package."""


def decode(raw: bytes, filters: list[str], parameters: list[dict[str, Value]], *, limit: int) -> bytes:
    """Undo `filters` in order. Raises `Undecodable`, also when the result would pass `limit` bytes."""
    if len(filters) > 8:
        raise Undecodable("more than eight filters")
    for index, name in enumerate(filters):
        if name == "Crypt":
            continue
        undo = _FILTERS.get(name)
        if undo is None:
            raise Undecodable(f"filter {name} is not decoded")
        raw = undo(raw, limit)
        if len(raw) > limit:
            raise Undecodable(f"decodes to more than {limit} bytes")
        given = parameters[index] if index < len(parameters) else {}
        predictor = integer(given.get("Predictor")) or 1
        if predictor > 1 and name in ("FlateDecode", "Fl", "LZWDecode", "LZW"):
            raw = _unpredict(raw, predictor, given)
    return raw


def decodes_alike(raw: bytes, names: list[str], *, limit: int) -> bool:
    """Whether every program undoes `names` alike: Flate, ASCII85 and ASCIIHex, each written as the standard has it, to its end.

    Programs leave out, stop at or read as 0 what does not belong there, each in its own way, and go on.
    """
    if len(names) > 2:
        return False
    body: bytes | None = raw
    for name in names:
        read = _STRICTLY.get(name)
        body = read(body, limit) if read is not None and body is not None else None
    return body is not None


def picture_decodes_alike(raw: bytes, names: list[str], parameters: list[dict[str, Value]], *, limit: int) -> bool:
    """The same for the data of an image, which may have predictors, or be JPEG or fax in the end."""
    if names and names[-1] in ("DCTDecode", "CCITTFaxDecode"):
        names, parameters = names[:-1], parameters[: len(names) - 1]
    usual = all(
        given.keys() <= {"Predictor", "Columns", "Colors", "BitsPerComponent"}
        and all(type(item) is int and 0 < item < 100_000 for item in given.values())
        for given in parameters
    )
    return usual and decodes_alike(raw, names, limit=limit)


def _flate(raw: bytes, limit: int) -> bytes:
    decoder = zlib.decompressobj()
    try:
        result = decoder.decompress(raw, limit + 1)
    except zlib.error as error:
        return _flate_damaged(raw, limit, error)
    if len(result) > limit:
        raise Undecodable(f"decodes to more than {limit} bytes")
    return result


def _flate_damaged(raw: bytes, limit: int, error: zlib.error) -> bytes:
    """What can be had of damaged data: viewers show it as far as it goes, so it has to be looked at as far."""
    decoder = zlib.decompressobj()
    result = bytearray()
    try:
        for start in range(0, len(raw), 256):
            result += decoder.decompress(raw[start : start + 256], limit + 1)
            if len(result) > limit:
                break
    except zlib.error:
        if not result:
            raise Undecodable(f"damaged deflate data: {error}") from None
    return bytes(result)


def _unpredict(raw: bytes, predictor: int, given: dict[str, Value]) -> bytes:
    colors = integer(given.get("Colors")) or 1
    bits = integer(given.get("BitsPerComponent")) or 8
    columns = integer(given.get("Columns")) or 1
    if not (0 < colors <= 32 and bits in (1, 2, 4, 8, 16) and 0 < columns <= 1_000_000):
        raise Undecodable("predictor parameters out of range")
    pixel = max(1, colors * bits // 8)
    width = (colors * bits * columns + 7) // 8
    if predictor == 2:
        if bits != 8:
            raise Undecodable("TIFF predictor for other than 8 bits is not decoded")
        return b"".join(_left(raw[at : at + width], pixel) for at in range(0, len(raw), width))
    row = width + 1
    raw = raw[: len(raw) // row * row] or raw.ljust(row, b"\0")
    kinds = raw[::row]
    # The usual case by far, cross-reference streams among it: every row is "up". Whole columns then add up at C speed.
    if kinds == b"\2" * len(kinds):
        result = bytearray(len(kinds) * width)
        for column in range(width):
            result[column::width] = bytes(n & 255 for n in accumulate(raw[column + 1 :: row]))
        return bytes(result)
    return _png(raw, width, pixel)


def _left(line: bytes, pixel: int) -> bytes:
    result = bytearray(len(line))
    for channel in range(pixel):
        result[channel::pixel] = bytes(n & 255 for n in accumulate(line[channel::pixel]))
    return bytes(result)


def _png(raw: bytes, width: int, pixel: int) -> bytes:
    result: list[bytes] = []
    above = bytes(width)
    for at in range(0, len(raw), width + 1):
        kind = raw[at]
        line = bytearray(raw[at + 1 : at + 1 + width])
        if kind == 1:
            line = bytearray(_left(bytes(line), pixel))
        elif kind == 2:
            line = bytearray((a + b) & 255 for a, b in zip(line, above, strict=True))
        elif kind in (3, 4):
            for index in range(width):
                left = line[index - pixel] if index >= pixel else 0
                up = above[index]
                if kind == 3:
                    predicted = (left + up) >> 1
                else:
                    corner = above[index - pixel] if index >= pixel else 0
                    estimate = left + up - corner
                    distances = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
                    predicted = (left, up, corner)[distances.index(min(distances))]
                line[index] = (line[index] + predicted) & 255
        above = bytes(line)
        result.append(above)
    return b"".join(result)


def _whole_flate(raw: bytes, limit: int) -> bytes | None:
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(raw, limit)
    except zlib.error:
        return None
    return body if unpacking.eof else None  # what stands behind its end is read by nobody


def _whole_ascii85(raw: bytes, limit: int) -> bytes | None:
    written = raw.translate(None, _APART)
    groups = _A85_GROUP.findall(written[:-2])
    whole = raw.rstrip(_APART).endswith(b"~>") and _A85_WHOLE.fullmatch(written) is not None
    large = any(group != b"z" and group.ljust(5, b"u") > _A85_LARGEST for group in groups)
    return _ascii85(written, limit) if whole and not large else None


def _whole_ascii_hex(raw: bytes, limit: int) -> bytes | None:
    written = raw.translate(None, _APART)
    return bytes.fromhex(written[:-1].decode("ascii")) if _HEX_WHOLE.fullmatch(written) is not None else None


_APART: Final = b"\t\n\r "
"""What all programs leave out between digits."""
_HEX_WHOLE: Final = re.compile(rb"(?:[0-9A-Fa-f]{2})*+>")
_A85_WHOLE: Final = re.compile(rb"(?:z|[!-u]{5})*+(?:[!-u]{2,4})?+~>")
_A85_LARGEST: Final = b"s8W-!"
"""2^32 - 1."""
_STRICTLY: Final[dict[str, Callable[[bytes, int], bytes | None]]] = {
    "FlateDecode": _whole_flate,
    "ASCII85Decode": _whole_ascii85,
    "ASCIIHexDecode": _whole_ascii_hex,
}

_A85_GROUP: Final = re.compile(rb"[!-u]{1,5}|z")


def _ascii85(raw: bytes, limit: int) -> bytes:
    body = raw.translate(None, WHITE_SPACE).split(b"~", 1)[0]
    result = bytearray()
    for group in _A85_GROUP.findall(body):
        if group == b"z":
            result += b"\0\0\0\0"
            continue
        number = 0
        for byte in group.ljust(5, b"u"):
            number = number * 85 + byte - 33
        result += (number & 0xFFFFFFFF).to_bytes(4, "big")[: len(group) - 1]
        if len(result) > limit:
            break
    return bytes(result)


def _ascii_hex(raw: bytes, limit: int) -> bytes:
    digits = re.sub(rb"[^0-9A-Fa-f]", b"", raw.split(b">", 1)[0])
    return bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode("ascii"))


def _run_length(raw: bytes, limit: int) -> bytes:
    result = bytearray()
    at = 0
    while at < len(raw) and raw[at] != 128 and len(result) <= limit:
        length = raw[at]
        if length < 128:
            result += raw[at + 1 : at + 2 + length]
            at += 2 + length
        else:
            result += raw[at + 1 : at + 2] * (257 - length)
            at += 2
    return bytes(result)


def _lzw(raw: bytes, limit: int) -> bytes:
    table: list[bytes] = [bytes((n,)) for n in range(256)] + [b"", b""]
    result = bytearray()
    width, previous, buffer, held = 9, b"", 0, 0
    for byte in raw:
        buffer = (buffer << 8) | byte
        held += 8
        if held < width:
            continue
        held -= width
        code = buffer >> held
        buffer &= (1 << held) - 1
        if code == 256:
            del table[258:]
            width, previous = 9, b""
            continue
        if code == 257 or code > len(table):
            break
        entry = table[code] if code < len(table) else previous + previous[:1]
        result += entry
        if len(result) > limit:
            break
        if previous and len(table) < 4096:
            table.append(previous + entry[:1])
        previous = entry
        size = len(table) + 1
        width = 12 if size > 2047 else 11 if size > 1023 else 10 if size > 511 else 9
    return bytes(result)


_FILTERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "FlateDecode": _flate, "Fl": _flate,
    "LZWDecode": _lzw, "LZW": _lzw,
    "ASCII85Decode": _ascii85, "A85": _ascii85,
    "ASCIIHexDecode": _ascii_hex, "AHx": _ascii_hex,
    "RunLengthDecode": _run_length, "RL": _run_length,
}  # fmt: skip
