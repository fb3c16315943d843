"""Cross-reference sections: tables, streams, hybrids (7.5.4, 7.5.8), and the chain that /Prev makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from signing_core.pdf.structure import filters
from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.model import SectionKind
from signing_core.pdf.structure.objects import filters_of, read_object
from signing_core.pdf.structure.values import Stream, Value, integer

T = TypeVar("T")


class Entry(NamedTuple):
    """Where an object is. `stream` 0: at byte `place`; else item `item` of the object stream numbered `stream`.

    A free object has `place` -1.
    """

    place: int
    generation: int = 0
    stream: int = 0
    item: int = 0

    @property
    def free(self) -> bool:
        return self.place < 0


FREE: Final = Entry(-1)


class Entries:
    """The entries of a section, or of a revision, by object number.

    Nearly all of them are an offset and generation 0. Those are kept as plain numbers: a large file has hundred thousands.
    """

    __slots__ = ("other", "plain")

    def __init__(self) -> None:
        self.plain: dict[int, int] = {}
        """Offsets of objects in use with generation 0."""
        self.other: dict[int, Entry] = {}
        """All other entries."""

    def __len__(self) -> int:
        return len(self.plain) + len(self.other)

    def __iter__(self) -> Iterator[int]:
        return chain(self.plain, self.other)

    def __contains__(self, number: int) -> bool:
        return number in self.plain or number in self.other

    def get(self, number: int) -> Entry:
        """The entry of a number; that of a free object when there is none."""
        place = self.plain.get(number)
        return self.other.get(number, FREE) if place is None else Entry(place)

    def put(self, number: int, entry: Entry) -> None:
        self.plain.pop(number, None)
        self.other[number] = entry

    def items(self) -> Iterator[tuple[int, Entry]]:
        for number, place in self.plain.items():
            yield number, Entry(place)
        yield from self.other.items()

    def used(self) -> set[int]:
        """Numbers in use."""
        return {*self.plain, *(number for number, entry in self.other.items() if entry.place >= 0)}

    def containers(self) -> set[int]:
        """Numbers of the object streams that objects are in."""
        return {entry.stream for entry in self.other.values()} - {0}

    def highest(self) -> int:
        """The largest offset."""
        return max(max(self.plain.values(), default=0), max((entry.place for entry in self.other.values()), default=0))


@dataclass(slots=True)
class Section:
    """One cross-reference section as it stands at `offset`."""

    offset: int
    end: int
    kind: SectionKind
    entries: Entries
    trailer: dict[str, Value]
    spans: list[tuple[int, int]] = field(default_factory=list)
    quirks: list[str] = field(default_factory=list)
    disagrees: bool = False
    """It is a hybrid whose table and stream have an object in two places."""
    hides: bool = False
    """It is a hybrid whose stream has objects that its table says are free."""
    restarts: bool = False
    """It lists the whole state anew: what it does not list is no more, whatever earlier sections say."""


TWICE: Final = "an object is listed twice"
ROWS: Final = "its rows are not 20 bytes"
_XREF: Final = re.compile(rb"[\0\t\n\f\r ]*+xref(?![A-Za-z0-9])")
_SUBSECTION: Final = re.compile(rb"[\0\t\n\f\r ]*+(\d{1,10})[\0\t\n\f\r ]++(\d{1,10})[\0\t\n\f\r ]*+")
_ENTRY: Final = re.compile(rb"[\0\t\n\f\r ]*+(\d{1,10})[\0\t\n\f\r ]++(\d{1,10})[\0\t\n\f\r ]*+([nf])")
_TRAILER: Final = re.compile(rb"[\0\t\n\f\r ]*+trailer")


def read_section(data: bytes, offset: int, *, shift: int, depth: int, room: int, stream_bytes: int) -> Section:
    """The section at `offset`; `shift` is added to the offsets in it. Raises `Malformed`.

    `room` is the number of entries that may still be read.
    """
    if not 0 <= offset < len(data):
        raise Malformed(f"cross-reference offset {offset} outside of the file")
    start = _XREF.match(data, offset)
    if start is None:
        return _read_stream(data, offset, shift, depth, room, stream_bytes)
    section = _read_table(data, offset, start.end(), shift, depth, room)
    hidden = integer(section.trailer.get("XRefStm"))
    if hidden is not None:
        section.kind = SectionKind.HYBRID
        try:
            extra = _read_stream(data, hidden + shift, shift, depth, room - len(section.entries), stream_bytes)
        except Malformed as error:
            section.quirks.append(f"/XRefStm is not readable: {error}")
        else:
            section.spans += extra.spans
            for number, entry in extra.entries.items():
                known = section.entries.get(number)
                if known.free:
                    section.hides |= number in section.entries and not entry.free
                    section.entries.put(number, entry)
                elif known != entry and not entry.free:
                    section.disagrees = True
            if section.disagrees:
                section.quirks.append("table and stream have an object in two places")
    return section


def _read_table(data: bytes, offset: int, position: int, shift: int, depth: int, room: int) -> Section:
    entries = Entries()
    quirks: list[str] = []
    first = True
    while (head := _SUBSECTION.match(data, position)) is not None:
        number, count = int(head[1]), int(head[2])
        position = head.end()
        if count > room or number > 10_000_000_000 - count:
            raise Malformed("more cross-reference entries than allowed")
        if count > (len(data) - position) // 10 + 1:
            raise Malformed("a cross-reference subsection is longer than the file")
        room -= count
        words, after = _subsection(data, position, count)
        if after != position + 20 * count and ROWS not in quirks:
            quirks.append(ROWS)
        position = after
        if first and number == 1 and words[:3] == [b"0000000000", b"65535", b"f"]:
            quirks.append("numbering starts at 1 instead of 0")
            number = 0
        first = False
        if not _add(entries, number, words, shift) and TWICE not in quirks:
            quirks.append(TWICE)
    opening = _TRAILER.match(data, position)
    if opening is None:
        raise Malformed(f"no trailer after the cross-reference table at byte {offset}")
    trailer, end = parse_value(data, opening.end(), depth=depth)
    if not isinstance(trailer, dict):
        raise Malformed("the trailer is no dictionary")
    return Section(offset, end, SectionKind.TABLE, entries, trailer, [(offset, end)], quirks)


def _subsection(data: bytes, position: int, count: int) -> tuple[list[bytes], int]:
    """`count` entries as a flat list of words, and the position behind them."""
    end = position + 20 * count
    words = data[position:end].split()
    if len(words) == 3 * count and not set(words[2::3]) - {b"n", b"f"} and _digits(words):
        return words, end
    words = []
    for _ in range(count):  # entries of 19 bytes, missing blanks and the like
        found = _ENTRY.match(data, position)
        if found is None:
            break
        words += found.groups()
        position = found.end()
    return words, position


def _add(entries: Entries, number: int, words: list[bytes], shift: int) -> bool:
    """Entries from `number` on; whether none was there before. Without a loop in Python where it can be: large files have
    hundred thousands.
    """
    places = list(map(int, words[0::3]))
    if shift:
        places = [place + shift if place else 0 for place in places]
    numbers = range(number, number + len(places))
    made = dict(zip(numbers, places, strict=True))
    kinds, generations = words[2::3], words[1::3]
    odd = {*_unlike(kinds, b"n"), *_unlike(generations, b"00000"), *_alike(places, 0)}
    # Many writers give each object a subsection of its own, so that the larger side must not be walked for each.
    twice = [n for n in made if n in entries] if len(made) < len(entries) else [n for n in entries if n in made]
    for known in twice:
        del made[known]  # the first mention of a number wins
    for at in odd:
        if made.pop(number + at, None) is not None:
            free = kinds[at] == b"f" or not places[at]
            entries.other[number + at] = FREE if free else Entry(places[at], int(generations[at]))
    entries.plain.update(made)
    return not twice


def _unlike(values: list[bytes], usual: bytes) -> Iterator[int]:
    """Where something else than the usual value stands."""
    for value in set(values) - {usual}:
        yield from _alike(values, value)


def _alike(values: list[T], value: T) -> Iterator[int]:
    at = -1
    for _ in range(values.count(value)):
        at = values.index(value, at + 1)
        yield at


def _digits(words: list[bytes]) -> bool:
    joined = b"".join(words[0::3])
    return joined.isdigit() and b"".join(words[1::3]).isdigit() if words else True


def _read_stream(data: bytes, offset: int, shift: int, depth: int, room: int, stream_bytes: int) -> Section:
    read = read_object(data, offset, depth=depth)
    stream = read.value
    if not isinstance(stream, Stream) or stream.dict.get("Type") != "XRef":
        raise Malformed(f"no cross-reference section at byte {offset}")
    given = stream.dict
    widths = given.get("W")
    if not isinstance(widths, list) or len(widths) < 3:
        raise Malformed("a cross-reference stream without /W")
    w = [integer(n) for n in widths[:3]]
    if not all(n is not None and 0 <= n <= 8 for n in w):
        raise Malformed("a cross-reference stream with an impossible /W")
    w1, w2, w3 = (n or 0 for n in w)
    width = w1 + w2 + w3
    index = given.get("Index")
    if not isinstance(index, list):
        index = [0, integer(given.get("Size")) or 0]
    try:
        names, parameters = filters_of(given, lambda value: value)
        body = filters.decode(data[stream.start : stream.end], names, parameters, limit=stream_bytes)
    except filters.Undecodable as error:
        raise Malformed(f"a cross-reference stream that cannot be decoded: {error}") from None
    entries = Entries()
    at = rows = 0
    for low, count in zip(index[::2], index[1::2], strict=False):
        first, size = integer(low), integer(count)
        if first is None or size is None or first < 0 or size < 0:
            raise Malformed("a cross-reference stream with an impossible /Index")
        size = min(size, (len(body) - at) // width if width else 0)
        if size > room:
            raise Malformed("more cross-reference entries than allowed")
        if not size:  # an update that changes nothing may say so by /W [0 0 0]
            continue
        room -= size
        _rows(body[at : at + size * width], first, (w1, w2, w3), shift, entries)
        at += size * width
        rows += size
    quirks = [TWICE] if rows != len(entries) else []
    return Section(offset, read.end, SectionKind.STREAM, entries, given, [(read.start, read.end)], quirks)


def _rows(body: bytes, number: int, widths: tuple[int, int, int], shift: int, entries: Entries) -> None:
    w1, w2, w3 = widths
    width = w1 + w2 + w3
    from_bytes = int.from_bytes
    for at in range(0, len(body), width):
        kind = from_bytes(body[at : at + w1], "big") if w1 else 1
        second = from_bytes(body[at + w1 : at + w1 + w2], "big")
        third = from_bytes(body[at + w1 + w2 : at + width], "big")
        if number not in entries:
            if kind == 1 and second and not third:
                entries.plain[number] = second + shift
            elif kind == 1 and second:
                entries.other[number] = Entry(second + shift, third)
            elif kind == 2 and second:
                entries.other[number] = Entry(0, 0, second, third)
            else:
                entries.other[number] = FREE
        number += 1


_START: Final = re.compile(rb"startxref[\0\t\n\f\r ]*+(\d{1,19})")
_START_EOF: Final = re.compile(
    rb"(?>[\0\t\n\f\r ]++|%(?!%EOF)[^\r\n]*+)*+startxref[\0\t\n\f\r ]*+(\d{1,19})(?>[\0\t\n\f\r ]++|%(?!%EOF)[^\r\n]*+)*+(%%EOF)?"
)


def last_start(data: bytes, before: int) -> tuple[int, int] | None:
    """(where the last `startxref` before a position stands, its value)."""
    at = before
    for _ in range(8):
        at = data.rfind(b"startxref", 0, at)
        if at < 0:
            return None
        found = _START.match(data, at)
        if found is not None:
            return at, int(found[1])
    return None


def closing(data: bytes, position: int) -> tuple[int, int | None, bool]:
    """What follows a section: (end of `%%EOF`, or of what there is of it; value of `startxref`; whether %%EOF was there)."""
    found = _START_EOF.match(data, position)
    if found is None:
        return position, None, False
    if found[2] is None:
        return found.end(1), int(found[1]), False
    return found.end(2), int(found[1]), True


def skip_space(data: bytes, position: int) -> int:
    """Behind the white space (no comments) at `position`."""
    end = position
    size = len(data)
    while end < size and data[end] in b"\0\t\n\f\r ":
        end += 1
    return end
