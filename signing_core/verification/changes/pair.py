"""Two states of one file side by side: the one that was signed and a later one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Final, TypeAlias

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.access import Location
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.forms import Form
from signing_core.pdf.structure.kinds import kind_of, leads
from signing_core.pdf.structure.mentions import Mentions
from signing_core.pdf.structure.values import Ref, Value

_MAX_DEPTH: Final = 400

Owned: TypeAlias = tuple[Location | None, int, bool]
"""Where a holder lies, an object number, and whether entries that lead back count."""


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
        once: set[int] = set()
        again: set[int] = set()
        for revision in self.structure.revisions[self.signed : self.later]:
            again |= once & revision.moved
            once |= revision.moved
        location = self.structure.location
        return frozenset(once - {n for n in again if location(n, self.signed) == location(n, self.later)})

    @cached_property
    def unsigned(self) -> frozenset[int]:
        """Those of them that the signed state has not."""
        return frozenset(number for number in self.changed if self.old(number) is None)

    def existed(self, number: int) -> bool:
        """Whether the signed state has such an object."""
        return number not in self.unsigned and self.old(number) is not None

    def old(self, number: int) -> Value:
        """The object in the signed state."""
        return self.structure.value(number, self.signed)

    def new(self, number: int) -> Value:
        """The object in the later state."""
        return self.structure.value(number, self.later)

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
            value = None if number in self.unsigned else self.old(number)
            target = self.place_of(number) if value is not None else None
            parents = self._parent(number, value, target) if target is not None else None
            for holder in parents or self.mentions.of(number, self.signed):
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
        pages = (
            self.page_number(Ref(page, self.structure.entry(page, self.signed).generation))
            for page in self._listing(number, self.signed)
        )
        return [page for page in pages if page is not None]

    def shown_now(self, number: int) -> bool:
        """Whether a page of the later state lists an annotation in /Annots."""
        return any(True for _ in self._listing(number, self.later))

    def _listing(self, number: int, revision: int) -> Iterator[int]:
        """What has an object in its /Annots."""
        resolve = partial(self.structure.resolve, revision=revision)
        holders = self.holders(number, revision)
        for holder in list(holders):
            if isinstance(self.structure.value(holder, revision), list):
                holders |= self.holders(holder, revision)
        for holder in sorted(holders):
            page = self.structure.value(holder, revision)
            listed = resolve(page.get("Annots")) if isinstance(page, dict) else None
            if isinstance(listed, list) and any(isinstance(item, Ref) and item.number == number for item in listed):
                yield holder

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
