"""PDF objects as Python values.

====================  ==============================================
null                  `None`
boolean               `bool`
integer, real         `int`, `float`
name                  `str`, without the slash, `#xx` resolved
string                `bytes` (`HexString` when long and written in hex)
array                 `list` (`Numbers` of nothing but numbers)
dictionary            `dict[str, ...]`
stream                `Stream`
indirect reference    `Ref`
====================  ==============================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

# A recursive alias would make every look into a dictionary a cast; what comes out of a file is checked where it is used.
Value: TypeAlias = Any

_PDF_DOC: Final = {
    **dict(enumerate("\u02d8\u02c7\u02c6\u02d9\u02dd\u02db\u02da\u02dc", 0x18)),
    **dict(enumerate("•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž", 0x80)),
    0xA0: "€",
}
"""Where PDFDocEncoding is another than Latin-1 (Annex D.3)."""
_NOT_LATIN_1: Final = re.compile(rb"[\x18-\x1f\x80-\xa0]")
_LANGUAGE: Final = re.compile("\x1b[A-Za-z]{2,3}(?:-?[A-Za-z]{2,3})?\x1b")


class Ref(NamedTuple):
    """`number generation R`."""

    number: int
    generation: int


class Numbers(list[int | float]):
    """An array of nothing but numbers: it leads nowhere, and fonts have long ones."""

    __slots__ = ()


class HexString(bytes):
    """A long string written as `<...>`, with the place where it stands: signatures leave exactly these bytes out."""

    start: int
    end: int
    clean: bool
    """Only hex digits (and white space) between the brackets."""


@dataclass(slots=True, eq=False)
class Stream:
    """A stream: its dictionary, and where its encoded bytes lie in the file."""

    dict: dict[str, Value]
    start: int
    end: int
    number: int
    generation: int


COMPOUND: Final = frozenset({dict, list, Ref, Stream})
"""What can lead on, by exact type."""


@dataclass(slots=True, eq=False)
class IndirectObject:
    """`number generation obj ... endobj` at `start` to `end`."""

    number: int
    generation: int
    value: Value
    start: int
    end: int
    closed: bool
    """Whether `endobj` was there."""
    length_agrees: bool = True
    """Whether a stream's /Length led to `endstream`."""
    ambiguous: bool = False
    """A dictionary in it has a key twice, which readers understand differently (7.3.7)."""


def text(value: Value) -> str | None:
    """A text string (7.9.2.2): UTF-16BE or UTF-8 with byte order mark, else PDFDocEncoding (Annex D.3).

    Language escapes (7.9.2.2) say how to pronounce a text, and are left out.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return None
    if value.startswith(b"\xfe\xff"):
        decoded = value[2:].decode("utf-16-be", "replace")
    elif value.startswith(b"\xff\xfe"):
        decoded = value[2:].decode("utf-16-le", "replace")
    elif value.startswith(b"\xef\xbb\xbf"):
        decoded = value[3:].decode("utf-8", "replace")
    else:
        return pdf_doc(value)
    return _LANGUAGE.sub("", decoded) if "\x1b" in decoded else decoded


def pdf_doc(value: bytes) -> str:
    """Bytes in PDFDocEncoding (Annex D.3). What is undefined there is read as Latin-1."""
    decoded = value.decode("latin-1")
    return decoded.translate(_PDF_DOC) if _NOT_LATIN_1.search(value) else decoded


def integer(value: Value) -> int | None:
    """An integer, also when written as a real without fraction; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None
