"""Every signature in any revision, and what its ByteRange covers (12.8.1, 12.7.5.5).

Signature dictionaries are reached, revision by revision, (1) as /V of form fields and of their widgets; (2) as /V of what the
/Annots of pages lead to, in the form or not; (3) from /Perms /DocMDP; and (4) wherever else the file has a /ByteRange that some
/V refers to: objects that a later update took out of sight. One that only /Perms /UR3 leads to enables features of a viewer
(12.8.6) and is no signature of a person.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure import forms
from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.kinds import is_signature
from signing_core.pdf.structure.model import SignatureRecord, Span
from signing_core.pdf.structure.objects import object_starts
from signing_core.pdf.structure.shown import ShownValues
from signing_core.pdf.structure.signature_record import FoundSignature, record_of, span_of
from signing_core.pdf.structure.values import IndirectObject, Ref, Value, text

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_MOST: Final = 2_000
_USAGE_RIGHTS: Final = ("UR3", "UR")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found in all revisions."""

    records: tuple[SignatureRecord, ...] = ()
    """In signing order."""
    usage_rights: tuple[Span, ...] = ()
    """Objects with usage rights signatures, which are nobody's signature."""


def find(structure: FileStructure) -> Discovery:
    """All signatures that any state of the file has or had."""
    search = _Search(structure)
    for revision in range(1, len(structure.updates) + 1):
        search.look_at(revision)
    search.look_elsewhere()
    return search.discovery()


