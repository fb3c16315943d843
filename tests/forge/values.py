"""PDF objects as plain Python values, read from and written in the notation of ISO 32000-2:2020, clause 7.3.

dict, list, int, float, bool and None stand for themselves; bytes are strings, `str` is a text string (7.9.2.2).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

Value = Any


class Name(str):
    """A name without its slash."""

    __slots__ = ()


class Raw(bytes):
    """Notation that is written as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ref:
    number: int
    generation: int = 0


@dataclass(slots=True)
class Stream:
    entries: dict[str, Value] = field(default_factory=dict)
    data: bytes = b""
    """As stored: what /Filter says was done to it."""

    def content(self) -> bytes:
        """Decoded where it is deflated without a predictor, else as stored."""
        if self.entries.get("Filter") in (Name("FlateDecode"), [Name("FlateDecode")]):
            try:
                return zlib.decompress(self.data)
            except zlib.error:
                return self.data
        return self.data


def stream(content: bytes, entries: dict[str, Value] | None = None, *, deflate: bool = False) -> Stream:
    entries = dict(entries or {})
    if deflate:
        content = zlib.compress(content)
        entries["Filter"] = Name("FlateDecode")
    return Stream(entries, content)


def copied(value: Value) -> Value:
    """A copy whose containers may be changed."""
    if isinstance(value, dict):
        return {key: copied(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [copied(entry) for entry in value]
    if isinstance(value, Stream):
        return Stream(copied(value.entries), value.data)
    return value


def entries_of(value: Value) -> dict[str, Value] | None:
    """The dictionary that it is or has."""
    if isinstance(value, dict):
        return value
    return value.entries if isinstance(value, Stream) else None


# -- writing --------------------------------------------------------------------------------------------------------------

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.+\-]+\Z")
_ESCAPES: Final = {0x28: b"\\(", 0x29: b"\\)", 0x5C: b"\\\\", 0x0D: b"\\r"}


def written(value: Value) -> bytes:
    """In the notation of a file, without `obj` around it."""
    if value is None:
        return b"null"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, Name):
        return b"/" + (value.encode("latin-1") if _PLAIN.match(value) else _escaped(value))
    if isinstance(value, str):
        return written(text_string(value))
    if isinstance(value, bytes):
        if len(value) > 200 or any(octet < 9 for octet in value):
            return b"<" + value.hex().encode() + b">"
        return b"(" + b"".join(_ESCAPES.get(octet, bytes((octet,))) for octet in value) + b")"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".").encode() or b"0"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, Ref):
        return b"%d %d R" % (value.number, value.generation)
    if isinstance(value, list):
        return b"[" + b" ".join(map(written, value)) + b"]"
    if isinstance(value, dict):
        return b"<<" + b" ".join(written(Name(key)) + b" " + written(entry) for key, entry in value.items()) + b">>"
    entries = {**value.entries, "Length": len(value.data)}
    return written(entries) + b"\nstream\n" + value.data + b"\nendstream"


def text_string(text: str) -> bytes:
    return text.encode("ascii") if text.isascii() else b"\xfe\xff" + text.encode("utf-16-be")


def _escaped(name: str) -> bytes:
    return b"".join(
        letter.encode("latin-1") if _PLAIN.match(letter) else b"#%02X" % octet
        for letter in name
        for octet in letter.encode("latin-1")
    )


# -- reading --------------------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(
    rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]*)*"
    rb"(?P<token><<|>>|\[|\]|\((?:[^()\\]|\\.)*(?:\((?:[^()\\]|\\.)*\)(?:[^()\\]|\\.)*)*\)|<[0-9A-Fa-f\s]*>|/[^\x00-\x20()<>\[\]{}/%]*"
    rb"|[^\x00-\x20()<>\[\]{}/%]+)",
    re.DOTALL,
)
_STRING_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_LETTERS: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"\r\n": b"",
    b"\n": b"",
    b"\r": b"",
}


def read(notation: bytes) -> Value:
    """One object; of a stream `Stream` with everything between the keywords."""
    value, at = _read(notation, 0)
    token = _TOKEN.match(notation, at)
    if isinstance(value, dict) and token and token["token"] == b"stream":
        begin = token.end() + (2 if notation[token.end() : token.end() + 2] == b"\r\n" else 1)
        return Stream(value, notation[begin : notation.rindex(b"\nendstream")])
    return value


def _read(notation: bytes, at: int) -> tuple[Value, int]:
    match = _TOKEN.match(notation, at)
    if match is None:
        raise ValueError(f"no PDF object at {at}: {notation[at : at + 20]!r}")
    token, at = match["token"], match.end()
    if token == b"<<":
        return _read_dictionary(notation, at)
    if token == b"[":
        return _read_array(notation, at)
    if token[:1] == b"/":
        return Name(re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes((int(m[1], 16),)), token[1:]).decode("latin-1")), at
    if token[:1] == b"(":
        return _STRING_ESCAPE.sub(_unescaped, token[1:-1]), at
    if token[:1] == b"<":
        digits = re.sub(rb"\s", b"", token[1:-1])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()), at
    if token in (b"true", b"false", b"null"):
        return {b"true": True, b"false": False, b"null": None}[token], at
    if reference := re.compile(rb"\s+(\d+)\s+R\b").match(notation, at) if token.isdigit() else None:
        return Ref(int(token), int(reference[1])), reference.end()
    return (int(token) if re.fullmatch(rb"[+-]?\d+", token) else float(token)), at


def _read_dictionary(notation: bytes, at: int) -> tuple[dict[str, Value], int]:
    result: dict[str, Value] = {}
    while (match := _TOKEN.match(notation, at)) and match["token"] != b">>":
        key, at = _read(notation, at)
        result[str(key)], at = _read(notation, at)
    if match is None:
        raise ValueError("a dictionary does not end")
    return result, match.end()


def _read_array(notation: bytes, at: int) -> tuple[list[Value], int]:
    result = []
    while (match := _TOKEN.match(notation, at)) and match["token"] != b"]":
        value, at = _read(notation, at)
        result.append(value)
    if match is None:
        raise ValueError("an array does not end")
    return result, match.end()


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1].isdigit():
        return bytes((int(match[1], 8) & 255,))
    return _LETTERS.get(match[1], match[1])
