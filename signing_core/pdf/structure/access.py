"""Objects of every revision of a file, each parsed once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter
from typing import Final, TypeAlias

from signing_core.pdf.structure import filters
from signing_core.pdf.structure.budget import Budget
from signing_core.pdf.structure.chain import Update
from signing_core.pdf.structure.decryption import Decryption
from signing_core.pdf.structure.lexer import Malformed
from signing_core.pdf.structure.model import Finding, Limits, Severity
from signing_core.pdf.structure.object_stream import ObjectStream
from signing_core.pdf.structure.objects import filters_of, object_starts, read_object
from signing_core.pdf.structure.values import IndirectObject, Ref, Stream, Value, integer
from signing_core.pdf.structure.xref import Entries, Entry

Location: TypeAlias = int | tuple[int, int]
"""A byte offset, or (offset of an object stream, index in it): the same location means the same object."""

_MAX_CHAIN: Final = 16
_REVISION: Final = itemgetter(0)
_SMALL: Final = 262_144
_MOST_DECODED: Final = 64


class ObjectAccess:
    """Finds, parses, decrypts and keeps objects.

    Every method that looks at objects may raise `LimitReached`; `FileStructure`'s properties turn that into a finding.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.budget = Budget(limits)
        self.updates: tuple[Update, ...] = ()
        self.misplaced: set[tuple[int, int]] = set()
        """(revision, object number) of objects that are not where their cross-reference entry says."""
        self._problems: dict[tuple[str, int | None, str], Finding] = {}
        self._objects: dict[int, IndirectObject | None] = {}
        self._object_streams: dict[int, ObjectStream | None] = {}
        self._occurrences: dict[int, dict[int, int]] = {}
        self._base = Entries()
        self.later: dict[int, list[tuple[int, Entry]]] = {}
        """(revision, entry) of every object that an update lists, oldest first, from the original on."""
        self._starts: list[int] = []
        self._decoded: dict[tuple[Stream, int, bool], bytes] = {}
        """What `decoded` answered, by stream, revision, and whether predictors were undone."""
        self._decryption: Decryption | None = None
        self._plain: set[int] = set()
        """Offsets of objects whose strings are never encrypted: the encryption dictionary itself."""

    def _set_updates(self, updates: tuple[Update, ...]) -> None:
        self.updates = updates
        self._base = updates[0].entries if updates else Entries()
        for index, update in enumerate(updates[1:], 2):
            for number, entry in update.entries.items():
                if number not in self.later:
                    self.later[number] = [(1, self._base.get(number))]
                self.later[number].append((index, entry))
        self._starts = [update.start for update in updates]

    def _add_original(self, number: int, entry: Entry) -> None:
        """An object of the original that its cross-reference sections do not have."""
        self._base.put(number, entry)
        if number in self.later:
            self.later[number][0] = 1, entry

    def note(self, code: str, severity: Severity, message: str, revision: int | None = None) -> None:
        """Add to `problems`, once."""
        if len(self._problems) < 200:
            self._problems.setdefault((code, revision, message), Finding(code, severity, message, revision=revision))

    def entry(self, number: int, revision: int) -> Entry:
        """The cross-reference entry of an object as of a revision."""
        later = self.later.get(number)
        if later is None:
            return self._base.get(number)
        if later[-1][0] <= revision:
            return later[-1][1]
        if later[1][0] > revision:
            return later[0][1]
        return later[bisect_right(later, revision, key=_REVISION) - 1][1]

    def location(self, number: int, revision: int) -> Location | None:
        """Where the object lies as of a revision; None when there is none."""
        if number not in self.later and (place := self._base.plain.get(number)) is not None:  # nearly all are so
            return place if place >= 0 else None
        entry = self.entry(number, revision)
        if entry.place < 0:
            return None
        if entry.stream:
            container = self.entry(entry.stream, revision)
            return None if container.place <= 0 or container.stream else (container.place, entry.item)
        return entry.place

    def load(self, ref: Ref, revision: int) -> Value:
        """The value of an indirect object as of a revision; None when there is none."""
        number = ref.number
        if number not in self.later and (place := self._base.plain.get(number)) is not None:  # nearly all are so
            found = self.object_at(place, number, revision) if not ref.generation else None
            return found.value if found is not None else None
        entry = self.entry(number, revision)
        return self._listed_as(entry, number, revision) if entry.generation == ref.generation else None

    def value(self, number: int, revision: int) -> Value:
        """The value of an object as of a revision, whatever its generation; None when there is none."""
        if number not in self.later and (place := self._base.plain.get(number)) is not None:
            found = self.object_at(place, number, revision)
            return found.value if found is not None else None
        return self._listed_as(self.entry(number, revision), number, revision)

    def _listed_as(self, entry: Entry, number: int, revision: int) -> Value:
        if entry.stream:
            container = self.entry(entry.stream, revision)
            if container.place <= 0 or container.stream:
                return None
            return self._from_object_stream(entry.stream, container, number, revision)
        found = self.object_at(entry.place, number, revision) if entry.place >= 0 else None
        return found.value if found is not None else None

    def ambiguous(self, number: int, revision: int) -> bool:
        """Whether a dictionary in the object has a key twice: readers then understand it differently."""
        location = self.location(number, revision)
        if location not in self._objects:
            self.value(number, revision)
        if isinstance(location, tuple):
            content = self._object_streams.get(location[0])
            return content is not None and number in content.ambiguous
        found = self._objects.get(location) if location is not None else None
        return found is not None and found.ambiguous

    def resolve(self, value: Value, revision: int) -> Value:
        """`value`, followed through references to a direct object."""
        if not isinstance(value, Ref):
            return value
        for _ in range(_MAX_CHAIN):
            if not isinstance(value, Ref):
                return value
            value = self.load(value, revision)
        return None

    def object_at(self, place: int, number: int, revision: int) -> IndirectObject | None:
        """The object at a byte offset, which should have this number."""
        try:
            found = self._objects[place]
        except KeyError:
            found = self._objects[place] = self._read(place)
        if found is not None and found.number == number:
            return found
        return self._rescued(place, number, revision)

    def _read(self, place: int) -> IndirectObject | None:
        self.budget.step()
        owner = self.revision_of(place)
        end = self.updates[owner - 1].end_with_eol if self.updates else 0
        resolve = lambda ref: self.resolve(ref, owner)  # noqa: E731
        try:
            found = read_object(self.data, place, depth=self.limits.depth, resolve=resolve)
            if end and place < end < found.end:  # an object ends with its revision, whatever was put behind that later
                found = read_object(self.data[:end], place, depth=self.limits.depth, resolve=resolve)
        except (Malformed, RecursionError):
            return None
        if self._decryption is not None and place not in self._plain:
            found.value = self._decryption.value(found.value, found.number, found.generation)
        return found

    def _rescued(self, place: int, number: int, revision: int) -> IndirectObject | None:
        """An object that is not at its offset, searched in the revision it belongs to: what viewers do that repair."""
        owner = next((i for i, e in reversed(self.later.get(number, ())) if i <= revision), 1)
        if (owner, number) not in self.misplaced:
            self.misplaced.add((owner, number))
            if len(self.misplaced) <= 20:
                self.note(
                    "xref-entry-wrong",
                    Severity.WARNING,
                    f"Object {number} is not at byte {place}, where the cross-reference section has it.",
                    owner,
                )
        occurrences = self._occurrences.get(owner)
        if occurrences is None:
            update = self.updates[owner - 1]
            occurrences = self._occurrences[owner] = {
                found: at for at, found, _ in object_starts(self.data, update.start, max(update.end, update.start))
            }
        at = occurrences.get(number)
        if at is None or at == place:
            return None
        if at not in self._objects:
            self._objects[at] = self._read(at)
        found = self._objects[at]
        return found if found is not None and found.number == number else None

    def _from_object_stream(self, stream: int, container: Entry, number: int, revision: int) -> Value:
        place = container.place
        if place not in self._object_streams:
            self._object_streams[place] = None  # an object stream whose reading needs itself reads as nothing
            self._object_streams[place] = self._read_object_stream(stream, place, revision)
        content = self._object_streams[place]
        return None if content is None else content.get(number)

    def object_stream(self, number: int, revision: int) -> ObjectStream | None:
        """An object stream, by its object number."""
        entry = self.entry(number, revision)
        if entry.place <= 0 or entry.stream:
            return None
        self._from_object_stream(number, entry, -1, revision)
        return self._object_streams.get(entry.place)

    def _read_object_stream(self, number: int, place: int, revision: int) -> ObjectStream | None:
        found = self.object_at(place, number, revision)
        if found is None or not isinstance(found.value, Stream):
            return None
        stream = found.value
        count, first = integer(stream.dict.get("N")), integer(stream.dict.get("First"))
        body = self.decoded(stream, revision)
        if body is None or count is None or first is None or count < 0 or not 0 <= first <= len(body):
            return None
        return ObjectStream(body, count, first, self.limits.depth, self.budget)

    def decoded(self, stream: Stream, revision: int, *, predictors: bool = True) -> bytes | None:
        """The decoded bytes of a stream; None when its filters are not understood or its data is broken.

        Without `predictors`, what filters give before predictors (7.4.4.4) are undone.
        """
        key = stream, revision, predictors
        if key in self._decoded:
            return self._decoded[key]
        try:
            raw, names, parameters = self._encoded(stream, revision)
            body = filters.decode(raw, names, parameters if predictors else [], limit=self.limits.stream_bytes)
        except filters.Undecodable:
            return None
        self.budget.decoded(len(body))
        if len(body) <= _SMALL and len(self._decoded) < _MOST_DECODED:
            self._decoded[key] = body  # every signature asks for the same validation data and looks
        return body

    def decodes_alike(self, stream: Stream, revision: int, *, picture: bool = False) -> bool:
        """Whether programs agree on what a stream decodes to, `picture` when it is an image (7.4)."""
        given = self.resolve(stream.dict.get("DecodeParms"), revision)
        listed = given if isinstance(given, list) else [given]
        if not picture and any(self.resolve(item, revision) is not None for item in listed):
            return False
        if any(self.resolve(stream.dict.get(key), revision) is not None for key in ("F", "DP", "FFilter")):
            return False
        try:
            raw, names, parameters = self._encoded(stream, revision)
        except filters.Undecodable:
            return False
        limit = self.limits.stream_bytes
        if picture:
            return filters.picture_decodes_alike(raw, names, parameters, limit=limit)
        return filters.decodes_alike(raw, names, limit=limit)

    def encoded(self, stream: Stream, revision: int) -> bytes | None:
        """The bytes of a stream as they lie in the file, decrypted; None when they cannot be."""
        try:
            return self._encoded(stream, revision)[0]
        except filters.Undecodable:
            return None

    def _encoded(self, stream: Stream, revision: int) -> tuple[bytes, list[str], list[dict[str, Value]]]:
        """(the bytes, decrypted; names of their filters; parameters of these). Raises `filters.Undecodable`."""
        names, parameters = filters_of(stream.dict, lambda value: self.resolve(value, revision))
        raw = self.data[stream.start : stream.end]
        if self._decryption is not None:
            raw = self._decryption.stream(raw, stream, names, parameters)
        return raw, names, parameters

    def holder(self, place: int) -> IndirectObject | None:
        """Whatever object is at a byte offset, listed or not."""
        if place not in self._objects:
            self._objects[place] = self._read(place)
        return self._objects[place]

    @cached_property
    def places(self) -> list[int]:
        """Offsets of all listed objects of all revisions, in order."""
        alone, shared = self._listed
        return sorted(alone.keys() | shared.keys()) if shared else sorted(alone)

    def listed_at(self, place: int) -> Sequence[int]:
        """The object numbers that cross-reference sections list at an offset."""
        alone, shared = self._listed
        return shared[place] if place in shared else (alone[place],) if place in alone else ()

    @cached_property
    def _listed(self) -> tuple[dict[int, int], dict[int, list[int]]]:
        """(the one object number listed at a place, the numbers where there are several): large files have few of those."""
        plain = self._base.plain
        alone = dict(zip(plain.values(), plain.keys(), strict=True))
        rest = list(self._base.other.items())
        if len(alone) != len(plain):
            alone, rest = {}, list(self._base.items())
        shared: dict[int, list[int]] = {}
        for number, entry in (*rest, *(item for update in self.updates[1:] for item in update.entries.items())):
            first = alone.setdefault(entry.place, number)
            if first != number and number not in (known := shared.setdefault(entry.place, [first])):
                known.append(number)
        for nowhere in (-1, 0):
            alone.pop(nowhere, None)
            shared.pop(nowhere, None)
        return alone, shared

    @cached_property
    def object_stream_places(self) -> list[tuple[int, int, int]]:
        """(object number, a revision in which it is there, offset) of every object stream that is used."""
        found: dict[int, tuple[int, int, int]] = {}
        for index, update in enumerate(self.updates, 1):
            for number in update.entries.containers():
                place = self.entry(number, index).place
                if place > 0:
                    found.setdefault(place, (number, index, place))
        return list(found.values())

    def trailer(self, revision: int) -> dict[str, Value]:
        """The trailer dictionary as of a revision. /Root and /Info missing in it are taken from the revision before."""
        trailer = self.updates[revision - 1].trailer
        if "Root" in trailer:
            return trailer
        for update in reversed(self.updates[: revision - 1]):
            if "Root" in update.trailer:
                return {**{key: update.trailer[key] for key in ("Root", "Info") if key in update.trailer}, **trailer}
        return trailer

    def catalog(self, revision: int) -> dict[str, Value]:
        """The document catalog as of a revision; empty when there is none."""
        root = self.resolve(self.trailer(revision).get("Root"), revision)
        return root if isinstance(root, dict) else {}

    def revision_of(self, offset: int) -> int:
        """The revision whose bytes include `offset`."""
        return max(1, bisect_right(self._starts, offset))
