"""Values of fields that the pages of a state show: every /Annots of the page tree, followed up to the fields above (12.5.2,
12.7.4.1).

The first state is walked as a whole, but only what may lead to a value is parsed. Later states cost what their update touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.glance import Glance
from signing_core.pdf.structure.values import Ref, Value, text

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_MAX_DEPTH: Final = 32
_MAX_CHAIN: Final = 16
_MAX_DIRECT: Final = 100_000
_ANNOTATIONS: Final = re.compile(rb"/Annots *+\[((?>[ \r\n]*+\d{1,10} 0 R)++)[ \r\n]*+\]")
"""Written as most programs do."""
_REFERENCE: Final = re.compile(rb"(\d+) 0 R")


@dataclass(frozen=True, slots=True, eq=False)
class ShownValue:
    """A /V that an annotation of a page has, or a field above it."""

    value: Value
    owner: Ref | None
    """The indirect object that /V is written in."""
    name: str
    """Fully qualified, of the field that the annotation belongs to; empty when nothing is named."""
    kind: Value
    """/FT as inherited."""
    locks: tuple[Value, ...]
    page: Ref | None


class ShownValues:
    """Asked for revision after revision, from the first."""

    def __init__(self, structure: FileStructure) -> None:
        self._structure = structure
        self._page_glance = Glance(structure, b"/Annots", b"/Kids")
        self._node_glance = Glance(structure, b"/Kids")
        self._annots_glance = Glance(structure)
        self._annotation_glance = Glance(structure, b"/V", b"/Parent")
        revisions = structure.revisions[1:]
        self._ever_changed = frozenset().union(*(r.moved for r in revisions))
        self._top: Value = None
        """The catalog's /Pages."""
        self._tree: set[int] = set()
        """Objects that make up the page tree above the pages."""
        self._pages: set[int] = set()
        self._direct: list[tuple[dict[str, Value], Ref | None]] = []
        """Pages written into /Kids, with the object that they are written in."""
        self._values: dict[int, tuple[ShownValue, ...]] = {}
        """By page object, where there are any; those of direct pages under 0."""
        self._pages_of: dict[int, set[int]] = {}
        """Pages that have to be looked at again when an object changes, for objects that ever do."""

    def update(self, revision: int, moved: frozenset[int]) -> bool:
        """Look at what a revision touched. Whether anything may have changed for `values`."""
        top = self._structure.catalog(revision).get("Pages")
        if revision == 1 or top != self._top or not self._tree.isdisjoint(moved):
            self._top = top
            return self._walk(revision, moved)
        touched = {page for number in moved & self._pages_of.keys() for page in self._pages_of[number]}
        pages = moved & self._pages
        if any(self._node_glance.may_hold(self._ref(page, revision), revision) for page in pages):
            return self._walk(revision, moved)
        touched |= pages
        self._look_again(touched, revision)
        return bool(touched)

    def values(self) -> Iterable[ShownValue]:
        """In the state that was asked for last."""
        for shown in self._values.values():
            yield from shown

    def _ref(self, number: int, revision: int) -> Ref:
        return Ref(number, self._structure.entry(number, revision).generation)

    def _walk(self, revision: int, moved: frozenset[int]) -> bool:
        """The whole page tree; pages that were there before and have not moved are not looked at again."""
        structure = self._structure
        before = self._pages
        self._tree, self._direct = set(), []
        pages: set[int] = set()
        suspects: set[int] = set()
        seen: set[int] = set()
        stack: list[tuple[Value, Ref | None]] = [(self._top, None)]
        while stack:
            node, holder = stack.pop()
            if isinstance(node, Ref):
                if node.number in seen:
                    continue
                seen.add(node.number)
                holder = node
            structure.budget.step()
            numbers: set[int] = set()
            value = self._followed(node, revision, numbers)
            kids = self._followed(value.get("Kids"), revision, numbers) if isinstance(value, dict) else None
            if isinstance(kids, list) and value.get("Type") != "Page":
                self._tree |= numbers
                structure.budget.step(len(kids))
                asked = []
                for kid in kids:
                    if not isinstance(kid, Ref):
                        stack.append((kid, holder))
                    elif kid.number in before and kid.number not in moved:
                        pages.add(kid.number)
                    else:
                        asked.append(kid)
                doubtful = self._page_glance.uncertain(asked, revision)
                nodes = self._node_glance.uncertain(doubtful, revision)
                pages.update([ref.number for ref in asked])
                pages.difference_update([ref.number for ref in nodes])
                suspects.update([ref.number for ref in doubtful])
                stack.extend((ref, None) for ref in nodes)
            elif isinstance(node, Ref):
                pages.add(node.number)
            elif isinstance(value, dict) and len(self._direct) < _MAX_DIRECT:
                self._direct.append((value, holder))
        self._pages = pages
        for gone in before - pages:
            self._values.pop(gone, None)
        again = {page for number in moved & self._pages_of.keys() for page in self._pages_of[number]}
        self._look_again(((suspects | again) & pages) | {0}, revision)
        return True

    def _look_again(self, pages: Iterable[int], revision: int) -> None:
        for page in pages:
            found: list[ShownValue] = []
            if page == 0:
                for value, holder in self._direct:
                    self._look_at_page(value, holder, None, 0, revision, found)
            else:
                ref = self._ref(page, revision)
                if not self._leads_nowhere(ref, revision):
                    self._look_at_page(ref, ref, ref, page, revision, found)
            if found:
                self._values[page] = tuple(found)
            else:
                self._values.pop(page, None)

    def _leads_nowhere(self, page: Ref, revision: int) -> bool:
        """Whether a glance at the page and at what it lists shows that: most annotations are links."""
        if not self._page_glance.may_hold(page, revision):
            return True
        if self._annots_glance.may_hold(page, revision):
            return False
        raw = self._annots_glance.raw(page, revision) or b""
        listed = _ANNOTATIONS.findall(raw)
        if len(listed) != 1 or raw.count(b"/Annots") != 1:
            return False
        numbers = [int(number) for number in _REFERENCE.findall(listed[0])]
        self._structure.budget.step(len(numbers))
        if self._annotation_glance.uncertain([Ref(number, 0) for number in numbers], revision):
            return False
        self._depends(page.number, numbers)
        return True

    def _depends(self, page: int, numbers: Iterable[int]) -> None:
        for number in self._ever_changed.intersection(numbers):
            self._pages_of.setdefault(number, set()).add(page)

    def _look_at_page(
        self, node: Value, holder: Ref | None, page: Ref | None, key: int, revision: int, found: list[ShownValue]
    ) -> None:
        numbers: set[int] = set()
        value = self._followed(node, revision, numbers)
        annotations = value.get("Annots") if isinstance(value, dict) else None
        if isinstance(annotations, Ref):
            holder = annotations
        annotations = self._followed(annotations, revision, numbers)
        listed = annotations if isinstance(annotations, list) else ()
        self._structure.budget.step(len(listed))
        annotated = list(dict.fromkeys(entry for entry in listed if isinstance(entry, Ref)))
        numbers.update(annotation.number for annotation in annotated)
        for annotation in self._annotation_glance.uncertain(annotated, revision):
            self._look_at_annotation(annotation, annotation, page, revision, numbers, found)
        for entry in listed:
            if isinstance(entry, dict):
                self._look_at_annotation(entry, holder, page, revision, numbers, found)
        self._depends(key, numbers)

    def _look_at_annotation(
        self,
        node: Value,
        holder: Ref | None,
        page: Ref | None,
        revision: int,
        numbers: set[int],
        found: list[ShownValue],
    ) -> None:
        """The annotation's own /V, and those of the fields above it."""
        owned: list[tuple[Value, Ref | None]] = []
        names: list[str] = []
        locks: list[Value] = []
        kind: Value = None
        seen: set[int] = set()
        for depth in range(_MAX_DEPTH + 1):
            if depth == _MAX_DEPTH:
                raise LimitReached("form fields are nested too deeply")
            if isinstance(node, Ref):
                if node.number in seen:
                    break
                seen.add(node.number)
                holder = node
            value = self._followed(node, revision, numbers)
            if not isinstance(value, dict):
                break
            self._structure.budget.step()
            if value.get("V") is not None:
                owned.append((value["V"], holder))
            if "Lock" in value:
                locks.append(value["Lock"])
            part = text(self._structure.resolve(value.get("T"), revision))
            if part is not None:
                names.append(part)
            kind = kind or self._structure.resolve(value.get("FT"), revision)
            node = value.get("Parent")
            if node is None:
                break
        for entry, owner in owned:
            self._followed(entry, revision, numbers)
            found.append(ShownValue(entry, owner, ".".join(reversed(names)), kind, tuple(locks), page))

    def _followed(self, value: Value, revision: int, numbers: set[int]) -> Value:
        """Like `resolve`, noting the objects on the way."""
        for _ in range(_MAX_CHAIN):
            if not isinstance(value, Ref):
                return value
            numbers.add(value.number)
            value = self._structure.load(value, revision)
        return None
