"""What a dictionary is by its required entries, and which of its entries only lead back or across."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.values import COMPOUND, Ref, Stream, Value

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_POINTERS: Final = {
    "page": frozenset({"Parent", "B"}),
    "annotation": frozenset({"P", "Parent", "Popup", "IRT", "Dest", "A"}),
    "field": frozenset({"Parent", "P"}),
    "element": frozenset({"P", "Pg", "Obj"}),
    "outline": frozenset({"Parent", "Prev", "Last", "Dest", "A", "SE"}),
    "signature": frozenset({"Reference"}),
}
"""Entries that lead back or across, by what has them: their targets are compared where they belong (7.7.3.3, 12.3.3, 12.5.2,
12.7.4.1, 14.7.2). The ledger sees to it that they are."""
_PAGE: Final = frozenset({"Contents", "MediaBox", "Annots", "Resources"})
_VIEWS: Final = frozenset({"XYZ", "Fit", "FitH", "FitV", "FitR", "FitB", "FitBH", "FitBV"})


def kind_of(value: Value) -> str | None:
    """What a dictionary is by its required entries; None for anything that has no place of its own in a document."""
    if not isinstance(value, dict):
        return None
    kind = value.get("Type")
    if kind in ("Page", "Pages", "Catalog"):
        return "page" if kind == "Page" else "tree"
    if "Parent" in value and "Kids" not in value and "Subtype" not in value and not _PAGE.isdisjoint(value):
        return "page"
    if "Rect" in value and "Subtype" in value:
        return "annotation"
    if "FT" in value or ("T" in value and ("Kids" in value or "Parent" in value)):
        return "field"
    if kind == "StructElem" or kind == "StructTreeRoot" or ("S" in value and "P" in value):
        return "element"
    if kind == "OBJR" or kind == "MCR":
        return "element"
    if "Title" in value and "Parent" in value:
        return "outline"
    if is_signature(value):
        return "signature"
    if "Kids" in value and "Parent" in value:
        return "field"  # a node between a field and its widgets
    return None


def leads(value: Value, number: int, *, back: bool) -> bool:
    """Whether a holder refers to `number`, without `back` otherwise than by an entry that only leads back or across."""
    if isinstance(value, Stream) and value.dict.get("Type") == "XRef":
        return False  # its dictionary is the trailer
    stack: list[Value] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Ref):
            if item.number == number:
                return True
        elif isinstance(item, list):
            if back or not is_destination(item):
                stack.extend([part for part in item if type(part) in COMPOUND])
        elif isinstance(item, dict | Stream):
            entries = item.dict if isinstance(item, Stream) else item
            skipped = frozenset() if back else back_entries(item)
            stack.extend([part for key, part in entries.items() if type(part) in COMPOUND and key not in skipped])
    return False


def back_entries(value: Value) -> frozenset[str]:
    """Entries of a dictionary that only lead back or across."""
    return _POINTERS.get(kind_of(value) or "", frozenset())


def is_destination(value: list[Value]) -> bool:
    """`[page /Fit ...]` (12.3.2.2), or the same with a structure element (12.3.2.3)."""
    return len(value) > 1 and isinstance(value[0], Ref) and isinstance(value[1], str) and value[1] in _VIEWS


def is_signature(value: Value) -> bool:
    """Whether a dictionary is a signature dictionary, whatever its /Type and /SubFilter say."""
    if not isinstance(value, dict):
        return False
    if "ByteRange" in value or value.get("Type") in ("Sig", "DocTimeStamp"):
        return True
    return "Contents" in value and ("SubFilter" in value or "Filter" in value)


def is_time_stamp(kind: Value, sub_filter: Value) -> bool:
    """Whether a signature dictionary of this /Type and /SubFilter is a document time-stamp (12.8.5; EN 319 142-1, 5.4.3)."""
    return bool(kind == "DocTimeStamp" or sub_filter == "ETSI.RFC3161")


def subtype_of(structure: FileStructure, annotation: Value, revision: int) -> str:
    """What kind of annotation a dictionary is (12.5.6.1), also where an object of its own says it; empty when nothing does."""
    subtype = structure.resolve(annotation.get("Subtype"), revision) if isinstance(annotation, dict) else None
    return subtype if isinstance(subtype, str) else ""
