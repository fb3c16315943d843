"""Which kind of office document a file is: by what is in it, and refused where it is none that is taken.

A ZIP is unpacked whole before anything else sees it, so that what it says of itself is true and its size known.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final, NoReturn

from signing_core.errors import DocumentRefused

ZIP: Final = b"PK\x03\x04"
COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
RTF: Final = b"{\\rtf"
MOST_UNPACKED: Final = 256_000_000
_MOST_PARTS: Final = 20_000
_CHUNK: Final = 1 << 20
_ENTRY: Final = 128
"""Bytes of a directory entry of a compound file ([MS-CFB] 2.6.1)."""
_ENCRYPTED: Final = 0x0100
"""fEncrypted of a Word document's FIB ([MS-DOC] 2.5.2)."""
_PRINT: Final = "print what is to be signed to a PDF and take that"
_WORKBOOK, _SLIDES = "a spreadsheet", "a presentation"
_PARTS: Final = {"xl/workbook.xml": _WORKBOOK, "xl/workbook.bin": _WORKBOOK, "ppt/presentation.xml": _SLIDES}
_STREAMS: Final = {"Workbook": _WORKBOOK, "Book": _WORKBOOK, "PowerPoint Document": _SLIDES}
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."
_OPEN_KINDS: Final = {
    "spreadsheet": _WORKBOOK,
    "presentation": _SLIDES,
    "graphics": "a drawing",
    "formula": "a formula",
}
_LINKS: Final = {
    "docx": re.compile(
        rb"""<Relationship\b(?=[^>]*\bTargetMode=["']External["'])(?=[^>]*\bType=["'][^"']*/(image|oleObject|subDocument|aFChunk|frame|video|audio)["'])"""
    ),
    "odt": re.compile(
        rb"""<(draw:image|draw:object|draw:object-ole|draw:plugin|text:section-source)\b[^>]*\bxlink:href=["'](\.\./|/|[a-zA-Z][a-zA-Z0-9+.-]*:)"""
    ),
    "rtf": re.compile(rb"\\fldinst\b[^}]{0,200}(INCLUDEPICTURE|INCLUDETEXT|LINK)\b", re.IGNORECASE),
}  # fmt: skip


def format_of(data: bytes, name: str) -> str:
    """`docx`, `odt`, `doc` or `rtf`. Raises `DocumentRefused`."""
    if data.startswith(RTF):
        return "rtf"
    compound = data.startswith(COMPOUND)
    format, what = _compound(data, name) if compound else _package(data, name)
    if format is None:
        _refuse(name, f"is {what}", "format")
    return format


def links(data: bytes, format: str) -> bool:
    """Whether a text shows something that is not in it (a picture, an object or a part of another text), as far as its format says
    so plainly: DOCX (ISO/IEC 29500-2, 9.3), ODT (OpenDocument 1.3-3, 19.916), RTF fields. Only after `format_of`."""
    if format in ("docx", "odt"):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = [n for n in package.namelist() if n.endswith(".rels") or n in ("content.xml", "styles.xml")]
            return any(_LINKS[format].search(package.read(name)) for name in names)
    return bool(_LINKS["rtf"].search(data))


def _package(data: bytes, name: str) -> tuple[str | None, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _unpack(package, name)
            parts = set(package.namelist())
            kind = package.read("mimetype").decode("ascii", "replace") if "mimetype" in parts else ""
            manifest = package.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in parts else b""
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, UnicodeError, ValueError):
        _refuse(
            name, "is cut off or damaged; get the file again or save it again with the program that made it", "damaged"
        )
    except RuntimeError:  # that a part is encrypted is told with no other kind
        _password(name)
    if "word/document.xml" in parts:
        return "docx", ""
    if kind.startswith(_OPEN_DOCUMENT):
        if b"encryption-data" in manifest:
            _password(name)
        family = kind.removeprefix(_OPEN_DOCUMENT).removesuffix("-template").strip()
        return ("odt", "") if family == "text" else (None, f"{_OPEN_KINDS.get(family, 'no text')}; {_PRINT}")
    found = next((what for part, what in _PARTS.items() if part in parts), None)
    if found is not None:
        return None, f"{found}; {_PRINT}"
    return None, "a ZIP file and no document; unpack it and take the document that is in it"


def _unpack(package: zipfile.ZipFile, name: str) -> None:
    unpacked, parts = 0, package.infolist()
    for part in parts[:_MOST_PARTS]:
        with package.open(part) as content:
            while chunk := content.read(_CHUNK):
                unpacked += len(chunk)
                if unpacked > MOST_UNPACKED:
                    break
    if unpacked > MOST_UNPACKED or len(parts) > _MOST_PARTS:
        _refuse(
            name,
            f"has more than {MOST_UNPACKED // 1_000_000} MB or {_MOST_PARTS:,} parts when it is unpacked; make its pictures "
            "smaller, or save it as PDF and take that",
            "too-large",
        )


def _compound(data: bytes, name: str) -> tuple[str | None, str]:
    if _stream(data, "EncryptedPackage") is not None:
        _password(name)
    start = _stream(data, "WordDocument")
    if start is not None:
        if int.from_bytes(data[start + 10 : start + 12], "little") & _ENCRYPTED:
            _password(name)
        return "doc", ""
    found = next(
        (what for stream, what in _STREAMS.items() if _stream(data, stream) is not None), "no document of Word"
    )
    return None, f"{found}; {_PRINT}"


def _stream(data: bytes, called: str) -> int | None:
    """Where the stream of that name begins, if there is one."""
    text = called.encode("utf-16-le") + b"\0\0"
    for found in re.finditer(re.escape(text), data):
        entry = data[found.start() : found.start() + _ENTRY]
        if found.start() % _ENTRY == 0 and entry[64] == len(text) and entry[66] == 2:
            sector = 1 << min(data[30], 12)
            return (int.from_bytes(entry[116:120], "little") + 1) * sector
    return None


def _password(name: str) -> NoReturn:
    _refuse(name, "is protected by a password; save a copy without it and take that", "password")


def _refuse(name: str, what: str, code: str) -> NoReturn:
    raise DocumentRefused(f"{name} {what}.", code=code)
