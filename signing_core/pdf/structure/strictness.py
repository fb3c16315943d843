"""Whether a revision is written as the standard has it, to the byte (7.5.4 to 7.5.8): what is not is read otherwise by somebody.

Readers that find something wrong rebuild the file from what looks like objects, and then show what no strict reader sees. Behind
a signature nothing is tolerated, therefore. A deviation is said in words; which of them stand in honest files, and what that
costs, is in docs/readings.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure import dangling, filters, grammar, mentions
from signing_core.pdf.structure.kinds import leads as leads_to
from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.model import SectionKind
from signing_core.pdf.structure.objects import filters_of, read_object
from signing_core.pdf.structure.values import IndirectObject, Ref, Stream, Value, integer
from signing_core.pdf.structure.xref import Section, closing

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_XREF: Final = re.compile(rb"xref[ \t]*(?:\r\n|\n|\r)")
_SUBSECTION: Final = re.compile(rb"(\d{1,10}) (\d{1,10})[ \t]*(?:\r\n|\n|\r)")
_BLANKS: Final = 4
"""Bytes of white space that may stand before what an offset leads to."""
_ROWS: Final = re.compile(rb"(?:(?!0{10} \d{5} n)\d{10} \d{5} [nf](?: \r| \n|\r\n))*+")
_CLOSING: Final = re.compile(
    rb"[\t\n\f\r ]{0,8}(?:%[^\r\n]{0,100}[\r\n]{1,4}){0,4}startxref[ \t]{0,4}(?:\r\n|\n|\r)\d{1,10}[ \t]{0,4}(?:\r\n|\n|\r){1,2}%%EOF"
)
_KEYWORD_STREAM: Final = re.compile(rb"stream(?:\r\n|\n|\r)?$")
_KEYWORD: Final = re.compile(rb"obj|xref|trailer|stream|%PDF")
"""What readers that rebuild a file look for, in comments too. Some programs sign their name before startxref."""
_TRAILER: Final = re.compile(rb"[\0\t\n\f\r ]*+trailer(?![A-Za-z0-9])")


def deviations(structure: FileStructure, index: int) -> Iterator[str]:
    """What is not as it has to be in revision `index` (from 2). Raises `LimitReached`."""
    update = structure.updates[index - 1]
    if update.kind is SectionKind.RECONSTRUCTED:
        yield "it has no usable cross-reference section"
        return
    before = structure.updates[index - 2]
    newest = update.sections[0]
    for section in update.sections:
        yield from _section(structure, section)
    restarts = any(section.restarts for section in update.sections)
    previous = newest.trailer.get("Prev")
    if previous is not None and type(previous) is not int:
        yield "/Prev is no integer"
        return
    if not isinstance(newest.trailer.get("Root"), Ref):
        yield "its trailer has no /Root"
    if before.sections and not restarts and not leads(structure.data, previous, before.sections[0].offset):
        yield f"/Prev is {previous}, and the section before is at byte {before.sections[0].offset}"
    tail = max(section.end for section in update.sections)
    end, value, marked = closing(structure.data, tail)
    if not leads(structure.data, value, newest.offset) or end != update.end:
        yield f"startxref is {value}, and the section is at byte {newest.offset}"
    if not marked:
        yield "%%EOF is missing"
    elif _CLOSING.fullmatch(structure.data, tail, end) is None or _KEYWORD.search(
        structure.data[tail:end].replace(b"startxref", b"", 1)
    ):
        yield "something else stands around its startxref"
    yield from _objects(structure, index)


def leads(data: bytes, value: int | None, at: int) -> bool:
    """Whether an offset leads to byte `at`: exactly, or to white space directly before it, which every reader skips."""
    if value is None or not 0 <= at - value <= _BLANKS:
        return False
    return not data[value:at].strip(b"\0\t\n\f\r ")


# -- cross-reference sections ---------------------------------------------------------------------------------------------


def _section(structure: FileStructure, section: Section) -> Iterator[str]:
    listed: list[tuple[int, int]] = []
    if section.kind is SectionKind.STREAM:
        yield from _stream(structure, section.offset, listed)
    else:
        yield from _table(structure, section, listed)
    if any(high > low for (_, high), (low, _) in pairwise(sorted(span for span in listed if span[0] < span[1]))):
        yield "its cross-reference section lists an object twice"


def _table(structure: FileStructure, section: Section, listed: list[tuple[int, int]]) -> Iterator[str]:
    data = structure.data
    start = _XREF.match(data, section.offset)
    if start is None:
        yield "its cross-reference table does not begin as one"
        return
    position = start.end()
    while (head := _SUBSECTION.match(data, position)) is not None:
        number, count = int(head[1]), int(head[2])
        end = head.end() + 20 * count
        rows = _ROWS.match(data, head.end(), end)
        if rows is None or rows.end() != end:
            yield "its cross-reference table has rows that are not 20 bytes"
            return
        listed.append((number, number + count))
        position = end
    opening = _TRAILER.match(data, position)
    if opening is None:
        yield "its cross-reference table does not end with its trailer"
        return
    yield from _dictionary(structure, opening.end(), section, listed)
    hidden = section.trailer.get("XRefStm")
    if hidden is not None:
        yield from _stream(structure, integer(hidden) or 0, [])
        if section.disagrees or section.hides:
            yield "table and stream of its hybrid section do not say the same"


def _dictionary(
    structure: FileStructure, position: int, section: Section, listed: list[tuple[int, int]]
) -> Iterator[str]:
    doubled: list[str] = []
    _, end = parse_value(structure.data, position, depth=structure.limits.depth, doubled=doubled)  # it was read before
    if doubled:
        yield f"its trailer has /{doubled[0]} twice"
    written = structure.data[position:end]
    if not grammar.is_plain(written) or b"null" in written:
        yield "its trailer is not written plainly"
    yield from _size(section.trailer, listed)


def _size(trailer: dict[str, Value], listed: list[tuple[int, int]]) -> Iterator[str]:
    size = trailer.get("Size")
    if type(size) is not int or size > grammar.LARGEST_NUMBER + 1:
        yield "its /Size is no number of objects that programs take"
    elif any(high > size for _, high in listed):
        yield f"its /Size, {size}, is smaller than the numbers in it"


def _stream(structure: FileStructure, offset: int, listed: list[tuple[int, int]]) -> Iterator[str]:
    data = structure.data
    try:
        read = read_object(data, offset, depth=structure.limits.depth)
    except Malformed:
        yield f"there is no cross-reference stream at byte {offset}"
        return
    stream = read.value
    if not isinstance(stream, Stream) or stream.dict.get("Type") != "XRef":
        yield f"there is no cross-reference stream at byte {offset}"
        return
    if read.start != offset or not read.closed or not read.length_agrees or read.ambiguous:
        yield "its cross-reference stream is not written as one object"
    given = stream.dict
    widths = _integers(given.get("W"))
    index = _integers(given.get("Index", [0, given.get("Size")]))
    size = integer(given.get("Size"))
    if widths is None or index is None or len(widths) != 3 or len(index) % 2 or size is None:
        yield "its cross-reference stream has no usable /W, /Index and /Size"
        return
    try:
        names, parameters = filters_of(given, lambda value: value)
        limit = structure.limits.stream_bytes
        body = filters.decode(data[stream.start : stream.end], names, parameters, limit=limit)
    except filters.Undecodable:
        yield "its cross-reference stream cannot be decoded"
        return
    listed += [(low, low + count) for low, count in zip(index[::2], index[1::2], strict=True)]
    width = sum(widths)
    if sum(index[1::2]) * width != len(body):
        yield "its cross-reference stream has more or fewer rows than it says"
    kinds = set(body[::width]) if widths[0] == 1 else {1} if not widths[0] else set()
    if widths[0] > 1 or kinds - {0, 1, 2}:
        yield "its cross-reference stream has rows of an unknown type"
    if widths[0] == 1 and any(not any(body[at + 1 : at + 1 + widths[1]]) for at in _starts(body, width, 2)):
        yield "its cross-reference stream has an object in an object stream without a number"
    if given.get("Filter") not in (None, "FlateDecode") or not _usual(given.get("DecodeParms")):
        yield "its cross-reference stream is packed in a way that programs differ about"
    if any(item is None for item in given.values()):
        yield "its cross-reference stream has entries without a value"
    yield from _size(given, listed)


def _starts(body: bytes, width: int, kind: int) -> Iterator[int]:
    return (at for at in range(0, len(body), width) if body[at] == kind) if width else iter(())


def _usual(parameters: Value) -> bool:
    """Whether predictor and columns are those that nearly all writers use, plainly written."""
    if parameters is None:
        return True
    known = isinstance(parameters, dict) and parameters.keys() <= {"Predictor", "Columns", "Colors", "BitsPerComponent"}
    return known and all(type(item) is int and 0 < item < 1000 for item in parameters.values())


def _integers(value: Value) -> list[int] | None:
    if not isinstance(value, list):
        return None
    numbers = [number for item in value if (number := integer(item)) is not None and number >= 0]
    return numbers if len(numbers) == len(value) else None


# -- objects ---------------------------------------------------------------------------------------------------------------


def _objects(structure: FileStructure, index: int) -> Iterator[str]:
    """Each object is its revision's own target, each entry leads to its object, and object streams hold nothing else."""
    update = structure.updates[index - 1]
    if any(number > grammar.LARGEST_NUMBER for number in update.entries):
        yield "it lists a larger number of an object than programs take"
    moved = structure.revisions[index - 1].moved
    entries = [(number, entry) for number, entry in update.entries.items() if number in moved and not entry.free]
    named = _named(structure, index, [number for number, _ in entries])
    for number, entry in entries:
        structure.budget.step()
        if entry.stream:
            content = structure.object_stream(entry.stream, index)
            if content is None or entry.item >= len(content.numbers) or content.numbers[entry.item] != number:
                yield f"object {number} is not where its entry has it in object stream {entry.stream}"
            continue
        found = structure.object_at(entry.place, number, index)
        if found is None or not leads(structure.data, entry.place, found.start):
            yield f"object {number} is not at byte {entry.place}, where its entry has it"
            continue
        if not update.start <= entry.place < update.end:
            yield f"the entry of object {number} leads back to an earlier revision"
        if found.generation != entry.generation:
            yield f"object {number} is of another generation than its entry says"
        former = structure.entry(number, index - 1)
        if (
            not former.free
            and former.generation != entry.generation
            and dangling.called(structure, number, former.generation, index)
        ):
            yield f"object {number} is referred to by a generation that it no longer has"
        if former.free and number not in named and _misspelt(structure, number, index):
            yield f"object {number} was missing, and is referred to in a spelling that programs read differently"
        if not found.closed:
            yield f"object {number} has no endobj"
        if not found.length_agrees:
            yield f"the /Length of object {number} is wrong"
        if not _is_plain(structure.data, found):
            yield f"object {number} is not written plainly, so that programs read it differently"
        if isinstance(found.value, Stream) and found.value.dict.get("Type") == "ObjStm":
            yield from _packed(structure, number, index, found.value.dict)


