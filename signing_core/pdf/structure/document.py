"""The parsed file: every object in every revision, each parsed once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

from signing_core.pdf.structure import decryption, filters, forms, pages, signatures, spans
from signing_core.pdf.structure.budget import Budget, LimitReached
from signing_core.pdf.structure.chain import Chain, Update, read_chain
from signing_core.pdf.structure.lexer import Malformed
from signing_core.pdf.structure.model import (
    Finding,
    Limits,
    Revision,
    SectionKind,
    Severity,
    SignatureRecord,
    Span,
)
from signing_core.pdf.structure.object_stream import ObjectStream
from signing_core.pdf.structure.objects import filters_of, object_starts, read_object
from signing_core.pdf.structure.values import IndirectObject, Ref, Stream, Value, integer
from signing_core.pdf.structure.xref import FREE, Entry

Location: TypeAlias = int | tuple[int, int]
"""A byte offset, or (offset of an object stream, index in it): the same location means the same object."""

T = TypeVar("T")
_MAX_CHAIN: Final = 16


class FileStructure:
    """A parsed file. Made by `parse`; everything costly is computed when first asked for and kept.

    Attributes:
        data: the file's bytes.
        revisions: tuple of `Revision`, oldest first; empty for a file that is no PDF.
        encrypted: whether any trailer has /Encrypt.
        damaged: true when cross-reference data had to be reconstructed: viewers may then disagree about the content.
    """

    def __init__(self, data: bytes, password: str | bytes | None, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.budget = Budget(limits)
        self._problems: dict[tuple[str, int | None, str], Finding] = {}
        self._objects: dict[int, IndirectObject | None] = {}
        self._object_streams: dict[int, ObjectStream | None] = {}
        self._forms: dict[int, forms.Form] = {}
        self.analysed: dict[tuple[str, int, int], Any] = {}
        """For what analyses want to keep with the file."""
        self._occurrences: dict[int, dict[int, int]] = {}
        self.misplaced: set[tuple[int, int]] = set()
        """(revision, object number) of objects that are not where their cross-reference entry says."""
        self._limited = False
        chain = Chain(limited=True)
        if len(data) <= limits.file_bytes:
            chain = self._guarded(lambda: read_chain(data, limits, self.budget), chain)
        if len(data) > limits.file_bytes:
            self.note("limit-file-size", Severity.WARNING, f"The file is larger than {limits.file_bytes} bytes.")
        for finding in chain.problems:
            self._problems[finding.code, finding.revision, finding.message] = finding
        self._limited |= chain.limited
        self.damaged = chain.damaged
        self.unlinked = tuple(
            Span(start, end, "cross-reference section that no revision leads to") for start, end in chain.unlinked
        )
        self.updates: tuple[Update, ...] = tuple(chain.updates)
        self._base = self.updates[0].entries if self.updates else {}
        self._later: dict[int, list[tuple[int, Entry]]] = {}
        for index, update in enumerate(self.updates[1:], 2):
            for number, entry in update.entries.items():
                self._later.setdefault(number, []).append((index, entry))
        self._starts = [update.start for update in self.updates]
        self._decryption: decryption.Decryption | None = None
        self._password = password
        self._locked = False
        self._guarded(lambda: self._open(password), None)
        self._add_reconstructed_streams()
        self.revisions = self._revisions()

    # -- objects ------------------------------------------------------------------------------------------------------

    def entry(self, number: int, revision: int) -> Entry:
        """The cross-reference entry of an object as of a revision."""
        later = self._later.get(number)
        if later is not None:
            for index, entry in reversed(later):
                if index <= revision:
                    return entry
        return self._base.get(number, FREE)

    def location(self, number: int, revision: int) -> Location | None:
        """Where the object lies as of a revision; None when there is none."""
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
        entry = self.entry(number, revision)
        if entry.place < 0:
            return None
        if entry.stream:
            if ref.generation:
                return None
            container = self.entry(entry.stream, revision)
            if container.place <= 0 or container.stream:
                return None
            return self._from_object_stream(entry.stream, container, number, revision)
        if entry.generation != ref.generation:
            return None
        found = self.object_at(entry.place, number, revision)
        return found.value if found is not None else None

    def ambiguous(self, number: int, revision: int) -> bool:
        """Whether a dictionary in the object has a key twice: readers then understand it differently."""
        self.load(Ref(number, self.entry(number, revision).generation), revision)
        location = self.location(number, revision)
        if isinstance(location, tuple):
            content = self._object_streams.get(location[0])
            return content is not None and number in content.ambiguous
        found = self._objects.get(location) if location is not None else None
        return found is not None and found.ambiguous

    def resolve(self, value: Value, revision: int) -> Value:
        """`value`, followed through references to a direct object."""
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
        try:
            found = read_object(self.data, place, depth=self.limits.depth, resolve=lambda ref: self.resolve(ref, owner))
        except (Malformed, RecursionError):
            return None
        if self._decryption is not None and place not in self._plain:
            found.value = self._decryption.value(found.value, found.number, found.generation)
        return found

    def _rescued(self, place: int, number: int, revision: int) -> IndirectObject | None:
        """An object that is not at its offset, searched in the revision it belongs to: what viewers do that repair."""
        owner = next((i for i, e in reversed(self._later.get(number, ())) if i <= revision), 1)
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
        raw = self.data[stream.start : stream.end]
        resolve = lambda value: self.resolve(value, revision)  # noqa: E731
        try:
            names, parameters = filters_of(stream.dict, resolve)
            if self._decryption is not None:
                raw = self._decryption.stream(raw, stream, names, parameters)
            body = filters.decode(raw, names, parameters if predictors else [], limit=self.limits.stream_bytes)
        except filters.Undecodable:
            return None
        self.budget.decoded(len(body))
        return body

    def holder(self, place: int) -> IndirectObject | None:
        """Whatever object is at a byte offset, listed or not."""
        if place not in self._objects:
            self._objects[place] = self._read(place)
        return self._objects[place]

    @cached_property
    def places(self) -> tuple[list[int], dict[int, list[int]]]:
        """(offsets of all listed objects of all revisions in order, the object numbers listed at each)."""
        owners: dict[int, list[int]] = {}
        first = list(map(itemgetter(0), self._base.values()))
        if len(set(first)) == len(first):
            owners = {place: [number] for place, number in zip(first, self._base, strict=True)}
            rest = self.updates[1:]
        else:
            rest = self.updates
        for update in rest:
            for number, entry in update.entries.items():
                known = owners.setdefault(entry.place, [])
                if number not in known:
                    known.append(number)
        for nowhere in (-1, 0):
            owners.pop(nowhere, None)
        return sorted(owners), owners

    @cached_property
    def object_stream_places(self) -> list[tuple[int, int, int]]:
        """(object number, a revision in which it is there, offset) of every object stream that is used."""
        found: dict[int, tuple[int, int, int]] = {}
        for index, update in enumerate(self.updates, 1):
            for number in set(map(itemgetter(2), update.entries.values())) - {0}:
                place = self.entry(number, index).place
                if place > 0:
                    found.setdefault(place, (number, index, place))
        return list(found.values())

    def form(self, revision: int) -> forms.Form:
        """The form fields as of a revision."""
        if revision not in self._forms:
            self._forms[revision] = forms.read(self, revision)
        return self._forms[revision]

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

    # -- the file as a whole ------------------------------------------------------------------------------------------

    def note(self, code: str, severity: Severity, message: str, revision: int | None = None) -> None:
        """Add to `problems`, once."""
        if len(self._problems) < 200:
            self._problems.setdefault((code, revision, message), Finding(code, severity, message, revision=revision))

    def limit(self, error: LimitReached) -> None:
        """Remember that a limit was hit."""
        self._limited = True
        self.note("limit-reached", Severity.WARNING, f"The analysis was given up: {error}.")

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Findings about the file as a whole; more can come in as more of the file is looked at."""
        return tuple(self._problems.values())

    @property
    def readable(self) -> bool:
        """False without revisions, when no given password opens it, or once a limit was hit: nothing can then be concluded."""
        return bool(self.revisions) and not self._locked and not self._limited

    @property
    def locked(self) -> bool:
        """Encrypted, and no given password opens it."""
        return self._locked

    @property
    def encrypted(self) -> bool:
        return any(update.trailer.get("Encrypt") is not None for update in self.updates)

    @cached_property
    def pages(self) -> int | None:
        """Number of pages in the newest revision, None when unknown."""
        return self._guarded(lambda: pages.count(self, len(self.revisions)), None) if self.revisions else None

    @cached_property
    def signatures(self) -> tuple[SignatureRecord, ...]:
        """Every signature and document time-stamp in any revision, in signing order (by revision, then by position)."""
        return self._guarded(lambda: signatures.find(self), ()) if self.revisions else ()

    @cached_property
    def unexplained(self) -> tuple[Span, ...]:
        """Bytes behind the first revision that a signature covers which no revision accounts for.

        Objects that no cross-reference section lists, anything behind the last `%%EOF` but white space, and updates that
        /Prev skips. Empty without signatures.
        """
        ends = [record.covered_revision for record in self.signatures if record.covered_revision is not None]
        first = min(ends) if ends else 1 if self.signatures else len(self.revisions) + 1
        return self._guarded(lambda: spans.unexplained(self, first), ()) if self.revisions else ()

    def unexplained_after(self, offset: int) -> tuple[Span, ...]:
        """The unexplained spans that reach past `offset`."""
        return tuple(span for span in self.unexplained if span.end > offset)

    def beyond(self, revision: int) -> tuple[int, ...]:
        """Numbers of objects that the file, as of a revision, expects behind the end of that revision.

        Such an object is missing in what was signed, and whoever appends to the file decides what it is.
        """
        end = self.revisions[revision - 1].end_with_eol
        found: set[int] = set()
        for update in self.updates[:revision]:
            if max(map(itemgetter(0), update.entries.values()), default=0) >= end:
                found |= {number for number, entry in update.entries.items() if entry.place >= end}
        return tuple(sorted(n for n in found if self.entry(n, revision).place >= end))

    def revision_bytes(self, number: int) -> bytes:
        """The file as it was after that revision: for a signature's `covered_revision`, what the signer saw."""
        return self.data[: self.revisions[number - 1].end_with_eol]

    def hidden_ink(
        self, old: int, new: int, page: int, box: tuple[float, float, float, float], *, content_only: bool
    ) -> int | None:
        """How many pixels of what a page shows inside `box` in one revision can no longer be seen in another.

        `box` is (left, bottom, right, top) in default user space, points. See `signing_core.pdf.structure.looks`.
        """
        from signing_core.pdf.structure import looks

        password = self._password.decode("latin-1") if isinstance(self._password, bytes) else self._password
        return looks.hidden_ink(
            self.revision_bytes(old), self.revision_bytes(new), page, box, content_only=content_only, password=password
        )

    def _guarded(self, work: Callable[[], T], otherwise: T) -> T:
        before = self.budget.start()
        try:
            return work()
        except LimitReached as error:
            self.limit(error)
            return otherwise
        finally:
            self.budget.stop(before)

    # -- set-up -------------------------------------------------------------------------------------------------------

    def _open(self, password: str | bytes | None) -> None:
        self._plain: set[int] = set()
        """Offsets of objects whose strings are never encrypted: the encryption dictionary itself."""
        for index, update in enumerate(self.updates, 1):
            encrypt = update.trailer.get("Encrypt")
            if encrypt is None:
                continue
            if isinstance(encrypt, Ref):
                self._plain.add(self.entry(encrypt.number, index).place)
            resolved = self.resolve(encrypt, index)
            identifier = self.resolve(update.trailer.get("ID"), index)
            first = self.resolve(identifier[0], index) if isinstance(identifier, list) and identifier else b""
            if not isinstance(resolved, dict):
                why: str | None = "its encryption dictionary is missing"
            else:
                plain = {key: self._deep(item, index, 4) for key, item in resolved.items()}
                self._decryption, why = decryption.opened(plain, first if isinstance(first, bytes) else b"", password)
            if why is not None:
                self._locked = True
                self.note("encrypted", Severity.WARNING, f"The file is encrypted and {why}.")
            self._objects = {place: found for place, found in self._objects.items() if place in self._plain}
            return

    def _deep(self, value: Value, revision: int, depth: int) -> Value:
        value = self.resolve(value, revision)
        if depth and isinstance(value, dict):
            return {key: self._deep(item, revision, depth - 1) for key, item in value.items()}
        if depth and isinstance(value, list):
            return [self._deep(item, revision, depth - 1) for item in value]
        return value

    def _add_reconstructed_streams(self) -> None:
        """Objects in object streams of a revision that had to be reconstructed."""
        if not self.updates or self.updates[0].kind is not SectionKind.RECONSTRUCTED:
            return
        before = self.budget.start()
        try:
            for number, entry in list(self._base.items()):
                found = self.object_at(entry.place, number, 1)
                if not found or not isinstance(found.value, Stream) or found.value.dict.get("Type") != "ObjStm":
                    continue
                content = self.object_stream(number, 1)
                if content is not None:
                    for index, inner in enumerate(content.numbers):
                        self._base.setdefault(inner, Entry(0, 0, number, index))
                        value = content.get(inner)
                        if isinstance(value, dict) and value.get("Type") == "Catalog":
                            self.updates[0].trailer.setdefault("Root", Ref(inner, 0))
        except LimitReached as error:
            self.limit(error)
        finally:
            self.budget.stop(before)

    def _revisions(self) -> tuple[Revision, ...]:
        result = []
        containers = set(map(itemgetter(2), self._base.values())) - {0}
        for index, update in enumerate(self.updates, 1):
            added: set[int] = set()
            overridden: set[int] = set()
            freed: set[int] = set()
            if index == 1:
                added = {number for number, entry in update.entries.items() if entry[0] >= 0}
            else:
                for number in update.entries:
                    old, new = self.location(number, index - 1), self.location(number, index)
                    if old == new:
                        continue
                    (added if old is None else freed if new is None else overridden).add(number)
                # Overriding an object stream changes everything in it without a word about it.
                for container in containers & (overridden | freed):
                    for number in self._contained(container, index):
                        if number not in update.entries:
                            overridden.add(number)
                containers |= {entry.stream for entry in update.entries.values() if entry.stream}
            result.append(
                Revision(
                    index,
                    update.start,
                    update.end,
                    update.end_with_eol,
                    update.kind,
                    frozenset(added),
                    frozenset(overridden),
                    frozenset(freed),
                    tuple(
                        Span(a, b, "cross-reference section") for section in update.sections for a, b in section.spans
                    ),
                )
            )
        return tuple(result)

    def _contained(self, container: int, revision: int) -> set[int]:
        numbers = {n for n, e in self._base.items() if e.stream == container}
        numbers |= {n for n, later in self._later.items() for i, e in later if i <= revision and e.stream == container}
        return {n for n in numbers if self.entry(n, revision).stream == container}


def parse(data: bytes, *, password: str | bytes | None = None, limits: Limits | None = None) -> FileStructure:
    """Parse `data`. Never raises for what the file contains: see `FileStructure.problems`."""
    return FileStructure(data, password, limits or Limits())
