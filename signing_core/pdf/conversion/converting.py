"""The parent's side: what each file is by its first bytes, and the limited process that opens it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from signing_core import limited, picture_files
from signing_core.errors import DocumentRefused, UsageError
from signing_core.limited import Allowance
from signing_core.pdf.conversion import page_file, texts
from signing_core.pdf.conversion.made_from import MadeFrom, Original
from signing_core.pdf.conversion.page_file import Paper
from signing_core.pdf.source import MAX_PAGES

_WORK: Final = "signing_core.pdf.conversion"
_PICTURES: Final = ("JPEG", "PNG", "TIFF", "WEBP", "HEIC")
_PDF_WINDOW: Final = 1024
_PICTURE_SECONDS: Final = 6.0
_TEXT_SECONDS: Final = 10.0
"""Of processor time, of which two make a profile and read LibreOffice in."""
_SECONDS_A_MEGABYTE: Final = 4.0
_FILES: Final = 256 << 20
"""Bytes of each file that LibreOffice may write."""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Converted:
    pdf: bytes
    made_from: MadeFrom | None
    """None for a PDF, which is what it was."""


def kind(data: bytes) -> str | None:
    """`pdf`, `text` for what may be a word processor's, a kind of picture, or None."""
    if data.startswith((texts.ZIP, texts.COMPOUND, texts.RTF)):
        return "text"
    found = picture_files.kind(data)
    return "pdf" if found not in _PICTURES and b"%PDF-" in data[:_PDF_WINDOW] else found


def to_pdf(files: Sequence[File], *, paper: Paper, form: bool = False) -> Converted:
    """One document of all the files: a PDF or a text alone, or pictures, which become its pages in the order given.

    A file of which nothing is known comes back as it is, for `intake` to say so. With `form`, controls of a text become form fields.
    Raises `DocumentRefused`, `UsageError` for files that do not go together.
    """
    kinds = [kind(file.data) for file in files]
    for file, found in zip(files, kinds, strict=True):
        if found in (None, "pdf", "text"):
            if len(files) > 1:
                raise UsageError(
                    f"{file.name} is no picture; only pictures become the pages of one document together. Give it alone, or join "
                    "the files to one PDF first."
                )
        elif found not in _PICTURES:
            what = "film" if "film" in str(found) else f"{found} picture"
            raise DocumentRefused(
                f"{file.name} is a {what}; take a JPEG, PNG, HEIC, TIFF or WebP picture.", code="format"
            )
    if kinds[0] == "text":
        return _of_text(files[0], form=form)
    return _of_pictures(files, kinds, paper) if kinds[0] in _PICTURES else Converted(files[0].data, None)


def _of_pictures(files: Sequence[File], kinds: Sequence[str | None], paper: Paper) -> Converted:
    pages: list[page_file.Picture] = []
    for file, of in zip(files, kinds, strict=True):
        found = _asked("pictures:pages", file.data, of, file.name, file=file, seconds=_PICTURE_SECONDS)
        pages += [page_file.Picture(**picture) for picture in found]
        if len(pages) > MAX_PAGES:
            raise DocumentRefused(
                f"{file.name} makes more than {MAX_PAGES} pages; split it into several documents.",
                code="too-many-pages",
            )
    originals = (_original(file, str(of).lower()) for file, of in zip(files, kinds, strict=True))
    program = f"Pillow {metadata.version('pillow')}"
    return Converted(page_file.write(pages, paper), MadeFrom(program, tuple(originals)))


def _of_text(file: File, *, form: bool) -> Converted:
    made = _asked("office:to_pdf", file.data, file.name, form, file=file, seconds=_TEXT_SECONDS, files=_FILES)
    program = re.fullmatch(
        r"LibreOffice [\d.]{1,20}", made["program"]
    )  # from a process that the file may have in its hands
    return Converted(
        made["pdf"],
        MadeFrom(program[0] if program else "LibreOffice", (_original(file, made["format"]),), bool(made["linked"])),
    )


def _original(file: File, format: str) -> Original:
    return Original(file.name, format, len(file.data), hashlib.sha256(file.data).hexdigest())


def _asked(work: str, *arguments: Any, file: File, seconds: float, **limits: int) -> Any:
    allowance = Allowance(seconds + _SECONDS_A_MEGABYTE * len(file.data) / 1e6, **limits)
    try:
        return limited.call(f"{_WORK}.{work}", *arguments, allowance=allowance)
    except limited.Exceeded as exceeded:
        raise DocumentRefused(
            f"{file.name} cannot be taken in: making its pages {exceeded.reason}; save it as PDF with the program that made it, and take "
            "that.",
            code="undecided" if exceeded.code == "hung" else "too-costly",
        ) from None
