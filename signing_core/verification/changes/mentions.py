"""Who refers to an object, in two ways.

`ScannedMentions` takes one pass over the file at the speed of a text search and parses nothing; `ParsedMentions` parses every
object once. Both answer the same question, so one is the other's test.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Set
from typing import Final, Protocol

from signing_core.pdf.structure.access import Location
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Ref, Stream, Value

_BLANKS: Final = b"\0\t\n\f\r "
_R, _ZERO, _SPACE = b"R0 "
_WINDOW: Final = 40
_REFERENCE: Final = re.compile(rb"(\d{1,40})[\0\t\n\f\r ]++\d{1,5}[\0\t\n\f\r ]*+$")
_GAP: Final = rb"(?>[\0\t\n\f\r ]++|%[^\r\n]*+[\r\n])++"
_HIDDEN: Final = re.compile(rb"\d" + _GAP + rb"\d++" + _GAP + rb"$")
_COMMENT_WINDOW: Final = 1000


class Mentions(Protocol):
    """Answers who mentions an object."""

    doubtful: bool
    """Some mention may have been missed."""

    def include(self, number: int) -> None:
        """Get ready to answer for one more number."""

    def of(self, number: int, revision: int) -> Iterator[int]:
        """Numbers of the objects, alive in `revision`, that mention an object."""


class ScannedMentions:
    """Mentions of `numbers`, found by searching the bytes.

    `doubtful` is set when a reference may be written so that the search misses its number (with comments between its
    parts, say): then nothing can be concluded from what is not found.
    """

    def __init__(self, structure: FileStructure, numbers: Set[int]) -> None:
        self.structure = structure
        self.numbers: Set[int] = set()
        self.doubtful = False
        self._found: dict[int, set[tuple[int, Location]]] = {}
        self._scan(numbers)

    def include(self, number: int) -> None:
        """Search for one more number, if it was not searched for."""
        if number not in self.numbers:
            self._scan({number})

    def _scan(self, numbers: Set[int]) -> None:
        structure = self.structure
        self.numbers = self.numbers | numbers
        places = structure.places
        for number, at in self._hits(structure.data, numbers):
            index = bisect_right(places, at) - 1
            if index >= 0:
                place = places[index]
                self._found.setdefault(number, set()).update((owner, place) for owner in structure.listed_at(place))
        for stream_number, revision, place in structure.object_stream_places:
            content = structure.object_stream(stream_number, revision)
            if content is None:
                continue  # nobody can read anything out of it
            starts, items = content.order
            for number, at in self._hits(content.body, numbers):
                index = bisect_right(starts, at) - 1
                if index >= 0:
                    item = items[index]
                    self._found.setdefault(number, set()).add((content.numbers[item], (place, item)))

    def of(self, number: int, revision: int) -> Iterator[int]:
        for holder, location in self._found.get(number, ()):
            if self.structure.location(holder, revision) == location:
                yield holder

    def _hits(self, data: bytes, numbers: Set[int]) -> Iterator[tuple[int, int]]:
        """(number, position) of what reads `number generation R`."""
        import numpy as np

        codes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(codes == _R)
        ends = ends[ends >= 5]
        blank = np.zeros(256, bool)
        blank[list(_BLANKS)] = True
        ends = ends[blank[codes[ends - 1]]]
        # Nearly all are written ` 0 R`: their numbers are read for all of them at once, digit by digit from the right.
        usual = (codes[ends - 1] == _SPACE) & (codes[ends - 2] == _ZERO) & (codes[ends - 3] == _SPACE)
        plain = ends[usual]
        value = np.zeros(len(plain), np.int64)
        digits = np.zeros(len(plain), np.int64)
        more = np.ones(len(plain), bool)
        for step in range(10):
            at = plain - 4 - step
            digit = codes[np.maximum(at, 0)].astype(np.int64) - _ZERO
            more &= (at >= 0) & (digit >= 0) & (digit <= 9)
            if not more.any():
                break
            value += np.where(more, digit * 10**step, 0)
            digits += more
        read = (digits > 0) & (digits < 10)
        wanted = read & np.isin(value, np.array([number for number in numbers if number < 10**10], np.int64))
        yield from zip(value[wanted].tolist(), plain[wanted].tolist(), strict=True)
        for end in [*ends[~usual].tolist(), *plain[~read].tolist()]:
            low = max(0, end - _WINDOW)
            found = _REFERENCE.search(data[low:end])
            if found is None:
                self._unusual(data, end)
            elif found.start() == 0 and low:
                self.doubtful = True
            elif (number := int(found[1])) in numbers:
                yield number, end

    def _unusual(self, data: bytes, at: int) -> None:
        """An `R` that no plain reference precedes: in binary data, in a word, or behind a comment."""
        window = data[max(0, at - _COMMENT_WINDOW) : at]
        before = window.rstrip(_BLANKS)
        gap = window[len(before) :]
        if before[-1:].isdigit() or b"\n" in gap or b"\r" in gap or not before:
            line = before[max(before.rfind(b"\n"), before.rfind(b"\r")) + 1 :]
            if b"%" in line or before[-1:].isdigit() or not before or len(line) == len(window):
                self.doubtful |= len(line) >= _COMMENT_WINDOW - 20 or _HIDDEN.search(window) is not None


class ParsedMentions:
    """Mentions of every object, from parsing every object of every revision once."""

    def __init__(self, structure: FileStructure) -> None:
        self.structure = structure
        self.doubtful = False
        self._found: dict[int, set[tuple[int, Location]]] = {}
        for index, update in enumerate(structure.updates, 1):
            for number in update.entries:
                location = structure.location(number, index)
                if location is None:
                    continue
                value = structure.load(Ref(number, structure.entry(number, index).generation), index)
                for target in references(value):
                    self._found.setdefault(target, set()).add((number, location))

    def include(self, number: int) -> None:
        """Every number is answered for."""

    def of(self, number: int, revision: int) -> Iterator[int]:
        for holder, location in self._found.get(number, ()):
            if self.structure.location(holder, revision) == location:
                yield holder


def references(value: Value) -> Iterator[int]:
    """Numbers of all objects that a value refers to."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Ref):
            yield item.number
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, Stream):
            stack.extend(item.dict.values())


def holders(structure: FileStructure, mentions: Mentions, number: int, revision: int) -> set[int]:
    """Objects that do mention `number`: what reads like a reference inside binary data is left out."""
    mentions.include(number)
    found = set()
    for holder in mentions.of(number, revision):
        value = structure.load(Ref(holder, structure.entry(holder, revision).generation), revision)
        if isinstance(value, Stream) and value.dict.get("Type") == "XRef":
            continue  # its dictionary is the trailer
        if number in references(value):
            found.add(holder)
    return found


def closure(mentions: Mentions, revision: int, numbers: Iterable[int]) -> set[int]:
    """All objects, alive in `revision`, from which one of `numbers` can be reached; themselves included."""
    reached = set(numbers)
    pending = list(reached)
    while pending:
        for holder in mentions.of(pending.pop(), revision):
            if holder not in reached:
                reached.add(holder)
                pending.append(holder)
    return reached
