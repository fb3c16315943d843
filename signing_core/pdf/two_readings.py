"""Whether two parsers read the same pages in a source: pypdf, from which documents are prepared, and our own (`pdf.structure`).

A parser that believes an older revision, or finds another object under a number, loses content without a word. Held against each
other are the pages in their order and the content streams of each, byte for byte; what fonts and pictures look like is for
`likeness` to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pypdf.generic import ArrayObject, StreamObject

from signing_core.pdf.revisions import FileStructure, parse
from signing_core.pdf.source import Page, Source
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.values import Stream, Value

_WHITE_SPACE = b"\0\t\n\f\r "


def different(source: Source) -> int | None:
    """The first page, counted from 1, that the parsers read differently; None when there is none."""
    structure = parse(source.data, password="")
    newest = len(structure.revisions)
    if not structure.readable:
        return 1
    ours = [page for _, page in pages.walk(structure, newest)]
    theirs = list(_once_each(source))
    for number, (own, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if _by_structure(structure, own, newest) != _by_pypdf(source, other):
            return number
    return None if len(ours) == len(theirs) else min(len(ours), len(theirs)) + 1


def _once_each(source: Source) -> Iterator[Page]:
    """The pages, without those that were listed before: our parser leaves them out."""
    seen: set[int] = set()
    for page in source.pages:
        number = page.reference.idnum if page.reference is not None else None
        if number is None or number not in seen:
            yield page
        if number is not None:
            seen.add(number)


def _by_structure(structure: FileStructure, page: dict[str, Value], newest: int) -> list[bytes]:
    value = structure.resolve(page.get("Contents"), newest)
    streams = [structure.resolve(item, newest) for item in (value if isinstance(value, list) else [value])]
    found = [structure.encoded(one, newest) for one in streams if isinstance(one, Stream)]
    return [(one or b"").strip(_WHITE_SPACE) for one in found]


def _by_pypdf(source: Source, page: Page) -> list[bytes]:
    value: Any = source.get(page.dictionary, "/Contents")
    items = list.__iter__(value) if isinstance(value, ArrayObject) else iter([value])
    streams = [source.resolve(item) for item in items]
    return [bytes(one._data).strip(_WHITE_SPACE) for one in streams if isinstance(one, StreamObject)]
