"""The text that an appearance stream shows, as far as its fonts tell (9.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.values import Stream, Value

_SHOW: Final = re.compile(
    rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+[-+.\d]+[\0\t\n\f\r ]+Tf"  # 1: font
    rb"|(?=[(\[<])"  # a string, array or dictionary to be read
    rb"|(?<![^\0\t\n\f\r ()<>\[\]{}/%])(Do|BI|sh|[cvy]|[1-7][\0\t\n\f\r ]+Tr)(?![^\0\t\n\f\r ()<>\[\]{}/%])"
    # 2: something drawn that is no text, curves that could be anything, text that is not to be seen
)
_MAPPING: Final = re.compile(
    rb"<([0-9A-Fa-f\s]+)>\s*<([0-9A-Fa-f\s]+)>(?:\s*(?:<([0-9A-Fa-f\s]+)>|\[([^\]]{0,4000}+)\]))?"
)
_BLOCK: Final = re.compile(rb"begin(bfchar|bfrange)")
_MAX_DEPTH: Final = 4
_GLYPHS: Final = {
    "space": " ", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "period": ".", "comma": ",", "hyphen": "-", "adieresis": "ä", "odieresis": "ö",
    "udieresis": "ü", "Adieresis": "Ä", "Odieresis": "Ö", "Udieresis": "Ü", "germandbls": "ß", "Euro": "€",
}  # fmt: skip


class Unreadable(Exception):
    """A font whose codes cannot be read as text, or something drawn that is no text."""


def shown_text(structure: FileStructure, stream: Stream, revision: int, *, depth: int = 0) -> str:
    """Everything the stream shows, in the order it does. Raises `Unreadable`."""
    body = structure.decoded(stream, revision)
    if body is None or len(body) > 500_000 or depth > _MAX_DEPTH:
        raise Unreadable
    resources = structure.resolve(stream.dict.get("Resources"), revision)
    fonts = structure.resolve(resources.get("Font"), revision) if isinstance(resources, dict) else None
    parts: list[str] = []
    font: Value = None
    position = 0
    while (found := _SHOW.search(body, position)) is not None:
        position = max(found.end(), position + 1)
        if found[2]:
            raise Unreadable
        if found[1]:
            name = found[1].decode("latin-1")
            font = structure.resolve(fonts.get(name), revision) if isinstance(fonts, dict) else None
            continue
        try:
            value, position = parse_value(body, found.start())
        except Malformed:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, bytes) and item:
                parts.append(_decoded(structure, font, item, revision))
    return "".join(parts)


def _decoded(structure: FileStructure, font: Value, codes: bytes, revision: int) -> str:
    if not isinstance(font, dict):
        return codes.decode("cp1252", "replace")  # a font of the form's default resources, in its usual encoding
    to_unicode = structure.resolve(font.get("ToUnicode"), revision)
    if isinstance(to_unicode, Stream):
        wide = font.get("Subtype") == "Type0"
        return _by_map(structure.decoded(to_unicode, revision) or b"", codes, 2 if wide else 1)
    if font.get("Subtype") not in ("Type1", "TrueType", "MMType1"):
        raise Unreadable
    encoding = structure.resolve(font.get("Encoding"), revision)
    if isinstance(encoding, dict):
        differences = structure.resolve(encoding.get("Differences"), revision)
        return _by_differences(differences if isinstance(differences, list) else [], codes)
    if encoding == "MacRomanEncoding":
        return codes.decode("mac-roman")
    return codes.decode("cp1252", "replace")


def _by_differences(differences: list[Value], codes: bytes) -> str:
    table: dict[int, str] = {}
    code = 0
    for item in differences:
        if isinstance(item, int):
            code = item
        elif isinstance(item, str):
            table[code] = item
            code += 1
    text = []
    for byte in codes:
        name = table.get(byte)
        if name is None:
            text.append(bytes((byte,)).decode("cp1252", "replace"))
        elif len(name) == 1:
            text.append(name)
        elif name in _GLYPHS:
            text.append(_GLYPHS[name])
        elif re.fullmatch(r"uni[0-9A-F]{4}", name):
            text.append(chr(int(name[3:], 16)))
        elif bytes((byte,)).decode("cp1252", "replace").isalnum() and byte < 128:
            raise Unreadable  # a letter or digit made to stand for something else
        else:
            text.append(bytes((byte,)).decode("cp1252", "replace"))
    return "".join(text)


def _by_map(body: bytes, codes: bytes, width: int) -> str:
    table: dict[int, str] = {}
    for kind, block in _blocks(body):
        for first, second, third, listed in _MAPPING.findall(block):
            low = int(first, 16) if first.strip() else 0
            if kind == b"bfchar":
                table[low] = _utf16(second)
                if third:
                    raise Unreadable
                continue
            high = int(second, 16)
            if high - low > 65_535:
                raise Unreadable
            if listed:
                for step, item in enumerate(re.findall(rb"<([0-9A-Fa-f\s]+)>", listed)):
                    table[low + step] = _utf16(item)
            elif third:
                start = _utf16(third)
                for step in range(high - low + 1):
                    table[low + step] = start[:-1] + chr(min(ord(start[-1]) + step, 0x10FFFF)) if start else ""
    text = []
    for at in range(0, len(codes), width):
        code = int.from_bytes(codes[at : at + width], "big")
        if code not in table:
            raise Unreadable
        text.append(table[code])
    return "".join(text)


def _blocks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, content) of the blocks of a character map."""
    position = 0
    while (start := _BLOCK.search(body, position)) is not None:
        end = body.find(b"end" + start[1], start.end())
        if end < 0:
            return
        yield start[1], body[start.end() : end]
        position = end


def _utf16(digits: bytes) -> str:
    cleaned = b"".join(digits.split())
    try:
        return bytes.fromhex(cleaned.decode("ascii")).decode("utf-16-be", "replace")
    except ValueError:
        return ""
