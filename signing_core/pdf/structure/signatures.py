"""Every signature in any revision, and what its ByteRange covers (12.8.1, 12.7.5.5).

Signature dictionaries are reached (1) as /V of form fields, revision by revision; (2) from /Perms /DocMDP; (3) wherever else
the file has a /ByteRange: annotations that no form field lists, objects that a later update took out of sight.

Codes of the findings:

========================  ==========================================================================================
byte-range-missing        no usable /ByteRange: not two pairs of integers
byte-range-start          it does not begin with the first byte of the file
byte-range-gap            what it leaves out is not exactly the /Contents string of this signature
byte-range-end            it ends beyond the file, or not at the end of a revision
byte-range-overlap        its parts overlap, or it leaves bytes of another signature's dictionary out
contents-missing          no /Contents string
contents-not-hex          /Contents is not a plain hex string in the file itself
signature-placeholder     /Contents is all zeros: prepared for signing, never signed
signature-direct          the signature dictionary has no object of its own
signature-several-fields  several fields share this signature
signature-unlisted        no form field leads to it
signature-hidden          a later revision no longer leads to it
sub-filter-missing        no /SubFilter
========================  ==========================================================================================
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure import coverage, forms, pages
from signing_core.pdf.structure.model import Finding, Lock, Severity, SignatureRecord, Span
from signing_core.pdf.structure.objects import object_starts
from signing_core.pdf.structure.values import HexString, IndirectObject, Ref, Value, integer, text

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_TIME_STAMP: Final = ("DocTimeStamp", "ETSI.RFC3161")
_MOST: Final = 2_000


@dataclass(slots=True, eq=False)
class _Found:
    """A signature dictionary on its way to a record."""

    dict: dict[str, Value]
    offset: int
    number: int | None
    direct: bool
    in_file: bool
    """It stands in the file itself, not inside an object stream."""
    names: list[str] = field(default_factory=list)
    locks: list[Value] = field(default_factory=list)
    seen_in: set[int] = field(default_factory=set)
    page_ref: Value = None
    certification: bool = False


def is_signature(value: Value) -> bool:
    """Whether a dictionary is a signature dictionary, whatever its /Type and /SubFilter say."""
    if not isinstance(value, dict):
        return False
    if "ByteRange" in value or value.get("Type") in ("Sig", "DocTimeStamp"):
        return True
    return isinstance(value.get("Contents"), bytes) and ("SubFilter" in value or "Filter" in value)


def find(structure: FileStructure) -> tuple[SignatureRecord, ...]:
    """All signatures, in signing order."""
    found: dict[tuple[int, str], _Found] = {}
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
    spans = [_span(item) for item in found.values()]
    records = [_record(structure, item, [s for s in spans if s]) for item in list(found.values())[:_MOST]]
    records.sort(key=lambda item: (item[0], item[1]))
    return tuple(record for _, _, record in records)


def _in_form(
    structure: FileStructure, form: forms.Form, revision: int, found: dict[tuple[int, str], _Found]
) -> Iterator[_Found]:
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
    found: dict[tuple[int, str], _Found],
) -> _Found | None:
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
        found[key] = _Found(resolved, offset, ref.number if ref else None, ref is None, in_file)
    return found[key]


def _permissions(structure: FileStructure, revision: int, found: dict[tuple[int, str], _Found]) -> None:
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
    found[place, ""] = _Found(resolved, place, ref.number, False, True, certification=True)


_SIGNED_VALUE: Final = rb"/V[\0\t\n\f\r ]*+%d[\0\t\n\f\r ]++%d[\0\t\n\f\r ]++R"


def _elsewhere(structure: FileStructure, found: dict[tuple[int, str], _Found]) -> None:
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
        places, _ = structure.places
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


def _add_loose(structure: FileStructure, holder: IndirectObject, found: dict[tuple[int, str], _Found]) -> None:
    """A signature that an update not in the chain brought in: it counts, being out of sight is the point."""
    end = max((span.end for span in structure.unlinked), default=0)
    if structure.damaged or (holder.start < structure.revisions[0].end and holder.start > end):
        return
    if any(item.number == holder.number and item.dict == holder.value for item in found.values()):
        return
    if is_signature(holder.value) and (holder.start, "") not in found:
        found[holder.start, ""] = _Found(holder.value, holder.start, holder.number, False, True)


def _add_unlisted(structure: FileStructure, holder: IndirectObject, found: dict[tuple[int, str], _Found]) -> None:
    value = holder.value
    if not isinstance(value, dict):
        return
    inner = value.get("V")
    if isinstance(inner, dict) and is_signature(inner):
        if value.get("Subtype") == "Widget" or value.get("FT") == "Sig":
            name = text(value.get("T")) or ""
            if not any(item.dict == inner for item in found.values()):
                found[holder.start, name] = _Found(inner, holder.start, None, True, True, names=[name])
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
    found[holder.start, ""] = _Found(
        value, holder.start, holder.number, False, True, names=[title] if title else [], page_ref=widget.value.get("P")
    )


def _owner(structure: FileStructure, at: int) -> IndirectObject | None:
    places, _ = structure.places
    index = bisect_right(places, at) - 1
    holder = structure.holder(places[index]) if index >= 0 else None
    return holder if holder is not None and holder.start <= at < holder.end else None


def _span(item: _Found) -> Span | None:
    contents = item.dict.get("Contents")
    if item.in_file and isinstance(contents, HexString):
        return Span(contents.start, contents.end)
    return None


def _record(structure: FileStructure, item: _Found, others: list[Span]) -> tuple[int, int, SignatureRecord]:
    revision = structure.revision_of(item.offset)
    total = len(structure.updates)

    def at(key: str) -> Value:
        return structure.resolve(item.dict.get(key), revision)

    contents = at("Contents")
    span = _span(item)
    findings: list[Finding] = []

    def note(code: str, severity: Severity, message: str) -> None:
        findings.append(Finding(code, severity, message, item.names[0] if item.names else None, revision))

    numbers = at("ByteRange")
    numbers = [integer(structure.resolve(n, revision)) for n in numbers] if isinstance(numbers, list) else None
    byte_range = tuple(numbers) if numbers is not None and all(n is not None for n in numbers) else None
    plain = isinstance(contents, HexString) and contents.clean and span is not None
    covers, covered, reasons = coverage.judge(structure, revision, byte_range, span if plain else None, others)
    for code, message in reasons:
        note(code, Severity.ERROR, message)
    if not isinstance(contents, bytes):
        note("contents-missing", Severity.ERROR, "The signature has no /Contents.")
    elif not plain and contents.strip(b"\0"):
        note("contents-not-hex", Severity.ERROR, "/Contents is not a plain hexadecimal string in the file itself.")
    placeholder = not isinstance(contents, bytes) or not contents.strip(b"\0")
    if placeholder:
        note("signature-placeholder", Severity.ERROR, "The signature is all zeros: prepared for signing, never signed.")
    if item.direct:
        note("signature-direct", Severity.INFO, "The signature dictionary is written inside its field.")
    if len(item.names) > 1:
        note("signature-several-fields", Severity.INFO, f"Fields {', '.join(item.names)} share one signature.")
    if not item.seen_in:
        note("signature-unlisted", Severity.WARNING, "No form field leads to this signature.")
    hidden = bool(item.seen_in) and max(item.seen_in) < total
    if hidden:
        lost = max(item.seen_in) + 1
        note("signature-hidden", Severity.ERROR, f"Revision {lost} takes this signature out of sight.")
    sub_filter, kind = at("SubFilter"), at("Type")
    if not isinstance(sub_filter, str):
        note("sub-filter-missing", Severity.WARNING, "The signature names no /SubFilter.")
    doc_mdp, locks = _rules(structure, item, revision)
    certificates = at("Cert")
    listed = certificates if isinstance(certificates, list) else [certificates]
    page = pages.number_of(structure, item.page_ref, revision) if isinstance(item.page_ref, Ref) else None
    record = SignatureRecord(
        fields=tuple(item.names),
        revision=revision,
        covered_revision=covered,
        kind="document-timestamp" if kind in _TIME_STAMP or sub_filter in _TIME_STAMP else "signature",
        contents=bytes(contents) if isinstance(contents, bytes) else b"",
        byte_range=byte_range,
        filter=_name(at("Filter")),
        sub_filter=_name(sub_filter),
        type=_name(kind),
        time=text(at("M")),
        name=text(at("Name")),
        reason=text(at("Reason")),
        location=text(at("Location")),
        contact=text(at("ContactInfo")),
        cert=tuple(c for c in (structure.resolve(c, revision) for c in listed) if isinstance(c, bytes)),
        doc_mdp=doc_mdp,
        certification=item.certification,
        field_mdp=locks,
        coverage=covers,
        contents_span=span,
        hidden_in_later_revision=hidden,
        direct=item.direct,
        placeholder=placeholder,
        object_number=item.number,
        page=page,
        findings=tuple(findings),
    )
    return revision, item.offset, record


def _name(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _rules(structure: FileStructure, item: _Found, revision: int) -> tuple[int | None, tuple[Lock, ...]]:
    """(/P that it sets for the document, the locks that it sets on fields)."""
    permissions: list[int] = []
    locks: list[Lock] = []
    references = structure.resolve(item.dict.get("Reference"), revision)
    for reference in references[:64] if isinstance(references, list) else []:
        resolved = structure.resolve(reference, revision)
        if not isinstance(resolved, dict):
            continue
        parameters = structure.resolve(resolved.get("TransformParams"), revision)
        parameters = parameters if isinstance(parameters, dict) else {}
        method = structure.resolve(resolved.get("TransformMethod"), revision)
        if method == "DocMDP":
            given = integer(structure.resolve(parameters.get("P"), revision))
            permissions.append(given if given in (1, 2, 3) else 2)
        elif method == "FieldMDP":
            locks.append(_lock(structure, parameters, revision))
    for value in item.locks:
        lock = structure.resolve(value, revision)
        if isinstance(lock, dict):
            locks.append(_lock(structure, lock, revision))
            given = integer(structure.resolve(lock.get("P"), revision))
            if given in (1, 2, 3):
                permissions.append(given)
    return (min(permissions) if permissions else None), tuple(dict.fromkeys(locks))


def _lock(structure: FileStructure, given: dict[str, Value], revision: int) -> Lock:
    action = structure.resolve(given.get("Action"), revision)
    names = structure.resolve(given.get("Fields"), revision)
    listed = [text(structure.resolve(name, revision)) for name in names] if isinstance(names, list) else []
    return Lock(
        action if action in ("Include", "Exclude") else "All", tuple(name for name in listed if name is not None)
    )
