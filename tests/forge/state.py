"""A PDF file as its bytes together with the objects in them, and updates that are written behind it.

The objects are known because they were written here, so no parser stands between a generator and the file.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from values import Name, Raw, Ref, Stream, Value, copied, entries_of, read, stream, written

STYLES: Final = ("table", "stream", "packed", "hybrid", "full", "alone")
"""How an update is stored: a table, a cross-reference stream, the same with object streams, both at once (ISO 32000-2, 7.5.8.4), a
table of everything, the same without /Prev."""


@dataclass(frozen=True)
class Place:
    offset: int
    generation: int = 0
    index: int | None = None
    """In an object stream, whose number is then the offset."""


@dataclass(frozen=True)
class State:
    data: bytes
    objects: dict[int, Value]
    """The newest of each number; never to be changed in place."""
    places: dict[int, Place]
    size: int
    start: int
    trailer: dict[str, Value]
    style: str = "table"

    @property
    def root(self) -> int:
        return self.trailer["Root"].number

    def get(self, value: Value) -> Value:
        """What a reference leads to, everything else as it is."""
        for _ in range(8):
            if not isinstance(value, Ref):
                return value
            if value.generation != self.places.get(value.number, Place(0)).generation:
                return None
            value = self.objects.get(value.number)
        return None

    def entry(self, value: Value, *keys: str) -> Value:
        """Down the dictionaries by key; None where there is no way."""
        value = self.get(value)
        for key in keys:
            entries = entries_of(value)
            value = self.get(entries.get(key)) if entries is not None else None
        return value

    def catalog(self, *keys: str) -> Value:
        return self.entry(self.trailer["Root"], *keys)

    def pages(self) -> list[int]:
        """Object numbers of the pages, in order."""
        return list(self._leaves(self.catalog(), "Pages", 0))

    def _leaves(self, value: Value, key: str, depth: int) -> Iterator[int]:
        entries = entries_of(self.get(value)) or {}
        kids = self.get(entries.get(key))
        for kid in [entries.get(key)] if key == "Pages" else kids if isinstance(kids, list) else ():
            node = entries_of(self.get(kid))
            if node is None or depth > 20:
                continue
            if "Kids" in node and node.get("Type") != "Page":
                yield from self._leaves(kid, "Kids", depth + 1)
            elif isinstance(kid, Ref) and key == "Kids":
                yield kid.number

    def annotations(self, page: int) -> list[Value]:
        listed = self.entry(Ref(page), "Annots")
        return listed if isinstance(listed, list) else []


def empty() -> State:
    return State(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {}, {}, 1, 0, {})


def loaded(data: bytes) -> State:
    """A file that others wrote, read by pypdf."""
    from pypdf import PdfReader
    from pypdf.generic import StreamObject

    reader = PdfReader(io.BytesIO(data))
    objects: dict[int, Value] = {}
    places: dict[int, Place] = {}
    for number, (container, index) in reader.xref_objStm.items():
        places[number] = Place(container, index=index)
    for generation, rows in reader.xref.items():
        for number, offset in rows.items():
            if number and offset and number not in places:
                places[number] = Place(offset, generation)
    for number, place in places.items():
        found = reader.get_object(_reference(number, place.generation, reader))
        if found is None:
            continue
        target = io.BytesIO()
        if isinstance(found, StreamObject):
            plain = {key: entry for key, entry in dict.items(found) if key != "/Length"}
            entries = {}
            for key, entry in plain.items():
                piece = io.BytesIO()
                entry.write_to_stream(piece)
                entries[str(key)[1:]] = read(piece.getvalue())
            objects[number] = Stream(entries, found._data)
            continue
        found.write_to_stream(target)
        objects[number] = read(target.getvalue())
    trailer = {}
    for key in ("/Root", "/Info", "/ID"):
        if key in reader.trailer:
            piece = io.BytesIO()
            reader.trailer.raw_get(key).write_to_stream(piece)
            trailer[key[1:]] = read(piece.getvalue())
    start = int(data[data.rindex(b"startxref") + 9 :].split()[0])
    style = "table" if data[start : start + 4] == b"xref" else "packed"
    return State(data, objects, places, max(places) + 1, start, trailer, style)


def _reference(number: int, generation: int, reader: object) -> object:
    from pypdf.generic import IndirectObject

    return IndirectObject(number, generation, reader)


@dataclass
class Update:
    """Changes to a state that are not written yet."""

    before: State
    changed: dict[int, Value] = field(default_factory=dict)
    freed: set[int] = field(default_factory=set)
    generations: dict[int, int] = field(default_factory=dict)
    trailer: dict[str, Value] = field(default_factory=dict)
    plain: set[int] = field(default_factory=set)
    """Numbers that must not go into an object stream."""
    alternatives: dict[int, Value] = field(default_factory=dict)
    """Second versions, which only the cross-reference stream of a hybrid file names."""
    odd: dict[str, int] = field(default_factory=dict)
    """Numbers written wrong: `Size`, `Prev`, `startxref`, and by object number where its row is off."""
    doubled: dict[int, tuple[str, Value]] = field(default_factory=dict)
    """An entry that a dictionary has once more, with another value."""
    escaped: set[int] = field(default_factory=set)
    """Objects whose names are written with number signs (7.3.5)."""
    lengths: dict[int, int] = field(default_factory=dict)
    """By how much /Length of a stream is wrong."""
    size: int = 0

    def __post_init__(self) -> None:
        self.size = self.before.size
        self.trailer = dict(self.before.trailer)

    # -- reading, as it will be

    def get(self, value: Value) -> Value:
        for _ in range(8):
            if not isinstance(value, Ref):
                return value
            value = self.changed.get(value.number, self.before.objects.get(value.number))
        return None

    def entry(self, value: Value, *keys: str) -> Value:
        value = self.get(value)
        for key in keys:
            entries = entries_of(value)
            value = self.get(entries.get(key)) if entries is not None else None
        return value

    def numbers(self) -> list[int]:
        return sorted({*self.before.objects, *self.changed})

    def pages(self) -> list[int]:
        return self.view().pages()

    def view(self) -> State:
        """As if it were written; without bytes."""
        return State(
            b"",
            {**self.before.objects, **self.changed},
            self.before.places,
            self.size,
            0,
            self.trailer,
            self.before.style,
        )

    # -- changing

    def add(self, value: Value) -> Ref:
        number, self.size = self.size, self.size + 1
        self.changed[number] = value
        return Ref(number)

    def edit(self, number: int) -> Value:
        """The object, to be changed in place."""
        if number not in self.changed:
            self.changed[number] = copied(self.before.objects.get(number))
        return self.changed[number]

    def entries(self, reference: Ref | int) -> dict[str, Value]:
        """The dictionary of an object, to be changed in place; an empty one where it has none."""
        number = reference if isinstance(reference, int) else reference.number
        value = entries_of(self.edit(number))
        return value if value is not None else {}

    def inner(self, holder: dict[str, Value], key: str, kind: type = dict) -> Value:
        """The container under `key` to be changed in place, followed where it is a reference, made where there is none."""
        value = holder.get(key)
        if isinstance(value, Ref):
            found = self.edit(value.number)
            found = entries_of(found) if kind is dict else found
            if isinstance(found, kind):
                return found
        if not isinstance(value, kind):
            value = holder[key] = kind()
        return value

    @property
    def root(self) -> dict[str, Value]:
        return self.entries(self.trailer["Root"])

    @property
    def form(self) -> dict[str, Value]:
        return self.inner(self.root, "AcroForm")

    def list_field(self, field: Ref) -> None:
        self.inner(self.form, "Fields", list).append(field)

    def list_annotation(self, page: int, annotation: Value) -> None:
        self.inner(self.entries(page), "Annots", list).append(annotation)

    # -- writing

    @property
    def touched(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.changed or self.freed or self.alternatives or self.trailer != self.before.trailer)

    def save(self, style: str | None = None, *, hidden: tuple[int, ...] = (), before: bytes = b"") -> State:
        """The state with this update behind it. `hidden`: objects that a hybrid file shows only in its stream."""
        style = "hybrid" if self.alternatives else style or self.before.style
        old = self.before
        if style == "alone" and any(place.index is not None for place in old.places.values()):
            style = "table"
        out = bytearray(old.data)
        if out[-1:] != b"\n":
            out += b"\n"
        out += before
        places, size = self._objects(out, style)
        every = {**old.places, **places}
        rows = {n: replace(place, offset=max(0, place.offset + self.odd.get(str(n), 0))) for n, place in places.items()}
        for number in self.freed:
            every.pop(number, None)
        trailer = {key: value for key, value in self.trailer.items() if key != "ID"} | {
            "ID": self._identifiers(bytes(out))
        }
        if old.start and style != "alone":
            trailer["Prev"] = max(0, old.start + self.odd.get("Prev", 0))
        if "Size" in self.odd:
            trailer["Size"] = max(1, size + self.odd["Size"])
        if style in ("stream", "packed"):
            start, size = _xref_stream(out, rows, self.freed, size, trailer)
        else:
            if self.alternatives:
                trailer["XRefStm"], size = _xref_stream(out, self._second_versions(out), set(), size, trailer)
            elif style == "hybrid":
                apart = {n: rows[n] for n in (hidden or _second_half(places)) if n in places}
                if apart:
                    trailer["XRefStm"], size = _xref_stream(out, apart, set(), size, trailer)
                rows = {n: place for n, place in rows.items() if n not in apart}
            elif style in ("full", "alone"):
                rows = {n: place for n, place in (every | rows).items() if place.index is None and n not in self.freed}
            start = _xref_table(out, rows, self.freed, size, trailer, first=not old.start or style == "alone")
        out += b"startxref\n%d\n%%%%EOF\n" % (start + self.odd.get("startxref", 0))
        objects = {**old.objects, **self.changed}
        for number in self.freed:
            objects.pop(number, None)
        return State(
            bytes(out), objects, every, size, start, dict(self.trailer) | {"ID": trailer["ID"]}, old_style(style, old)
        )

    def _objects(self, out: bytearray, style: str) -> tuple[dict[int, Place], int]:
        places: dict[int, Place] = {}
        packed: list[tuple[int, bytes]] = []
        size = self.size
        for number, value in sorted(self.changed.items()):
            if number in self.freed:
                continue
            body = self._body(number, value)
            generation = self.generations.get(number, self._old(number))
            if style == "packed" and not isinstance(value, Stream) and number not in self.plain and not generation:
                packed.append((number, body))
                continue
            places[number] = Place(len(out), generation)
            out += b"%d %d obj\n%s\nendobj\n" % (number, generation, body)
        if packed:
            holder, size = size, size + 1
            heads, bodies = b"", b""
            for index, (number, body) in enumerate(packed):
                heads += b"%d %d " % (number, len(bodies))
                bodies += body + b"\n"
                places[number] = Place(holder, index=index)
            entries = {"Type": Name("ObjStm"), "N": len(packed), "First": len(heads)}
            places[holder] = Place(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (holder, written(stream(heads + bodies, entries, deflate=True)))
        return places, size

    def _body(self, number: int, value: Value) -> bytes:
        body = written(value)
        key, other = self.doubled.get(number, ("", None))
        if isinstance(value, dict) and key in value:  # a later edit may have dropped it
            body = body[:-2] + written(Name(key)) + b" " + written(other) + b">>"
        if number in self.escaped and not isinstance(value, Stream):
            body = re.sub(rb"/([A-Z])", lambda match: b"/#%02X" % match[1][0], body)
        if number in self.lengths and isinstance(value, Stream):
            length = max(0, len(value.data) + self.lengths[number])
            body = body.replace(b"/Length %d" % len(value.data), b"/Length %d" % length, 1)
        return body

    def _second_versions(self, out: bytearray) -> dict[int, Place]:
        places = {}
        for number, value in sorted(self.alternatives.items()):
            places[number] = Place(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, written(value))
        return places

    def _old(self, number: int) -> int:
        place = self.before.places.get(number)
        return place.generation if place else 0

    def _identifiers(self, data: bytes) -> list[bytes]:
        old = self.trailer.get("ID")
        first = old[0] if isinstance(old, list) and old else b"sample identifier"[:16]
        return [first, hashlib.md5(b"%d" % len(data)).digest()]


def old_style(style: str, old: State) -> str:
    """What the next update writes where nobody says otherwise."""
    return style if style in ("table", "stream", "packed") else old.style


def _second_half(places: dict[int, Place]) -> list[int]:
    numbers = sorted(places)
    return numbers[len(numbers) // 2 :]


def _xref_table(
    out: bytearray, places: dict[int, Place], freed: set[int], size: int, trailer: dict[str, Value], first: bool
) -> int:
    start = len(out)
    out += b"xref\n" + (b"0 1\n0000000000 65535 f \n" if first else b"")
    rows = {n: b"%010d %05d n \n" % (p.offset, p.generation) for n, p in places.items()}
    rows |= dict.fromkeys(freed, b"0000000000 00001 f \n")
    for number, row in sorted(rows.items()):
        out += b"%d 1\n" % number + row
    out += b"trailer\n" + written({"Size": size, **trailer}) + b"\n"
    return start


def _xref_stream(
    out: bytearray, places: dict[int, Place], freed: set[int], size: int, trailer: dict[str, Value]
) -> tuple[int, int]:
    own, start = size, len(out)
    rows = {n: (1, p.offset, p.generation) if p.index is None else (2, p.offset, p.index) for n, p in places.items()}
    rows |= dict.fromkeys(freed, (0, 0, 1))
    rows[own] = (1, start, 0)
    table = b"".join(bytes((k,)) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for _, (k, a, b) in sorted(rows.items()))
    index = Raw(b"[" + b" ".join(b"%d 1" % n for n in sorted(rows)) + b"]")
    entries = {"Type": Name("XRef"), "Size": own + 1, "W": [1, 4, 2], "Index": index, **trailer}
    out += b"%d 0 obj\n%s\nendobj\n" % (own, written(stream(table, entries, deflate=True)))
    return start, own + 1
