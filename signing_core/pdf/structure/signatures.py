"""Every signature in any revision, and what its ByteRange covers (12.8.1, 12.7.5.5).

Signature dictionaries are reached (1) as /V of form fields, revision by revision; (2) from /Perms /DocMDP; (3) wherever else
the file has a /ByteRange: annotations that no form field lists, objects that a later update took out of sight.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure import forms
from signing_core.pdf.structure.model import SignatureRecord
from signing_core.pdf.structure.objects import object_starts
from signing_core.pdf.structure.signature_record import FoundSignature, record_of, span_of
from signing_core.pdf.structure.values import IndirectObject, Ref, Value, text

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_MOST: Final = 2_000


def is_signature(value: Value) -> bool:
    """Whether a dictionary is a signature dictionary, whatever its /Type and /SubFilter say."""
    if not isinstance(value, dict):
        return False
    if "ByteRange" in value or value.get("Type") in ("Sig", "DocTimeStamp"):
        return True
    return isinstance(value.get("Contents"), bytes) and ("SubFilter" in value or "Filter" in value)


def find(structure: FileStructure) -> tuple[SignatureRecord, ...]:
    """All signatures, in signing order."""
    found: dict[tuple[int, str], FoundSignature] = {}
    total = len(structure.updates)
    form: forms.Form | None = None
    for revision in range(1, total + 1):
        changed = structure.revisions[revision - 1]
        moved = changed.added | changed.overridden | changed.freed
        if form is None or not form.numbers.isdisjoint(moved):
            form = structure.form(revision)
            here = list(_in_form(structure, form, revision, found))
        for item in here:
            item.seen_in.add(revision)
        _permissions(structure, revision, found)
    _elsewhere(structure, found)
    spans = [span_of(item) for item in found.values()]
    records = [record_of(structure, item, [s for s in spans if s]) for item in list(found.values())[:_MOST]]
    records.sort(key=lambda item: (item[0], item[1]))
    return tuple(record for _, _, record in records)


def _in_form(
    structure: FileStructure, form: forms.Form, revision: int, found: dict[tuple[int, str], FoundSignature]
) -> Iterator[FoundSignature]:
    for form_field in form.fields:
        value = form_field.attributes.get("V")
        if value is None:
            continue
        resolved = structure.resolve(value, revision)
        if not is_signature(resolved) or (form_field.type not in ("Sig", None) and "ByteRange" not in resolved):
            continue
        item = _located(structure, value, resolved, form_field, revision, found)
        if item is None:
            continue
        if form_field.name not in item.names:
            item.names.append(form_field.name)
            if "Lock" in form_field.own:
                item.locks.append(form_field.own["Lock"])
        if item.page_ref is None:
            item.page_ref = next((w.dict["P"] for w in form_field.widgets if isinstance(w.dict.get("P"), Ref)), None)
        yield item


def _located(
    structure: FileStructure,
    value: Value,
    resolved: dict[str, Value],
    form_field: forms.FormField,
    revision: int,
    found: dict[tuple[int, str], FoundSignature],
) -> FoundSignature | None:
    """The entry for this dictionary: one for each place in the file, however many fields lead there."""
    ref = value if isinstance(value, Ref) else None
    while ref is not None and isinstance(following := structure.load(ref, revision), Ref):
        ref = following
        structure.budget.step()
    owner = ref or form_field.ref
    location = structure.location(owner.number, revision) if owner else None
    if isinstance(location, tuple):
        key = (location[0], f"{location[1]}/{'' if ref else form_field.name}")
        offset, in_file = location[0], False
    else:
        offset, in_file = location if location is not None else 0, location is not None
        key = (offset, "" if ref else form_field.name)
    for other in found.values():  # written once more, unchanged: still the same signature
        if other.number is not None and ref is not None and other.number == ref.number and other.dict == resolved:
            return other
    if key not in found:
        if len(found) >= _MOST:
            return None
        found[key] = FoundSignature(resolved, offset, ref.number if ref else None, ref is None, in_file)
    return found[key]


def _permissions(structure: FileStructure, revision: int, found: dict[tuple[int, str], FoundSignature]) -> None:
    permissions = structure.resolve(structure.catalog(revision).get("Perms"), revision)
    if not isinstance(permissions, dict):
        return
    ref = permissions.get("DocMDP")
    resolved = structure.resolve(ref, revision)
    if not isinstance(ref, Ref) or not is_signature(resolved):
        return
    place = structure.location(ref.number, revision)
    if not isinstance(place, int):
        return
    for item in found.values():
        if item.number == ref.number and (item.offset == place or item.dict == resolved):
            item.certification = True
            return
    found[place, ""] = FoundSignature(resolved, place, ref.number, False, True, certification=True)


_SIGNED_VALUE: Final = rb"/V[\0\t\n\f\r ]*+%d[\0\t\n\f\r ]++%d[\0\t\n\f\r ]++R"


def _elsewhere(structure: FileStructure, found: dict[tuple[int, str], FoundSignature]) -> None:
    """Signatures that no form field leads to. Found by their /ByteRange, at the speed of a text search."""
    data = structure.data
    holders = [structure.holder(item.offset) for item in found.values() if item.in_file]
    known = [(holder.start, holder.end) for holder in holders if holder is not None]
    position = 0
    for _ in range(_MOST):
        at = data.find(b"/ByteRange", position)
        if at < 0:
            break
        position = at + 10
        if any(low <= at < high for low, high in known):
            continue
        places = structure.places
        index = bisect_right(places, at) - 1
        start = places[index] if index >= 0 else -1
        holder = structure.holder(start) if start >= 0 else None
        if holder is None or not holder.start <= at < holder.end:
            holder = _loose(structure, at)
            if holder is None:
                continue
            _add_loose(structure, holder, found)
        else:
            _add_unlisted(structure, holder, found)


def _loose(structure: FileStructure, at: int) -> IndirectObject | None:
    """The object around byte `at` that no cross-reference section lists."""
    for start, _, _ in reversed(object_starts(structure.data, max(0, at - 65_536), at)):
        holder = structure.holder(start)
        if holder is not None and holder.start <= at < holder.end:
            return holder if isinstance(holder.value, dict) else None
    return None


def _add_loose(structure: FileStructure, holder: IndirectObject, found: dict[tuple[int, str], FoundSignature]) -> None:
    """A signature that an update not in the chain brought in: it counts, being out of sight is the point."""
    end = max((span.end for span in structure.unlinked), default=0)
    if structure.damaged or (holder.start < structure.revisions[0].end and holder.start > end):
        return
    if any(item.number == holder.number and item.dict == holder.value for item in found.values()):
        return
    if is_signature(holder.value) and (holder.start, "") not in found:
        found[holder.start, ""] = FoundSignature(holder.value, holder.start, holder.number, False, True)


def _add_unlisted(
    structure: FileStructure, holder: IndirectObject, found: dict[tuple[int, str], FoundSignature]
) -> None:
    value = holder.value
    if not isinstance(value, dict):
        return
    inner = value.get("V")
    if isinstance(inner, dict) and is_signature(inner):
        if value.get("Subtype") == "Widget" or value.get("FT") == "Sig":
            name = text(value.get("T")) or ""
            if not any(item.dict == inner for item in found.values()):
                found[holder.start, name] = FoundSignature(inner, holder.start, None, True, True, names=[name])
        return
    if not is_signature(value) or (holder.start, "") in found:
        return
    if any(item.number == holder.number and item.dict == value for item in found.values()):
        return
    pattern = re.compile(_SIGNED_VALUE % (holder.number, holder.generation))
    widget = next(
        (
            owner
            for match in pattern.finditer(structure.data)
            if (owner := _owner(structure, match.start())) is not None and isinstance(owner.value, dict)
        ),
        None,
    )
    if widget is None:  # left over from an earlier life of the document: nothing ever showed it
        return
    title = text(widget.value.get("T"))
    found[holder.start, ""] = FoundSignature(
        value, holder.start, holder.number, False, True, names=[title] if title else [], page_ref=widget.value.get("P")
    )


def _owner(structure: FileStructure, at: int) -> IndirectObject | None:
    places = structure.places
    index = bisect_right(places, at) - 1
    holder = structure.holder(places[index]) if index >= 0 else None
    return holder if holder is not None and holder.start <= at < holder.end else None