class _Search:
    """Goes through the revisions, oldest first."""

    def __init__(self, structure: FileStructure) -> None:
        self._structure = structure
        self._found: dict[tuple[int, int], FoundSignature] = {}
        """By offset of the object, and the number that tells apart what is in one object."""
        self._usage_rights: set[Span] = set()
        self._form: forms.Form | None = None
        self._shown = ShownValues(structure)
        self._in_form: tuple[FoundSignature, ...] = ()
        self._on_pages: tuple[FoundSignature, ...] = ()

    def look_at(self, revision: int) -> None:
        structure = self._structure
        changed = structure.revisions[revision - 1]
        moved = changed.moved if revision > 1 else frozenset[int]()
        new_form = self._form is None or not self._form.numbers.isdisjoint(moved)
        if new_form:
            self._form = structure.form(revision)
            for item in self._in_form:
                item.by_form.clear()
            self._in_form = tuple(dict.fromkeys(self._from_form(self._form, revision)))
        new_pages = self._shown.update(revision, moved)
        if new_pages:
            for item in self._on_pages:
                item.by_pages.clear()
            self._on_pages = tuple(dict.fromkeys(self._from_pages(revision)))
        for item in self._in_form:
            item.seen_in.add(revision)
        for item in self._on_pages:
            item.shown_in.add(revision)
        if new_form or new_pages:
            for item in {*self._in_form, *self._on_pages}:
                item.count(revision)
        self._permissions(revision)

    def discovery(self) -> Discovery:
        structure = self._structure
        items = list(self._found.values())
        spans = [span for item in items if (span := span_of(item)) is not None]
        records = sorted((record_of(structure, item, spans) for item in items), key=lambda entry: entry[:2])
        places = {item.offset for item in items}
        rights = sorted((span for span in self._usage_rights if span.start not in places), key=lambda span: span.start)
        return Discovery(tuple(record for _, _, record in records), tuple(rights))

    # -- where signatures are reached from ----------------------------------------------------------------------------

    def _from_form(self, form: forms.Form, revision: int) -> Iterator[FoundSignature]:
        structure = self._structure
        unsigned: Counter[str] = Counter()
        reached: list[tuple[FoundSignature, str]] = []
        for form_field in form.fields:
            owners = [(form_field.attributes.get("V"), form_field.ref, form_field.own)]
            owners += [(w.dict["V"], w.ref or form_field.ref, w.dict) for w in form_field.widgets if "V" in w.dict]
            filled = False
            for value, owner, holder in owners:
                resolved = structure.resolve(value, revision)
                if not is_signature(resolved) or (form_field.type not in ("Sig", None) and "ByteRange" not in resolved):
                    continue
                item = self._located(value, resolved, owner, revision)
                filled = True
                locks = [entry["Lock"] for entry in (form_field.own, holder) if "Lock" in entry]
                item.reach(item.by_form, form_field.name, owner, locks)
                if item.page_ref is None:
                    item.page_ref = next(
                        (w.dict["P"] for w in form_field.widgets if isinstance(w.dict.get("P"), Ref)), None
                    )
                reached.append((item, form_field.name))
            if not filled:
                unsigned[form_field.name] += 1
        for item, name in reached:
            item.namesakes = max(item.namesakes if item.named_in == revision else 0, unsigned[name])
            item.named_in = revision
            yield item

    def _from_pages(self, revision: int) -> Iterator[FoundSignature]:
        for shown in self._shown.values():
            resolved = self._structure.resolve(shown.value, revision)
            if not is_signature(resolved) or (shown.kind not in ("Sig", None) and "ByteRange" not in resolved):
                continue
            item = self._located(shown.value, resolved, shown.owner, revision)
            item.reach(item.by_pages, shown.name, shown.owner, shown.locks)
            if item.page_ref is None:
                item.page_ref = shown.page
            yield item

    def _permissions(self, revision: int) -> None:
        structure = self._structure
        permissions = structure.resolve(structure.catalog(revision).get("Perms"), revision)
        if not isinstance(permissions, dict):
            return
        for key in ("DocMDP", *_USAGE_RIGHTS):
            ref = permissions.get(key)
            resolved = structure.resolve(ref, revision)
            if not isinstance(ref, Ref) or not is_signature(resolved):
                continue
            if key in _USAGE_RIGHTS and _grants_usage(structure, resolved, revision):
                place = structure.location(ref.number, revision)
                holder = structure.holder(place) if isinstance(place, int) else None
                if holder is not None:
                    self._usage_rights.add(Span(holder.start, holder.end, "usage rights signature"))
                continue
            item = self._located(ref, resolved, None, revision)
            if key == "DocMDP" and min(item.seen_in, default=revision) >= revision:
                item.certification = True  # it is one from its own revision on, or never (12.8.6)

    def _located(self, value: Value, resolved: dict[str, Value], owner: Ref | None, revision: int) -> FoundSignature:
        """The entry for this dictionary: one for each place in the file, however many fields lead there."""
        structure = self._structure
        ref = value if isinstance(value, Ref) else None
        while ref is not None and isinstance(following := structure.load(ref, revision), Ref):
            ref = following
            structure.budget.step()
        owner = ref or owner
        location = structure.location(owner.number, revision) if owner else None
        offset, item = location if isinstance(location, tuple) else (location or 0, -1)
        # Values of one object that are written into it are told apart by themselves: each is parsed once and kept.
        key = (offset, item if ref else id(resolved))
        for other in self._found.values():  # written once more, unchanged: still the same signature
            if other.number is not None and ref is not None and other.number == ref.number and other.dict == resolved:
                return other
        if key not in self._found:
            if len(self._found) >= _MOST:
                raise LimitReached(f"there are more than {_MOST} signatures")
            self._found[key] = FoundSignature(
                resolved, offset, ref.number if ref else None, ref is None, isinstance(location, int)
            )
        return self._found[key]

    # -- what nothing of that leads to --------------------------------------------------------------------------------

    def look_elsewhere(self) -> None:
        """By /ByteRange, at the speed of a text search."""
        structure = self._structure
        data = structure.data
        holders = [structure.holder(item.offset) for item in self._found.values() if item.in_file]
        known = [(holder.start, holder.end) for holder in holders if holder is not None]
        position = 0
        while (at := data.find(b"/ByteRange", position)) >= 0:
            structure.budget.step()
            position = at + 10
            if any(low <= at < high for low, high in known):
                continue
            holder = _owner(structure, at)
            if holder is None:
                self._add_loose(at)
            else:
                self._add_unlisted(holder)

    def _add_loose(self, at: int) -> None:
        holder = self._out_of_sight(at)
        if holder is not None and is_signature(holder.value):
            self._add(holder)

    def _out_of_sight(self, at: int) -> IndirectObject | None:
        """The object around byte `at` that an update not in the chain brought in: it counts, being out of sight is the point."""
        structure = self._structure
        end = max((span.end for span in structure.unlinked), default=0)
        holder = _loose(structure, at)
        if holder is None or structure.damaged or (holder.start < structure.revisions[0].end and holder.start > end):
            return None
        return holder

    def _add_unlisted(self, holder: IndirectObject) -> None:
        value = holder.value
        if not isinstance(value, dict):
            return
        inner = value.get("V")
        if isinstance(inner, dict) and is_signature(inner):
            if value.get("Subtype") == "Widget" or value.get("FT") == "Sig":
                key = (holder.start, id(inner))
                if not any(item.dict == inner for item in self._found.values()):
                    item = self._found[key] = FoundSignature(inner, holder.start, None, True, True)
                    item.names.append(text(value.get("T")) or "")
            return
        if not is_signature(value) or (holder.number, holder.generation) not in self._values_written:
            return  # left over from an earlier life of the document: nothing ever showed it
        widget = self._values_written[holder.number, holder.generation]
        title = text(widget.get("T"))
        self._add(holder, names=[title] if title else [], page=widget.get("P"))

    def _add(self, holder: IndirectObject, *, names: Iterable[str] = (), page: Value = None) -> None:
        if any(item.number == holder.number and item.dict == holder.value for item in self._found.values()):
            return
        if (holder.start, -1) not in self._found:
            self._found[holder.start, -1] = FoundSignature(
                holder.value, holder.start, holder.number, False, True, names=list(names), page_ref=page
            )

    @cached_property
    def _values_written(self) -> dict[tuple[int, int], dict[str, Value]]:
        """What some object, of any revision or of an update out of sight, has as /V, with the first such object."""
        written: dict[tuple[int, int], dict[str, Value]] = {}
        for match in _VALUE.finditer(self._structure.data):
            self._structure.budget.step()
            key = int(match[1]), int(match[2])
            at = match.start()
            owner = _owner(self._structure, at) or self._out_of_sight(at) if key not in written else None
            if owner is not None and isinstance(owner.value, dict):
                written[key] = owner.value
        return written


