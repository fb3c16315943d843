"""Who refers to an object, in any state of the file.

`ScannedMentions` takes one pass over the file at the speed of a text search and parses nothing; `ParsedMentions` parses every
object once, for files in which a reference may be written so that the search misses it. Each is the other's test.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

from signing_core.pdf.structure.access import Location
from signing_core.pdf.structure.values import COMPOUND, Ref, Stream, Value

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from signing_core.pdf.structure.document import FileStructure

_BLANKS: Final = b"\0\t\n\f\r "
_R, _ZERO, _SPACE = b"R0 "
_NEAR, _WINDOW = 14, 40
_SMALL: Final = 250_000
"""Bytes up to which a plain search takes less than loading what does it faster."""
_END: Final = re.compile(rb"R(?<=[\0\t\n\f\r ]R)")
_REFERENCE: Final = re.compile(rb"(\d{1,40})[\0\t\n\f\r ]++\d{1,5}[\0\t\n\f\r ]*+$")
_GAP: Final = rb"(?>[\0\t\n\f\r ]++|%[^\r\n]*+[\r\n])++"
_HIDDEN: Final = re.compile(rb"\d" + _GAP + rb"\d++" + _GAP + rb"$")
_COMMENT_WINDOW: Final = 1000


class Mentions(Protocol):
    """Answers who mentions an object. May answer too much (what reads like a reference in binary data), never too little."""

    def of(self, number: int, revision: int) -> Iterator[int]:
        """Numbers of the objects, alive in `revision`, that mention an object."""


def index(structure: FileStructure) -> Mentions:
    """The quicker index that can be relied on."""
    scanned = ScannedMentions(structure)
    return ParsedMentions(structure) if scanned.doubtful else scanned


def of_file(structure: FileStructure) -> Mentions:
    """The same, made once for a file."""
    if ("mentions",) not in structure.analysed:
        structure.analysed["mentions",] = index(structure)
    known: Mentions = structure.analysed["mentions",]
    return known


def references(value: Value) -> Iterator[int]:
    """Numbers of all objects that a value refers to."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Ref):
            yield item.number
        else:
            inner = item.dict if isinstance(item, Stream) else item
            parts = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
            stack.extend([part for part in parts if type(part) in COMPOUND])


class ParsedMentions:
    """Mentions of every object, from parsing every object of every revision."""

    def __init__(self, structure: FileStructure) -> None:
        self._structure = structure
        self._holders: dict[int, set[tuple[int, Location]]] = {}
        for revision, update in enumerate(structure.updates, 1):
            for number in update.entries:
                location = structure.location(number, revision)
                if location is None:
                    continue
                value = structure.value(number, revision)
                for target in references(value):
                    self._holders.setdefault(target, set()).add((number, location))

    def of(self, number: int, revision: int) -> Iterator[int]:
        for holder, location in self._holders.get(number, ()):
            if self._structure.location(holder, revision) == location:
                yield holder


class ScannedMentions:
    """Mentions found by searching the bytes of the file, and of its object streams, for what reads `number generation R`.

    `doubtful` is set when a reference may be written so that the search misses its number (with comments between its
    parts, say): then nothing can be concluded from what is not found.
    """

    def __init__(self, structure: FileStructure) -> None:
        self._structure = structure
        self.doubtful = False
        self._known: dict[int, set[tuple[int, Location]]] = {}
        self._plain = _Hits(self, structure.data)
        self._streams = []
        for number, revision, place in structure.object_stream_places:
            content = structure.object_stream(number, revision)
            if content is not None:  # otherwise nobody can read anything out of it
                self._streams.append((place, content, _Hits(self, content.body)))

    def of(self, number: int, revision: int) -> Iterator[int]:
        if number not in self._known:
            self._known[number] = self._where(number)
        for holder, location in self._known[number]:
            if self._structure.location(holder, revision) == location:
                yield holder

    def _where(self, number: int) -> set[tuple[int, Location]]:
        structure, places = self._structure, self._structure.places
        where: set[tuple[int, Location]] = set()
        for at in self._plain.of(number):
            index = bisect_right(places, at) - 1
            if index >= 0:
                where.update((owner, places[index]) for owner in structure.listed_at(places[index]))
        for place, content, hits in self._streams:
            starts, items = content.order
            for at in hits.of(number):
                index = bisect_right(starts, at) - 1
                if index >= 0:
                    where.add((content.numbers[items[index]], (place, items[index])))
        return where

    def unusual(self, data: bytes, at: int) -> None:
        """An `R` that no plain reference precedes: in binary data, in a word, or behind a comment."""
        window = data[max(0, at - _COMMENT_WINDOW) : at]
        before = window.rstrip(_BLANKS)
        gap = window[len(before) :]
        if before[-1:].isdigit() or b"\n" in gap or b"\r" in gap or not before:
            line = before[max(before.rfind(b"\n"), before.rfind(b"\r")) + 1 :]
            if b"%" in line or before[-1:].isdigit() or not before or len(line) == len(window):
                self.doubtful |= len(line) >= _COMMENT_WINDOW - 20 or _HIDDEN.search(window) is not None


class _Hits:
    """Positions of the references in some bytes, by the number that they refer to."""

    def __init__(self, owner: ScannedMentions, data: bytes) -> None:
        self._usual: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None
        small = len(data) <= _SMALL
        ends = [match.start() for match in _END.finditer(data, 5)] if small else self._read_usual(data)
        self._odd: dict[int, list[int]] = {}
        for end in ends:
            low = max(0, end - _NEAR)
            match = _REFERENCE.search(data, low, end)
            if match is None or match.start() == low:
                low = max(0, end - _WINDOW)
                match = _REFERENCE.search(data, low, end)
            if match is None:
                owner.unusual(data, end)
            elif match.start() == low > 0:
                owner.doubtful = True
            else:
                self._odd.setdefault(int(match[1]), []).append(end)

    def _read_usual(self, data: bytes) -> list[int]:
        """Take in all that are written `number 0 R`, by numbers and positions in order; returns where others end."""
        import numpy as np

        codes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(codes == _R)
        ends = ends[ends >= 5]
        blank = np.zeros(256, bool)
        blank[list(_BLANKS)] = True
        ends = ends[blank[codes[ends - 1]]]
        # Nearly all are written ` 0 R`: their numbers are read for all of them at once, digit by digit from the right.
        usual = (codes[ends - 1] == _SPACE) & (codes[ends - 2] == _ZERO) & (codes[ends - 3] == _SPACE)
        usual &= ends >= _WINDOW
        plain = ends[usual]
        value = np.zeros(len(plain), np.int64)
        digits = np.zeros(len(plain), np.uint8)
        more = np.ones(len(plain), bool)
        for step in range(10):
            digit = codes[plain - 4 - step] - _ZERO  # unsigned: what is below `0` becomes large
            more &= digit <= 9
            if not more.any():
                break
            value += (digit * more).astype(np.int64) * 10**step
            digits += more
        read = (digits > 0) & (digits < 10)
        order = np.argsort(value[read])
        self._usual = value[read][order], plain[read][order]
        return [*ends[~usual].tolist(), *plain[~read].tolist()]

    def of(self, number: int) -> Iterator[int]:
        if self._usual is not None:
            numbers, positions = self._usual
            low, high = numbers.searchsorted((number, number + 1))
            yield from positions[low:high].tolist()
        yield from self._odd.get(number, ())
