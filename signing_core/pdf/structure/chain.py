"""From the last `startxref` back to the original: the revisions of a file (7.5.6), oldest first.

(1) Find `%PDF-`; what stands before it may shift every offset.
(2) Take the last `startxref` whose cross-reference section can be read.
(3) Follow /Prev. A linearised original has two sections (F.3.5), which are one revision. A section without /Prev behind an older
    file lists the whole state anew (PoDoFo writes so behind cross-reference streams): the older file is the revision before.
(4) Give each revision its bytes: from the end of the one before to its own `%%EOF`.
(5) Look for sections that `startxref` entries point to but the chain does not reach: updates taken out of sight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from signing_core.pdf.structure.budget import Budget
from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.model import Finding, Limits, SectionKind, Severity
from signing_core.pdf.structure.objects import object_starts, read_object
from signing_core.pdf.structure.values import Ref, Stream, Value, integer
from signing_core.pdf.structure.xref import FREE, Entries, Entry, Section, closing, last_start, read_section, skip_space

_TRAILER: Final = re.compile(rb"trailer(?![A-Za-z0-9])")
_FIRST: Final = 1024
"""Bytes within which the first object of a linearised file ends."""
_TABLE_HEAD: Final = 40
"""Bytes from the beginning of a cross-reference table to its first row."""
_NEAR: Final = 24
_CLOSE: Final = 64
"""Bytes from the end of a section within which its `startxref` stands."""


@dataclass(slots=True)
class Update:
    """One revision as read: its sections merged, newest first."""

    entries: Entries
    trailer: dict[str, Value]
    kind: SectionKind
    sections: list[Section]
    start: int = 0
    end: int = 0
    end_with_eol: int = 0


@dataclass(slots=True)
class Chain:
    updates: list[Update] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    damaged: bool = False
    limited: bool = False
    header: int = 0
    """Offset of `%PDF-`."""
    unlinked: list[tuple[int, int]] = field(default_factory=list)
    """Sections that the chain leaves out."""


def read_chain(data: bytes, limits: Limits, budget: Budget) -> Chain:
    """All revisions of the file. Raises `LimitReached` when it takes too long, nothing else."""
    chain = Chain()
    header = data.find(b"%PDF-", 0, 65536)
    if header < 0:
        _note(chain, "file-header-missing", Severity.WARNING, "The file has no %PDF- header.")
    elif header:
        _note(chain, "file-header-late", Severity.INFO, f"{header} bytes stand before the %PDF- header.")
    chain.header = max(header, 0)
    sections = _sections(data, chain, limits)
    if not sections:
        _reconstruct(data, chain, 0, len(data), limits, budget)
        return chain
    groups = _grouped(data, sections, limits.depth)
    chain.updates = [_merged(group) for group in groups]
    _free_unlisted(chain.updates, budget)
    if chain.damaged:  # /Prev led nowhere: what lies before the oldest section that can be read has to be searched
        oldest = min(section.offset for section in groups[0])
        newer = chain.updates
        chain.updates = []
        _reconstruct(data, chain, 0, oldest, limits, budget)
        chain.updates += newer
    _place(data, chain)
    _find_unlinked(data, chain, limits, budget)
    return chain


def _note(chain: Chain, code: str, severity: Severity, message: str, revision: int | None = None) -> None:
    if len(chain.problems) < 100:
        chain.problems.append(Finding(code, severity, message, revision=revision))


def _sections(data: bytes, chain: Chain, limits: Limits) -> list[Section]:
    """The chain of sections, newest first."""
    at = len(data)
    first: Section | None = None
    for attempt in range(4):
        start = last_start(data, at)
        if start is None:
            break
        at, offset = start
        first = _section(data, offset, chain, limits, limits.objects)
        if first is not None:
            break
        if attempt == 0:
            _note(
                chain,
                "xref-start-unusable",
                Severity.WARNING,
                f"The last startxref points to byte {offset}, where there is no cross-reference section.",
            )
    if first is None:
        chain.damaged = True
        return []
    sections = [first]
    seen = {first.offset}
    room = limits.objects - len(first.entries)
    while True:
        previous = integer(sections[-1].trailer.get("Prev")) or 0
        older = _continued(data, sections, chain, limits, room) if previous <= 0 else None
        if previous <= 0 and older is None:
            break
        if len(sections) >= limits.revisions:
            chain.limited = True
            _note(chain, "limit-revisions", Severity.WARNING, f"The file has more than {limits.revisions} revisions.")
            break
        section = older or _section(data, previous, chain, limits, room)
        if section is None or section.offset in seen:
            why = "leads in a circle" if section else "points to no cross-reference section"
            _note(chain, "xref-chain-broken", Severity.WARNING, f"/Prev {previous} {why}: older revisions are lost.")
            chain.damaged = True
            break
        seen.add(section.offset)
        room -= len(section.entries)
        sections.append(section)
    return sections


def _continued(data: bytes, sections: list[Section], chain: Chain, limits: Limits, room: int) -> Section | None:
    """The newest section of a whole file that the oldest section, which has no /Prev, stands behind; None when there is none.

    Whatever that one lists: one that leaves out a signature and lists nothing new takes it away as well.
    """
    section = sections[-1]
    if len(sections) > 1 and sections[-2].offset < section.offset:
        return None  # the second section of a linearised original
    earlier = last_start(data, section.offset)
    if earlier is None or not 0 < earlier[1] < earlier[0]:
        return None
    at, offset = earlier
    older = _section(data, offset, chain, limits, room)
    if older is None or not older.offset < older.end <= at < older.end + _CLOSE:
        return None
    section.restarts = True
    _note(
        chain,
        "xref-restarts",
        Severity.INFO,
        f"The cross-reference section at byte {section.offset} lists the whole file instead of leading to the one before.",
    )
    return older


def _section(data: bytes, offset: int, chain: Chain, limits: Limits, room: int) -> Section | None:
    shifts = (0, chain.header) if chain.header else (0,)
    for shift in shifts:
        try:
            section = read_section(
                data, offset + shift, shift=shift, depth=limits.depth, room=room, stream_bytes=limits.stream_bytes
            )
        except Malformed:
            continue
        section.offset = skip_space(data, section.offset)
        for quirk in section.quirks:
            _note(chain, "xref-odd", Severity.INFO, f"Cross-reference section at byte {offset}: {quirk}.")
        return section
    low = max(0, offset - _NEAR)
    near = data.find(b"xref", low, offset + _NEAR)
    if near > 0 and data[near - 5 : near] != b"start":
        try:
            section = read_section(data, near, shift=0, depth=limits.depth, room=room, stream_bytes=limits.stream_bytes)
        except Malformed:
            return None
        _note(
            chain,
            "xref-offset-wrong",
            Severity.INFO,
            f"A cross-reference section said to be at byte {offset} is at byte {near}.",
        )
        return section
    return None


def _grouped(data: bytes, sections: list[Section], depth: int) -> list[list[Section]]:
    """Sections by revision, oldest revision first; inside a revision the one that wins first."""
    groups = [[section] for section in sections]
    two = len(sections) > 1 and sections[-2].offset < sections[-1].offset and "Prev" not in sections[-1].trailer
    if two and _linearised(data, sections[-2], sections[-1], depth):
        groups[-2:] = [[sections[-2], sections[-1]]]
    groups.reverse()
    return groups


def _linearised(data: bytes, first: Section, main: Section, depth: int) -> bool:
    """Whether two sections are those of a linearised file (Annex F.3.3, F.3.4, F.3.11): its first object says where they are."""
    start = next(iter(object_starts(data, 0, _FIRST)), None)
    if start is None or start[0] >= first.offset:
        return False
    try:
        parameters = read_object(data, start[0], depth=depth).value
    except Malformed:
        return False
    if not isinstance(parameters, dict) or "Linearized" not in parameters:
        return False
    length, table = integer(parameters.get("L")), integer(parameters.get("T"))
    if length is None or table is None or not -2 <= table - main.offset <= _TABLE_HEAD:
        return False
    return main.end < length <= len(data) and b"%%EOF" in data[length - 8 : length + 2]


def _merged(group: list[Section]) -> Update:
    first = group[0]
    if len(group) == 1:
        return Update(first.entries, first.trailer, first.kind, group)
    entries = Entries()
    for section in reversed(group):
        for number, entry in section.entries.items():
            if not entry.free or number not in entries:
                entries.put(number, entry)
    return Update(entries, {**group[1].trailer, **first.trailer}, first.kind, group)


def _free_unlisted(updates: list[Update], budget: Budget) -> None:
    """Where a section lists the whole state, what it leaves out is gone."""
    restarting = [i for i, update in enumerate(updates) if any(section.restarts for section in update.sections)]
    for index in restarting:
        used = set[int]().union(*(update.entries.used() for update in updates[:index]))
        budget.step(len(used))
        for number in used:
            if number not in updates[index].entries:
                updates[index].entries.put(number, FREE)


def _place(data: bytes, chain: Chain) -> None:
    """Give every revision its bytes."""
    previous = 0
    updates = chain.updates
    for index, update in enumerate(updates):
        if update.kind is SectionKind.RECONSTRUCTED:
            previous = update.end
            continue
        number = index + 1
        last = max(section.end for section in update.sections)
        offsets = {section.offset for section in update.sections}
        nexts = min((s.offset for u in updates[index + 1 :] for s in u.sections if s.offset > last), default=len(data))
        end, value, marked = closing(data, last)
        wanted = offsets | {offset - chain.header for offset in offsets}
        if value is None or (value not in wanted and not _near(value, wanted)):
            found = _later_closing(data, last, nexts, wanted)
            if found is not None:
                end, value, marked = found
            elif value is None:
                _note(
                    chain,
                    "revision-end-missing",
                    Severity.WARNING,
                    "No startxref follows the cross-reference section.",
                    number,
                )
        if value is not None and not marked:
            _note(chain, "eof-marker-missing", Severity.INFO, "No %%EOF follows startxref.", number)
        update.start, update.end = previous, end
        update.end_with_eol = skip_space(data, end)
        if end < previous:
            chain.damaged = True
            _note(
                chain,
                "revisions-out-of-order",
                Severity.WARNING,
                "A cross-reference section stands before one that it updates.",
                number,
            )
            update.start = update.end
        previous = max(previous, end)


def _near(value: int, wanted: set[int]) -> bool:
    return any(abs(value - offset) <= _NEAR for offset in wanted)


def _later_closing(data: bytes, position: int, stop: int, wanted: set[int]) -> tuple[int, int | None, bool] | None:
    for _ in range(4):
        at = data.find(b"startxref", position, stop)
        if at < 0:
            return None
        end, value, marked = closing(data, at)
        if value is not None and (value in wanted or _near(value, wanted)):
            return end, value, marked
        position = at + 9
    return None


def _find_unlinked(data: bytes, chain: Chain, limits: Limits, budget: Budget) -> None:
    """`startxref` entries, anywhere, that lead to a section which no /Prev leads to."""
    known = {section.offset for update in chain.updates for section in update.sections}
    position = 0
    tried = 0
    while (at := data.find(b"startxref", position)) != -1 and tried < 200:
        position = at + 9
        end, value, _ = closing(data, at)
        if not value or value >= at or value in known or value + chain.header in known or _near(value, known):
            continue
        tried += 1
        budget.check()
        try:
            section = read_section(
                data, value, shift=0, depth=limits.depth, room=100_000, stream_bytes=limits.stream_bytes
            )
        except Malformed:
            continue
        section.offset = skip_space(data, section.offset)
        if section.offset in known or not 0 <= at - section.end < _CLOSE:
            continue
        known.add(section.offset)
        chain.unlinked.append((section.offset, end))
        _note(
            chain,
            "revision-unlinked",
            Severity.WARNING,
            f"The cross-reference section at byte {section.offset} belongs to no revision: an update was taken out of sight.",
        )


def _reconstruct(data: bytes, chain: Chain, start: int, end: int, limits: Limits, budget: Budget) -> None:
    """One revision from what looks like objects, the later winning, as viewers do with a damaged file."""
    chain.damaged = True
    entries = Entries()
    for offset, number, generation in object_starts(data, start, end)[: limits.objects]:
        entries.put(number, Entry(offset, generation))
    if not len(entries):
        return
    trailer = _reconstructed_trailer(data, start, end, entries, limits, budget)
    _note(
        chain,
        "xref-reconstructed",
        Severity.WARNING,
        "There is no usable cross-reference section: objects were found by searching for them.",
    )
    chain.updates.append(Update(entries, trailer, SectionKind.RECONSTRUCTED, [], start, end, skip_space(data, end)))


def _reconstructed_trailer(
    data: bytes, start: int, end: int, entries: Entries, limits: Limits, budget: Budget
) -> dict[str, Value]:
    trailer: dict[str, Value] = {}
    for opening in _TRAILER.finditer(data, start, end):
        budget.check()
        try:
            value, _ = parse_value(data, opening.end(), depth=limits.depth)
        except Malformed:
            continue
        if isinstance(value, dict) and isinstance(value.get("Root"), Ref):
            trailer = value
    if trailer:
        return trailer
    for number, entry in list(entries.items())[:100_000]:
        budget.step()
        try:
            read = read_object(data, entry.place, depth=limits.depth)
        except Malformed:
            continue
        value = read.value
        if isinstance(value, Stream) and value.dict.get("Type") == "XRef" and isinstance(value.dict.get("Root"), Ref):
            trailer = {key: value.dict[key] for key in ("Root", "Info", "ID", "Encrypt") if key in value.dict}
        elif isinstance(value, dict) and value.get("Type") == "Catalog" and not trailer:
            trailer = {"Root": Ref(number, entry.generation)}
    return trailer