_VALUE: Final = re.compile(rb"/V[\0\t\n\f\r ]*+(\d{1,10})[\0\t\n\f\r ]++(\d{1,5})[\0\t\n\f\r ]++R")


def _grants_usage(structure: FileStructure, signature: dict[str, Value], revision: int) -> bool:
    """Whether a signature says of itself that it is for usage rights (12.8.2.3)."""
    references = structure.resolve(signature.get("Reference"), revision)
    for reference in references[:64] if isinstance(references, list) else ():
        resolved = structure.resolve(reference, revision)
        method = resolved.get("TransformMethod") if isinstance(resolved, dict) else None
        if structure.resolve(method, revision) in _USAGE_RIGHTS:
            return True
    return False


def _loose(structure: FileStructure, at: int) -> IndirectObject | None:
    """The object around byte `at` that no cross-reference section lists."""
    for start, _, _ in reversed(object_starts(structure.data, max(0, at - 65_536), at)):
        holder = structure.holder(start)
        if holder is not None and holder.start <= at < holder.end:
            return holder if isinstance(holder.value, dict) else None
    return None


def _owner(structure: FileStructure, at: int) -> IndirectObject | None:
    """The listed object around byte `at`."""
    places = structure.places
    index = bisect_right(places, at) - 1
    holder = structure.holder(places[index]) if index >= 0 else None
    return holder if holder is not None and holder.start <= at < holder.end else None
