"""Bytes that no revision accounts for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure import grammar
from signing_core.pdf.structure.model import SectionKind, Span
from signing_core.pdf.structure.objects import HEAD

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_BLANK: Final = re.compile(rb"(?>[\0\t\n\f\r ]++|%[^\r\n]*+)*+")
_OBJECT_LIKE: Final = re.compile(rb"\d[\0\t\n\f\r ]++obj|startxref|trailer")


def unexplained(structure: FileStructure, first: int) -> tuple[Span, ...]:
    """Spans behind revision `first`, from one gap between what is listed to the next."""
    data = structure.data
    found: list[Span] = []
    for index in range(first + 1, len(structure.updates) + 1):
        update = structure.updates[index - 1]
        if update.kind is SectionKind.RECONSTRUCTED or update.end <= update.start:
            continue
        explained = [span for section in update.sections for span in section.spans]
        for number, entry in update.entries.items():
            if entry.stream or not update.start <= entry.place < update.end:
                continue
            located = structure.object_at(entry.place, number, index)
            if located is not None:
                explained.append((located.start, located.end))
        tail = max((section.end for section in update.sections), default=update.start)
        explained.append((max(tail, _closing_start(data, tail, update.end)), update.end))
        found += _gaps(data, update.start, update.end, sorted(set(explained)))
        found += _inside(structure, update.start, update.end, {low for low, _ in explained})
    last = structure.updates[-1]
    end = max(last.end, structure.updates[first - 1].end if first <= len(structure.updates) else 0)
    if not _is_blank(data, end, len(data)):
        found.append(Span(end, len(data), "bytes after the last revision"))
    for span in structure.unlinked:
        if span.start >= structure.updates[min(first, len(structure.updates)) - 1].end and span not in found:
            found.append(span)
    return tuple(found)


def _inside(structure: FileStructure, start: int, end: int, known: set[int]) -> list[Span]:
    """Objects hidden inside streams or strings: nothing to a strict reader, found by one that repairs the file."""
    data = structure.data
    heads = {match.end() for offset in known if (match := HEAD.match(data, offset)) is not None}
    return [
        Span(at, at + 3, "something that reads as the beginning of an object inside of another one")
        for at in grammar.seems_object(data, start, end, heads, structure.budget.check)
    ]


def _closing_start(data: bytes, tail: int, end: int) -> int:
    at = data.rfind(b"startxref", tail, end)
    return at if at >= 0 else end


def _gaps(data: bytes, start: int, end: int, explained: list[tuple[int, int]]) -> list[Span]:
    found = []
    position = start
    for low, high in explained:
        if low > position and not _is_blank(data, position, low):
            found.append(Span(position, low, "bytes that no cross-reference section lists"))
        if low < position:
            found.append(Span(low, min(high, position), "objects that overlap"))
        position = max(position, high)
    if position < end and not _is_blank(data, position, end):
        found.append(Span(position, end, "bytes that no cross-reference section lists"))
    return found


def _is_blank(data: bytes, start: int, end: int) -> bool:
    """Only white space and comments, and nothing in the comments that a repairing viewer would take for an object."""
    gap = data[start:end]
    matched = _BLANK.match(gap)
    if matched is None or matched.end() != len(gap):
        # `endobj` left over behind an object that was found closed before is harmless.
        rest = gap.replace(b"endobj", b"").replace(b"endstream", b"")
        matched = _BLANK.match(rest)
        if matched is None or matched.end() != len(rest):
            return False
    return _OBJECT_LIKE.search(gap) is None
