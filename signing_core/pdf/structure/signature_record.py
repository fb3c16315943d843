"""From a signature dictionary to its record: what it says, what it covers, what is odd about it.

Codes of the findings:

========================  ==========================================================================================
byte-range-missing        no usable /ByteRange: not two pairs of integers
byte-range-start          it does not begin with the first byte of the file
byte-range-gap            what it leaves out is not exactly the /Contents string of this signature
byte-range-end            it ends beyond the file, or not at the end of a revision
byte-range-overlap        its parts overlap, or it leaves bytes of another signature's dictionary out
contents-missing          no /Contents string
contents-not-hex          /Contents is not a plain hex string in the file itself
signature-key-twice       a dictionary of the signature has a key twice
signature-placeholder     /Contents is all zeros: prepared for signing, never signed
signature-direct          the signature dictionary has no object of its own
signature-several-fields  several fields share this signature
signature-shared-later    a later revision made another field share it
signature-name-reused     a later revision brought an unsigned field of the same name
signature-unlisted        no form field leads to it
signature-hidden          a later revision no longer leads to it
sub-filter-missing        no /SubFilter
========================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signing_core.pdf.structure import coverage, pages
from signing_core.pdf.structure.kinds import is_time_stamp
from signing_core.pdf.structure.model import Finding, Lock, Severity, SignatureRecord, Span
from signing_core.pdf.structure.values import HexString, Ref, Value, integer, text

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_Owner = tuple[str, int | None]


@dataclass(slots=True, eq=False)
class FoundSignature:
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
    """Revisions in which a form field leads to it."""
    shown_in: set[int] = field(default_factory=set)
    """Revisions in which an annotation of a page does."""
    by_form: set[_Owner] = field(default_factory=set)
    """What has it as /V in the state looked at: fields, or widgets of theirs."""
    by_pages: set[_Owner] = field(default_factory=set)
    namesakes: int = 0
    """Form fields without a signature that have the name of its own, in the state looked at."""
    named_in: int = 0
    """The revision that `namesakes` was counted in."""
    shared_since: int | None = None
    """The revision since which more fields lead to it than when it was made."""
    namesakes_since: int | None = None
    page_ref: Value = None
    certification: bool = False
    _at_first: tuple[int, int] | None = None

    def reach(self, owners: set[_Owner], name: str, owner: Ref | None, locks: Iterable[Value]) -> None:
        """A field of this name leads to it; `owner` is the object that holds the /V."""
        owners.add((name, owner.number if owner is not None else None))
        if not name or name not in self.names:
            self.locks += [lock for lock in locks if lock not in self.locks]
            if name:
                self.names.append(name)

    def count(self, revision: int) -> None:
        """Compare with the state in which it was first reached how many fields lead to it, and how many have its name."""
        now = len(self.by_form | self.by_pages), self.namesakes
        if self._at_first is None:
            self._at_first = now
        if now[0] > self._at_first[0]:
            self.shared_since = self.shared_since or revision
        if now[1] > self._at_first[1]:
            self.namesakes_since = self.namesakes_since or revision


def span_of(item: FoundSignature) -> Span | None:
    """Where the hex string of /Contents stands in the file."""
    contents = item.dict.get("Contents")
    if item.in_file and isinstance(contents, HexString):
        return Span(contents.start, contents.end)
    return None


def record_of(structure: FileStructure, item: FoundSignature, others: list[Span]) -> tuple[int, int, SignatureRecord]:
    """(revision, offset, record) of a signature; `others` are where the /Contents of all signatures stand."""
    revision = structure.revision_of(item.offset)
    total = len(structure.updates)

    def at(key: str) -> Value:
        return structure.resolve(item.dict.get(key), revision)

    contents = at("Contents")
    span = span_of(item)
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
    holder = structure.holder(item.offset) if item.in_file else None
    if holder is not None and holder.ambiguous:
        why = "A dictionary of the signature has a key twice; readers differ in which value they take."
        note("signature-key-twice", Severity.ERROR, why)
    placeholder = not isinstance(contents, bytes) or not contents.strip(b"\0")
    if placeholder:
        note("signature-placeholder", Severity.ERROR, "The signature is all zeros: prepared for signing, never signed.")
    if item.direct:
        note("signature-direct", Severity.INFO, "The signature dictionary is written inside its field.")
    if len(item.names) > 1:
        note("signature-several-fields", Severity.INFO, f"Fields {', '.join(item.names)} share one signature.")
    if item.shared_since is not None:
        why = f"Revision {item.shared_since} made another field share this signature."
        note("signature-shared-later", Severity.ERROR, why)
    if item.namesakes_since is not None:
        why = f"Revision {item.namesakes_since} brought another field of the same name, which nobody signed."
        note("signature-name-reused", Severity.ERROR, why)
    if not item.seen_in:
        note("signature-unlisted", Severity.WARNING, "No form field leads to this signature.")
    last = max(item.seen_in or item.shown_in, default=total)
    hidden = last < total
    if hidden:
        lost = last + 1
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
        kind="document-timestamp" if is_time_stamp(kind, sub_filter) else "signature",
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


def _rules(structure: FileStructure, item: FoundSignature, revision: int) -> tuple[int | None, tuple[Lock, ...]]:
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
