"""Two states of one file side by side: the one that was signed and a later one."""

from __future__ import annotations

from functools import cached_property
from typing import Final, TypeAlias

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.access import Location
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.forms import Form
from signing_core.pdf.structure.mentions import Mentions
from signing_core.pdf.structure.values import Ref, Stream, Value

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
_MAX_DEPTH: Final = 400
_PAGE: Final = frozenset({"Contents", "MediaBox", "Annots", "Resources"})
_VIEWS: Final = frozenset({"XYZ", "Fit", "FitH", "FitV", "FitR", "FitB", "FitBH", "FitBV"})

Owned: TypeAlias = tuple[Location | None, int, bool]
"""Where a holder lies, an object number, and whether entries that lead back count."""


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
    if "ByteRange" in value or kind in ("Sig", "DocTimeStamp"):
        return "signature"
    if "Kids" in value and "Parent" in value:
        return "field"  # a node between a field and its widgets
    return None


class Pair:
    """The states after revision `signed` and after revision `later`."""

    def __init__(
        self, structure: FileStructure, signed: int, later: int, mentions: Mentions, owned: dict[Owned, bool]
    ) -> None:
        """`owned` is shared by the pairs of one file: which holders were found to own what."""
        self.structure = structure
        self.signed = signed
        self.later = later
        self.mentions = mentions
        self._owned = owned
        self._places: dict[int, str | None] = {}

    def before(self, value: Value) -> Value:
        return self.structure.resolve(value, self.signed)

    def after(self, value: Value) -> Value:
        return self.structure.resolve(value, self.later)

    @cached_property
    def changed(self) -> frozenset[int]:
        """Numbers of the objects that lie elsewhere in the later state, are new in it, or gone."""
        structure = self.structure
        numbers: set[int] = set()
        for revision in structure.revisions[self.signed : self.later]:
            numbers |= revision.added | revision.overridden | revision.freed
        return frozenset(n for n in numbers if structure.location(n, self.signed) != structure.location(n, self.later))

    def existed(self, number: int) -> bool:
        """Whether the signed state has such an object."""
        return self.structure.location(number, self.signed) is not None and self.old(number) is not None

    def old(self, number: int) -> Value:
        """The object in the signed state."""
        return self.structure.load(Ref(number, self.structure.entry(number, self.signed).generation), self.signed)

    def new(self, number: int) -> Value:
        """The object in the later state."""
        return self.structure.load(Ref(number, self.structure.entry(number, self.later).generation), self.later)

    @cached_property
    def dirty(self) -> frozenset[int]:
        """Objects of the signed state from which a changed object can be reached, themselves included.

        References that only lead back (an annotation's page, say) are left out, else everything would reach everything.
        """
        reached = set(self.changed)
        pending = list(reached)
        while pending:
            number = pending.pop()
            self.structure.budget.step()
            value = self.old(number)
            target = self.place_of(number) if value is not None else None
            for holder in self._parent(number, value, target) or self.mentions.of(number, self.signed):
                if holder in reached:
                    continue
                key = (self.structure.location(holder, self.signed), number, target is None)
                if key not in self._owned:
                    self._owned[key] = leads(self.old(holder), number, back=target is None)
                if self._owned[key]:
                    reached.add(holder)
                    pending.append(holder)
        return frozenset(reached)

    def place_of(self, number: int) -> str | None:
        """The kind of place that an object of the signed state really has, whatever it looks like; None when it has none.

        What an object is called, or looks like, is up to whoever made the file: only a page that the page tree lists is a page.
        """
        if number not in self._places:
            self._places[number] = self._place(number)
        return self._places[number]

    def _place(self, number: int) -> str | None:
        value = self.old(number)
        kind = kind_of(value)
        if kind is None:
            return None
        ref = Ref(number, self.structure.entry(number, self.signed).generation)
        if number in self.form_before.numbers and kind in ("field", "annotation"):
            return "field"
        if kind == "page":
            return kind if self.page_number(ref) is not None else None
        if kind == "tree":
            catalog = self.structure.trailer(self.signed).get("Root") == ref
            return kind if catalog or self._parent(number, value, kind) else None
        if kind == "annotation":
            return kind if self.pages_with(number) else None
        if kind == "element":
            return kind if self._is_element(ref) else None
        return None

    def _is_element(self, ref: Ref) -> bool:
        """Whether the structure tree has an element: up through /P, each listed by the one above (14.7.2)."""
        root = self.structure.catalog(self.signed).get("StructTreeRoot")
        node: Value = ref
        for _ in range(_MAX_DEPTH):
            if node == root:
                return True
            value = self.before(node)
            above = value.get("P") if isinstance(value, dict) else None
            parent = self.before(above)
            kids = self.before(parent.get("K")) if isinstance(parent, dict) else None
            direct = parent.get("K") if isinstance(parent, dict) else None
            if node not in (direct, kids) and not (isinstance(kids, list) and node in kids):
                return False
            node = above
        return False

    def pages_with(self, number: int) -> list[int]:
        """Pages of the signed state that list an annotation in /Annots, whatever its /P says."""
        holders = self.holders(number, self.signed)
        for holder in list(holders):
            if isinstance(self.old(holder), list):
                holders |= self.holders(holder, self.signed)
        numbers = []
        for holder in sorted(holders):
            page = self.old(holder)
            listed = self.before(page.get("Annots")) if isinstance(page, dict) else None
            if isinstance(listed, list) and any(isinstance(item, Ref) and item.number == number for item in listed):
                place = self.page_number(Ref(holder, self.structure.entry(holder, self.signed).generation))
                numbers += [place] if place is not None else []
        return numbers

    def _parent(self, number: int, value: Value, kind: str | None) -> list[int]:
        """The node that has a page or a node of the page tree, which everything else only refers to (7.7.3.2)."""
        if kind not in ("page", "tree"):
            return []
        parent, root = value.get("Parent"), self.structure.trailer(self.signed).get("Root")
        top = self.structure.catalog(self.signed).get("Pages")
        if isinstance(top, Ref) and top.number == number and isinstance(root, Ref):
            return [root.number]
        above = self.before(parent)
        kids = self.before(above.get("Kids")) if kind_of(above) == "tree" else None
        listed = isinstance(kids, list) and Ref(number, self.structure.entry(number, self.signed).generation) in kids
        return [parent.number] if listed and isinstance(parent, Ref) else []

    def holders(self, number: int, revision: int) -> set[int]:
        """Objects that do mention `number`: what reads like a reference inside binary data is left out."""
        load = self.old if revision == self.signed else self.new
        return {holder for holder in self.mentions.of(number, revision) if leads(load(holder), number, back=True)}

    @cached_property
    def form_before(self) -> Form:
        return self.structure.form(self.signed)

    @cached_property
    def form_after(self) -> Form:
        return self.structure.form(self.later)

    def page_number(self, page: Value) -> int | None:
        """The number, from 1, of a page of the signed state."""
        return pages.number_of(self.structure, page, self.signed) if isinstance(page, Ref) else None

    def revision_of(self, number: int | None) -> int | None:
        """The revision that made an object what it is in the later state."""
        entries = self.structure.later.get(number, ()) if number is not None else ()
        return max((revision for revision, _ in entries if self.signed < revision <= self.later), default=None)


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
            stack.extend(item if back or not is_destination(item) else ())
        elif isinstance(item, dict | Stream):
            entries = item.dict if isinstance(item, Stream) else item
            skipped = frozenset() if back else back_entries(item)
            stack.extend(entry for key, entry in entries.items() if key not in skipped)
    return False


def back_entries(value: Value) -> frozenset[str]:
    """Entries of a dictionary that only lead back or across."""
    return _POINTERS.get(kind_of(value) or "", frozenset())


def is_destination(value: list[Value]) -> bool:
    """`[page /Fit ...]` (12.3.2.2), or the same with a structure element (12.3.2.3)."""
    return len(value) > 1 and isinstance(value[0], Ref) and isinstance(value[1], str) and value[1] in _VIEWS


def subtype_of(value: Value) -> str:
    """What kind of annotation a dictionary is (12.5.6.1)."""
    subtype = value.get("Subtype") if isinstance(value, dict) else None
    return subtype if isinstance(subtype, str) else "unknown"