def _named(structure: FileStructure, index: int, numbers: list[int]) -> set[int]:
    """Numbers of all objects that some objects plainly refer to, but for what a trailer refers to."""
    values = [structure.value(number, index) for number in numbers]
    return {
        named
        for value in values
        if not isinstance(value, Stream) or value.dict.get("Type") != "XRef"
        for named in mentions.references(value)
    }


def _misspelt(structure: FileStructure, number: int, index: int) -> bool:
    """Whether something older may refer to an object that nothing refers to plainly: `99 000000 R`, `+99 0 R`, or 2^32 more."""
    holders = mentions.of_file(structure).of(number, index)
    if any(leads_to(structure.value(holder, index), number, back=True) for holder in holders):
        return False
    start = structure.updates[index - 1].start
    structure.budget.check()
    spelling = grammar.odd_reference(number)
    if spelling.search(structure.data, 0, start):
        return True
    streams = (structure.object_stream(n, at) for n, at, place in structure.object_stream_places if place < start)
    return any(content is not None and spelling.search(content.body) for content in streams)


def _is_plain(data: bytes, found: IndirectObject) -> bool:
    begin = grammar.head_of(data, found.start)
    if begin is None:
        return False
    if isinstance(found.value, Stream):
        return grammar.is_plain(_KEYWORD_STREAM.sub(b"", data[begin : found.value.start]))
    return grammar.is_plain(data[begin : found.end - len(b"endobj")])


def _packed(structure: FileStructure, number: int, index: int, given: dict[str, Value]) -> Iterator[str]:
    update = structure.updates[index - 1]
    content = structure.object_stream(number, index)
    if content is None:
        yield f"object stream {number} cannot be read"
        return
    if integer(given.get("N")) != len(content.numbers) or not content.numbers:
        yield f"object stream {number} does not hold as many objects as it says"
    first = integer(given.get("First")) or 0
    if given.get("Filter") not in (None, "FlateDecode") or given.get("DecodeParms") is not None:
        yield f"object stream {number} is packed in a way that programs differ about"
    if not grammar.are_numbers(content.body[:first]) or not grammar.is_plain(content.body[first:]):
        yield f"object stream {number} is not written plainly, so that programs read it differently"
    starts = content.order[0]
    if starts and starts[0] != integer(given.get("First")):
        yield f"object stream {number} does not begin where it says"
    for item, inner in enumerate(content.numbers):
        entry = update.entries.get(inner)
        if (entry.stream, entry.item) != (number, item):
            yield f"object stream {number} holds object {inner}, which its revision does not list there"
    if len(set(content.numbers)) != len(content.numbers):
        yield f"object stream {number} holds an object twice"
